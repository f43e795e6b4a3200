"""The nouns of the score. This file imports nothing of ours. All times are ms UTC."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Expected:
    """One thing that a right receiver must find."""

    family: str
    what: str
    """One word of `docs/simulators.md`: `limit`, `silence`, `motion` ..."""
    site: str
    subjects: tuple[str, ...]
    """Ids of the devices and cameras of which one must be named."""
    begins: int
    begun: int | None
    """An alert about it begins between these two; None: at any time from `begins` on."""
    ends: int | None
    """When it is over; None where it is for good."""
    factor: str = ""
    field: str = ""
    period: str = ""
    side: str = ""
    zone: str = ""
    late: bool = False
    """Whether it is to be found in data that came late."""
    kind: str = ""
    """The truth's word for what made it happen."""

    @property
    def last(self) -> int | None:
        """The last moment at which an alert about it may begin; None where there is none."""
        return None if self.begun is None or self.ends is None else max(self.begun, self.ends)


@dataclass(frozen=True, slots=True)
class Said:
    """One alert that fired, as a receiver told it."""

    family: str
    rule: str
    what: str
    """The word of the truth for what the rule finds; empty where the rule has none, so that it may be any."""
    site: str
    subject: str
    since: int
    """When the condition began."""
    told: int
    """When the receiver told of it: what a delay is reckoned with."""
    ended: int | None
    """When it was over, in the receiver's words; None where it did not say so."""
    factor: str = ""
    field: str = ""
    period: str = ""
    side: str = ""
    zone: str = ""
    late: bool = False
    id: str = ""
    ended_told: int | None = None
    """When the receiver said that it was over, where that is known."""


@dataclass(frozen=True, slots=True)
class Happened:
    """One line of the truth that is no expectation: for people to see."""

    layer: str
    kind: str
    site: str
    subjects: tuple[str, ...]
    start: int
    end: int | None


@dataclass(frozen=True, slots=True)
class Counted:
    """What became of the messages of one device or camera on their way."""

    site: str
    subject: str
    start: int
    end: int
    figures: dict[str, int]
    """`sent`, `arrived`, `lost`, `duplicated`, `late`, `out_of_order`."""


@dataclass(slots=True)
class Truth:
    """All that a truth file says."""

    expected: list[Expected] = field(default_factory=list[Expected])
    happened: list[Happened] = field(default_factory=list[Happened])
    counted: list[Counted] = field(default_factory=list[Counted])
