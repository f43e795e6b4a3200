"""What limits mean, one reading after the other: the model that the detectors are held against, and rows for both."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from hypothesis import strategies as st

from detectors.readings.limit_rules import Limits
from detectors.records import NEVER, Finding, Phase, Readings

N, T, D = ord("N"), ord("T"), ord("D")
Row = tuple[int, int, float, int]
"""Channel, time, value, flag."""


def readings(rows: list[Row], position: int = 0, received: int = 10**9) -> Readings:
    n = len(rows)
    return Readings(
        np.array([r[0] for r in rows], np.int32),
        np.array([r[1] for r in rows], np.int64),
        np.full(n, received, np.int64),
        np.array([r[2] for r in rows], np.float64),
        np.array([r[3] for r in rows], np.uint8),
        np.arange(position, position + n, dtype=np.int64),
        np.zeros(n, np.uint8),
    )


def short(findings: list[Finding]) -> list[tuple[str, int, int, int, float]]:
    return [(f.phase.value, f.level, f.since, f.time, f.value) for f in findings]


class Said(NamedTuple):
    """What one reading made of a rule."""

    phase: Phase
    level: int
    since: int
    limit: float


@dataclass
class Rule:
    channel: int
    side: int
    levels: list[float]
    hold: int
    band: float
    runs: dict[int, int] = field(default_factory=dict)
    level: int = 0
    since: int = NEVER
    pending: bool = False
    peak: float = -np.inf

    def fresh(self) -> Rule:
        """The same rule with nothing remembered."""
        return Rule(self.channel, self.side, self.levels, self.hold, self.band)

    def over(self, value: float, level: int) -> bool:
        limit = self.levels[level]
        return value >= limit if self.side > 0 else value <= limit

    def left(self, value: float, level: int) -> bool:
        limit = self.levels[level]
        edge = limit - self.side * self.band * abs(limit)
        return value < edge if self.side > 0 else value > edge

    def judge(self, time: int, value: float, flag: int) -> Said | None:
        """Take one reading of the channel, in order."""
        if flag not in (N, T) or not np.isfinite(value):
            return None
        high_says = flag == N or self.side > 0
        low_says = flag == N or self.side < 0
        was, was_pending, was_since = self.level, self.pending, self.since
        began = self.runs.get(0, NEVER)
        if high_says:
            self.peak = max(self.peak, value * self.side)
        for k in range(len(self.levels)):
            if self.over(value, k):
                if high_says:
                    if k == 0 and 0 not in self.runs and self.level == 0:
                        self.peak = value * self.side
                    self.runs.setdefault(k, time)
                    if time - self.runs[k] >= self.hold and self.level == k:
                        self.level = k + 1
                        if k == 0:
                            self.since = self.runs[0]
            elif low_says:
                self.runs.pop(k, None)
        if low_says:
            for k in reversed(range(self.level)):
                if self.left(value, k):
                    self.level = k
        self.pending = self.level == 0 and 0 in self.runs
        limit = self.levels[max(self.level, 1) - 1]
        if self.level != was and self.level:
            return Said(Phase.ACTIVE, self.level, self.since, limit)
        if self.level != was:
            return Said(Phase.CLEAR, was, was_since, limit)
        if self.pending and not was_pending:
            return Said(Phase.PENDING, 1, self.runs[0], limit)
        if was_pending and not self.pending:
            return Said(Phase.CLEAR, 1, began, limit)
        return None


VALUES = st.sampled_from(
    [-11.0, -10.0, -9.5, -1.0, 0.0, 0.5, 4.0, 4.9, 5.0, 5.2, 9.4, 9.5, 10.0, 11.0, 20.0, 1e9, np.nan, np.inf]
)


@st.composite
def rule_lists(draw: st.DrawFn) -> list[Rule]:
    rules: list[Rule] = []
    for _ in range(draw(st.integers(1, 4))):
        side = draw(st.sampled_from([1, -1]))
        levels = sorted(draw(st.sets(st.sampled_from([-10.0, -1.0, 0.0, 5.0, 10.0, 20.0]), min_size=1, max_size=3)))
        rules.append(
            Rule(
                draw(st.integers(0, 2)),
                side,
                levels if side > 0 else levels[::-1],
                draw(st.sampled_from([0, 1, 3])),
                draw(st.sampled_from([0.0, 0.05, 0.5])),
            )
        )
    return rules


def columns(rules: list[Rule]) -> Limits:
    return Limits.of(
        [r.channel for r in rules],
        [r.side for r in rules],
        [r.levels for r in rules],
        [r.hold for r in rules],
        [r.band for r in rules],
    )
