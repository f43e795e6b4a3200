"""The weather of a scenario, as the file has it."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Self

from pydantic import Field, model_validator

from simulators.settings.tables import Share, Table

Degrees = Annotated[float, Field(ge=0, le=360)]
Speed = Annotated[float, Field(ge=0, le=60)]
Temperature = Annotated[float, Field(ge=-60, le=60)]
Rain = Annotated[float, Field(ge=0, le=200)]
Sight = Annotated[float, Field(gt=0)]


class WeatherRow(Table):
    """What is said of one moment; what a row leaves out goes on between the rows around it that say it."""

    at_s: Annotated[float, Field(ge=0)]
    """Seconds since the start."""
    wind_from_deg: Degrees | None = None
    wind_m_s: Speed | None = None
    temperature_c: Temperature | None = None
    rain_mm_h: Rain | None = None
    cloud: Share | None = None
    fog_visibility_m: Sight | None = None


class WeatherPlan(Table):
    """Constants, and rows that change them over time."""

    wind_from_deg: Degrees = 270.0
    wind_m_s: Speed = 4.0
    temperature_c: Temperature = 15.0
    """Mean of the day; its swing comes on top, 5 K under a clear sky."""
    rain_mm_h: Rain = 0.0
    cloud: Share = 0.3
    """Share of the sky that clouds cover."""
    fog_visibility_m: Sight | None = None
    """How far one sees; without it, as on a clear day."""
    wander: Share = 1.0
    """How much of the usual wander of wind, cloud and warmth lies over what is said; 0 for none."""
    rows: tuple[WeatherRow, ...] = ()

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if any(later.at_s <= row.at_s for row, later in pairwise(self.rows)):
            raise ValueError("the rows of the weather must go up in `at_s`")
        return self
