"""Runs of late readings: where one ends and the next begins, and what the rules make of each.

`detectors.readings.late_limits` says what a run is, and which of its changes are news.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from detectors.readings.limit_judge import Column, Held, judge, stable_order
from detectors.readings.limit_rules import Int64s, Limits, Rows
from detectors.records import NEVER, Readings

QUIET: Final = 600_000
"""ms: longer than minute data take that come one a minute, as they do where a clock was put back."""
REACH: Final = 3
"""Intervals of the data between two readings that still follow each other: two may be lost."""


@dataclass(slots=True)
class Runs:
    """What is remembered of the run of each channel, up to the highest channel with a rule."""

    time: Int64s
    """(channels,) ms UTC of the run's last reading, NEVER where there is no run."""
    received: Int64s
    position: Int64s
    held: Held
    """A stretch a rule."""

    @staticmethod
    def empty(rules: Limits) -> Runs:
        channels = len(rules.first) - 1
        return Runs(
            np.full(channels, NEVER, np.int64),
            np.full(channels, NEVER, np.int64),
            np.full(channels, -1, np.int64),
            Held.empty(len(rules.enter), len(rules)),
        )

    def dump(self, rules: Limits) -> dict[str, Column]:
        """What must outlive the process, of the few channels with a run: `run_...` by channel, the others by rule."""
        runs = np.flatnonzero(self.time != NEVER)
        judged = np.flatnonzero(self.time[rules.channel] != NEVER)
        saved = self.held.take(judged).dump()
        saved["run_channel"], saved["run_rule"] = runs.astype(np.int64), judged.astype(np.int64)
        saved["run_time"], saved["run_received"] = self.time[runs], self.received[runs]
        saved["run_position"] = self.position[runs]
        return saved

    @staticmethod
    def load(rules: Limits, saved: Mapping[str, Column], channel_from: Rows, rule_from: Rows) -> Runs:
        """What `dump` gave, under today's numbers; see `LateState.load`."""
        runs = Runs.empty(rules)
        row = _row_of(saved["run_channel"], channel_from[: len(runs.time)])
        old = row >= 0
        runs.time[old] = saved["run_time"][row[old]]
        runs.received[old] = saved["run_received"][row[old]]
        runs.position[old] = saved["run_position"][row[old]]
        runs.held = Held.load(len(rules.enter), saved, _row_of(saved["run_rule"], rule_from))
        return runs


def _row_of(saved: Column, wanted: Rows) -> Rows:
    """The row of `saved` that has each wanted number, -1 where none has it."""
    row = {int(number): at for at, number in enumerate(saved)}
    return np.array([row.get(int(number), -1) for number in wanted], np.intp)


def reach_of(rules: Limits, interval: ArrayLike) -> Int64s:
    """By channel, the longest time (ms) between two readings that follow each other; `interval` is by rule, in ms."""
    reach = np.zeros(len(rules.first) - 1, np.int64)
    np.maximum.at(reach, rules.channel, np.maximum(rules.hold, REACH * np.asarray(interval, np.int64)))
    return reach


class Event(NamedTuple):
    """A rule's level changed, or a run was over while its rule was in one. Sorted, events are in order."""

    row: int
    """Of the reading that made it, or that began the next run; -1 where time alone ended the run."""
    by_reading: bool
    """False where the run was over: what a reading ends so comes before what it makes itself."""
    rule: int
    was: int
    """Level before, 0 outside."""
    now: int
    since: int
    """ms UTC at which the exceedance began."""
    time: int
    """Of the reading that made it, or of the last one of the run that is over; so too position and received."""
    value: float
    """NaN where the run was over."""
    position: int
    received: int
    peak: float


def advance(state: Runs, rules: Limits, reach: Int64s, batch: Readings, late: Rows) -> list[Event]:
    """Run the rules over the late rows of the batch, run by run; what came of it, in order."""
    channel = batch.channel[late].astype(np.intp)
    inside = channel < len(state.time)
    inside[inside] = rules.first[channel[inside] + 1] > rules.first[channel[inside]]
    late, channel = late[inside], channel[inside]
    if len(late) == 0:
        return []
    order = stable_order(channel)
    rows, channel = late[order], channel[order]
    time, received, position = batch.time[rows], batch.received[rows], batch.position[rows]

    # One segment a channel; what came before each reading is the reading before it, or what is remembered.
    first = np.flatnonzero(np.diff(channel, prepend=-1))
    last = np.append(first[1:], len(rows)) - 1
    of = channel[first]
    segment = np.repeat(np.arange(len(first)), last - first + 1)
    time_before, received_before, position_before = (np.roll(each, 1) for each in (time, received, position))
    time_before[first] = state.time[of]
    received_before[first] = state.received[of]
    position_before[first] = state.position[of]
    breaks = (time < time_before) | (time - time_before > reach[channel]) | (received - received_before > QUIET)
    breaks &= time_before != NEVER
    total = np.cumsum(breaks)
    run = total - (total - breaks)[first][segment]
    """Within the segment, from 0: the run that is remembered."""
    runs = run[last] + 1

    # A stretch for each run of each rule, those of a rule side by side.
    count = rules.first[of + 1] - rules.first[of]
    first_rule = np.cumsum(count) - count
    rule_segment = np.repeat(np.arange(len(first)), count)
    rule = rules.by_channel[np.arange(len(rule_segment)) - (first_rule - rules.first[of])[rule_segment]]
    rule_runs = runs[rule_segment]
    first_stretch = np.cumsum(rule_runs) - rule_runs
    last_stretch = first_stretch + rule_runs - 1
    stretch_rule = np.repeat(np.arange(len(rule)), rule_runs)
    stretch_run = np.arange(len(stretch_rule)) - first_stretch[stretch_rule]
    before = Held.empty(len(rules.enter), len(stretch_rule))
    before.put(first_stretch, state.held.take(rule))
    each = count[segment]
    source = np.repeat(np.arange(len(rows)), each)
    nth = np.arange(len(source)) - np.repeat(np.cumsum(each) - each, each)
    stretch = first_stretch[first_rule[segment][source] + nth] + run[source]
    changes, after = judge(rules, batch, rule[stretch_rule], before, rows[source], stretch)

    state.held.put(rule, after.take(last_stretch))
    state.time[of], state.received[of], state.position[of] = time[last], received[last], position[last]

    # Every run but the last of its segment is over, ended by the reading that begins the next one.
    over = np.flatnonzero(stretch_run < rule_runs[stretch_rule] - 1)
    breaks_before = (total - breaks)[first][rule_segment[stretch_rule[over]]]
    broke = np.flatnonzero(breaks)[breaks_before + stretch_run[over]]
    before_it = time_before[broke], position_before[broke], received_before[broke]
    events = _ended(rules, rule[stretch_rule[over]], after.take(over), rows[broke], *before_it)
    moved = np.flatnonzero(changes.now != changes.was)
    at = changes.source[moved]
    events += [
        Event(row, True, r, was, now, s, t, v, p, got, worst)
        for row, r, was, now, s, t, v, p, got, worst in zip(
            at.tolist(),
            changes.rule[moved].tolist(),
            changes.was[moved].tolist(),
            changes.now[moved].tolist(),
            changes.since[moved].tolist(),
            batch.time[at].tolist(),
            batch.value[at].tolist(),
            batch.position[at].tolist(),
            batch.received[at].tolist(),
            changes.peak[moved].tolist(),
            strict=True,
        )
    ]
    return sorted(events)


def end_quiet(state: Runs, rules: Limits, now: int) -> list[Event]:
    """End the runs of which nothing was received for longer than `QUIET`, at `now` (ms UTC)."""
    quiet = (state.time != NEVER) & (state.received < now - QUIET)
    if not quiet.any():
        return []
    over = np.flatnonzero(quiet[rules.channel])
    of = rules.channel[over]
    nowhere = np.full(len(over), -1, np.intp)
    events = _ended(rules, over, state.held.take(over), nowhere, state.time[of], state.position[of], state.received[of])
    state.held.put(over, Held.empty(len(rules.enter), len(over)))
    state.time[quiet] = state.received[quiet] = NEVER
    return events


def _ended(
    rules: Limits, rule: Rows, held: Held, row: Rows, time: Int64s, position: Int64s, received: Int64s
) -> list[Event]:
    """The events of runs that are over, of those whose rule was in a level."""
    kept = np.flatnonzero(held.entered[0])
    return [
        Event(row, False, r, was, 0, s, t, math.nan, p, got, worst)
        for row, r, was, s, t, p, got, worst in zip(
            row[kept].tolist(),
            rule[kept].tolist(),
            held.entered[:, kept].sum(axis=0).tolist(),
            held.since[kept].tolist(),
            time[kept].tolist(),
            position[kept].tolist(),
            received[kept].tolist(),
            (held.peak[kept] * rules.side[rule[kept]]).tolist(),
            strict=True,
        )
    ]
