"""An event: when something on plan happens. Pure functions of the seconds since the start of the scenario."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, ClassVar, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

MOST_S: Final = 1e9
"""Some thirty years: what clocks and calendars can tell."""
Family = Literal["exceedance", "data_quality", "gateway_health", "security", "fraud"]


@dataclass(frozen=True, slots=True)
class Expected:
    """What a right receiver finds of an event: an alert of that family, about that factor or zone if one is named."""

    family: Family
    what: str
    factor: str = ""
    zone: str = ""
    device: str = ""
    """Where it is about a monitor, and the event is about a camera."""


class Event(BaseModel):
    """Something that begins at `start_s`, lasts `duration_s` and may come again every `every_s` seconds."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    layer: ClassVar[str] = "incident"
    """Where it happens: in the world, or in one of the places between the world and the centre."""
    site: str
    start_s: Annotated[float, Field(ge=0, le=MOST_S)]
    duration_s: Annotated[float, Field(gt=0)] | None = None
    every_s: Annotated[float, Field(gt=0, le=MOST_S)] | None = None

    @model_validator(mode="after")
    def _ends_before_it_repeats(self) -> Self:
        if self.duration_s is not None and self.duration_s > MOST_S:
            raise ValueError(f"a duration_s of more than {MOST_S:g} is for good: leave it out")
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

    def told(self) -> dict[str, object]:
        """What the truth says of it beside its times: all that the scenario says but when it happens."""
        return self.model_dump(exclude={"start_s", "duration_s", "every_s"}, exclude_none=True)


class OnDevice(Event):
    """Happens to one monitor."""

    device: str


class OnCamera(Event):
    """Happens before one camera, or to it."""

    camera: str
    finds: ClassVar[tuple[Family, str] | None] = None
    """Family and word of what a right receiver finds of it, None where there is nothing to be found."""

    def expects(self) -> Iterator[Expected]:
        """What a right receiver finds of it."""
        if self.finds is not None:
            yield Expected(*self.finds)
