"""Limits: a value at or over its limit long enough is an exceedance; hysteresis ends it.

A rule watches one channel from one side. Its levels lead away from the normal: ascending for a rule above,
descending for one below. With `limit[k]` the limit of level k and for a rule above (below mirrors it):

- A reading at or over `limit[k]` starts a run of level k, one under `limit[k]` breaks it. The rule enters level k at
  the reading that is `hold` or more after the first of the run, by the time of the readings.
- It leaves level k at a reading under `limit[k] - band * abs(limit[k])`.
- A reading that is not valid (its flag is not normal, or its value is no finite number) neither enters, breaks nor
  leaves: missing data never ends an exceedance. One flagged over range (`T`) is at least its value: it can enter
  a rule above and leave a rule below, never the other way round.
- A reading not newer than the newest of its channel so far is late, a duplicate or a redelivery: it does not touch what
  is judged here, and `late_limits` judges it apart. One stamped more than `AHEAD` after it was received is not judged,
  or one broken stamp would make everything after it late.

What is found does not depend on how the stream is cut into batches.

>>> rules = Limits.of([0], [+1], [[35.0]], [60_000], [0.05])
>>> state = LimitState.empty(rules, channels=1)
>>> minute = np.array([0, 60_000, 120_000])
>>> values, normal = np.array([36.0, 37.0, 30.0]), np.full(3, ord("N"), np.uint8)
>>> batch = Readings(np.zeros(3, np.int32), minute, minute, values, normal, minute, np.zeros(3, np.uint8))
>>> [(f.phase.value, f.level, f.since, f.value) for f in step(state, rules, batch).findings]
[('pending', 1, 0, 36.0), ('active', 1, 0, 37.0), ('clear', 1, 0, 30.0)]
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from detectors.readings.limit_judge import Changes, Column, Held, judge, stable_order
from detectors.readings.limit_rules import Bools, Floats, Int64s, Limits, Rows
from detectors.records import NEVER, Finding, Phase, Readings

DETECTOR: Final = "limit"
AHEAD: Final = 86_400_000
"""ms: wider than any mistake of time zone, so that a logger on the wrong zone is still judged."""


@dataclass(slots=True)
class LimitState:
    """What is remembered of each channel and rule between batches."""

    newest: Int64s
    """(channels,) ms UTC of the newest reading so far, NEVER before the first."""
    low: Floats
    """(channels,) with `high`: a value strictly between the two changes nothing but `newest`."""
    high: Floats
    held: Held
    """A stretch a rule."""

    @staticmethod
    def empty(rules: Limits, channels: int) -> LimitState:
        """Nothing seen yet. Every rule's channel is below `channels`."""
        return _state(rules, channels, Held.empty(len(rules.enter), len(rules)))

    def grow(self, channels: int) -> None:
        """Make room for channels that appeared since; they have no rules. Never shrinks."""
        more = channels - len(self.newest)
        if more > 0:
            self.newest = np.concatenate((self.newest, np.full(more, NEVER, np.int64)))
            self.low = np.concatenate((self.low, np.full(more, -np.inf)))
            self.high = np.concatenate((self.high, np.full(more, np.inf)))

    def dump(self) -> dict[str, Column]:
        """What must outlive the process: `newest` by channel, the others by rule, (rules, levels) or (rules,)."""
        return {"newest": self.newest.copy()} | self.held.dump()

    @staticmethod
    def load(rules: Limits, saved: Mapping[str, Column], channel_from: Rows, rule_from: Rows) -> LimitState:
        """The state that `dump` gave, under today's numbers.

        `channel_from[c]` is the row in `saved` of channel c, `rule_from[r]` that of rule r, -1 where there is none.
        Levels may have come or gone: those that came start empty.
        """
        state = _state(rules, len(channel_from), Held.load(len(rules.enter), saved, rule_from))
        old = channel_from >= 0
        state.newest[old] = saved["newest"][channel_from[old]]
        return state


@dataclass(frozen=True, slots=True)
class Judged:
    """What one batch brought. Rows are those of the batch, ascending."""

    findings: list[Finding]
    """In the order of the readings that made them."""
    at: Rows
    """Row of the reading that made each finding."""
    late: Rows
    """Readings not judged because their channel had one as new or newer before."""
    ahead: int
    """Readings not judged because they were stamped more than `AHEAD` after they were received."""


_NO_ROWS: Final = np.zeros(0, np.intp)


def step(state: LimitState, rules: Limits, batch: Readings) -> Judged:
    """Advance by one batch, each channel in order of arrival. Every channel of the batch is below the state's size.

    O(n) while nothing happens, O(m log m) in the m readings of channels where something may change.
    """
    plausible = batch.time <= batch.received + AHEAD
    ahead = len(batch) - int(np.count_nonzero(plausible))
    if ahead:
        judged = step(state, rules, batch.take(plausible))
        of = np.flatnonzero(plausible)
        return Judged(judged.findings, of[judged.at], of[judged.late], ahead)
    if len(batch) == 0:
        return Judged([], _NO_ROWS, _NO_ROWS, 0)
    channel = batch.channel.astype(np.intp)
    loud = (batch.value >= state.high[channel]) | (batch.value <= state.low[channel])
    fresh = _in_order(state, channel, batch.time)
    late = _NO_ROWS if fresh is None else np.flatnonzero(~fresh)
    rows = np.flatnonzero(loud)
    if len(rows) == 0:
        return Judged([], _NO_ROWS, late, 0)
    # Of a channel with one loud reading all count: what follows may end what it began.
    watched = np.zeros(len(state.newest), np.bool_)
    watched[channel[rows]] = True
    keep = watched[channel]
    if fresh is not None:
        keep &= fresh
    changes = _judge(state, rules, batch, np.flatnonzero(keep))
    if changes is None:
        return Judged([], _NO_ROWS, late, 0)
    return Judged(_findings(rules, batch, changes), changes.source, late, 0)


def _in_order(state: LimitState, channel: Rows, time: Int64s) -> Bools | None:
    """Move `newest` on. Returns which readings are newer than all before them, None for all."""
    n = len(channel)
    before = state.newest[channel]
    row = np.arange(n)
    last = np.empty(len(state.newest), np.intp)
    last[channel] = row
    if np.array_equal(last[channel], row):  # no channel repeats
        fresh = time > before
        if bool(fresh.all()):
            state.newest[channel] = time
            return None
        state.newest[channel[fresh]] = time[fresh]
        return fresh
    order = stable_order(channel)
    of, at = channel[order], time[order]
    begins = np.empty(n, np.bool_)
    begins[0] = True
    np.not_equal(of[1:], of[:-1], out=begins[1:])
    previous = np.empty(n, np.int64)
    previous[1:] = at[:-1]
    previous[begins] = before[order[begins]]
    if bool((at > previous).all()):
        ends = np.append(np.flatnonzero(begins)[1:] - 1, n - 1)
        state.newest[of[ends]] = at[ends]
        return None
    # Ranks instead of times: running maxima of all channels in one pass need channel * ranks + rank to fit 64 bits.
    starts = np.flatnonzero(begins)
    segment = np.cumsum(begins) - 1
    rank = np.unique(np.concatenate((at, before[order[starts]])), return_inverse=True)[1].reshape(-1)
    height = segment * np.int64(2 * n) + rank[:n]
    floor = np.arange(len(starts)) * np.int64(2 * n) + rank[n:]
    running = np.maximum.accumulate(height)
    earlier = np.empty(n, np.int64)
    earlier[1:] = running[:-1]
    earlier[starts] = floor
    newer = height > np.maximum(earlier, floor[segment])
    fresh = np.empty(n, np.bool_)
    fresh[order] = newer
    np.maximum.at(state.newest, channel[fresh], time[fresh])
    return fresh


def _judge(state: LimitState, rules: Limits, batch: Readings, rows: Rows) -> Changes | None:
    """Run the rules over readings `rows` of the batch, which are in order within each channel; None: there are none."""
    channel = batch.channel[rows].astype(np.intp)
    inside = channel < len(rules.first) - 1
    rows, channel = rows[inside], channel[inside]
    count = rules.first[channel + 1] - rules.first[channel]
    total = int(count.sum())
    if total == 0:
        return None
    nth = np.arange(total) - np.repeat(np.cumsum(count) - count, count)
    rule = rules.by_channel[np.repeat(rules.first[channel], count) + nth]
    touched, stretch = np.unique(rule, return_inverse=True)
    changes, after = judge(rules, batch, touched, state.held.take(touched), np.repeat(rows, count), stretch.reshape(-1))
    state.held.put(touched, after)
    _set_bounds(state, rules, touched)
    return changes


def _findings(rules: Limits, batch: Readings, changes: Changes) -> list[Finding]:
    level = np.maximum(changes.now, 1)
    return [
        Finding(
            detector=DETECTOR,
            rule=r,
            subject=c,
            phase=Phase.ACTIVE if now else (Phase.PENDING if waits else Phase.CLEAR),
            level=max(now or was, 1),
            since=s,
            time=t,
            value=v,
            limit=limit,
            position=p,
            peak=worst,
        )
        for r, c, now, was, waits, s, t, v, limit, p, worst in zip(
            changes.rule.tolist(),
            rules.channel[changes.rule].tolist(),
            changes.now.tolist(),
            changes.was.tolist(),
            changes.pending.tolist(),
            changes.since.tolist(),
            batch.time[changes.source].tolist(),
            batch.value[changes.source].tolist(),
            rules.levels[changes.rule, level - 1].tolist(),
            batch.position[changes.source].tolist(),
            changes.peak.tolist(),
            strict=True,
        )
    ]


def _state(rules: Limits, channels: int, held: Held) -> LimitState:
    assert len(rules.first) - 1 <= channels, "a rule names a channel that is not there"
    state = LimitState(np.full(channels, NEVER, np.int64), np.full(channels, -np.inf), np.full(channels, np.inf), held)
    _set_bounds(state, rules, np.arange(len(rules)))
    return state


def _set_bounds(state: LimitState, rules: Limits, touched: Rows) -> None:
    """Recompute the bounds of the channels whose rules, all of them, are `touched`."""
    channel, side = rules.channel[touched], rules.side[touched]
    level = state.held.entered[:, touched].sum(axis=0)
    column = np.arange(len(touched))
    beyond = np.full((1, len(touched)), np.inf)
    upper = np.concatenate((rules.enter[:, touched], beyond))[level, column]
    lower = np.concatenate((-beyond, rules.leave[:, touched]))[level, column]
    waits = (state.held.over_since[:, touched] != NEVER).any(axis=0)
    upper[level > 0] = np.minimum(upper, state.held.peak[touched])[level > 0]  # a new peak is to be noted
    upper[waits] = -np.inf  # the clock runs: any reading may change something
    state.low[channel], state.high[channel] = -np.inf, np.inf
    np.maximum.at(state.low, channel, np.where(side > 0, lower, -upper))
    np.minimum.at(state.high, channel, np.where(side > 0, upper, -lower))
