"""Every path that tomllib reads out of a text gets the line where its key or element really stands."""

from __future__ import annotations

import itertools
import json
import tomllib
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.toml_lines import Lines, Path

SCALARS = [
    "{n}",
    "-{n}.5e3",
    '"v{n} [x] {{y}} # no comment \\" \\\\"',
    "'v{n} \\ [ ] # \"'",
    '"""v{n}\n[not.a.table]\n# \\""" a = 1 """""',
    "'''v{n}\n[[neither]] ''\n'''",
    "1979-05-27 07:32:00.{n:06d}",
    "1979-05-27T07:32:00.{n:06d}+08:00",
    "true # {n}\n",
    "inf # {n}\n",
]
"""Renderings of the scalar number n; those that end in a line end can only stand where one may."""


class Writer:
    """Writes a random document with every key unique, so that a key names its line."""

    def __init__(self, draw: Any) -> None:
        self.draw = draw
        self.numbers = itertools.count(1)
        self.keys: dict[str, str] = {}  # as tomllib reads it -> as it is written
        self.out: list[str] = []

    def pick(self, *options: Any) -> Any:
        return self.draw(st.sampled_from(options))

    def key(self) -> str:
        n = next(self.numbers)
        name, written = self.pick(
            (f"k{n}", f"k{n}"),
            (f"k.{n} [#]=", f'"k.{n} [#]="'),
            (f"k{n}\\", f"'k{n}\\'"),
            (f"k{n}é\t", f'"k{n}\\u00e9\\t"'),
        )
        self.keys[name] = written
        return written

    def scalar(self, one_line: bool) -> str:
        n = next(self.numbers)
        return self.pick(*(SCALARS[:4] if one_line else SCALARS)).format(n=n)

    def blank(self) -> str:
        return self.pick("", " ", "\n", '  # a ] comment }, with "quotes\n', "\n\n\t", "\r\n")

    def value(self, depth: int, one_line: bool) -> str:
        kind = self.pick("scalar", "scalar", "array", "inline") if depth else "scalar"
        if kind == "scalar":
            return self.scalar(one_line)
        if kind == "inline":
            pairs = [f"{self.dotted()} = {self.value(depth - 1, True)}" for _ in range(self.pick(0, 1, 2, 3))]
            return "{ " + ", ".join(pairs) + " }"
        gap = (lambda: "") if one_line else self.blank
        parts = ["[", gap()]
        count = self.pick(0, 1, 2, 4)
        for number in range(count):
            parts += [self.value(depth - 1, one_line), gap()]
            if number < count - 1 or self.pick(True, False):
                parts += [",", gap()]
        return "".join([*parts, "]"])

    def dotted(self) -> str:
        return self.pick(".", " . ").join(self.key() for _ in range(self.pick(1, 1, 1, 2, 3)))

    def pairs(self, indent: str = "") -> None:
        for _ in range(self.pick(0, 1, 2, 3)):
            self.out.append(f"{self.blank()}{indent}{self.dotted()}={self.pick('', ' ')}{self.value(2, False)}\n")

    def tables(self, outer: str, depth: int) -> None:
        for _ in range(self.pick(0, 1, 2, 3)):
            path = f"{outer}{self.pick('.', ' . ') if outer else ''}{self.dotted()}"
            for _ in range(repeats := self.pick(0, 0, 1, 2, 3)):
                self.out.append(f"[[{path}]] # [[no]]\n")
                self.pairs("  ")
                if depth:
                    self.tables(path, depth - 1)
            if not repeats:
                self.out.append(f"[ {path} ]\n")
                self.pairs()
                if depth:
                    self.tables(path, depth - 1)


@st.composite
def documents(draw: Any) -> tuple[str, dict[str, str]]:
    writer = Writer(draw)
    writer.pairs()
    writer.tables("", 2)
    return "".join(writer.out), writer.keys


def paths(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Every path in what tomllib read, with its value."""
    yield path, value
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from paths(inner, (*path, key))
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from paths(inner, (*path, number))


@settings(max_examples=120, deadline=None)
@given(documents())
def test_the_line_of_every_path_holds_its_key(document: tuple[str, dict[str, str]]) -> None:
    text, written = document
    lines = Lines(text)
    rows = text.split("\n")
    for path, value in paths(tomllib.loads(text)):
        row = rows[lines.of(path) - 1]
        if path and isinstance(path[-1], str):
            assert written[path[-1]] in row, f"{path} is not on line {lines.of(path)} of\n{text}"
        elif path and isinstance(value, str):
            assert value.split()[0] in row, f"{path} is not on line {lines.of(path)} of\n{text}"
        elif path and isinstance(value, int) and not isinstance(value, bool):
            assert str(value) in row, f"{path} is not on line {lines.of(path)} of\n{text}"


@settings(max_examples=40, deadline=None)
@given(documents())
def test_what_stands_inside_a_table_stands_on_its_line_or_below(document: tuple[str, dict[str, str]]) -> None:
    text, _ = document
    lines = Lines(text)
    for path, value in paths(tomllib.loads(text)):
        if path and isinstance(value, dict) and isinstance(path[-1], int):  # an element is entered before its keys
            for key in value:
                assert lines.of((*path, key)) >= lines.of(path)


DOCUMENT = """\
data = "x"
[api] # here
port = 1
host . name = 2

[[links]]
name = "a"
subscribe = [
  { topic = "[[links]]", codec = "json" }, # a comment, with ] and "
  { topic = '''
two lines''', codec = "auto" },
]
[links.tls]
ca_file = "x"
[[links]]
[[links.more]]
name = "b"
[types."st ack"]
kind = "stack"
"""


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("data",), 1),
        (("api",), 2),
        (("api", "port"), 3),
        (("api", "host"), 4),
        (("api", "host", "name"), 4),
        (("links",), 6),
        (("links", 0), 6),
        (("links", 0, "name"), 7),
        (("links", 0, "subscribe"), 8),
        (("links", 0, "subscribe", 0), 9),
        (("links", 0, "subscribe", 0, "codec"), 9),
        (("links", 0, "subscribe", 1, "topic"), 10),
        (("links", 0, "subscribe", 1, "codec"), 11),
        (("links", 0, "tls"), 13),
        (("links", 0, "tls", "ca_file"), 14),
        (("links", 1), 15),
        (("links", 1, "more", 0, "name"), 17),
        (("types", "st ack", "kind"), 19),
    ],
)
def test_the_line_of(path: Path, line: int) -> None:
    assert Lines(DOCUMENT).of(path) == line


@pytest.mark.parametrize(
    ("path", "line"),
    [(("links", 1, "name"), 15), (("links", 0, "tls", "key_file", "x"), 13), (("nothing",), 1)],
)
def test_a_key_that_is_not_there_has_the_line_of_the_table_it_is_missed_in(path: Path, line: int) -> None:
    assert Lines(DOCUMENT).of(path) == line


@given(st.text(max_size=60))
def test_a_string_of_any_content_does_not_move_the_next_key(content: str) -> None:
    text = f"a = {json.dumps(content)}\nb = 1\n"
    try:
        tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return
    assert Lines(text).of(("b",)) == 2
