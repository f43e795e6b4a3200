"""The items of a CP as text: `name=value`, cut at `;` and `,` but not within text between `//`."""

from __future__ import annotations

import math
import re
from typing import Final, NamedTuple

from gateway.hj212.verdicts import Verdict
from gateway.names import split_name
from gateway.reasons import shown

_SEPARATOR: Final = re.compile("[;,]")
_PART: Final = re.compile(r"((?://.*?//|[^;,])*)([;,]|\Z)", re.DOTALL)
"""A part, with text between `//` that may hold separators, and what ends it."""
_NUMBER: Final = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)


class Items(NamedTuple):
    """The items of one CP, in order as sent, repeated ones too."""

    names: list[str]
    values: list[str]
    separators: str
    """One character an item: what stands before it, `;` for the first."""
    unreadable: str
    """The first part that is no `name=value`, for a sentence."""
    form: Verdict


def read_items(body: str) -> Items:
    """Cut a CP into its items, trimmed. Never raises."""
    names: list[str] = []
    values: list[str] = []
    separators: list[str] = []
    unreadable = ""
    form = Verdict.NONE
    before = ";"
    for part, after in _parts(body):
        name, equals, value = part.partition("=")
        if equals:
            names.append(name.strip())
            values.append(value.strip())
            separators.append(before)
            if len(names[-1]) != len(name) or len(values[-1]) != len(value):
                form |= Verdict.BLANKS
        elif stripped := part.strip():
            unreadable = unreadable or shown(stripped)
            form |= Verdict.ITEM_UNREADABLE
        else:
            form |= Verdict.SEPARATOR if not part else Verdict.SEPARATOR | Verdict.BLANKS
        before = after
    return Items(names, values, "".join(separators), unreadable, form)


def _parts(body: str) -> list[tuple[str, str]]:
    """Each part with the separator behind it. An empty body has none."""
    if not body:
        return []
    if "//" not in body:
        return [*zip(_SEPARATOR.split(body), [*_SEPARATOR.findall(body), ""], strict=True)]
    found: list[tuple[str, str]] = []
    at = 0
    while True:
        match = _PART.match(body, at)
        assert match is not None, "an empty part matches"
        found.append((match[1], match[2]))
        if not match[2]:
            return found
        at = match.end()


def analysers_of(items: Items) -> list[str]:
    """For each item the analyser that the last PolId before it names; empty where no PolId is sent."""
    if "PolId" not in items.names:
        return []
    found: list[str] = []
    analyser = ""
    for name, value in zip(items.names, items.values, strict=True):
        if name == "PolId":
            analyser = value if split_name(value, "Info") is not None and "-" not in value else ""
        found.append(analyser)
    return found


def number(text: str) -> float | None:
    """The number a value's text stands for, None where it is no finite decimal number."""
    if _NUMBER.fullmatch(text) is None:
        return None
    value = float(text)
    return value if math.isfinite(value) else None
