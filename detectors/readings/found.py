"""Exceedances that were found: what tells late news from the same readings coming again.

Of each rule it holds the *stays* at a level, as stretches of the time of the data: those that ended, a bounded number,
and the ones that the live lane and the main run of late readings are in. The stays of one exceedance all begin where
it began.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from detectors.records import Finding, Phase

KEPT: Final = 256
"""Stays kept of a rule, ..."""
KEPT_AT_LEAST: Final = 8
KEPT_IN_ALL: Final = 400_000
"""... or fewer where rules are so many that all together would be more than this: 20 MB."""
_OPEN: Final = 2**63 - 1


class Stay(NamedTuple):
    """A rule was at `level` or above; ms UTC, by the time of the readings."""

    start: int
    """When the exceedance began."""
    end: int
    """When the level was left: exclusive."""
    level: int


@dataclass(slots=True)
class Found:
    """Only rules that found something have entries."""

    room: int
    """Stays kept of a rule; of more those that ended first are let go, and would be news if they came again."""
    ended: dict[int, list[Stay]] = field(default_factory=dict[int, list[Stay]])
    live: dict[int, Stay] = field(default_factory=dict[int, Stay])
    """What the live lane is in: everything late is older than its newest reading, so it has no end yet."""
    main: dict[int, Stay] = field(default_factory=dict[int, Stay])
    """Likewise what the main run of late readings is in: every side run is older."""

    @staticmethod
    def empty(rules: int) -> Found:
        return Found(min(KEPT, max(KEPT_AT_LEAST, KEPT_IN_ALL // max(rules, 1))))

    def level(self, rule: int, time: int, *, side: bool) -> int:
        """The highest level that was found of a rule at `time`, 0 for none; for the main run or for a side run."""
        stays = self.ended.get(rule, [])
        for lane in (self.live, self.main) if side else (self.live,):
            stay = lane.get(rule)
            if stay is not None:
                stays = [*stays, stay]
        return max((stay.level for stay in stays if stay.start <= time < stay.end), default=0)

    def add(self, rule: int, since: int, end: int, level: int) -> None:
        """An exceedance that began at `since` was at `level` up to `end`, exclusive."""
        new = Stay(since, max(end, since + 1), level)
        stays = self.ended.setdefault(rule, [])
        if any(_says_all_of(stay, new) for stay in stays):
            return
        stays[:] = [stay for stay in stays if not _says_all_of(new, stay)]
        stays.append(new)
        if len(stays) > self.room:
            stays.remove(min(stays, key=_end))

    def note(self, finding: Finding) -> None:
        """Follow the live lane."""
        before = self.live.pop(finding.rule, None)
        if before is not None:
            self.add(finding.rule, before.start, finding.time, before.level)
        if finding.phase is Phase.ACTIVE:
            self.live[finding.rule] = open_stay(finding.since, finding.level)

    def dump(self) -> NDArray[np.int64]:
        """What must outlive the process, of shape (stays, 5): 0 ended, 1 live, 2 main; rule, start, end, level."""
        rows = [(0, rule, *stay) for rule, stays in self.ended.items() for stay in stays]
        rows += [(1, rule, *stay) for rule, stay in self.live.items()]
        rows += [(2, rule, *stay) for rule, stay in self.main.items()]
        return np.array(rows, np.int64).reshape(-1, 5)

    @staticmethod
    def load(saved: NDArray[np.int64], rule_from: NDArray[np.intp]) -> Found:
        """What `dump` gave; `rule_from[r]` is the old number of rule r, -1 for a new one."""
        found = Found.empty(len(rule_from))
        now_of = {int(old): rule for rule, old in enumerate(rule_from) if old >= 0}
        for kind, old, start, end, level in saved.tolist():
            rule = now_of.get(old)
            if rule is not None and kind:
                (found.live if kind == 1 else found.main)[rule] = Stay(start, end, level)
            elif rule is not None:
                found.add(rule, start, end, level)
        return found


def open_stay(since: int, level: int) -> Stay:
    """A stay at `level` of an exceedance that began at `since` and goes on."""
    return Stay(since, _OPEN, level)


def _says_all_of(stay: Stay, other: Stay) -> bool:
    return stay.start <= other.start and other.end <= stay.end and other.level <= stay.level


def _end(stay: Stay) -> int:
    return stay.end
