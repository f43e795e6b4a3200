"""What else comes out of a plant before a camera: vapour, flame, coloured water, foam."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from simulators.incidents.event import Family, OnCamera

Channel = Annotated[int, Field(ge=0, le=255)]


class Growing(OnCamera):
    """Comes and goes within `ramp_s`; for good where it has no `duration_s`."""

    ramp_s: Annotated[float, Field(gt=0)] = 3.0

    def share(self, t: float) -> float:
        """How far it is there at `t` seconds since the start, 0 to 1."""
        since = self.since(t)
        if since is None or (self.duration_s is not None and since >= self.duration_s):
            return 0.0
        left = self.ramp_s if self.duration_s is None else self.duration_s - since
        return min(1.0, since / self.ramp_s, left / self.ramp_s)


class Steam(Growing):
    """White vapour of water: condenses above the mouth of a stack and evaporates at a distance."""

    kind: Literal["steam"]
    stack: Annotated[int, Field(ge=0)] = 0
    opacity: Annotated[float, Field(gt=0, lt=1)] = 0.7
    """Where it is densest."""
    reach_m: Annotated[float, Field(gt=0)] = 60.0
    """Metres from the mouth at which it is gone."""


class Flare(Growing):
    """A flame at the tip of the flare."""

    kind: Literal["flare"]
    length_m: Annotated[float, Field(gt=0)] = 18.0
    smoke: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Opacity of the black smoke of a flame that gets too little air."""


class ColouredWater(Growing):
    """The water of an outfall has another colour: it comes out of the pipe and drifts along the channel."""

    finds: ClassVar[tuple[Family, str] | None] = ("exceedance", "coloured_water")
    kind: Literal["coloured_water"]
    rgb: tuple[Channel, Channel, Channel] = (96, 52, 34)
    strength: Annotated[float, Field(gt=0, le=1)] = 0.8
    """Share of the colour at the pipe; it thins on its way."""


class Foam(Growing):
    """Foam on the water of an outfall."""

    finds: ClassVar[tuple[Family, str] | None] = ("exceedance", "foam")
    kind: Literal["foam"]
    cover: Annotated[float, Field(gt=0, le=1)] = 0.6
    """Share of the water near the pipe that it covers."""
