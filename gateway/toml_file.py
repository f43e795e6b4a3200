"""A TOML file as read: what it says, or why it cannot be read, and mistakes in it with the line where they stand."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gateway.mistakes import Mistake
from gateway.toml_lines import Lines

_AT = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")


@dataclass(frozen=True, slots=True)
class TomlFile:
    """A TOML file as read: what it says, or why it cannot be read."""

    path: Path
    text: str = field(repr=False)
    raw: dict[str, Any] | None = field(repr=False)
    broken: list[Mistake]
    broken_line: int = 1

    @classmethod
    def read(cls, path: Path) -> TomlFile:
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
