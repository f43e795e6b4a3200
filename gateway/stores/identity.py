"""Which rows of a batch are new: told from the newest time of each channel, almost always without a look-up.

A row is a repeat when an earlier row of its batch has the same channel and time. Otherwise, a row newer than all
that is stored of its channel is new; only the others may be stored already and have to be looked up. Readings come
in order of time but for resends, so that these are few, and the table of points needs no index.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from detectors.records import NEVER

_SPREAD_TIME: Final = np.uint64(0x9E3779B97F4A7C15)
_SPREAD_CHANNEL: Final = np.uint64(0xC2B2AE3D27D4EB4F)
"""Odd multipliers with well mixed bits: Fibonacci hashing (Knuth, TAOCP 6.4)."""
_GAP: Final = np.int64(3_600_000)
"""Late rows more than an hour apart are looked up apart, so that one wrong clock does not widen the search."""
_MOST_SEARCHES: Final = 16
FUTURE_MS: Final = 86_400_000
"""A reading stamped so much later than it was received is of the far future: more than any mistake of a time zone."""
_SLOTS_A_ROW: Final = 8
"""With eight slots for each row, about one row in sixteen shares its slot by chance and is compared in full."""


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


class NewestTimes:
    """The newest stored time of each channel of a store, shape (channels,).

    A time far beyond that of its receipt is not remembered, or one broken stamp would make every later row of its
    channel a row to look up; such rows are always looked up instead.
    """

    def __init__(self, floor: int = NEVER, future: int = FUTURE_MS) -> None:
        """`floor`: what is known to be newer than all that is stored of channels not met yet (ms UTC).

        `future`: ms by which a stamp may be later than its receipt and still be remembered.
        """
        self._floor = floor
        self._future = future
        self._newest = np.full(1024, floor, np.int64)

    def grow(self, channels: int) -> None:
        """Have room for so many channels."""
        if channels > len(self._newest):
            more = np.full(max(channels, 2 * len(self._newest)) - len(self._newest), self._floor, np.int64)
            self._newest = np.concatenate([self._newest, more])

    def to_look_up(
        self, channel: NDArray[np.int32], time: NDArray[np.int64], received: NDArray[np.int64]
    ) -> NDArray[np.intp]:
        """Row numbers of the rows that are not newer than what is stored of their channel, or far in the future."""
        return np.flatnonzero((time <= self._newest[channel]) | (time > received + self._future))

    def advance(self, channel: NDArray[np.int32], time: NDArray[np.int64], received: NDArray[np.int64]) -> None:
        """Take note of rows that are now stored."""
        near = time <= received + self._future
        if not near.all():
            channel, time = channel[near], time[near]
        np.maximum.at(self._newest, channel, time)


def clusters(rows: NDArray[np.intp], time: NDArray[np.int64]) -> list[NDArray[np.intp]]:
    """The rows in groups with a gap of an hour or more between them; at most `_MOST_SEARCHES`, at the widest gaps."""
    rows = rows[np.argsort(time[rows], kind="stable")]
    gaps = np.diff(time[rows])
    cuts = np.flatnonzero(gaps > _GAP) + 1
    if len(cuts) >= _MOST_SEARCHES:
        cuts = np.sort(cuts[np.argsort(gaps[cuts - 1])[1 - _MOST_SEARCHES :]])
    return np.split(rows, cuts)
