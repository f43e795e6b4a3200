"""Paths into JSON, in a syntax small enough for one line of a manual:

    name            a key of an object; "any text" in quotes where it has other characters than letters, digits, _ and -
    a.b.c           keys in keys
    a[0]  a[-1]     an element of an array, from the front or from the back
    a[*]  a.*       every element of an array; every value of an object
    (empty)         the thing itself

    $.a             from the top of the message
    ^.a  ^^.a       from what the thing stands in, and from what that stands in
    @key            the key, or the number, under which the thing stands; ^@key that of what it stands in

>>> chains = matches(compile_path("sensors[*].values.*", wild=True), {"sensors": [{"id": 7, "values": {"so2": 35.2}}]})
>>> [get(compile_path(text), chains[0]) for text in ("", "@key", "^^.id", "$.sensors[0].id")]
[35.2, 'so2', 7, 7]

A path is compiled once. It never raises for what a message holds: what is not there is `MISSING`.
"""

from __future__ import annotations

import re
from typing import Any, Final, NamedTuple, cast


class _Missing:
    """What a path leads to where nothing is."""

    def __repr__(self) -> str:
        return "nothing"


MISSING: Final = _Missing()
LONGEST: Final = 256
"""Characters of a path."""

EVERY_ELEMENT: Final = ("[*]",)
EVERY_VALUE: Final = ("*",)

Step = str | int | tuple[str]
"""A key, an element's number, or one of the two above."""
Chain = list[tuple[Any, Any]]
"""From the top of the message to a thing in it: the key or number of each, and the thing. The top has the key None."""

_STEP: Final = re.compile(
    r'\.?"(?P<quoted>(?:[^"\\]|\\.)+)"|\.?(?P<key>[^\W]+(?:-\w+)*)|\[(?P<index>-?\d{1,6})\]|(?P<element>\[\*\])|(?P<value>\.?\*)'
)
_ANCHOR: Final = re.compile(r"\$|\^+|")


class JsonPath(NamedTuple):
    """A compiled path."""

    text: str
    up: int
    """How many levels up it begins; -1: at the top."""
    steps: tuple[Step, ...]
    key: bool
    """Whether it asks for the key of where it begins."""


def compile_path(text: str, *, wild: bool = False) -> JsonPath:
    """Read a path; `wild`: it may lead to several things, and begins at the top. Raises ValueError, with a sentence."""
    if len(text) > LONGEST:
        raise ValueError(f"path {text[:40]!r}...: longer than {LONGEST} characters")
    anchor = _ANCHOR.match(text)
    mark = anchor[0] if anchor else ""
    if wild and mark.startswith("^"):
        raise ValueError(f"path {text!r}: ^ has no meaning at the top of the message")
    up = -1 if mark == "$" else len(mark)
    rest = text[len(mark) :]
    if rest == "@key":
        if wild or mark == "$":
            raise ValueError(f"path {text!r}: the message itself has no key")
        return JsonPath(text, up, (), True)
    if rest == "." and not mark:
        rest = ""
    steps: list[Step] = []
    at = 0
    while at < len(rest):
        found = _STEP.match(rest, at)
        dotted = rest[at] in ".["
        if found is None or not (dotted or (at == 0 and not mark)) or (at == 0 and not mark and rest[at] == "."):
            raise ValueError(f"path {text!r}: not understood from {rest[at : at + 20]!r} on; see docs/payloads.md")
        steps.append(_step(found))
        at = found.end()
    if not wild and any(isinstance(step, tuple) for step in steps):
        raise ValueError(f"path {text!r}: only `readings` may lead to several things with * or [*]")
    return JsonPath(text, up, tuple(steps), False)


def _step(found: re.Match[str]) -> Step:
    if found["quoted"] is not None:
        return re.sub(r"\\(.)", r"\1", found["quoted"])
    if found["key"] is not None:
        return found["key"]
    if found["index"] is not None:
        return int(found["index"])
    return EVERY_ELEMENT if found["element"] else EVERY_VALUE


def matches(path: JsonPath, message: object) -> list[Chain]:
    """The things that a wild path leads to, in the order of the message."""
    chains: list[Chain] = [[(None, message)]]
    for step in path.steps:
        longer: list[Chain] = []
        for chain in chains:
            here = chain[-1][1]
            if step is EVERY_ELEMENT:
                if type(here) is list:
                    longer += [[*chain, pair] for pair in enumerate(cast("list[Any]", here))]
            elif step is EVERY_VALUE:
                if type(here) is dict:
                    longer += [[*chain, pair] for pair in cast("dict[str, Any]", here).items()]
            else:
                value = _inside(here, step)
                if value is not MISSING:
                    longer.append([*chain, (step, value)])
        chains = longer
    return chains


def get(path: JsonPath, chain: Chain) -> Any:
    """What a path without wildcards leads to from the end of a chain, `MISSING` where nothing is there."""
    if path.up < 0:
        value = chain[0][1]
    elif path.up < len(chain):
        key, value = chain[-1 - path.up]
        if path.key:
            return MISSING if key is None else key
    else:
        return MISSING
    for step in path.steps:
        value = _inside(value, step)
        if value is MISSING:
            break
    return value


def _inside(value: Any, step: Step) -> Any:
    if type(value) is dict:
        return cast("dict[Any, Any]", value).get(step, MISSING)
    if (
        type(value) is list
        and type(step) is int
        and -len(cast("list[Any]", value)) <= step < len(cast("list[Any]", value))
    ):
        return cast("list[Any]", value)[step]
    return MISSING
