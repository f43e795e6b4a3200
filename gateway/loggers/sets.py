"""Sets: the packets of split messages, joined to see whether all of them came. Their readings do not wait for it.

Packets belong together by device, ST, CN, DataTime and PNUM: each has a QN of its own by the standard, and all one in
the field. A set has `timeout` from its first packet on, by the time received; then what is missing is told.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, NamedTuple

import msgspec

from detectors.records import NEVER

OPEN_KEPT: Final = 10_000
"""Sets that wait for packets, of all devices together; of more the oldest are let go, and counted."""
DONE_KEPT: Final = 20_000
"""Sets remembered as complete or given up, so that a late packet does not begin a new one."""
SETTLE_MS: Final = 5_000
"""So much longer the clock is waited for: packets received in time may still be on their way through the journal."""


class Key(NamedTuple):
    device: int
    st: str
    cn: str
    time: int
    pnum: int


@dataclass(slots=True)
class OpenSet:
    """Packets of one message, so far."""

    key: Key
    received: int
    """When the first packet came, ms UTC."""
    position: int
    row: int
    """Journal position and row of the first packet."""
    clean: bool
    """That packet had no verdict."""
    packets: set[int]

    @property
    def missing(self) -> list[int]:
        """Numbers of the packets that did not come."""
        return [pno for pno in range(1, self.key.pnum + 1) if pno not in self.packets]


class Sets:
    """Sets that wait, in the order of their first packets."""

    def __init__(self, timeout: int) -> None:
        """`timeout` in ms."""
        self._timeout = timeout
        self._open: OrderedDict[Key, OpenSet] = OrderedDict()
        self._done: OrderedDict[Key, None] = OrderedDict()
        self.dropped = 0
        """Sets let go for want of room, complete or not."""

    def waiting(self) -> Counter[int]:
        """Sets that wait, by device."""
        return Counter(key.device for key in self._open)

    def take(self, key: Key, pno: int, received: int, position: int, row: int, *, clean: bool) -> bool:
        """Add a packet; True where it completes its set. A number outside 1 to PNUM adds nothing.

        Sets that are over at `received` must have been expired before.
        """
        if key in self._done:
            return False
        found = self._open.get(key)
        if found is None:
            found = self._open[key] = OpenSet(key, received, position, row, clean, set())
            if len(self._open) > OPEN_KEPT:
                self._finish(next(iter(self._open)))
                self.dropped += 1
        if 1 <= pno <= key.pnum:
            found.packets.add(pno)
        if len(found.packets) < key.pnum:
            return False
        self._finish(key)
        return True

    def expire(self, now: int) -> list[OpenSet]:
        """Give up the sets whose time was over before `now` (ms UTC), oldest first, and return them."""
        over: list[OpenSet] = []
        while self._open:
            first = next(iter(self._open.values()))
            if first.received + self._timeout >= now:
                break
            self._finish(first.key)
            over.append(first)
        return over

    def _finish(self, key: Key) -> None:
        del self._open[key]
        if key.time != NEVER:  # else the next message of this kind has the same key
            self._done[key] = None
            if len(self._done) > DONE_KEPT:
                self._done.popitem(last=False)

    def dump(self) -> bytes:
        """All sets, by device number."""
        return msgspec.msgpack.encode((list(self._open.values()), list(self._done)))

    def load(self, saved: bytes, now_of: dict[int, int]) -> None:
        """What `dump` gave; `now_of` says which device is now what one was then. Sets of others are let go."""
        waiting, done = msgspec.msgpack.decode(saved, type=tuple[list[OpenSet], list[Key]])
        for one in waiting:
            if one.key.device in now_of:
                one.key = one.key._replace(device=now_of[one.key.device])
                self._open[one.key] = one
        self._done.update((key._replace(device=now_of[key.device]), None) for key in done if key.device in now_of)


def ranges(numbers: Iterable[int]) -> str:
    """Ascending numbers for people.

    >>> ranges([1, 2, 3, 7, 9, 10])
    '1-3,7,9-10'
    """
    parts: list[list[int]] = []
    for number in numbers:
        if parts and number == parts[-1][1] + 1:
            parts[-1][1] = number
        else:
            parts.append([number, number])
    return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in parts)
