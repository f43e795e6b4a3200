"""Where a value of a TOML file stands: path to line number, so that a mistake can be pointed at.

`tomllib` keeps no positions. This reads the same text once more, knows only where keys, values and brackets are, and
is used on texts that `tomllib` has accepted, after a mistake was found in what they say.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from typing import cast

Path = tuple[str | int, ...]
"""Keys of tables and numbers of array elements from the top: `("links", 0, "qos")`."""

_BLANK = re.compile(r"(?:[ \t\r\n]+|#[^\n]*)*")
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_STRING = re.compile(
    r'"""(?:[^\\]|\\.)*?"{3,5}|'  # up to two quotes may stand just before the closing three
    r"'''.*?'{3,5}|"
    r'"(?:[^"\\\n]|\\.)*"|'
    r"'[^'\n]*'",
    re.DOTALL,
)
_SCALAR = re.compile(r"[^,\]}#\n]+")


class Lines:
    """Line numbers, from 1, of everything in one TOML text that `tomllib` accepts."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._line = 1
        self._counted = 0
        self._lengths: dict[Path, int] = {}  # of arrays of tables, so far
        self._found: dict[Path, int] = {(): 1}
        self._read()

    def of(self, path: Sequence[str | int]) -> int:
        """The line of a key, of an array's element, or of the nearest table around a key that is not there."""
        for length in range(len(path), 0, -1):
            line = self._found.get(tuple(path[:length]))
            if line is not None:
                return line
        return 1

    def _read(self) -> None:
        table: Path = ()
        self._skip()
        while self._at < len(self._text):
            if self._text[self._at] == "[":
                table = self._header()
            else:
                self._pair(table)
            self._skip()

    def _here(self) -> int:
        """The line of the next character."""
        self._line += self._text.count("\n", self._counted, self._at)
        self._counted = self._at
        return self._line

    def _skip(self) -> None:
        """Go over white space, line ends and comments."""
        self._at = self._match(_BLANK).end()

    def _match(self, pattern: re.Pattern[str]) -> re.Match[str]:
        match = pattern.match(self._text, self._at)
        assert match is not None, f"not TOML at line {self._here()}"
        return match

    def _header(self) -> Path:
        """`[a.b]` or `[[a.b]]`: the table that the following pairs belong to."""
        line = self._here()
        of_array = self._text.startswith("[[", self._at)
        self._at += 2 if of_array else 1
        *outer, last = self._keys()
        self._at += 2 if of_array else 1
        path = self._inside((), outer, line)
        path = (*path, last)
        if of_array:
            number = self._lengths.get(path, 0)
            self._lengths[path] = number + 1
            self._found.setdefault(path, line)
            path = (*path, number)
        self._found[path] = line
        return path

    def _inside(self, table: Path, keys: Sequence[str], line: int) -> Path:
        """The table that dotted keys lead to: within an array of tables always its newest."""
        for key in keys:
            table = (*table, key)
            self._found.setdefault(table, line)
            if table in self._lengths:
                table = (*table, self._lengths[table] - 1)
        return table

    def _pair(self, table: Path) -> None:
        """`a.b = value`."""
        line = self._here()
        *outer, last = self._keys()
        path = (*self._inside(table, outer, line), last)
        self._found[path] = line
        assert self._text[self._at] == "=", f"not TOML at line {line}"
        self._at += 1
        self._skip()
        self._value(path)

    def _keys(self) -> list[str]:
        """A dotted key and the blanks after it."""
        keys: list[str] = []
        while True:
            self._skip()
            quoted = self._text[self._at] in "\"'"
            match = self._match(_STRING if quoted else _BARE_KEY)
            keys.append(_unquoted(match[0]) if quoted else match[0])
            self._at = match.end()
            self._skip()
            if self._text[self._at] != ".":
                return keys
            self._at += 1

    def _value(self, path: Path) -> None:
        first = self._text[self._at]
        if first in "\"'":
            self._at = self._match(_STRING).end()
        elif first == "[":
            self._array(path)
        elif first == "{":
            self._inline_table(path)
        else:
            self._at = self._match(_SCALAR).end()

    def _array(self, path: Path) -> None:
        number = 0
        while self._next_in("[,", "]"):
            self._found[(*path, number)] = self._here()
            self._value((*path, number))
            number += 1

    def _inline_table(self, path: Path) -> None:
        while self._next_in("{,", "}"):
            self._pair(path)

    def _next_in(self, before: str, closing: str) -> bool:
        """Go over the opening bracket or the comma; False, behind the bracket, where it closes."""
        self._skip()
        if self._text[self._at] in before:
            self._at += 1
            self._skip()
        if self._text[self._at] == closing:
            self._at += 1
            return False
        return True


def _unquoted(key: str) -> str:
    """A quoted key as `tomllib` reads it."""
    (name,) = cast("dict[str, int]", tomllib.loads(f"{key} = 0"))
    return name
