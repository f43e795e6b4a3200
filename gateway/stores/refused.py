"""Finds the lines a database refuses for good, so that one bad line never stalls the others.

A refused group of lines is sent again in halves until the bad ones stand alone; sending a line twice changes nothing.
Three things keep that short: the lines are put in order of field, series and time, so that those refused for the same
reason (the type of a field, the age of a point) stand together; InfluxDB says how many points it dropped, and where
that is the whole group no halves are tried; and the requests for one group are bounded.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

MOST_REQUESTS: Final = 400
"""Requests spent on one group; what is not told apart by then is refused whole. 400 find some 20 bad lines scattered
over 10,000, and any number of them that stand together."""
_MOST_DETAIL: Final = 500
"""Characters kept of what a database says; some repeat every line they refuse."""

_DROPPED: Final = re.compile(r"\bdropped=(\d+)")
_LINE: Final = re.compile(
    rb"(?P<measurement>(?:\\.|[^ ,\\])*)(?P<tags>(?:\\.|[^ \\])*) (?P<field>(?:\\.|[^=\\])*)=.* (?P<time>-?\d+)"
)


@dataclass(frozen=True, slots=True)
class Refusal:
    """What a database said of a request it refused, wholly or in part, because of its lines."""

    detail: str
    dropped: int
    """How many lines it says it refused; 0 where it does not say."""

    @staticmethod
    def of(text: str) -> Refusal:
        """The refusal that an answer's text describes."""
        dropped = _DROPPED.search(text)
        return Refusal(text[:_MOST_DETAIL], int(dropped[1]) if dropped else 0)


Send = Callable[[Sequence[bytes]], Refusal | None]
"""Sends lines; None when all went in. Raises `StoreError` when it is not the lines that are wrong."""


def send_all(lines: Sequence[bytes], send: Send) -> dict[int, str]:
    """Send the lines; returns the refused ones by number, each with the text of the database.

    Raises what `send` raises. Lines with equal series and time go in the order given: the last one stays.
    """
    refusal = send(lines)
    if refusal is None:
        return {}
    requests = 1
    refused: dict[int, str] = {}
    waiting = [(sorted(range(len(lines)), key=lambda row: _sorting(lines[row])), refusal)]
    while waiting:
        rows, refusal = waiting.pop()
        whole = len(rows) == 1 or refusal.dropped >= len(rows)
        if whole or requests + 2 > MOST_REQUESTS:
            detail = refusal.detail if whole else f"one of {len(rows)} lines not told apart: {refusal.detail}"
            refused.update(dict.fromkeys(rows, detail))
            continue
        half = len(rows) // 2
        for part in (rows[:half], rows[half:]):
            requests += 1
            if (said := send([lines[row] for row in part])) is not None:
                waiting.append((part, said))
    return refused


def _sorting(line: bytes) -> tuple[bytes, bytes, bytes, int]:
    found = _LINE.fullmatch(line)
    assert found is not None, line
    return found["measurement"], found["field"], found["tags"], int(found["time"])
