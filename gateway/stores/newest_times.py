"""The newest stored time of each channel: what is newer is not stored yet, and need not be looked up to know it.

A stamp far ahead of its receipt is no such mark, or one of the year 2099 would make all that follows of its channel
rows to look up. It is set aside until time has come near it, and remembered then: whatever is sent for its instant,
now or on the day itself, is known to be the second word on it. Rows that far ahead are always looked up.
"""

from __future__ import annotations

from typing import Final, cast

import numpy as np
from numpy.typing import NDArray

from detectors.records import NEVER

FUTURE_MS: Final = 86_400_000
"""A reading stamped so much later than it was received is far ahead: more than any mistake of a time zone."""
STEP_MS: Final = 60_000
"""What is set aside is remembered as minutes of its channel."""
MOST_ASIDE: Final = 100_000
"""Bound on these minutes. What comes on top is remembered at once: its channel is looked up more, and never wrong."""
_MOST_STRETCHES: Final = 50
_STRETCH_GAP_MS: Final = 3_600_000


class NewestTimes:
    """The newest stored time of each channel of a store, shape (channels,).

    Of every point of the store this holds: its time is not newer than what `to_look_up` goes by for its channel, or
    it is set aside, not before `ahead`.
    """

    def __init__(self, future: int = FUTURE_MS) -> None:
        """`future`: ms by which a stamp may be later than its receipt and still be remembered at once."""
        self._future = future
        self._newest = np.full(1024, NEVER, np.int64)
        self._floor = NEVER
        """Up to here rows of any channel may be stored, whatever is remembered of them."""
        self.ahead = NEVER
        """Stamps from here on (ms UTC) are far ahead. Follows the times of receipt, in whole minutes."""
        self._aside: dict[tuple[int, int], int] = {}
        """(minute, channel) to the newest stored time."""
        self._stretches: list[tuple[int, int]] = []
        """Set aside for every channel: first and last time."""

    def grow(self, channels: int) -> None:
        """Have room for so many channels."""
        if channels > len(self._newest):
            more = np.full(max(channels, 2 * len(self._newest)) - len(self._newest), NEVER, np.int64)
            self._newest = np.concatenate([self._newest, more])

    def reach(self, received: int) -> None:
        """Something was received at this time (ms UTC): what was set aside before then is remembered now."""
        ahead = (received + self._future) // STEP_MS * STEP_MS + STEP_MS
        if ahead <= self.ahead:
            return
        self.ahead = ahead
        for key in [key for key in self._aside if key[0] * STEP_MS < ahead]:
            self._newest[key[1]] = max(int(self._newest[key[1]]), self._aside.pop(key))
        for first, last in [stretch for stretch in self._stretches if stretch[0] < ahead]:
            self._stretches.remove((first, last))
            self.may_hold(NEVER, last)

    def may_hold(self, first: int, last: int) -> None:
        """Rows of any channel with first <= time <= last may be stored: to be looked up when time has come so far."""
        if first < self.ahead:
            self._floor = max(self._floor, last)
        else:
            self._stretches.append((first, last))

    def to_look_up(
        self, channel: NDArray[np.int32], time: NDArray[np.int64], received: NDArray[np.int64]
    ) -> NDArray[np.intp]:
        """Row numbers of the rows that may be stored already; columns of shape (n,)."""
        if not len(time):
            return np.zeros(0, np.intp)
        self.reach(int(received.max()))
        may = time <= self._newest[channel]
        if int(time.max()) >= self.ahead:
            may |= time >= self.ahead
        if int(time.min()) <= self._floor:
            may |= time <= self._floor
        return np.flatnonzero(may)

    def overtaken(self, channel: NDArray[np.int32], time: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which of the rows are older than a point that is known to be stored of their channel, shape (n,)."""
        return time < self._newest[channel]

    def advance(self, channel: NDArray[np.int32], time: NDArray[np.int64]) -> None:
        """Take note of rows that are now stored, after `to_look_up` has seen them."""
        if not len(time):
            return
        if int(time.max()) >= self.ahead:
            far = time >= self.ahead
            self._set_aside(channel[far], time[far])
            channel, time = channel[~far], time[~far]
        np.maximum.at(self._newest, channel, time)

    def stretches(self) -> list[tuple[int, int]]:
        """Where points may be from `ahead` on, as first and last times over all channels: ascending, apart, few."""
        stretches = list(self._stretches)
        if (top := max(self._floor, int(self._newest.max()))) >= self.ahead:
            stretches.append((self.ahead, top))
        minutes = np.unique(np.array([minute for minute, _ in self._aside], np.int64)) * STEP_MS
        first = np.concatenate([minutes, np.array([a for a, _ in stretches], np.int64)])
        last = np.concatenate([minutes + (STEP_MS - 1), np.array([b for _, b in stretches], np.int64)])
        if not len(first):
            return []
        order = np.argsort(first, kind="stable")
        first, last = first[order], np.maximum.accumulate(last[order])
        gaps = first[1:] - last[:-1]
        cuts = np.flatnonzero(gaps > _STRETCH_GAP_MS)
        if len(cuts) >= _MOST_STRETCHES:
            cuts = np.sort(cuts[np.argsort(gaps[cuts])[1 - _MOST_STRETCHES :]])
        begins, ends = first[np.append(0, cuts + 1)], last[np.append(cuts, len(last) - 1)]
        return list(zip(cast("list[int]", begins.tolist()), cast("list[int]", ends.tolist()), strict=True))

    def _set_aside(self, channel: NDArray[np.int32], time: NDArray[np.int64]) -> None:
        minute = time // STEP_MS
        columns = (minute.tolist(), channel.tolist(), time.tolist())
        for of, number, at in cast("zip[tuple[int, int, int]]", zip(*columns, strict=True)):
            if (of, number) in self._aside or len(self._aside) < MOST_ASIDE:
                self._aside[of, number] = max(at, self._aside.get((of, number), NEVER))
            else:
                self._newest[number] = max(int(self._newest[number]), at)
