"""Incidents: what happens on plan. Pure functions of the seconds since the start of the scenario."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator


class Event(BaseModel):
    """Something that begins at `start_s`, lasts `duration_s` and may come again every `every_s` seconds."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    site: str
    start_s: Annotated[float, Field(ge=0)]
    duration_s: Annotated[float, Field(gt=0)] | None = None
    every_s: Annotated[float, Field(gt=0)] | None = None

    @model_validator(mode="after")
    def _ends_before_it_repeats(self) -> Self:
        if self.every_s is not None and (self.duration_s is None or self.duration_s >= self.every_s):
            raise ValueError("every_s needs a duration_s that is shorter")
        return self

    def since(self, t: float) -> float | None:
        """Seconds since the latest occurrence began, None before the first. `t`: seconds since the start."""
        if t < self.start_s:
            return None
        return (t - self.start_s) % self.every_s if self.every_s else t - self.start_s

    def active(self, t: float) -> bool:
        """Whether it goes on at `t`; the moment of its end is outside."""
        since = self.since(t)
        return since is not None and (self.duration_s is None or since < self.duration_s)

    def occurrences(self) -> Iterator[tuple[float, float | None]]:
        """Start and end in seconds of each occurrence, in order; the end is None where it is for good."""
        start = self.start_s
        while True:
            yield start, None if self.duration_s is None else start + self.duration_s
            if self.every_s is None:
                return
            start += self.every_s


class Exceedance(Event):
    """A factor is drawn to another level: removal equipment fails and comes back."""

    kind: Literal["exceedance"]
    device: str
    factor: str
    reach: float
    """The level, in the factor's unit; for flue gas at reference oxygen, as its limits are."""
    duration_s: Annotated[float, Field(gt=0)]  # pyright: ignore[reportIncompatibleVariableOverride, reportGeneralTypeIssues]
    ramp_s: Annotated[float, Field(gt=0)] = 1.5
    """Time it takes to get there, and back again, both within `duration_s`."""

    def share(self, t: float) -> float:
        """How far the factor is drawn from its own level (0) to `reach` (1)."""
        since = self.since(t)
        if since is None or since >= self.duration_s:
            return 0.0
        return min(1.0, since / self.ramp_s, (self.duration_s - since) / self.ramp_s)


class Silence(Event):
    """A device sends nothing; without `duration_s` for good."""

    kind: Literal["silence"]
    device: str


class Person(Event):
    """A person walks across a zone of a camera: the figure touches it from `start_s` on, for `duration_s`."""

    kind: Literal["person"]
    camera: str
    zone: str
    duration_s: Annotated[float, Field(gt=0)]  # pyright: ignore[reportIncompatibleVariableOverride, reportGeneralTypeIssues]


Incident = Annotated[Exceedance | Silence | Person, Field(discriminator="kind")]
