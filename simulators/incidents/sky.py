"""Weather that comes and goes before one camera."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from simulators.incidents.plant import Growing

Share = Annotated[float, Field(ge=0, le=1)]


class Fog(Growing):
    """Fog comes up, and lifts."""

    layer: ClassVar[str] = "weather"
    kind: Literal["fog"]
    visibility_m: Annotated[float, Field(gt=0)] = 80.0
    """How far one sees at last: contrast falls to 2 % (Koschmieder)."""
    ramp_s: Annotated[float, Field(gt=0)] = 20.0


class Rain(Growing):
    """A shower."""

    layer: ClassVar[str] = "weather"
    kind: Literal["rain"]
    mm_h: Annotated[float, Field(gt=0, le=200)] = 10.0


class CloudShadow(Growing):
    """The shadow of a single cloud sweeps over the picture within `duration_s`."""

    layer: ClassVar[str] = "weather"
    kind: Literal["cloud_shadow"]
    duration_s: Annotated[float, Field(gt=0)]  # pyright: ignore[reportIncompatibleVariableOverride, reportGeneralTypeIssues]
    depth: Annotated[float, Field(gt=0, lt=1)] = 0.4
    """Share of the light that it takes."""
