"""Limits: a value at or over its limit long enough is an exceedance; hysteresis ends it.

A rule watches one channel from one side. Its levels lead away from the normal: ascending for a rule above,
descending for one below. With `limit[k]` the limit of level k and for a rule above (below mirrors it):

- A reading at or over `limit[k]` starts a run of level k, one under `limit[k]` breaks it. The rule enters level k at
  the reading that is `hold` or more after the first of the run, by the time of the readings.
- It leaves level k at a reading under `limit[k] - band * abs(limit[k])`.
- A reading that is not valid (its flag is not normal, or its value is no finite number) neither enters, breaks nor
  leaves: missing data never ends an exceedance. One flagged over range (`T`) is at least its value: it can enter
  a rule above and leave a rule below, never the other way round.
- A reading not newer than the newest of its channel so far is late, a duplicate or a redelivery: it is counted and
  not judged. One stamped more than `AHEAD` after it was received is not judged either, or one broken stamp would make
  everything after it late.

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

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from detectors.records import NEVER, Finding, Phase, Readings

DETECTOR: Final = "limit"
NORMAL: Final = ord("N")
OVER_RANGE: Final = ord("T")
AHEAD: Final = 86_400_000
"""ms: wider than any mistake of time zone, so that a logger on the wrong zone is still judged."""

Int64s = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Rows = NDArray[np.intp]
Column = Int64s | Bools | Floats


@dataclass(frozen=True, slots=True)
class Limits:
    """The rules as columns of shape (rules,); `levels` is (rules, most levels), padded with inf (-inf below)."""

    channel: NDArray[np.int32]
    side: NDArray[np.int8]
    """+1: too much is above; -1: too little is below."""
    levels: Floats
    hold: Int64s
    """ms a level must last before it is entered."""
    band: Floats
    enter: Floats
    """(most levels, rules): a level's run goes on while `side * value >= enter`."""
    leave: Floats
    """(most levels, rules): a level is left when `side * value < leave`."""
    by_channel: Rows
    """Rule numbers in the order of their channels, ..."""
    first: Rows
    """... those of channel c being `by_channel[first[c] : first[c + 1]]`; shape (highest channel with a rule + 2,)."""

    def __len__(self) -> int:
        return len(self.channel)

    @staticmethod
    def of(
        channel: ArrayLike,
        side: ArrayLike,
        levels: Sequence[Sequence[float]],
        hold: ArrayLike,
        band: ArrayLike,
    ) -> Limits:
        """Rules from one entry a rule in each column; several rules may watch one channel.

        `levels[r]` has one finite limit or more, leading away from the normal; `0 <= band < 1`; `hold >= 0` in ms.
        """
        channels = np.array(channel, np.int32).reshape(-1)
        sides = np.array(side, np.int8).reshape(-1)
        bands = np.array(band, np.float64).reshape(-1)
        holds = np.array(hold, np.int64).reshape(-1)
        most = max((len(row) for row in levels), default=1)
        enter = np.full((most, len(channels)), np.inf)
        for rule, row in enumerate(levels):
            assert len(row) > 0 and np.isfinite(row).all(), "a rule has a level or more, each a number"
            enter[: len(row), rule] = np.multiply(row, float(sides[rule]))
        assert len(levels) == len(channels) == len(sides) == len(bands) == len(holds), "one entry a rule in each column"
        assert np.isin(sides, (-1, 1)).all(), "side is +1 or -1"
        assert (enter[1:] > enter[:-1])[np.isfinite(enter[1:])].all(), "levels lead away from the normal"
        assert ((bands >= 0) & (bands < 1)).all(), "band is a share from 0 to 1"
        assert (holds >= 0).all(), "hold is not negative"
        assert (channels >= 0).all(), "channels count from 0"
        padded = np.isinf(enter)
        leave = np.where(padded, np.inf, enter - bands * np.abs(np.where(padded, 0.0, enter)))
        by_channel = np.argsort(channels, kind="stable")
        highest = int(channels.max(initial=-1))
        first = np.searchsorted(channels[by_channel], np.arange(highest + 2))
        return Limits(
            channels,
            sides,
            (enter * sides.astype(np.float64)).T.copy(),
            holds,
            bands,
            enter,
            leave,
            by_channel,
            first.astype(np.intp),
        )


@dataclass(slots=True)
class LimitState:
    """What is remembered of each channel and rule between batches."""

    newest: Int64s
    """(channels,) ms UTC of the newest reading so far, NEVER before the first."""
    low: Floats
    """(channels,) with `high`: a value strictly between the two changes nothing but `newest`."""
    high: Floats
    over_since: Int64s
    """(most levels, rules) ms UTC of the first reading of a running run, NEVER where none runs."""
    entered: Bools
    """(most levels, rules) the rule is in this level."""
    since: Int64s
    """(rules,) ms UTC at which the run began that led into level 1, NEVER outside."""
    peak: Floats
    """(rules,) `side` times the most extreme value since the run began that is, or led into, level 1; -inf outside."""

    @staticmethod
    def empty(rules: Limits, channels: int) -> LimitState:
        """Nothing seen yet. Every rule's channel is below `channels`."""
        assert len(rules.first) - 1 <= channels, "a rule names a channel that is not there"
        state = LimitState(
            np.full(channels, NEVER, np.int64),
            np.full(channels, -np.inf),
            np.full(channels, np.inf),
            np.full(rules.enter.shape, NEVER, np.int64),
            np.zeros(rules.enter.shape, np.bool_),
            np.full(len(rules), NEVER, np.int64),
            np.full(len(rules), -np.inf),
        )
        _set_bounds(state, rules, np.arange(len(rules)))
        return state

    def grow(self, channels: int) -> None:
        """Make room for channels that appeared since; they have no rules. Never shrinks."""
        more = channels - len(self.newest)
        if more > 0:
            self.newest = np.concatenate((self.newest, np.full(more, NEVER, np.int64)))
            self.low = np.concatenate((self.low, np.full(more, -np.inf)))
            self.high = np.concatenate((self.high, np.full(more, np.inf)))

    def dump(self) -> dict[str, Column]:
        """What must outlive the process: `newest` by channel, the others by rule, (rules, levels) or (rules,)."""
        return {
            "newest": self.newest.copy(),
            "over_since": self.over_since.T.copy(),
            "entered": self.entered.T.copy(),
            "since": self.since.copy(),
            "peak": self.peak.copy(),
        }

    @staticmethod
    def load(
        rules: Limits,
        saved: Mapping[str, Column],
        channel_from: NDArray[np.intp],
        rule_from: NDArray[np.intp],
    ) -> LimitState:
        """The state that `dump` gave, under today's numbers.

        `channel_from[c]` is the row in `saved` of channel c, `rule_from[r]` that of rule r, -1 where there is none.
        Levels may have come or gone: those that came start empty.
        """
        state = LimitState.empty(rules, len(channel_from))
        old = channel_from >= 0
        state.newest[old] = saved["newest"][channel_from[old]]
        old = rule_from >= 0
        most = min(len(state.entered), saved["entered"].shape[1])
        state.entered[:most, old] = saved["entered"][rule_from[old], :most].T.astype(np.bool_)
        state.over_since[:most, old] = saved["over_since"][rule_from[old], :most].T
        state.since[old] = saved["since"][rule_from[old]]
        state.peak[old] = saved["peak"][rule_from[old]]
        _set_bounds(state, rules, np.arange(len(rules)))
        return state


@dataclass(frozen=True, slots=True)
class Judged:
    """What one batch brought."""

    findings: list[Finding]
    """In the order of the readings that made them."""
    late: int
    """Readings not judged because their channel had one as new or newer before."""
    ahead: int
    """Readings not judged because they were stamped more than `AHEAD` after they were received."""


def step(state: LimitState, rules: Limits, batch: Readings) -> Judged:
    """Advance by one batch, each channel in order of arrival. Every channel of the batch is below the state's size.

    O(n) while nothing happens, O(m log m) in the m readings of channels where something may change.
    """
    plausible = batch.time <= batch.received + AHEAD
    ahead = len(batch) - int(np.count_nonzero(plausible))
    if ahead:
        batch = batch.take(plausible)
    if len(batch) == 0:
        return Judged([], 0, ahead)
    channel = batch.channel.astype(np.intp)
    loud = (batch.value >= state.high[channel]) | (batch.value <= state.low[channel])
    fresh, late = _in_order(state, channel, batch.time)
    rows = np.flatnonzero(loud)
    if len(rows) == 0:
        return Judged([], late, ahead)
    # Of a channel with one loud reading all count: what follows may end what it began.
    watched = np.zeros(len(state.newest), np.bool_)
    watched[channel[rows]] = True
    keep = watched[channel]
    if fresh is not None:
        keep &= fresh
    rows = np.flatnonzero(keep)
    return Judged(_judge(state, rules, batch, rows), late, ahead)


def _in_order(state: LimitState, channel: Rows, time: Int64s) -> tuple[Bools | None, int]:
    """Move `newest` on. Returns which readings are newer than all before them, None for all, and how many are not."""
    n = len(channel)
    before = state.newest[channel]
    row = np.arange(n)
    last = np.empty(len(state.newest), np.intp)
    last[channel] = row
    if np.array_equal(last[channel], row):  # no channel repeats
        fresh = time > before
        late = n - int(np.count_nonzero(fresh))
        if late == 0:
            state.newest[channel] = time
            return None, 0
        state.newest[channel[fresh]] = time[fresh]
        return fresh, late
    order = _stable_order(channel)
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
        return None, 0
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
    return fresh, n - int(np.count_nonzero(newer))


def _stable_order(number: Rows) -> Rows:
    """Rows by ascending number (from 0), those of one number in the order they stand in.

    numpy's stable sort is a radix sort for 16-bit numbers, 6 ns a row and pass; a comparison sort takes 30 to 60.
    """
    order = np.argsort(number.astype(np.uint16), kind="stable")
    if int(number.max()) >> 16:
        order = order[np.argsort((number[order] >> 16).astype(np.uint16), kind="stable")]
    return order


def _last_of(event: Bools) -> Rows:
    """For each column the nearest column up to it with an event, along the last axis; column 0 has one."""
    columns = np.arange(event.shape[-1], dtype=np.intp)
    return np.maximum.accumulate(np.multiply(event, columns, dtype=np.intp), axis=-1)


def _before(column: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Each column's predecessor; False before the first."""
    shifted = np.zeros_like(column)
    shifted[..., 1:] = column[..., :-1]
    return shifted


def _peaks(x: Floats, starts: Bools) -> Floats:
    """The running maximum of each stretch; column 0 starts one.

    Ranks in place of values: the running maxima of all stretches in one pass, each stretch lifted above those before.
    """
    n = len(x)
    order = np.argsort(x, kind="stable")
    rank = np.empty(n, np.int64)
    rank[order] = np.arange(n)
    floor = np.cumsum(starts) * np.int64(n)
    return x[order[np.maximum.accumulate(floor + rank) - floor]]


def _judge(state: LimitState, rules: Limits, batch: Readings, rows: Rows) -> list[Finding]:
    """Run the rules over readings `rows` of the batch, which are in order within each channel.

    Every rule has a stretch of columns: first one for what the state remembers, then one for each reading.
    Memory at the head of a stretch makes every running quantity a forward fill over all stretches at once.
    """
    channel = batch.channel[rows].astype(np.intp)
    inside = channel < len(rules.first) - 1
    rows, channel = rows[inside], channel[inside]
    count = rules.first[channel + 1] - rules.first[channel]
    total = int(count.sum())
    if total == 0:
        return []
    nth = np.arange(total) - np.repeat(np.cumsum(count) - count, count)
    rule = rules.by_channel[np.repeat(rules.first[channel], count) + nth]
    touched = np.unique(rule)
    source = np.concatenate((np.full(len(touched), -1, np.intp), np.repeat(rows, count)))
    rule = np.concatenate((touched, rule))
    order = _stable_order(rule)
    source, rule = source[order], rule[order]
    memory = source < 0

    side = rules.side[rule]
    time = batch.time[source]
    x = batch.value[source] * side
    flag = batch.flag[source]
    normal = (flag == NORMAL) & ~memory & np.isfinite(x)
    capped = (flag == OVER_RANGE) & ~memory & np.isfinite(x)
    high_says = normal | (capped & (side > 0))
    low_says = normal | (capped & (side < 0))

    # (levels, columns)
    enter, leave = rules.enter[:, rule], rules.leave[:, rule]
    held = state.over_since[:, rule]
    over = (memory & (held != NEVER)) | (high_says & (x >= enter))
    under = (memory & (held == NEVER)) | (low_says & (x < enter))
    running = np.take_along_axis(over, _last_of(over | under), axis=1)
    begins = running & ~_before(running) & ~memory
    start = np.take_along_axis(np.where(memory, held, time), _last_of(begins | memory), axis=1)
    enters = over & ~memory & (time - np.where(running, start, time) >= rules.hold[rule])
    was_in = state.entered[:, rule]
    sets = (memory & was_in) | enters
    resets = (memory & ~was_in) | (low_says & (x < leave))
    entered = np.take_along_axis(sets, _last_of(sets | resets), axis=1)

    level = entered.sum(axis=0)
    pending = running[0] & ~entered[0]
    peak = _peaks(
        np.where(memory, state.peak[rule], np.where(high_says, x, -np.inf)),
        memory | (begins[0] & ~_before(entered[0])),
    )
    rises = entered[0] & ~_before(entered[0]) & ~memory
    since = np.where(memory, state.since[rule], start[0])[_last_of(rises | memory)]
    level_before = np.concatenate(([0], level[:-1]))
    pending_before = _before(pending)
    changed = ~memory & ((level != level_before) | (pending != pending_before))
    at = np.flatnonzero(changed)
    at = at[np.lexsort((rule[at], source[at]))]
    findings = [
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
            rule[at].tolist(),
            rules.channel[rule[at]].tolist(),
            level[at].tolist(),
            level_before[at].tolist(),
            pending[at].tolist(),
            np.where((level | level_before)[at] > 0, since[at], start[0, at]).tolist(),
            time[at].tolist(),
            batch.value[source[at]].tolist(),
            rules.levels[rule[at], np.maximum(level[at], 1) - 1].tolist(),
            batch.position[source[at]].tolist(),
            (peak[at] * rules.side[rule[at]]).tolist(),
            strict=True,
        )
    ]

    last = np.append(np.flatnonzero(memory)[1:] - 1, len(rule) - 1)
    state.entered[:, touched] = entered[:, last]
    waits = running[:, last] & ~entered[:, last]
    state.over_since[:, touched] = np.where(waits, start[:, last], NEVER)
    state.since[touched] = np.where(entered[0, last], since[last], NEVER)
    state.peak[touched] = np.where(running[0, last] | entered[0, last], peak[last], -np.inf)
    _set_bounds(state, rules, touched)
    return findings


def _set_bounds(state: LimitState, rules: Limits, touched: Rows) -> None:
    """Recompute the bounds of the channels whose rules, all of them, are `touched`."""
    channel, side = rules.channel[touched], rules.side[touched]
    level = state.entered[:, touched].sum(axis=0)
    column = np.arange(len(touched))
    beyond = np.full((1, len(touched)), np.inf)
    upper = np.concatenate((rules.enter[:, touched], beyond))[level, column]
    lower = np.concatenate((-beyond, rules.leave[:, touched]))[level, column]
    waits = (state.over_since[:, touched] != NEVER).any(axis=0)
    upper[level > 0] = np.minimum(upper, state.peak[touched])[level > 0]  # a new peak is to be noted
    upper[waits] = -np.inf  # the clock runs: any reading may change something
    state.low[channel], state.high[channel] = -np.inf, np.inf
    np.maximum.at(state.low, channel, np.where(side > 0, lower, -upper))
    np.minimum.at(state.high, channel, np.where(side > 0, upper, -lower))
