"""Keys and passwords of HJ 212 devices from a TOML file and from the environment, with every mistake named.

    [devices.010000A8900016F000169DC0]
    password = "123456"
    keys = [
      { from = 2026-01-01T00:00:00+08:00, key = "0123456789abcdef0123456789abcdef" },
      { from = 2026-04-01T00:00:00+08:00, text = "sixteen letters!" },
    ]

No message holds a secret, nor a part of one: it says of what form a value should be, not what stands there.
"""

from __future__ import annotations

import re
import stat
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final, cast

from gateway.errors import ConfigError
from gateway.hj212.keys import DeviceSecrets, KeyRing
from gateway.mistakes import Mistake, Place, near, shown
from gateway.toml_file import TomlFile

KEY_PREFIX: Final = "HJ212_KEY_"
PASSWORD_PREFIX: Final = "HJ212_PASSWORD_"
"""Names of variables, the MN behind."""

ALWAYS: Final = 0
"""`from` of a key without a time, ms UTC."""

_HEX: Final = re.compile(r"[0-9A-Fa-f]{32}")
_PASSWORD: Final = re.compile(r"[^\s;,&=]{1,64}")
_MN: Final = re.compile(r"[^\s;,&=#]{1,64}")

_IN_DEVICE: Final = ("key_env", "keys", "password", "password_env")
_IN_KEY: Final = ("from", "key", "text")
_HEX_EXPECTED: Final = "expected 32 hexadecimal digits (a key of 16 letters is given as text)"
_ENV_EXPECTED: Final = "expected 32 hexadecimal digits, or time=digits with commas between several"
_PASSWORD_EXPECTED: Final = "expected 1 to 64 letters or digits in quotes, without blanks and without ; , & ="


@dataclass(frozen=True, slots=True)
class CheckedKeys:
    """What file and environment hold, and what is wrong or doubtful there, one line each."""

    ring: KeyRing
    """Of what is right."""
    mistakes: list[str]
    warnings: list[str]


@dataclass(slots=True)
class _Secrets:
    """Of one MN, as they are found."""

    password: str | None = None
    keys: dict[int, bytes] = field(default_factory=dict[int, bytes])
    """Valid from, ms UTC, to key."""


def load_keys(file: Path | None, environment: Mapping[str, str]) -> KeyRing:
    """The secrets of file and environment; of both for one MN the environment's password, and the keys of both.

    Raises `ConfigError` with one line for each mistake.
    """
    checked = check_keys(file, environment)
    if checked.mistakes:
        raise ConfigError("\n".join(checked.mistakes))
    return checked.ring


def check_keys(file: Path | None, environment: Mapping[str, str], known: Collection[str] | None = None) -> CheckedKeys:
    """As `load_keys`, with all that is wrong or doubtful: also secrets of an MN that is not among the `known` ones."""
    found: dict[str, _Secrets] = {}
    mistakes: list[str] = []
    warnings: list[str] = []
    if file is not None:
        source = TomlFile.read(file)
        wrong = source.broken if source.raw is None else list(_read_file(source.raw, environment, found))
        mistakes += source.lines_of(wrong)
        warnings += _mode_warnings(file)
        if known is not None:
            strangers = [mn for mn in found if mn not in known]
            warnings += source.lines_of(Mistake(("devices", mn), "no device has this MN") for mn in strangers)
    mistakes += _read_environment(environment, found)
    ring = KeyRing({mn: DeviceSecrets(one.password, tuple(sorted(one.keys.items()))) for mn, one in found.items()})
    return CheckedKeys(ring, mistakes, warnings)


def _mode_warnings(file: Path) -> list[str]:
    try:
        mode = stat.S_IMODE(file.stat().st_mode)
    except OSError:
        return []  # a mistake already
    if mode & stat.S_IROTH:
        return [f"{file}:1: file: can be read by everybody on this machine (mode {mode:04o}): chmod 600 it"]
    return []


def _read_file(raw: dict[str, Any], environment: Mapping[str, str], found: dict[str, _Secrets]) -> Iterator[Mistake]:
    """Collect what the file says; its mistakes."""
    for key in raw:
        if key != "devices":
            yield Mistake((key,), f"unknown key{near(key, ['devices'])}")
    devices = raw.get("devices", {})
    if not isinstance(devices, dict):
        yield Mistake(("devices",), f"expected a table for each MN, not {_kind(devices)}")
        return
    for mn, table in cast("dict[str, Any]", devices).items():
        place: Place = ("devices", mn)
        if _MN.fullmatch(mn) is None:
            yield Mistake(place, "is no MN: expected 1 to 64 characters without blanks and without ; , & = #")
        elif not isinstance(table, dict):
            yield Mistake(place, f"expected a table, not {_kind(table)}")
        else:
            yield from _read_device(cast("dict[str, Any]", table), place, environment, found.setdefault(mn, _Secrets()))


def _read_device(
    table: dict[str, Any], place: Place, environment: Mapping[str, str], secrets: _Secrets
) -> Iterator[Mistake]:
    for key in table:
        if key not in _IN_DEVICE:
            yield Mistake((*place, key), f"unknown key{near(key, [*_IN_DEVICE])}")
    if "password" in table and "password_env" in table:
        yield Mistake((*place, "password_env"), "give password or password_env, not both")
    if "password" in table:
        if _is_password(table["password"]):
            secrets.password = table["password"]
        else:
            yield Mistake((*place, "password"), _PASSWORD_EXPECTED)
    if "password_env" in table:
        text, wrong = _variable(table["password_env"], environment)
        if _is_password(text):
            secrets.password = text
        else:
            yield Mistake((*place, "password_env"), wrong or f"in that variable {_PASSWORD_EXPECTED}")
    if "key_env" in table:
        text, wrong = _variable(table["key_env"], environment)
        if text is None or not _read_keys(text, secrets):
            yield Mistake((*place, "key_env"), wrong or f"in that variable {_ENV_EXPECTED}")
    entries = table.get("keys", [])
    if not isinstance(entries, list):
        yield Mistake((*place, "keys"), f"expected an array of tables, not {_kind(entries)}")
        return
    for number, entry in enumerate(cast("list[Any]", entries)):
        inner: Place = (*place, "keys", number)
        if isinstance(entry, dict):
            yield from _read_key(cast("dict[str, Any]", entry), inner, secrets)
        else:
            yield Mistake(inner, f"expected a table with from and key, not {_kind(entry)}")


def _read_key(entry: dict[str, Any], place: Place, secrets: _Secrets) -> Iterator[Mistake]:
    for name in entry:
        if name not in _IN_KEY:
            yield Mistake((*place, name), f"unknown key{near(name, [*_IN_KEY])}")
    valid_from = ALWAYS
    moment = entry.get("from")
    if isinstance(moment, datetime) and moment.tzinfo is not None:
        valid_from = round(moment.timestamp() * 1000)
    elif "from" in entry:
        expected = "expected a time with its offset and without quotes, as 2026-01-01T00:00:00+08:00"
        yield Mistake((*place, "from"), expected)
        return
    if ("key" in entry) == ("text" in entry):
        yield Mistake(place, "give key or text, not both" if "key" in entry else "key is missing")
        return
    if "key" in entry:
        key = _hex_key(entry["key"])
        if key is None:
            yield Mistake((*place, "key"), _HEX_EXPECTED)
            return
    else:
        text = entry["text"]
        if not (isinstance(text, str) and len(text) == 16 and text.isascii()):
            yield Mistake((*place, "text"), "expected 16 ASCII characters in quotes")
            return
        key = text.encode()
    if secrets.keys.setdefault(valid_from, key) != key:
        yield Mistake((*place, "from"), "another key is valid from the same time: one of them is never used")


def _read_environment(environment: Mapping[str, str], found: dict[str, _Secrets]) -> Iterator[str]:
    """Collect what the environment says; its mistakes as lines."""
    for name, text in sorted(environment.items()):
        for prefix in (KEY_PREFIX, PASSWORD_PREFIX):
            mn = name.removeprefix(prefix)
            if mn in (name, ""):
                continue
            secrets = found.setdefault(mn, _Secrets())
            if prefix == KEY_PREFIX:
                if not _read_keys(text, secrets):
                    yield f"environment: {name}: {_ENV_EXPECTED}"
            elif _is_password(text):
                secrets.password = text
            else:
                yield f"environment: {name}: {_PASSWORD_EXPECTED}"


def _read_keys(text: str, secrets: _Secrets) -> bool:
    """Take `digits` or `time=digits,time=digits` over what is there; whether all was readable."""
    for part in text.split(","):
        moment, equals, digits = part.rpartition("=")
        key = _hex_key(digits.strip())
        valid_from = ALWAYS
        if equals:
            try:
                parsed = datetime.fromisoformat(moment.strip())
            except ValueError:
                return False
            if parsed.tzinfo is None:
                return False
            valid_from = round(parsed.timestamp() * 1000)
        if key is None:
            return False
        secrets.keys[valid_from] = key
    return True


def _variable(name: object, environment: Mapping[str, str]) -> tuple[str | None, str]:
    """What an environment variable holds, or what is wrong with its name."""
    if not isinstance(name, str) or not name:
        return None, "expected the name of an environment variable in quotes"
    if name not in environment:
        return None, f"the environment has no variable {shown(name)}"
    return environment[name], ""


def _hex_key(value: object) -> bytes | None:
    return bytes.fromhex(value) if isinstance(value, str) and _HEX.fullmatch(value) else None


def _is_password(value: object) -> bool:
    return isinstance(value, str) and _PASSWORD.fullmatch(value) is not None


def _kind(value: object) -> str:
    """What stands in a table's or an array's place, without its value: it may be a secret."""
    if isinstance(value, Mapping):
        return "a table"
    if isinstance(value, list):
        return "an array"
    return "text" if isinstance(value, str) else "a single value"
