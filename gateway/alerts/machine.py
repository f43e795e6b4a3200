"""The alert machine: findings in, steps of alerts out. Pure: no I/O, no clock; the same history gives the same alerts.

```
             PENDING             ACTIVE             CLEAR
   (none) ───────────> pending ─────────> firing ─────────> resolved   (never changes again)
     │                    │    fired      │    ^   resolved    ^
     │ ACTIVE: fired      │               └────┘ ACTIVE with   │
     └────────────────────│──────> firing        another level │
                          └────────────────────────────────────┘
                                CLEAR: withdrawn
```

A subject has at most one open (pending or firing) alert. A finding that says what is already so changes nothing, so
a message that comes twice makes no second step. An alert is reached only by findings with its own subject, and the
family is part of the subject: missing data never resolves an exceedance.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import Final

from detectors.records import Finding, Phase
from gateway.alerts.records import Alert, State, Step, Subject, Transition

EVIDENCE_KEPT: Final = 16
"""References an alert holds: the one it began with and the newest; the audit trail has the position of every step."""

Write = Callable[[Alert, Step, Finding], tuple[str, str]]
"""Alert after a step, the step and the finding that made it to its texts in English and Chinese."""

_Key = tuple[str, ...]


@dataclass(slots=True)
class _Mark:
    """What must be known of a subject's earlier alerts, so that no id is given twice."""

    since: int
    """Latest `since` of any of them."""
    repeat: int
    """Highest `repeat` of any of them."""


class AlertMachine:
    """All open alerts. Not thread-safe: it belongs to the pipeline."""

    def __init__(self, alerts: Iterable[Alert], write: Write) -> None:
        """Go on from these alerts: `LedgerReader.alerts_to_resume`, or none.

        Ended ones among them do nothing but keep a new alert from getting an id that was given before.
        """
        self._write = write
        self._open: dict[_Key, Alert] = {}
        self._marks: dict[_Key, _Mark] = {}  # bounded by the subjects that the inventory can make
        for alert in alerts:
            key = alert.subject.key
            if alert.state is not State.RESOLVED:
                assert key not in self._open, f"two open alerts of one subject: {key}"
                self._open[key] = alert
            self._remember(key, alert)

    def open_alerts(self) -> list[Alert]:
        """Pending and firing alerts as they stand."""
        return list(self._open.values())

    def find(self, subject: Subject) -> Alert | None:
        """The open alert of a subject."""
        return self._open.get(subject.key)

    def apply(
        self, finding: Finding, subject: Subject, recorded: int, evidence: Iterable[str] = ()
    ) -> Transition | None:
        """Take one finding about `subject` and return the step it makes, None where nothing changes.

        `recorded` is the wall clock in ms UTC. The finding's journal position becomes evidence by itself; `evidence`
        names more (`frame:<sha256>`).
        """
        key = subject.key
        before = self._open.get(key)
        step = _step(before, finding)
        if step is None:
            return None
        alert = before or self._begin(subject, finding)
        alert = replace(
            alert,
            value=finding.value,
            limit=finding.limit,
            peak=_worst((alert.peak, finding.value, finding.peak), below=alert.subject.side == "below"),
            evidence=_joined(alert.evidence, finding.position, evidence),
        )
        match step:
            case Step.PENDING:
                pass
            case Step.FIRED:
                highest = max(alert.highest, finding.level)
                alert = replace(alert, state=State.FIRING, fired=finding.time, level=finding.level, highest=highest)
            case Step.LEVEL:
                alert = replace(alert, level=finding.level, highest=max(alert.highest, finding.level))
            case Step.RESOLVED | Step.WITHDRAWN:
                alert = replace(alert, state=State.RESOLVED, resolved=finding.time)
        english, chinese = self._write(alert, step, finding)
        alert = replace(alert, text_en=english, text_zh=chinese)
        if alert.state is State.RESOLVED:
            del self._open[key]
        else:
            self._open[key] = alert
        return Transition(alert, step, finding.time, recorded, finding.position, finding.value, finding.limit)

    def _begin(self, subject: Subject, finding: Finding) -> Alert:
        mark = self._marks.get(subject.key)
        # Normally a subject's next alert begins later than its last, and subject and since name it. After a clock
        # was set back, or when old data are run again, it does not: then the alerts so affected are counted.
        repeat = mark.repeat + 1 if mark is not None and finding.since <= mark.since else 0
        alert = Alert(
            id=alert_id(subject, finding.since, repeat),
            subject=subject,
            state=State.PENDING,
            level=finding.level,
            highest=0,
            since=finding.since,
            fired=0,
            resolved=0,
            value=finding.value,
            peak=finding.value,
            limit=finding.limit,
            text_en="",
            text_zh="",
            repeat=repeat,
        )
        self._remember(subject.key, alert)
        return alert

    def _remember(self, key: _Key, alert: Alert) -> None:
        mark = self._marks.setdefault(key, _Mark(alert.since, alert.repeat))
        mark.since = max(mark.since, alert.since)
        mark.repeat = max(mark.repeat, alert.repeat)


def alert_id(subject: Subject, since: int, repeat: int = 0) -> str:
    """The first letter of the family, a hyphen, and 64 bits of BLAKE2b over the subject's key and `since`.

    A `repeat` above 0 is hashed too: no two alerts of a subject share both `since` and `repeat`.
    """
    words = [*subject.key, str(since)]
    if repeat:
        words.append(str(repeat))
    digest = blake2b("\x1f".join(words).encode(), digest_size=8).hexdigest()
    return f"{subject.family[0]}-{digest}"


def _step(alert: Alert | None, finding: Finding) -> Step | None:
    """The step that a finding makes of an open alert, or of none."""
    match finding.phase:
        case Phase.PENDING:
            return Step.PENDING if alert is None else None
        case Phase.ACTIVE:
            if alert is None or alert.state is State.PENDING:
                return Step.FIRED
            return Step.LEVEL if alert.level != finding.level else None
        case Phase.CLEAR:
            if alert is None:
                return None
            return Step.WITHDRAWN if alert.state is State.PENDING else Step.RESOLVED


def _worst(values: Iterable[float], *, below: bool) -> float:
    """The most extreme of the values that are numbers, NaN where none is."""
    return (min if below else max)((value for value in values if not math.isnan(value)), default=math.nan)


def _joined(kept: tuple[str, ...], position: int, more: Iterable[str]) -> tuple[str, ...]:
    """The references with those of a step added, each once, the first and the newest `EVIDENCE_KEPT` - 1 kept."""
    new = [f"journal:{position}", *more] if position >= 0 else list(more)
    joined = tuple(dict.fromkeys((*kept, *new)))
    return joined if len(joined) <= EVIDENCE_KEPT else (joined[0], *joined[1 - EVIDENCE_KEPT :])
