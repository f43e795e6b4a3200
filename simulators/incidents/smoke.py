"""Smoke of a stack before a camera: alone, with the dust that makes it, or while the monitor says that all is well."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from simulators.incidents.event import Expected, OnCamera

OPACITY_PER_LEVEL = 0.2
"""Share of black in one level of Ringelmann's chart (HJ/T 398-2007)."""


class Smoky(OnCamera):
    """A plume of set opacity just above the mouth of a stack. Give `opacity` or `ringelmann` (0 to 5)."""

    stack: Annotated[int, Field(ge=0)] = 0
    """Which of the scene's stacks, from the first."""
    opacity: Annotated[float, Field(gt=0, lt=1)] | None = None
    ringelmann: Annotated[float, Field(gt=0, lt=5)] | None = None
    colour: Literal["black", "grey", "white", "yellow"] = "black"
    duration_s: Annotated[float, Field(gt=0)]  # pyright: ignore[reportIncompatibleVariableOverride, reportGeneralTypeIssues]
    ramp_s: Annotated[float, Field(gt=0)] = 3.0
    """Time it takes to get to its opacity, and away again, both within `duration_s`."""

    @model_validator(mode="after")
    def _one_measure(self) -> Self:
        if (self.opacity is None) == (self.ringelmann is None):
            raise ValueError("smoke has either `opacity` or `ringelmann`")
        return self

    @property
    def density(self) -> float:
        """Opacity just above the mouth when fully there, 0 to 1."""
        return self.opacity if self.opacity is not None else OPACITY_PER_LEVEL * (self.ringelmann or 0.0)

    def expects(self) -> Iterator[Expected]:
        """Smoke blacker than Ringelmann 1, which is what standards allow."""
        if self.density > OPACITY_PER_LEVEL:
            yield Expected("exceedance", "smoke")

    def share(self, t: float) -> float:
        """How far it is there at `t` seconds since the start, 0 to 1."""
        since = self.since(t)
        if since is None or since >= self.duration_s:
            return 0.0
        return min(1.0, since / self.ramp_s, (self.duration_s - since) / self.ramp_s)

    def told(self) -> dict[str, object]:
        """Opacity and Ringelmann number both, whichever the scenario gives."""
        both = {"opacity": round(self.density, 4), "ringelmann": round(self.density / OPACITY_PER_LEVEL, 2)}
        return super().told() | both


class Smoke(Smoky):
    """Smoke that no monitor is bound to."""

    kind: Literal["smoke"]


class SmokeWithDust(Smoky):
    """Smoke, and the monitor of the stack says so: its dust is drawn to `reach` by the same schedule."""

    kind: Literal["smoke_with_dust"]
    device: str
    factor: str = "a34013"
    reach: float
    """The level of the factor, in its unit; for flue gas at reference oxygen, as of an `exceedance`."""


class HiddenSmoke(Smoky):
    """Smoke, while the monitor of the stack goes on telling its usual values: it does not measure what comes out."""

    kind: Literal["hidden_smoke"]
    device: str

    def expects(self) -> Iterator[Expected]:
        """Smoke before the camera, and a monitor that does not tell of it."""
        yield from super().expects()
        yield Expected("fraud", "hidden_smoke", device=self.device)
