"""The nouns of alerting: `Alert`, what it is about, and one step of its life. Imports nothing of ours."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


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
    """Device or camera id."""
    factor: str = ""
    field: str = ""
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert as it stands after its last step. Times are ms UTC, by the time of the data; 0: not yet."""

    id: str
    """Same events, same id: derived from subject and `since`, so a replay finds the alert it made before."""
    subject: Subject
    state: State
    level: int
    highest: int
    """Highest level reached."""
    since: int
    """When the condition began."""
    fired: int
    resolved: int
    value: float
    """Value of the last step."""
    peak: float
    """Most extreme value at a step."""
    limit: float
    text_en: str
    text_zh: str
    evidence: tuple[str, ...] = ()
    """References: `journal:<position>`, `frame:<sha256>`."""


@dataclass(frozen=True, slots=True)
class Transition:
    """One entry of the audit trail: the alert after the step, and the evidence for the step."""

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
