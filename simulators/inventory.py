"""The part of a scenario that the gateway reads, as TOML: everything but `simulate` tables and incidents.

Passwords and keys of loggers stand in a file of their own, as the gateway has it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import cast

from pydantic import BaseModel

from simulators.scenario import Scenario


def toml(scenario: Scenario) -> str:
    """The inventory of a scenario in the form `gateway run` takes it."""
    blocks = [_table("[[sites]]", _plain(site)) for site in scenario.sites]
    blocks += [_table(f"[types.{_text(name)}]", _plain(kind)) for name, kind in scenario.types.items()]
    blocks += [_table("[[devices]]", _plain(device)) for device in scenario.devices]
    blocks += [_table("[[cameras]]", _plain(camera)) for camera in scenario.cameras]
    return "\n".join(blocks)


def write_keys(scenario: Scenario, path: Path) -> None:
    """The passwords and SM4 keys of all that speak HJ 212, as the gateway's `keys_file`; for its owner alone."""
    blocks: list[str] = []
    for device in scenario.devices:
        simulate = scenario.resolve(device).simulate
        if simulate.codec == "hj212" and device.mn:
            keys = [{"key": simulate.sm4_key}] if simulate.sm4_key else []
            secrets = {"password": simulate.password} | ({"keys": keys} if keys else {})
            blocks.append(_table(f"[devices.{_text(device.mn)}]", secrets))
    path.touch(0o600)
    path.write_text("\n".join(blocks), "utf-8")


def _plain(model: BaseModel) -> dict[str, object]:
    return model.model_dump(exclude={"simulate"}, exclude_none=True)


def _table(header: str, values: Mapping[str, object]) -> str:
    lines = [header]
    for key, value in values.items():
        rows = _rows(value)
        if any(isinstance(row, Mapping) for row in rows):
            items = "".join(f"    {_value(row)},\n" for row in rows)
            lines.append(f"{_text(key)} = [\n{items}]")
        else:
            lines.append(f"{_text(key)} = {_value(value)}")
    return "\n".join(lines) + "\n"


def _rows(value: object) -> Sequence[object]:
    """The items of an array, none where it is something else."""
    return cast(Sequence[object], value) if isinstance(value, Sequence) and not isinstance(value, str) else ()


def _value(value: object) -> str:
    if isinstance(value, Mapping):
        table = cast(Mapping[str, object], value)
        return "{ " + ", ".join(f"{_text(key)} = {_value(item)}" for key, item in table.items()) + " }"
    if isinstance(value, str):
        return _quoted(value)
    if isinstance(value, Sequence):
        return "[" + ", ".join(_value(item) for item in _rows(cast(object, value))) + "]"
    return json.dumps(value)  # numbers and booleans are written as in JSON


def _text(key: str) -> str:
    """A key, bare where TOML allows it."""
    return key if key and all(c.isascii() and (c.isalnum() or c in "-_") for c in key) else _quoted(key)


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
