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
    """The newest stored time of each channel of a store, shape (channels,), `NEVER` where it has no point."""

    def __init__(self) -> None:
        self._newest = np.full(1024, NEVER, np.int64)

    def grow(self, channels: int) -> None:
        """Have room for so many channels."""
        if channels > len(self._newest):
            more = np.full(max(channels, 2 * len(self._newest)) - len(self._newest), NEVER, np.int64)
            self._newest = np.concatenate([self._newest, more])

    def not_newer(self, channel: NDArray[np.int32], time: NDArray[np.int64]) -> NDArray[np.intp]:
        """Row numbers of the rows that are not newer than what is stored of their channel."""
        return np.flatnonzero(time <= self._newest[channel])

    def advance(self, channel: NDArray[np.int32], time: NDArray[np.int64]) -> None:
        """Take note of rows that are now stored."""
        np.maximum.at(self._newest, channel, time)
