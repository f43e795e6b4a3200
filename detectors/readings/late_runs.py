"""Runs of late readings: which reading belongs to which run, and what the rules make of each.

`detectors.readings.late_limits` says what a run is, and which of its changes are news.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from detectors.readings.late_order import Tails, order_of
from detectors.readings.limit_judge import Column, Held, judge
from detectors.readings.limit_rules import Bools, Floats, Int64s, Limits, Rows
from detectors.records import NEVER, Readings

QUIET: Final = 600_000
"""ms: longer than minute data take that come one a minute, as they do where a clock was put back."""
REACH: Final = 3
"""Intervals of the data between two readings that still follow each other: two may be lost."""


@dataclass(frozen=True, slots=True)
class Watch:
    """What is to be known of each channel up to the highest with a rule, as columns of shape (channels,)."""

    reach: Int64s
    """The longest time (ms) between two readings that follow each other."""
    low: Floats
    """With `high`: a value strictly between the two begins nothing."""
    high: Floats

    @staticmethod
    def of(rules: Limits, interval: ArrayLike) -> Watch:
        """`interval` is by rule, in ms: what is usual between two readings of its channel."""
        channels = len(rules.first) - 1
        watch = Watch(np.zeros(channels, np.int64), np.full(channels, -np.inf), np.full(channels, np.inf))
        np.maximum.at(watch.reach, rules.channel, np.maximum(rules.hold, REACH * np.asarray(interval, np.int64)))
        np.maximum.at(watch.low, rules.channel, np.where(rules.side > 0, -np.inf, -rules.enter[0]))
        np.minimum.at(watch.high, rules.channel, np.where(rules.side > 0, rules.enter[0], np.inf))
        return watch


@dataclass(slots=True)
class Runs:
    """What is remembered of the main and the side run of each channel, up to the highest channel with a rule."""

    tails: Tails
    """Of shape (2 * channels,): those of the main runs, then those of the side runs."""
    held: Held
    """A stretch a rule in the main run, then one a rule in the side run."""
    busy: Bools
    """(channels,) something is held of one of its rules: any reading may change it."""

    @staticmethod
    def empty(rules: Limits) -> Runs:
        channels = len(rules.first) - 1
        held = Held.empty(len(rules.enter), 2 * len(rules))
        return Runs(Tails.empty(2 * channels), held, np.zeros(channels, np.bool_))

    def dump(self, rules: Limits) -> dict[str, Column]:
        """What must outlive the process, of the few channels with a run: `run_...` by channel, the others by rule."""
        main, side = self.tails.time.reshape(2, -1)
        channels = np.flatnonzero((main != NEVER) | (side != NEVER))
        judged = np.flatnonzero(np.isin(rules.channel, channels))
        saved = self.held.take(np.concatenate((judged, judged + len(rules)))).dump()
        tails = self.tails.take(np.concatenate((channels, channels + len(main))))
        saved["run_channel"], saved["run_rule"] = channels.astype(np.int64), judged.astype(np.int64)
        saved["run_time"], saved["run_received"] = tails.time, tails.received
        saved["run_position"] = tails.position
        return saved

    @staticmethod
    def load(rules: Limits, saved: Mapping[str, Column], channel_from: Rows, rule_from: Rows) -> Runs:
        """What `dump` gave, under today's numbers; see `LateState.load`."""
        runs = Runs.empty(rules)
        row = _rows_of(saved["run_channel"], channel_from[: len(runs.tails) // 2])
        columns = (saved[f"run_{name}"].astype(np.int64)[row[row >= 0]] for name in Tails.NAMES)
        runs.tails.put(np.flatnonzero(row >= 0), Tails(*columns))
        runs.held = Held.load(len(rules.enter), saved, _rows_of(saved["run_rule"], rule_from))
        runs.busy[np.tile(rules.channel, 2)[runs.held.busy]] = True
        return runs


def _rows_of(saved: Column, wanted: Rows) -> Rows:
    """The row of `saved` that has each wanted number, -1 where none has it; then the same for its second half."""
    row = {int(number): at for at, number in enumerate(saved)}
    main = np.array([row.get(int(number), -1) for number in wanted], np.intp)
    return np.concatenate((main, np.where(main >= 0, main + len(saved), -1)))


class Tail(NamedTuple):
    """The last reading of a run."""

    time: int
    received: int
    position: int


class Event(NamedTuple):
    """A rule's level changed, or a run was over while its rule was in one. Sorted, events are in order."""

    row: int
    """Of the reading that made it, or that ended the run; -1 where time alone ended it."""
    by_reading: bool
    """False where the run was over: what a reading ends so comes before what it makes itself."""
    rule: int
    side: bool
    """Whether it is of the side run."""
    was: int
    """Level before, 0 outside."""
    now: int
    since: int
    """ms UTC at which the exceedance began."""
    at: Tail
    """The reading that made it, or the last one of the run that is over."""
    value: float
    """NaN where the run was over."""
    peak: float
    main: Tail
    """The last reading of the main run before it."""


def advance(state: Runs, rules: Limits, watch: Watch, batch: Readings, late: Rows) -> list[Event]:
    """Run the rules over the late rows of the batch, run by run; what came of it, in order."""
    channel = batch.channel[late].astype(np.intp)
    inside = channel < len(watch.reach)
    inside[inside] = rules.first[channel[inside] + 1] > rules.first[channel[inside]]
    late = late[inside]
    if len(late) == 0:
        return []
    order = order_of(state.tails, batch.take(late), watch.reach, QUIET)
    order.remember(state.tails)
    late, readings = late[order.row], order.readings
    channel = readings.channel
    loud = (readings.value >= watch.high[channel]) | (readings.value <= watch.low[channel])
    watched = state.busy.copy()
    watched[channel[loud]] = True

    # A stretch for each rule of each run, those of a run side by side; of channels where something may change.
    count = np.where(watched[order.channel], rules.first[order.channel + 1] - rules.first[order.channel], 0)
    if not count.any():
        return []
    first_stretch = np.cumsum(count) - count
    run = np.repeat(np.arange(len(count)), count)
    rule = rules.by_channel[np.arange(len(run)) + (rules.first[order.channel] - first_stretch)[run]]
    lane = rule + len(rules) * order.side[run]
    before = Held.empty(len(rules.enter), len(run))
    goes_on = np.flatnonzero(order.goes_on[run])
    before.put(goes_on, state.held.take(lane[goes_on]))
    each = count[order.run]
    source = np.repeat(np.arange(len(late)), each)
    nth = np.arange(len(source)) - np.repeat(np.cumsum(each) - each, each)
    changes, after = judge(rules, readings, rule, before, source, first_stretch[order.run[source]] + nth)

    touched = np.concatenate((rule, rule + len(rules)))
    state.held.put(touched, Held.empty(len(rules.enter), len(touched)))
    current = np.flatnonzero(order.current[run])
    kept = after.take(current)
    state.held.put(lane[current], kept)
    state.busy[order.channel] = False
    state.busy[rules.channel[rule[current[kept.busy]]]] = True

    ended = np.flatnonzero((order.ended_by[run] >= 0) & after.entered[0])
    of = run[ended]
    by = order.ended_by[of]
    events = _over(
        rules, rule[ended], order.side[of], after.take(ended), late[by], order.last.take(of), order.main_before.take(by)
    )
    moved = np.flatnonzero(changes.now != changes.was)
    at = changes.source[moved]
    events += [
        Event(row, True, r, side, was, now, s, Tail(*last), v, worst, Tail(*main))
        for row, r, side, was, now, s, last, v, worst, main in zip(
            late[at].tolist(),
            changes.rule[moved].tolist(),
            order.side[order.run[at]].tolist(),
            changes.was[moved].tolist(),
            changes.now[moved].tolist(),
            changes.since[moved].tolist(),
            zip(
                readings.time[at].tolist(), readings.received[at].tolist(), readings.position[at].tolist(), strict=True
            ),
            readings.value[at].tolist(),
            changes.peak[moved].tolist(),
            order.main_before.take(at).rows(),
            strict=True,
        )
    ]
    return sorted(events)


def end_quiet(state: Runs, rules: Limits, now: int) -> list[Event]:
    """End the runs of channels of which nothing late was received for longer than `QUIET`, at `now` (ms UTC)."""
    channels = len(state.tails) // 2
    main, side = state.tails.time.reshape(2, -1)
    received = state.tails.received.reshape(2, -1).max(axis=0)
    quiet = ((main != NEVER) | (side != NEVER)) & (received < now - QUIET)
    if not quiet.any():
        return []
    rule = np.flatnonzero(quiet[rules.channel])
    lane = np.concatenate((rule, rule + len(rules)))
    rule = np.concatenate((rule, rule))
    of_main = rules.channel[rule].astype(np.intp)
    is_side = lane >= len(rules)
    held = state.held.take(lane)
    kept = np.flatnonzero(held.entered[0])
    events = _over(
        rules,
        rule[kept],
        is_side[kept],
        held.take(kept),
        np.full(len(kept), -1, np.intp),
        state.tails.take(of_main[kept] + channels * is_side[kept]),
        state.tails.take(of_main[kept]),
    )
    state.held.put(lane, Held.empty(len(rules.enter), len(lane)))
    state.busy[quiet] = False
    over = np.flatnonzero(np.tile(quiet, 2))
    state.tails.put(over, Tails.empty(len(over)))
    return sorted(events)


def _over(rules: Limits, rule: Rows, side: Bools, held: Held, row: Rows, last: Tails, main: Tails) -> list[Event]:
    """The events of runs that are over while their rule is in a level; one entry an event in each column."""
    return [
        Event(row, False, r, of_side, was, 0, s, Tail(*end), math.nan, worst, Tail(*before))
        for row, r, of_side, was, s, end, worst, before in zip(
            row.tolist(),
            rule.tolist(),
            side.tolist(),
            held.entered.sum(axis=0).tolist(),
            held.since.tolist(),
            last.rows(),
            (held.peak * rules.side[rule]).tolist(),
            main.rows(),
            strict=True,
        )
    ]
