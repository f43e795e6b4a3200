"""The configuration and the inventory from their TOML files, with every mistake named by file, line and field."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from gateway.config import Config
from gateway.config_topics import topic_mistakes
from gateway.config_warnings import config_warnings, inventory_warnings
from gateway.errors import ConfigError
from gateway.inventory import Inventory
from gateway.inventory_file import SECTIONS, as_table, read_inventory
from gateway.mistakes import Mistake, mistakes_of
from gateway.toml_lines import Lines

_AT = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")


@dataclass(frozen=True, slots=True)
class Checked:
    """What the files say, and what is wrong or doubtful in them, one line each as `file.toml:12: links.0.qos: ...`."""

    config: Config | None
    """None where it has mistakes."""
    inventory: Inventory | None
    """None where it has mistakes."""
    mistakes: list[str]
    warnings: list[str]


def load(path: Path) -> tuple[Config, Inventory]:
    """Read both. Raises `ConfigError` with one line for each mistake, all of them at once."""
    checked = check(path)
    if checked.mistakes or checked.config is None or checked.inventory is None:
        raise ConfigError("\n".join(checked.mistakes))
    return checked.config, checked.inventory


def check(path: Path) -> Checked:
    """Read both and look for mistakes and for what is probably not meant. Raises nothing for what the files hold."""
    source = _Source.read(path)
    if source.raw is None:
        return Checked(None, None, source.lines_of(source.broken), [])
    settings = {key: value for key, value in source.raw.items() if key not in SECTIONS}
    inline = {key: value for key, value in source.raw.items() if key in SECTIONS}
    config, mistakes = _config(settings, path.absolute().parent)
    mistakes += topic_mistakes(settings)

    elsewhere = settings.get("inventory")
    if not isinstance(elsewhere, str):
        inventory, wrong, entries = read_inventory(inline)
        return Checked(
            config,
            inventory,
            source.lines_of(mistakes + wrong),
            source.lines_of((config_warnings(config) if config else []) + inventory_warnings(entries)),
        )
    mistakes += [Mistake((key,), f"stands here and in inventory = {elsewhere!r}: move it there") for key in inline]
    other = _Source.read(path.parent / elsewhere)
    lines = source.lines_of(mistakes)
    doubts = source.lines_of(config_warnings(config) if config else [])
    if other.raw is None:
        return Checked(config, None, lines + other.lines_of(other.broken), doubts)
    inventory, wrong, entries = read_inventory(other.raw)
    return Checked(
        config,
        inventory,
        lines + other.lines_of(wrong),
        doubts + other.lines_of(inventory_warnings(entries)),
    )


def _config(raw: dict[str, Any], folder: Path) -> tuple[Config | None, list[Mistake]]:
    """The settings; paths in them are taken from the folder of their file."""
    with_data = {"data": str(Config.model_fields["data"].default), **raw}  # a default would not go through the folder
    text = json.dumps(with_data, default=as_table)  # as JSON, for the reason given at the inventory
    try:
        return Config.model_validate_json(text, strict=True, context={"folder": folder}), []
    except ValidationError as error:
        return None, mistakes_of(error, Config, raw)


@dataclass(frozen=True, slots=True)
class _Source:
    """A TOML file as read: what it says, or why it cannot be read."""

    path: Path
    text: str
    raw: dict[str, Any] | None
    broken: list[Mistake]
    broken_line: int = 1

    @classmethod
    def read(cls, path: Path) -> _Source:
        try:
            content = path.read_bytes()
        except OSError as error:
            return cls(path, "", None, [Mistake((), f"cannot be read: {error.strerror}")])
        try:
            text = content.decode("utf-8-sig")  # editors on Windows put a mark in front
        except UnicodeDecodeError as error:
            line = content.count(b"\n", 0, error.start) + 1
            return cls(path, "", None, [Mistake((), "is not UTF-8: save the file in that encoding")], line)
        text = text.replace("\r\n", "\n")
        try:
            return cls(path, text, tomllib.loads(text), [])
        except tomllib.TOMLDecodeError as error:
            line, message = _where(str(error), text)
            return cls(path, text, None, [Mistake((), f"not TOML: {message}")], line)
        except RecursionError:
            return cls(path, text, None, [Mistake((), "not TOML: nested too deeply")])

    def lines_of(self, mistakes: Iterable[Mistake]) -> list[str]:
        """The mistakes as lines of text, in the order of the file, each once."""
        mistakes = list(mistakes)
        if self.raw is None:
            return [f"{self.path}:{self.broken_line}: {mistake.text}" for mistake in mistakes]
        if not mistakes:  # most files have none, and then nobody needs to know what stands where
            return []
        lines = Lines(self.text)
        placed = sorted(((lines.of(each.path), each) for each in dict.fromkeys(mistakes)), key=lambda pair: pair[0])
        return [
            f"{self.path}:{line}: {'.'.join(map(str, mistake.path)) or 'file'}: {mistake.text}"
            for line, mistake in placed
        ]


def _where(message: str, text: str) -> tuple[int, str]:
    """Line and message of a mistake in the syntax; tomllib has the line in its message only."""
    found = _AT.search(message)
    if found is None:
        return 1, message
    if found[1] is None:
        return text.rstrip("\n").count("\n") + 1, f"{message[: found.start()]} at the end of the file"
    return int(found[1]), f"{message[: found.start()]} (column {found[2]})"
