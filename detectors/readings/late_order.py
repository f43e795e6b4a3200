"""Late readings put in order: for each channel the main run, which goes on, and side runs of what is older."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from detectors.readings.limit_judge import stable_order
from detectors.readings.limit_rules import Bools, Int64s, Rows
from detectors.records import NEVER, Readings


@dataclass(slots=True)
class Tails:
    """The last readings of n runs, as columns of shape (n,)."""

    NAMES: ClassVar = ("time", "received", "position")
    time: Int64s
    """ms UTC, NEVER where there is no run."""
    received: Int64s
    position: Int64s

    def __len__(self) -> int:
        return len(self.time)

    @staticmethod
    def empty(n: int) -> Tails:
        never = np.full(n, NEVER, np.int64)
        return Tails(never, never.copy(), np.full(n, -1, np.int64))

    def take(self, rows: Rows) -> Tails:
        return Tails(self.time[rows], self.received[rows], self.position[rows])

    def put(self, rows: Rows, other: Tails) -> None:
        self.time[rows], self.received[rows], self.position[rows] = other.time, other.received, other.position

    def rows(self) -> Iterator[tuple[int, int, int]]:
        """Time, received and position of each."""
        return zip(self.time.tolist(), self.received.tolist(), self.position.tolist(), strict=True)


@dataclass(frozen=True, slots=True)
class Order:
    """m late readings by channel, those of one channel in order of arrival; and the k runs they are in."""

    row: Rows
    """(m,) where each stands in the batch."""
    readings: Readings
    run: Rows
    """(m,) the run of each."""
    main_before: Tails
    """(m,) the last reading of the channel's main run before it."""
    channel: Rows
    """(k,) with the columns that follow."""
    side: Bools
    goes_on: Bools
    """What was remembered of the lane is of this run."""
    ended_by: Rows
    """The reading that ended it, -1 where it is not over."""
    last: Tails
    """Its last reading, also where that came before these."""
    current: Bools
    """It is to be remembered."""

    def remember(self, tails: Tails) -> None:
        """Bring what is remembered of the channels' runs up to date."""
        channels = len(tails) // 2
        tails.put(self.channel + channels, Tails.empty(len(self.channel)))
        now = np.flatnonzero(self.current)
        tails.put(self.channel[now] + channels * self.side[now], self.last.take(now))


def order_of(tails: Tails, batch: Readings, reach: Int64s, quiet: int) -> Order:
    """Put a batch of late readings (one or more) behind what is remembered.

    `tails` is of shape (2 * channels,), main runs first; `reach` of (channels,) and `quiet` are in ms.
    """
    channels = len(reach)
    row = stable_order(batch.channel.astype(np.intp))
    readings = batch.take(row)
    n = len(row)
    channel, time, received = readings.channel.astype(np.intp), readings.time, readings.received
    at = np.arange(n)

    # One segment a channel; the first reading of each follows what is remembered.
    first = np.flatnonzero(np.diff(channel, prepend=-1))
    segment = np.repeat(np.arange(len(first)), np.diff(first, append=n))
    of = channel[first]
    main, side = tails.take(of), tails.take(of + channels)
    received_before, time_before = np.roll(received, 1), np.roll(time, 1)
    received_before[first], time_before[first] = np.maximum(main.received, side.received), side.time
    heard = np.ones(n, np.bool_)
    heard[first] = main.time != NEVER
    silent = heard & (received - received_before > quiet)

    # A reading is of the main run where nothing in that is as new, and begins another one behind a hole or a silence.
    begins = silent.copy()
    begins[first] = True
    stretch = np.cumsum(begins) - 1
    newest = _newest_before(time, stretch, np.where(silent[begins], NEVER, main.time[segment[begins]]))
    is_main = time > newest
    anew = silent | (is_main & (newest != NEVER) & (time - newest > reach[channel]))
    # A side run goes on while its readings follow each other without one of the main run between.
    after_side = np.roll(~is_main, 1)
    after_side[first] = side.time != NEVER
    follows = after_side & ~silent & (time >= time_before) & (time - time_before <= reach[channel])
    side_anew = ~is_main & ~follows

    # The runs: of each segment the main ones, from the remembered one on; then the side ones likewise.
    mains, sides = (1 + np.bincount(segment[new], minlength=len(first)) for new in (anew, side_anew))
    first_main = np.cumsum(mains) - mains
    first_side = np.cumsum(sides) - sides + mains.sum()
    run = np.where(
        is_main,
        first_main[segment] + _counted(anew, first, segment),
        first_side[segment] + _counted(side_anew, first, segment),
    )
    of_run = np.concatenate((np.repeat(np.arange(len(first)), mains), np.repeat(np.arange(len(first)), sides)))
    is_side = np.arange(len(of_run)) >= mains.sum()
    goes_on = np.zeros(len(of_run), np.bool_)
    goes_on[first_main] = goes_on[first_side] = True
    newest_row = np.full(len(of_run), -1, np.intp)
    newest_row[run] = at  # of equal runs the last one stays
    ended_by = np.full(len(of_run), -1, np.intp)
    main_over = ~is_side
    main_over[first_main + mains - 1] = False
    ended_by[main_over] = np.flatnonzero(anew)
    next_row = np.where(newest_row >= 0, newest_row + 1, first[of_run])
    in_segment = next_row < np.append(first[1:], n)[of_run]
    there = (newest_row >= 0) | (side.time != NEVER)[of_run]
    ended_by = np.where(is_side & there & in_segment, next_row, ended_by)
    current = ended_by < 0

    # The last reading of each run, and before each reading that of the main run.
    last = Tails.empty(len(of_run))
    last.put(first_main, main)
    last.put(first_side, side)
    tail = Tails(time, received, readings.position)
    have = np.flatnonzero(newest_row >= 0)
    last.put(have, tail.take(newest_row[have]))
    main_row = np.roll(np.maximum.accumulate(np.where(is_main, at, -1)), 1)
    main_row[first] = -1
    main_before = main.take(segment)
    here = np.flatnonzero(main_row >= first[segment])
    main_before.put(here, tail.take(main_row[here]))
    return Order(row, readings, run, main_before, of[of_run], is_side, goes_on, ended_by, last, current)


def _counted(new: Bools, first: Rows, segment: Rows) -> Rows:
    """How many of its segment up to each are new, itself included."""
    total = np.cumsum(new)
    return total - (total - new)[first][segment]


def _newest_before(time: Int64s, group: Rows, floor: Int64s) -> Int64s:
    """The maximum of `floor` of its group and of the times before it in the group, whose members are side by side.

    Ranks in place of times: running maxima of all groups in one pass need group * ranks + rank to fit 64 bits.
    """
    n = len(time)
    values, rank = np.unique(np.concatenate((floor, time)), return_inverse=True)
    rank = rank.reshape(-1)
    lift = np.arange(len(floor)) * np.int64(len(values))
    least = rank[: len(floor)] + lift
    starts = np.flatnonzero(np.diff(group, prepend=-1))
    before = np.roll(np.maximum.accumulate(rank[len(floor) :] + lift[group]), 1)
    before[starts] = least
    return values[np.maximum(before, least[group]) - lift[group]].reshape(n)
