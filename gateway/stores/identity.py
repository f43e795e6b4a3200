"""Rows of a batch that have channel and time in common, and the order of rows within their channels.

Readings come in order of time but for resends: what costs little here is to see that nothing is repeated and nothing
is out of order.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

_SPREAD_TIME: Final = np.uint64(0x9E3779B97F4A7C15)
_SPREAD_CHANNEL: Final = np.uint64(0xC2B2AE3D27D4EB4F)
"""Odd multipliers with well mixed bits: Fibonacci hashing (Knuth, TAOCP 6.4)."""
_GAP: Final = np.int64(3_600_000)
"""Late rows more than an hour apart are looked up apart, so that one wrong clock does not widen the search."""
_MOST_SEARCHES: Final = 16
_SLOTS_A_ROW: Final = 8
"""With eight slots for each row, about one row in sixteen shares its slot by chance and is compared in full."""


class Grouped:
    """A batch by channel, each channel's rows in order of arrival."""

    def __init__(self, channel: NDArray[np.int32], time: NDArray[np.int64]) -> None:
        """Columns of shape (n,)."""
        low = (channel & 0xFFFF).astype(np.uint16)
        self._order = np.argsort(low, kind="stable")  # of 16 bits numpy sorts in a third of the time of 32
        if len(channel) and int(channel.max()) > 0xFFFF:
            high = (channel >> 16).astype(np.uint16)[self._order]
            self._order = self._order[np.argsort(high, kind="stable")]
        self._channel = channel[self._order]
        self._time = time[self._order]

    def ascending(self) -> bool:
        """Whether each row is newer than the one before it of its channel: then none repeats another either."""
        same = self._channel[1:] == self._channel[:-1]
        return not bool((same & (self._time[1:] <= self._time[:-1])).any())

    def overtaken(self, before: int) -> NDArray[np.intp]:
        """Row numbers of rows older than an earlier row of their channel; rows not older than `before` do not count."""
        count = len(self._time)
        rank = np.unique(self._time, return_inverse=True)[1] + 1
        rank[self._time >= before] = 0
        group = np.cumsum(np.diff(self._channel, prepend=self._channel[:1]) != 0)
        key = group * (count + 1) + rank  # one running maximum does for all channels
        newest = np.maximum.accumulate(key)
        return self._order[1:][(key[1:] < newest[:-1]) & (rank[1:] > 0)]


class Repeats:
    """Finds rows that repeat an earlier row of the same batch. Keeps its table of slots, to be used again."""

    def __init__(self) -> None:
        self._slots = np.zeros(1024, np.int32)

    def find(self, channel: NDArray[np.int32], time: NDArray[np.int64]) -> NDArray[np.intp]:
        """Row numbers, ascending, of rows with channel and time of an earlier row; columns of shape (n,).

        Rows are thrown into slots; only those that meet another row there are compared. A sort of the batch would
        cost four times as much (measured at 50,000 rows).
        """
        count = len(channel)
        if count * _SLOTS_A_ROW > len(self._slots):
            self._slots = np.zeros(1 << (count * _SLOTS_A_ROW - 1).bit_length(), np.int32)
        shift = np.uint64(65 - len(self._slots).bit_length())
        slot = ((time.view(np.uint64) * _SPREAD_TIME) ^ (channel.astype(np.uint64) * _SPREAD_CHANNEL)) >> shift
        slot = slot.view(np.int64)
        rows = np.arange(count, dtype=np.int32)
        self._slots[slot] = rows
        holder = self._slots[slot]  # one of the rows of each slot; what an earlier batch left is overwritten
        ousted = np.flatnonzero(holder != rows)
        if not len(ousted):
            return ousted
        met = np.union1d(ousted, holder[ousted])
        order = met[np.lexsort((time[met], channel[met]))]  # stable: the earliest of equals stays first
        same = (channel[order[1:]] == channel[order[:-1]]) & (time[order[1:]] == time[order[:-1]])
        return np.sort(order[1:][same])


def clusters(rows: NDArray[np.intp], time: NDArray[np.int64]) -> list[NDArray[np.intp]]:
    """The rows in groups with a gap of an hour or more between them; at most `_MOST_SEARCHES`, at the widest gaps."""
    rows = rows[np.argsort(time[rows], kind="stable")]
    gaps = np.diff(time[rows])
    cuts = np.flatnonzero(gaps > _GAP) + 1
    if len(cuts) >= _MOST_SEARCHES:
        cuts = np.sort(cuts[np.argsort(gaps[cuts - 1])[1 - _MOST_SEARCHES :]])
    return np.split(rows, cuts)
