"""Finds the lines a database refuses for good, so that one bad line never stalls the others.

A refused group of lines is sent again in halves until the bad ones stand alone; sending a line twice changes nothing.
Three things keep that short: the lines are put in order of series and time, so that those refused for the same reason
(the type of a field, the age of a point) stand together; InfluxDB says how many points it dropped, and where that is
the whole group no halves are tried; and the requests for one group are bounded.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

MOST_REQUESTS: Final = 400
"""Requests spent on one group; what is not told apart by then is refused whole. 400 find about 20 bad lines in 10,000
that are scattered, and any number that stand together."""

_DROPPED: Final = re.compile(r"\bdropped=(\d+)")


@dataclass(frozen=True, slots=True)
class Refusal:
    """What the database said of a request it refused, wholly or in part, because of its lines."""

    detail: str


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
    order = sorted(range(len(lines)), key=lambda row: _series_and_time(lines[row]))
    waiting = [(order, refusal)]
    while waiting:
        rows, refusal = waiting.pop()
        dropped = _DROPPED.search(refusal.detail)
        whole = len(rows) == 1 or (dropped is not None and int(dropped[1]) >= len(rows))
        if whole or requests + 2 > MOST_REQUESTS:
            detail = refusal.detail if whole else f"one of {len(rows)} lines not told apart: {refusal.detail}"
            refused.update(dict.fromkeys(rows, detail))
            continue
        half = len(rows) // 2
        again: list[tuple[list[int], Refusal]] = []
        for part in (rows[:half], rows[half:]):
            requests += 1
            if (said := send([lines[row] for row in part])) is not None:
                again.append((part, said))
        waiting.extend(reversed(again))
    return refused


def _series_and_time(line: bytes) -> tuple[bytes, int]:
    """Sorting key: the line up to its first field's value, and its time."""
    key, _, time = line.rpartition(b" ")
    return key.partition(b' flag="')[0].rpartition(b"=")[0], int(time)
