"""Views: what the API and the console are told of a logger. Times are ms UTC, `NEVER` where there is none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from gateway.loggers.regular import Gap


class VerdictCount(NamedTuple):
    """How often a verdict occurred."""

    word: str
    frames: int
    last: int
    """When it was last received."""
    example: int
    """Journal position of that frame."""


@dataclass(frozen=True, slots=True)
class LastFrame:
    """The newest frame of a logger."""

    received: int
    time: int
    position: int
    cn: str
    qn: str
    verdicts: int
    taken: bool
    encrypted: bool
    link: str


@dataclass(frozen=True, slots=True)
class LoggerView:
    """What is known of one logger. Counts run since it was first heard of, over restarts."""

    device: int
    edition: str
    """Of its last frame; empty before the first."""
    configured: bool
    """Whether the edition is configured; else it was recognised."""
    st: str
    first_received: int
    first_time: int
    last: LastFrame
    frames: int
    marked: int
    """Frames with a verdict."""
    commands: dict[str, int]
    """Frames by CN, the most frequent first."""
    verdicts: list[VerdictCount]
    """The most frequent first."""
    quarantined: int
    repeats: int
    back_filled: int
    encrypted: int
    sets_complete: int
    sets_incomplete: int
    sets_open: int
    gaps: list[Gap]
    gaps_dropped: int
    """Gaps no longer known one by one: there were too many."""

    @property
    def share(self) -> float:
        """Share of frames with a verdict, 0 to 1."""
        return self.marked / self.frames if self.frames else 0.0


class Totals(NamedTuple):
    """Of all loggers together, those that are not in the inventory included."""

    frames: int
    verdicts: dict[str, int]
    repeats: int
    sets_incomplete: int
    sets_dropped: int
    gaps: int
    """Open now."""
