"""Health: what is wrong with the gateway itself, as alerts of their own family.

A condition must have lasted `HOLD_MS` to fire, so that a reconnect of a second is no alert, and it ends when the
thing works again: health alerts say nothing about the air, and readings say nothing about them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from detectors.records import Finding, Phase
from gateway.alerts.records import Subject
from gateway.alerts.subjects import health_subject

DETECTOR: Final = "health"
HOLD_MS: Final = 10_000


@dataclass(frozen=True, slots=True)
class Condition:
    """How one thing does: it is bad while `value` is at or over `limit`."""

    value: float
    limit: float
    unit: str = ""
    hold: int = HOLD_MS

    @property
    def bad(self) -> bool:
        return self.value >= self.limit


@dataclass(slots=True)
class Health:
    """Since when each condition has been bad. Names are few and fixed: links, store, journal, ledger."""

    _bad_since: dict[str, int] = field(default_factory=dict[str, int])

    def step(self, conditions: Mapping[str, Condition], now: int) -> list[tuple[Finding, Subject]]:
        """Findings as of `now` (ms UTC). They repeat; the alert machine makes a step of the first only."""
        found: list[tuple[Finding, Subject]] = []
        for name, condition in conditions.items():
            if condition.bad:
                since = self._bad_since.setdefault(name, now)
                phase = Phase.ACTIVE if now - since >= condition.hold else None
            else:
                since = self._bad_since.pop(name, now)
                phase = Phase.CLEAR
            if phase is not None:
                finding = Finding(DETECTOR, 0, 0, phase, 1, since, now, condition.value, condition.limit)
                found.append((finding, health_subject(name, condition.unit)))
        return found


def lasted(name: str, since: int, until: int) -> list[tuple[Finding, Subject]]:
    """Findings of a condition that was bad from `since` to `until` (ms UTC) and can only be told of now."""
    phases = ((Phase.ACTIVE, since), (Phase.CLEAR, until))
    subject = health_subject(name)
    return [(Finding(DETECTOR, 0, 0, phase, 1, since, time, 1.0, 1.0), subject) for phase, time in phases]
