"""Late limits: readings that come after newer ones of their channel are held against the same rules, in a lane apart.

The live lane (`limits`) is not touched. Late readings are judged in *runs*, each in order of arrival:

- The main run of a channel takes every late reading that is newer than its last one. A hole longer than the channel's
  reach begins another main run, as readings on both sides of it do not prove what was between.
- What is not newer goes into side runs: a reading that is older than the one before it, or behind a hole, begins
  another, and one of the main run ends it. So a repeat of what the main run has does not interrupt it, and history
  that comes newest first is judged reading by reading.
- Where a reading was received more than `QUIET` after the one before it, all runs of the channel are over.
- Within a run a rule enters and leaves its levels as in the live lane. A run that is over while its rule is in a level
  ends the exceedance at its last reading: the finding's value is NaN, as no reading did.
- What is found is news only where it is at a higher level than what was found of the rule at that time (`found`). It is
  held against that when a level is entered. What is no news is the same data coming again, after a crash or because
  they were asked for twice, and makes no finding.
- One exceedance of a rule is told of at a time: news of a side run ends that of the main run.
- There is no pending: nobody has to stand by for what is over, and a short run that comes again would be told again.

What is found does not depend on how the stream is cut into batches. Data that come again find nothing new: for rules
without hold wherever the repeat begins and ends; for rules with a hold as far as it repeats data in their order.

>>> from detectors.readings import limits
>>> rules = Limits.of([0], [+1], [[35.0]], [0], [0.05])
>>> live, late, watch = LimitState.empty(rules, channels=1), LateState.empty(rules), Watch.of(rules, [60_000])
>>> def feed(minutes, *values):
...     time, n = 60_000 * np.array(minutes), len(values)
...     zero, normal = np.zeros(n, np.int64), np.full(n, ord("N"), np.uint8)
...     batch = Readings(zero.astype(np.int32), time, zero + 6_000_000, np.array(values), normal, zero, normal * 0)
...     found = step(late, rules, watch, batch, limits.step(live, rules, batch))
...     return [(f.phase.value, f.since // 60_000, f.time // 60_000, f.value) for f in found]
>>> feed([9], 30.0)
[]
>>> feed([1, 2, 3], 36.0, 37.0, 30.0)
[('active', 1, 1, 36.0), ('clear', 1, 3, 30.0)]
>>> feed([1, 2, 3], 36.0, 37.0, 30.0)
[]
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from detectors.readings import late_runs
from detectors.readings.found import Found, open_stay
from detectors.readings.late_runs import Event, Runs, Tail, Watch
from detectors.readings.limit_judge import Column
from detectors.readings.limit_rules import Bools, Int64s, Limits, Rows
from detectors.readings.limits import Judged, LimitState
from detectors.records import NEVER, Finding, Phase, Readings

DETECTOR: Final = "late_limit"


@dataclass(slots=True)
class LateState:
    """What is remembered between batches."""

    runs: Runs
    told: Int64s
    """(rules,) level of the exceedance that was told of and has not ended, 0 for none."""
    told_side: Bools
    """(rules,) whether that is one of the side run."""
    found: Found
    """What either lane has found."""

    @staticmethod
    def empty(rules: Limits) -> LateState:
        """Nothing late yet."""
        none = np.zeros(len(rules), np.int64)
        return LateState(Runs.empty(rules), none, none.astype(np.bool_), Found.empty(len(rules)))

    def dump(self, rules: Limits) -> dict[str, Column]:
        """What must outlive the process; where nothing is late, little more than what was found."""
        told = {"told": self.told.copy(), "told_side": self.told_side.copy()}
        return self.runs.dump(rules) | told | {"found": self.found.dump()}

    @staticmethod
    def load(rules: Limits, saved: Mapping[str, Column], channel_from: Rows, rule_from: Rows) -> LateState:
        """The state that `dump` gave, under today's numbers.

        `channel_from[c]` is the old number of channel c, `rule_from[r]` that of rule r, -1 where there is none.
        """
        state = LateState.empty(rules)
        state.runs = Runs.load(rules, saved, channel_from, rule_from)
        old = rule_from >= 0
        state.told[old] = saved["told"][rule_from[old]]
        state.told_side[old] = saved["told_side"][rule_from[old]]
        state.found = Found.load(saved["found"].astype(np.int64), rule_from)
        return state

    def follow(self, live: LimitState) -> None:
        """Take over what the live lane is in, where its state was saved by what knew of no late lane."""
        level = live.held.entered.sum(axis=0)
        for rule in np.flatnonzero(live.held.since != NEVER):
            self.found.live[int(rule)] = open_stay(int(live.held.since[rule]), int(level[rule]))


def step(state: LateState, rules: Limits, watch: Watch, batch: Readings, judged: Judged) -> list[Finding]:
    """Advance by one batch that the live lane has `judged`. Findings are in the order of the readings that made them.

    O(m log m) in the m late readings; nothing to do while none is late and
    the live lane finds nothing.
    """
    if not judged.findings and len(judged.late) == 0:
        return []
    events = late_runs.advance(state.runs, rules, watch, batch, judged.late)
    made: list[Finding] = []
    at = 0
    # What is news depends on what was found before it, by either lane: so both in the order of the readings.
    for row, finding in zip(judged.at.tolist(), judged.findings, strict=True):
        while at < len(events) and events[at].row < row:
            _tell(state, rules, events[at], made)
            at += 1
        state.found.note(finding)
    for event in events[at:]:
        _tell(state, rules, event, made)
    return made


def tick(state: LateState, rules: Limits, now: int) -> list[Finding]:
    """End the runs of which nothing was received for longer than `late_runs.QUIET`, at `now` (ms UTC)."""
    made: list[Finding] = []
    for event in late_runs.end_quiet(state.runs, rules, now):
        _tell(state, rules, event, made)
    return made


def _tell(state: LateState, rules: Limits, event: Event, made: list[Finding]) -> None:
    """Add what an event is to be told as, if it is, and remember what was found."""
    rule, found = event.rule, state.found
    mine = state.told[rule] > 0 and bool(state.told_side[rule]) == event.side
    if not mine and event.now > max(event.was, found.level(rule, event.at.time, side=event.side)):
        _take_over(state, rules, event, made)
        mine = True
    if event.was:
        found.add(rule, event.since, event.at.time + 1, event.was)
    if not event.side:
        found.main.pop(rule, None)
        if event.now:
            found.main[rule] = open_stay(event.since, event.now)
    if mine:
        state.told[rule], state.told_side[rule] = event.now, event.side
        made.append(_finding(rules, event, event.now, event.at, event.value))


def _take_over(state: LateState, rules: Limits, event: Event, made: list[Finding]) -> None:
    """End what was told of the main run, if something was, at its last reading: a side run has news."""
    rule = event.rule
    if not state.told[rule]:
        return
    stay = state.found.main[rule]
    state.found.add(rule, stay.start, event.main.time + 1, stay.level)
    over = event._replace(was=stay.level, since=stay.start, peak=math.nan)
    made.append(_finding(rules, over, 0, event.main, math.nan))


def _finding(rules: Limits, event: Event, level: int, at: Tail, value: float) -> Finding:
    """That a rule is at a level, or has left its last one, at a reading."""
    rule = event.rule
    return Finding(
        detector=DETECTOR,
        rule=rule,
        subject=int(rules.channel[rule]),
        phase=Phase.ACTIVE if level else Phase.CLEAR,
        level=level or event.was,
        since=event.since,
        time=at.time,
        value=value,
        limit=float(rules.levels[rule, max(level, 1) - 1]),
        position=at.position,
        peak=event.peak,
        received=at.received,
    )
