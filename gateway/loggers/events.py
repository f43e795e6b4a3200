"""Events: which frames tell something beside readings, and marks that are worth telling only when they change.

Start-ups, alarms, samples kept, instrument numbers and on-site information are told each time. Marks that come along
with data (`-EFlag`, `-Info`, `-SN`) come with every message, so what is told is a mark that is not the device's last.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec

TELLING: Final = frozenset(("1001", "1013", "2071", "2072", "2081", "3015", "3018", "3019", "3020"))
"""Commands whose frames are events. 2062 is none: results of checks are readings."""
MARKS_OF_A_DEVICE: Final = 64
"""Marks followed of one device: twice the factors that one has; the bound of memory is this times the devices."""
LONGEST: Final = 64
"""Characters of a mark that are compared."""
_SUFFIXES: Final = ("-EFlag", "-Info", "-SN")

Items = tuple[tuple[str, str], ...]


class Marks:
    """The last mark of each name, by device."""

    def __init__(self) -> None:
        self._marks: dict[int, dict[str, str]] = {}
        self._last: dict[int, Items] = {}
        self._saved: bytes | None = None

    def changed(self, device: int, items: Items) -> Items:
        """Those marks among `items` that are not the device's last; a first `-EFlag` is no change, a first text is."""
        if self._last.get(device) == items:
            return ()
        self._last[device] = items
        mine = self._marks.setdefault(device, {})
        changed: list[tuple[str, str]] = []
        for name, text in items:
            if not name.endswith(_SUFFIXES):
                continue
            before = mine.get(name)
            if before == text[:LONGEST] or (before is None and len(mine) >= MARKS_OF_A_DEVICE):
                continue
            mine[name] = text[:LONGEST]
            self._saved = None
            if before is not None or not name.endswith("-EFlag"):
                changed.append((name, text))
        return tuple(changed)

    def dump(self) -> bytes:
        """All marks by device number; made anew only where one has changed."""
        if self._saved is None:
            self._saved = msgspec.msgpack.encode(self._marks)
        return self._saved

    def load(self, saved: bytes, now_of: dict[int, int]) -> None:
        """What `dump` gave; `now_of` says which device is now what one was then."""
        marks = msgspec.msgpack.decode(saved, type=dict[int, dict[str, str]])
        self._marks = {now_of[device]: mine for device, mine in marks.items() if device in now_of}
        self._last.clear()
        self._saved = None


def kind_of(items: Iterable[tuple[str, str]]) -> str:
    """`mark` where all that is told are analysers' own marks, else `message`."""
    return "mark" if all(name.endswith("-EFlag") for name, _ in items) else "message"
