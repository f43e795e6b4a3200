"""Where a key of a TOML text stands: for mistakes that are found in what was read of it.

It reads as plainly as it can: strings and comments are blanked out, what is left are headers, keys and brackets.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Final, NamedTuple

Loc = tuple[str | int, ...]
"""The way to a key: `("devices", 3, "interval_s")`."""

_QUOTED: Final = re.compile(
    r'"""[\s\S]*?"""|\'\'\'[\s\S]*?\'\'\'|"(?:[^"\\\n]|\\.)*"(?!\s*[=.\]])|\'[^\'\n]*\'(?!\s*[=.\]])|#[^\n]*'
)
_HEADER: Final = re.compile(r"^[ \t]*(\[\[?)([^\[\],\n{}=]+)\]\]?[ \t]*$", re.MULTILINE)
_DEPTH: Final = {"[": 1, "{": 1, "]": -1, "}": -1}


class Section(NamedTuple):
    """A header, or the top of the text, and what stands below it up to the next header."""

    loc: Loc
    start: int
    body: int
    end: int


def locate(text: str, loc: Sequence[str | int]) -> int:
    """Line (from 1) of a key; of one that is not there that of its table; 0 where not even that is found.

    Parts of `loc` that are in the model and not in the text, as the kind of an incident, are passed over.

    >>> locate('[[a]]\\nx = 1\\n[[a]]\\nlist = [\\n  { y = 1 },\\n  { y = 2 },\\n]', ("a", 1, "list", 1, "y"))
    6
    """
    if not loc:
        return 0
    way = tuple(loc)
    plain, sections = _parsed(text)
    own = max((each for each in sections if way[: len(each.loc)] == each.loc), key=lambda each: len(each.loc))
    at, found = _walk(plain, own, way[len(own.loc) :])
    if not found:
        below = next((each for each in sections if each.loc[: len(way)] == way), None)
        if below is not None:
            at = below.start
        elif not own.loc:
            return 0
    return plain.count("\n", 0, at) + 1


@lru_cache(maxsize=1)
def _parsed(text: str) -> tuple[str, list[Section]]:
    """Without strings and comments, and its sections: one text has many mistakes."""
    plain = _QUOTED.sub(lambda found: re.sub(r"[^\n]", " ", found[0]), text)
    return plain, list(_sections(plain))


def _sections(plain: str) -> Iterator[Section]:
    """All of a text, each array's tables numbered."""
    headers: list[re.Match[str]] = []
    depth = last = 0
    for each in _HEADER.finditer(plain):
        depth += _depth(plain[last : each.start()])
        last = each.start()
        if depth == 0:  # not an item of a list that has a line of its own
            headers.append(each)
    ends = [*(each.start() for each in headers), len(plain)]
    yield Section((), 0, 0, ends[0])
    arrays: Counter[Loc] = Counter()
    for header, end in zip(headers, ends[1:], strict=True):
        names = [part.strip().strip("\"'") for part in header[2].split(".")]
        loc: Loc = ()
        for number, name in enumerate(names):
            loc = (*loc, name)
            if number == len(names) - 1 and header[1] == "[[":
                arrays[loc] += 1
            if arrays[loc]:
                loc = (*loc, arrays[loc] - 1)
        yield Section(loc, header.start() + len(header[0]) - len(header[0].lstrip()), header.end(), end)


def _walk(plain: str, section: Section, way: Loc) -> tuple[int, bool]:
    """As far as the way leads into a section, and whether it led anywhere."""
    at, start, end = section.start, section.body, section.end
    found = not way
    for part in way:
        step = _item(plain, start, end, part) if isinstance(part, int) else _key(plain, start, end, part)
        if step is not None:
            (at, start, end), found = step, True
    return at, found


def _key(plain: str, start: int, end: int, name: str) -> tuple[int, int, int] | None:
    """Where a key of a table stands, and from where to where its value goes."""
    wanted = re.compile(rf"(?:(?<=[\s{{,.])|^)[\"']?{re.escape(name)}[\"']?\s*(?:=|(?=\.[\w.]+\s*=))")
    if plain[start : start + 1] == "{":
        start, end = start + 1, end - 1
    for found in wanted.finditer(plain, start, end):
        if _depth(plain[start : found.start()]) == 0:
            value = found.end() + len(plain[found.end() : end]) - len(plain[found.end() : end].lstrip())
            return found.start(), value, _after(plain, value, end)
    return None


def _item(plain: str, start: int, end: int, number: int) -> tuple[int, int, int] | None:
    """Where an item of a list stands, twice, and where it ends."""
    if plain[start : start + 1] != "[":
        return None
    item = after = start + 1
    for _ in range(number + 1):
        item = after + len(plain[after:end]) - len(plain[after:end].lstrip(" \t\r\n,"))
        after = _after(plain, item, end)
    return item, item, after


def _after(plain: str, at: int, end: int) -> int:
    """The end of a value: behind its closing bracket, or at the comma, bracket or end of line that ends it."""
    depth = 0
    for place in range(at, end):
        letter = plain[place]
        if depth == 0 and (letter in ",]}" or (letter == "\n" and place > at)):
            return place
        depth += _DEPTH.get(letter, 0)
        if depth == 0 and letter in "]}":
            return place + 1
    return end


def _depth(plain: str) -> int:
    return sum(plain.count(letter) * step for letter, step in _DEPTH.items())
