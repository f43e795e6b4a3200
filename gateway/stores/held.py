"""Readings that wait for the store: an unbroken stretch of the journal, in order, taken from its front.

All is counted in journal positions, not in batches. So it does not matter whether a stretch was held since it came or
was read from the journal again, nor where blocks begin and end: no row is taken twice and none is passed over.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

import numpy as np

from gateway.records import Decoded, Readings


class Held:
    """The stretch `first` to `end` of the journal, decoded; empty where both are equal."""

    def __init__(self) -> None:
        self._parts: deque[tuple[int, Readings]] = deque()
        """Each the end of a stretch and its rows; the next begins there."""
        self.first = 0
        self.end = 0
        self.weight = 0
        """Rows held, and one for each part besides: a part without rows takes memory too."""

    def put(self, decoded: Decoded) -> None:
        """Add the next stretch; it may overlap with what is held, but leave no gap. An empty `Held` begins with it."""
        if not self._parts:
            self.first = self.end = decoded.first
        assert decoded.first <= self.end < decoded.end, "a gap, or nothing new"
        readings = _between(decoded.readings, self.end, decoded.end)
        self._parts.append((decoded.end, readings))
        self.weight += len(readings) + 1
        self.end = decoded.end

    def take(self, position: int, most: int, until: int) -> tuple[Readings, int]:
        """Rows from `position` on, and where they end; what lies before is dropped.

        About `most` rows: a part is cut at a message, so that a message is never divided. Not beyond `until`, where
        that is after `position`. `first <= position < end`.
        """
        assert self.first <= position < self.end
        while True:
            end, readings = self._parts.popleft()
            self.weight -= len(readings) + 1
            self.first = end
            if end > position:
                break
        readings = _between(readings, position, end)
        cut = until if position < until < end else end
        if len(readings) > most:
            cut = min(cut, max(int(readings.position[most]), int(readings.position[0]) + 1))
        if cut < end:
            rest = _between(readings, cut, end)
            self._parts.appendleft((end, rest))
            self.weight += len(rest) + 1
            self.first = end = cut
            readings = _between(readings, position, cut)
        return readings, end


def joined(parts: Sequence[Readings]) -> Readings:
    """Batches as one, in order."""
    if not parts:
        return Readings.empty()
    if len(parts) == 1:
        return parts[0]
    return Readings(
        np.concatenate([part.channel for part in parts]),
        np.concatenate([part.time for part in parts]),
        np.concatenate([part.received for part in parts]),
        np.concatenate([part.value for part in parts]),
        np.concatenate([part.flag for part in parts]),
        np.concatenate([part.position for part in parts]),
        np.concatenate([part.mark for part in parts]),
    )


def _between(readings: Readings, first: int, end: int) -> Readings:
    """The rows of messages `first` to `end`; rows stand in order of position. Gives views, not copies."""
    if not len(readings) or (readings.position[0] >= first and readings.position[-1] < end):
        return readings
    rows = slice(*np.searchsorted(readings.position, [first, end]).tolist())
    return Readings(
        readings.channel[rows],
        readings.time[rows],
        readings.received[rows],
        readings.value[rows],
        readings.flag[rows],
        readings.position[rows],
        readings.mark[rows],
    )
