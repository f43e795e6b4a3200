"""Gaps: periods of regular data (minutes, hours) that are missing between the first and the newest one seen.

A series sends one value a period, named by the start of the period. What lies between the first that came and the
newest is either seen or missing; late data close a gap or split it. Stamps that lie ahead of the clock, or too far
back to be asked for, are passed over: a wrong clock makes no gap. Gaps leave the look-back in time.

>>> state, rules = GapState.empty(series=1), GapRules.of([60_000], [86_400_000])
>>> step(state, rules, np.array([0, 0, 0]), np.array([60_000, 120_000, 300_000]), received=301_000)
>>> [(gap.start, gap.end) for gap in missing(state, rules, 0)]
[(180000, 300000)]
>>> step(state, rules, np.array([0]), np.array([240_000]), received=302_000)
>>> [(gap.start, gap.end) for gap in missing(state, rules, 0)]
[(180000, 240000)]
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from detectors.records import NEVER, Finding, Phase

DETECTOR: Final = "gap"
AHEAD_MS: Final = 3_600_000
"""A stamp further ahead of the time it was received at is of a wrong clock."""
KEPT: Final = 64
"""Gaps remembered of one series; of more the oldest are let go, and counted."""
PATIENCE_MS: Final = 600_000
PATIENCE_PERIODS: Final = 2
"""A gap is reported when it is still open so long after it was found, whichever of the two is longer: data that were
held back come soon after the first one that is new."""

Ints = NDArray[np.int64]


class Missing(NamedTuple):
    """One gap; ms UTC."""

    start: int
    """Start of the first missing period."""
    end: int
    """End of the last one: exclusive."""
    found: int
    """When it was received what showed the gap."""


@dataclass(frozen=True, slots=True)
class GapRules:
    """Columns of shape (series,), in ms."""

    interval: Ints
    phase: Ints
    """Periods start at `phase` plus whole intervals since the epoch (hours of a zone at +05:30: 30 min)."""
    look_back: Ints

    @staticmethod
    def of(interval: Sequence[int], look_back: Sequence[int], phase: Sequence[int] | None = None) -> GapRules:
        return GapRules(
            np.array(interval, np.int64),
            np.array(phase if phase is not None else [0] * len(interval), np.int64),
            np.array(look_back, np.int64),
        )


@dataclass(slots=True)
class GapState:
    """Columns of shape (series,), and the gaps of the few series that have some."""

    first: Ints
    """Start of the period that came first, `NEVER` before."""
    newest: Ints
    """Start of the newest period that came, `NEVER` before."""
    dropped: Ints
    """Gaps let go for want of room."""
    missing: dict[int, list[Missing]] = field(default_factory=dict[int, list[Missing]])
    """Series to its gaps, by time, apart from each other; none is empty."""
    told: dict[int, int] = field(default_factory=dict[int, int])
    """Series whose gaps were reported, to the `since` of the report. Not saved: who commits reports knows them."""

    @staticmethod
    def empty(series: int) -> GapState:
        return GapState(np.full(series, NEVER, np.int64), np.full(series, NEVER, np.int64), np.zeros(series, np.int64))

    def dump(self, rules: GapRules) -> dict[str, Ints]:
        """What must outlive the process: by series, and `missing` of shape (gaps, 4): series, start, end, found."""
        rows = [(series, *gap) for series, gaps in self.missing.items() for gap in gaps]
        return {
            "interval": rules.interval.copy(),
            "first": self.first.copy(),
            "newest": self.newest.copy(),
            "dropped": self.dropped.copy(),
            "missing": np.array(rows, np.int64).reshape(-1, 4),
        }

    @staticmethod
    def load(rules: GapRules, saved: Mapping[str, Ints], series_from: NDArray[np.intp]) -> GapState:
        """What `dump` gave; `series_from[s]` is the row in `saved` of series s, -1 for a new one.

        A series that has another interval now begins anew.
        """
        state = GapState.empty(len(series_from))
        old = np.flatnonzero(series_from >= 0)
        old = old[saved["interval"][series_from[old]] == rules.interval[old]]
        now_of = {int(series_from[series]): int(series) for series in old}
        for name in ("first", "newest", "dropped"):
            getattr(state, name)[old] = saved[name][series_from[old]]
        for row, start, end, found in saved["missing"].tolist():
            if row in now_of:
                state.missing.setdefault(now_of[row], []).append(Missing(start, end, found))
        return state


def step(state: GapState, rules: GapRules, series: NDArray[np.intp], time: Ints, received: int) -> None:
    """Note that data of the periods at `time` (ms UTC; `NEVER`: none) of `series` came at `received`; shape (n,) each.

    O(n) where every series goes on where it was; O(log gaps) in Python for each row that does not.
    """
    interval = rules.interval[series]
    start = time - (time - rules.phase[series]) % interval
    usable = (time <= received + AHEAD_MS) & (time >= received - rules.look_back[series])  # NEVER is out of this too
    newest = state.newest[series]
    goes_on = usable & (start == newest + interval)
    # What is missing does not depend on the order of rows, so those that merely go on may be first.
    state.newest[series[goes_on]] = start[goes_on]
    for row in np.flatnonzero(usable & ~goes_on & (start != newest)):
        _note(state, rules, int(series[row]), int(start[row]), received)


def _note(state: GapState, rules: GapRules, series: int, start: int, received: int) -> None:
    newest, interval = int(state.newest[series]), int(rules.interval[series])
    if newest == NEVER:
        state.first[series] = state.newest[series] = start
    elif start > newest:
        state.newest[series] = start
        oldest = _oldest(state, rules, series)
        begin = max(newest + interval, oldest)
        if begin < start:
            gaps = state.missing.setdefault(series, [])
            gaps.append(Missing(begin, start, received))
            _bound(state, series)
    elif start >= state.first[series]:
        _close(state, series, start, interval)


def _close(state: GapState, series: int, start: int, interval: int) -> None:
    """The period at `start` came late: take it out of the gap that it lies in, if it does in one."""
    gaps = state.missing.get(series)
    if gaps is None:
        return
    at = bisect_right(gaps, start, key=_start) - 1
    if at < 0 or start >= gaps[at].end:
        return
    gap = gaps[at]
    left = Missing(gap.start, start, gap.found)
    right = Missing(start + interval, gap.end, gap.found)
    gaps[at : at + 1] = [part for part in (left, right) if part.start < part.end]
    _bound(state, series)


def _bound(state: GapState, series: int) -> None:
    gaps = state.missing[series]
    over = len(gaps) - KEPT
    if over > 0:
        del gaps[:over]
        state.dropped[series] += over
    if not gaps:
        del state.missing[series]


def _start(gap: Missing) -> int:
    return gap.start


def _oldest(state: GapState, rules: GapRules, series: int) -> int:
    """Start of the oldest period that is looked for."""
    interval = int(rules.interval[series])
    return int(state.newest[series]) - int(rules.look_back[series]) // interval * interval


def missing(state: GapState, rules: GapRules, series: int) -> list[Missing]:
    """The gaps of a series within its look-back, oldest first."""
    gaps = state.missing.get(series)
    if gaps is None:
        return []
    oldest = _oldest(state, rules, series)
    if gaps[0].start < oldest:  # time has passed over it
        kept = [gap._replace(start=max(gap.start, oldest)) for gap in gaps if gap.end > oldest]
        if not kept:
            del state.missing[series]
            return []
        state.missing[series] = gaps = kept
    return gaps[:]


def judge(state: GapState, rules: GapRules, now: int) -> list[Finding]:
    """Series whose gaps stayed open for too long, and those that have none any more, at `now` (ms UTC).

    Rule and subject are the series; the value is the time that is missing in all, the limit the patience there was,
    both in seconds.
    """
    found: list[Finding] = []
    for series in sorted(state.missing.keys() | state.told.keys()):
        gaps = missing(state, rules, series)
        patience = max(PATIENCE_MS, PATIENCE_PERIODS * int(rules.interval[series]))
        told = state.told.get(series)
        if told is None and any(gap.found + patience <= now for gap in gaps):
            since = state.told[series] = gaps[0].start
            found.append(_finding(series, Phase.ACTIVE, since, now, gaps, patience))
        elif told is not None and not gaps:
            del state.told[series]
            found.append(_finding(series, Phase.CLEAR, told, now, gaps, patience))
    return found


def _finding(series: int, phase: Phase, since: int, now: int, gaps: list[Missing], patience: int) -> Finding:
    lost = sum(gap.end - gap.start for gap in gaps)
    return Finding(DETECTOR, series, series, phase, 1, since, now, lost / 1000, patience / 1000)
