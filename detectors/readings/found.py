"""Exceedances that were found: what tells late news from the same readings coming again.

Of each rule it holds the *stays* at a level, as stretches of the time of the data: those that ended, a bounded number,
and the one the live lane is in. The stays of one exceedance all begin where it began.
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

    @staticmethod
    def empty(rules: int) -> Found:
        return Found(min(KEPT, max(KEPT_AT_LEAST, KEPT_IN_ALL // max(rules, 1))))

    def level(self, rule: int, since: int, time: int) -> int:
        """The highest level of what was found of a rule anywhere from `since` to `time`, both included; 0: nothing."""
        stays = self.ended.get(rule, [])
        live = self.live.get(rule)
        levels = (stay.level for stay in (stays if live is None else [*stays, live]) if _meet(stay, since, time))
        return max(levels, default=0)

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
            self.enter(finding.rule, finding.since, finding.level)

    def enter(self, rule: int, since: int, level: int) -> None:
        """The live lane is at `level` of an exceedance that began at `since`."""
        self.live[rule] = Stay(since, _OPEN, level)

    def dump(self) -> NDArray[np.int64]:
        """What must outlive the process, of shape (stays, 4): rule, start, end, level."""
        rows = [(rule, *stay) for rule, stays in self.ended.items() for stay in stays]
        rows += [(rule, *stay) for rule, stay in self.live.items()]
        return np.array(rows, np.int64).reshape(-1, 4)

    @staticmethod
    def load(saved: NDArray[np.int64], rule_from: NDArray[np.intp]) -> Found:
        """What `dump` gave; `rule_from[r]` is the old number of rule r, -1 for a new one."""
        found = Found.empty(len(rule_from))
        now_of = {int(old): rule for rule, old in enumerate(rule_from) if old >= 0}
        for old, *stay in saved.tolist():
            rule = now_of.get(old)
            if rule is not None and stay[1] == _OPEN:
                found.live[rule] = Stay(*stay)
            elif rule is not None:
                found.add(rule, *stay)
        return found


def _meet(stay: Stay, since: int, time: int) -> bool:
    return stay.start <= time and since < stay.end


def _says_all_of(stay: Stay, other: Stay) -> bool:
    return stay.start <= other.start and other.end <= stay.end and other.level <= stay.level


def _end(stay: Stay) -> int:
    return stay.end
