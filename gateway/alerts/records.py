"""The nouns of alerting: `Alert`, what it is about, one step of its life; and `Detection`, what a camera saw.

Imports nothing of ours but the records of the detectors.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from detectors.records import Box

CLAIMS: Final = "claims:"
"""Begins a reference to a name that a message claimed; the name follows, in quotes and with escapes."""


class Family(StrEnum):
    """Alerts of a family are resolved by evidence of that family only: missing data never ends an exceedance."""

    EXCEEDANCE = "exceedance"
    DATA_QUALITY = "data_quality"
    GATEWAY_HEALTH = "gateway_health"
    SECURITY = "security"


class State(StrEnum):
    PENDING = "pending"
    FIRING = "firing"
    RESOLVED = "resolved"


class Step(StrEnum):
    """Why an alert changed: the word in the audit trail, in metrics and in what is published."""

    PENDING = "pending"
    """The condition began; it has not held for its minimum duration."""
    FIRED = "fired"
    LEVEL = "level"
    """The level of a firing alert rose or fell."""
    RESOLVED = "resolved"
    WITHDRAWN = "withdrawn"
    """Pending, and over before its minimum duration: it never fired."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What an alert is about, in words that outlive a restart."""

    family: Family
    rule: str
    """Id of the limit rule; `silence`; zone id for motion."""
    site: str
    kind: str
    """`device`, `camera` or `gateway`."""
    id: str
    """Device or camera id; for the gateway's own health the name of what is judged."""
    factor: str = ""
    field: str = ""
    unit: str = ""
    """Unit of value, peak and limit; empty for a share (0 to 1)."""
    side: str = ""
    """`above` or `below` for a limit: which way is worse. Empty means above."""

    @property
    def key(self) -> tuple[str, str, str, str, str, str, str]:
        """What makes two subjects the same one: all but unit and side, which only describe it."""
        return (self.family, self.rule, self.site, self.kind, self.id, self.factor, self.field)


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert as it stands after its last step. Times are ms UTC, by the time of the data; 0: not yet."""

    id: str
    """Same events, same id: derived from subject and `since`, so a replay finds the alert it made before."""
    subject: Subject
    state: State
    level: int
    highest: int
    """Highest level reached, 0 before it fires."""
    since: int
    """When the condition began."""
    fired: int
    resolved: int
    value: float
    """Value of the last step."""
    peak: float
    """Most extreme value from `since` to the last step, of all readings and not of those at steps only."""
    limit: float
    text_en: str
    text_zh: str
    evidence: tuple[str, ...] = ()
    """References of all steps so far: `journal:<position>`, `frame:<sha256>`, `claims:<name>`."""
    repeat: int = 0
    """0 but for an alert that began no later than an earlier one of its subject: then it counts those, from 1."""


@dataclass(frozen=True, slots=True)
class Transition:
    """One entry of the audit trail: the alert after the step, and what the step was decided on."""

    alert: Alert
    step: Step
    at: int
    """ms UTC, by the time of the data."""
    recorded: int
    """ms UTC, wall clock of the gateway when it decided."""
    position: int
    """Journal position of the message that caused it, -1 for none (silence, camera)."""
    value: float
    limit: float


@dataclass(frozen=True, slots=True)
class ZoneShare:
    """How much of a zone was in motion in one frame."""

    id: str
    share: float
    """0 to 1."""


@dataclass(frozen=True, slots=True)
class Detection:
    """What was seen in one camera frame, in words that outlive a restart. Times are ms UTC."""

    site: str
    camera: str
    captured: int
    received: int
    width: int
    height: int
    """Pixels of the frame as it was sent; the boxes are in them."""
    boxes: tuple[Box, ...]
    zones: tuple[ZoneShare, ...] = ()
    frame: str = ""
    """SHA-256 of the JPEG, hexadecimal, where it is kept as evidence; else empty."""
    kind: str = "motion"
