"""Cameras: their zones as the gateway's inventory has them, and how they are simulated."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import Field

from simulators.settings.tables import Id, Name, Point, Share, Table

STACKS: Final = {"stack": 2}
"""Scenes with stacks, and how many; they have a flare as well."""


class CameraWeather(Table):
    """The weather before a camera."""

    wind_from_deg: Annotated[float, Field(ge=0, le=360)] = 270.0
    wind_m_s: Annotated[float, Field(ge=0, le=60)] = 4.0
    rain_mm_h: Annotated[float, Field(ge=0, le=200)] = 0.0
    cloud: Share = 0.3
    """Share of the sky that clouds cover."""
    fog_visibility_m: Annotated[float, Field(gt=0)] | None = None
    """How far one sees; without it, as on a clear day."""


class CameraSimulation(Table):
    scene: Literal["gate", "yard", "stack", "outfall", "street"]
    fps: Annotated[float, Field(gt=0, le=60)] = 5.0
    width: Annotated[int, Field(ge=64, le=4096)] = 640
    height: Annotated[int, Field(ge=64, le=4096)] = 360
    quality: Annotated[int, Field(ge=10, le=100)] = 75
    bearing_deg: Annotated[float, Field(ge=0, le=360)] = 0.0
    """Where the camera looks: 0 north, 90 east. Decides how wind and sun come into the picture."""
    light: Literal["day", "dusk", "night", "sun"] = "day"
    """The same light at any hour, or that of the sun at the site and the time."""
    weather: CameraWeather = CameraWeather()
    steam: Annotated[float, Field(ge=0, lt=1)] = 0.7
    """Opacity of the vapour that the first stack of the scene always makes."""
    noise: Annotated[float, Field(ge=0, le=30)] = 2.0
    """Standard deviation of the sensor's noise by day, in grey levels; more in the dark."""
    flicker: Annotated[float, Field(ge=0, le=0.3)] = 0.0
    """Bands of lamps on the mains that roll through the picture, as a share of its brightness."""
    background: Path | None = None
    """A picture in place of the painted one; what happens is drawn where the scene has it."""
    mattes: Path | None = None
    """A folder of pictures of smoke on black, played in a circle, that give smoke its texture."""


class Zone(Table):
    id: Id
    name: Name
    polygon: Annotated[tuple[Point, ...], Field(min_length=3)]
    share: Share = 0.01
    hold_s: Annotated[float, Field(ge=0)] = 0.6
    quiet_s: Annotated[float, Field(ge=0)] = 2.0


class Camera(Table):
    id: Id
    site: Id
    name: Name
    silent_after_s: Annotated[float, Field(gt=0)] = 10.0
    zones: tuple[Zone, ...] = ()
    simulate: CameraSimulation
