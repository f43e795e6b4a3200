"""What each row of a batch is to a store: a new point, a repeat of a stored one, or another value for a stored instant.

A row repeats an instant when an earlier row of its batch, or the store, has its channel and time. With the same value
and flag it is a duplicate and says nothing new; with another it is a revision, numbered from 1 for each instant.
Almost no row has to be looked up in the store: one that is newer than all that is stored of its channel is new.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gateway.marks import OUT_OF_ORDER, REVISION
from gateway.records import Readings
from gateway.stores.identity import Grouped, Repeats
from gateway.stores.newest_times import NewestTimes

_NEW: Final = 0
_DUPLICATE: Final = 1
_REVISION: Final = 2


class Present(NamedTuple):
    """What a store has of some rows' instants, columns of shape (n,)."""

    row: NDArray[np.intp]
    """Which of the rows that were looked up."""
    value: NDArray[np.float64]
    """NaN where there is none."""
    flag: NDArray[np.uint8]
    number: NDArray[np.int64]
    """Revisions of the instant so far."""

    @staticmethod
    def nothing() -> Present:
        """None of them is stored."""
        return Present(np.zeros(0, np.intp), np.zeros(0), np.zeros(0, np.uint8), np.zeros(0, np.int64))


LookUp = Callable[[NDArray[np.intp]], Present]
"""Row numbers to what the store has of their instants. Raises what the store raises when it cannot be asked."""


@dataclass(frozen=True, slots=True)
class Sorted:
    """A batch, sorted out. Each part is in order of arrival; marks say what is out of order and what is a revision."""

    new: Readings
    new_channel: NDArray[np.int32]
    revised: Readings
    revised_channel: NDArray[np.int32]
    number: NDArray[np.int64]
    """Of each revision: 1 for the first other value of its instant."""
    was_value: NDArray[np.float64]
    was_flag: NDArray[np.uint8]
    """What each revision takes the place of."""
    duplicates: int


class Instants:
    """Remembers the newest stored time of each channel of one store, and sorts batches out by it."""

    def __init__(self, newest: NewestTimes) -> None:
        self.newest = newest
        self._repeats = Repeats()

    def sort(self, readings: Readings, channel: NDArray[np.int32], look_up: LookUp) -> Sorted:
        """Sort a batch out. `channel`: the store's own numbers, shape (n,). Nothing is remembered: see `advance`."""
        time = readings.time
        late = self.newest.to_look_up(channel, time, readings.received)
        grouped = Grouped(channel, time)
        ascending = grouped.ascending()
        if ascending and not len(late):
            return _all_new(readings, channel)
        repeated = np.zeros(0, np.intp) if ascending else self._repeats.find(channel, time)
        late = np.setdiff1d(late, repeated, assume_unique=True)
        kind = np.zeros(len(readings), np.uint8)
        number = np.zeros(len(readings), np.int64)
        was_value, was_flag = np.full(len(readings), np.nan), np.zeros(len(readings), np.uint8)
        value = np.where(np.isfinite(readings.value), readings.value, np.nan)
        present = look_up(late) if len(late) else Present.nothing()
        found = present.row
        kind[found] = _DUPLICATE
        changed = ~(_same(value[found], present.value) & (readings.flag[found] == present.flag))
        kind[found[changed]] = _REVISION
        number[found] = present.number + changed
        was_value[found], was_flag[found] = present.value, present.flag
        if len(repeated):
            self._repeats_in_batch(readings, channel, value, repeated, kind, number, was_value, was_flag)
        mark = readings.mark.copy()
        mark[self.newest.overtaken(channel, time)] |= OUT_OF_ORDER
        mark[grouped.overtaken(self.newest.ahead)] |= OUT_OF_ORDER
        mark[kind == _REVISION] |= REVISION
        marked = Readings(
            readings.channel, time, readings.received, readings.value, readings.flag, readings.position, mark
        )
        new, revised = kind == _NEW, kind == _REVISION
        return Sorted(
            marked.take(new),
            channel[new],
            marked.take(revised),
            channel[revised],
            number[revised],
            was_value[revised],
            was_flag[revised],
            int(np.count_nonzero(kind == _DUPLICATE)),
        )

    def advance(self, readings: Readings, channel: NDArray[np.int32]) -> None:
        """Take note of a batch that is stored now, whether its rows are new or were there already."""
        self.newest.advance(channel, readings.time)

    def _repeats_in_batch(
        self,
        readings: Readings,
        channel: NDArray[np.int32],
        value: NDArray[np.float64],
        repeated: NDArray[np.intp],
        kind: NDArray[np.uint8],
        number: NDArray[np.int64],
        was_value: NDArray[np.float64],
        was_flag: NDArray[np.uint8],
    ) -> None:
        """Rows whose instant the batch has more than once, one by one: they are few, or a resend."""
        time = readings.time
        keys = set(zip(channel[repeated].tolist(), time[repeated].tolist(), strict=True))
        near = np.isin(channel, channel[repeated]) & np.isin(time, time[repeated])
        stands: dict[tuple[int, int], tuple[float, int, int]] = {}
        for row in np.flatnonzero(near).tolist():
            key = (int(channel[row]), int(time[row]))
            if key not in keys:
                continue
            own = (float(value[row]), int(readings.flag[row]))
            before = stands.get(key)
            if before is None:  # the first of its instant in the batch: the store has decided what it is
                stands[key] = (*own, int(number[row]))
                continue
            same = own[1] == before[1] and (own[0] == before[0] or (own[0] != own[0] and before[0] != before[0]))
            kind[row] = _DUPLICATE if same else _REVISION
            was_value[row], was_flag[row] = before[0], before[1]
            number[row] = before[2] + (not same)
            stands[key] = (*own, int(number[row]))


def _all_new(readings: Readings, channel: NDArray[np.int32]) -> Sorted:
    none = np.zeros(0, np.intp)
    nothing = np.zeros(0, np.int64)
    return Sorted(readings, channel, readings.take(none), channel[none], nothing, np.zeros(0), np.zeros(0, np.uint8), 0)


def _same(first: NDArray[np.float64], second: NDArray[np.float64]) -> NDArray[np.bool_]:
    return (first == second) | (np.isnan(first) & np.isnan(second))
