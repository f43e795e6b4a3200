"""Light: what the sun and the air make of colours.

By night the camera looks by its own infrared lamps: grey, bright near it, and nothing far away.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from simulators.cameras.noise import Plane

KOSCHMIEDER: Final = 3.912
"""-ln 0.02: contrast left at the visibility (Koschmieder 1924)."""
NIGHT_DEG: Final = -4.0
"""Height of the sun below which a camera changes to infrared."""
LOW_DEG: Final = 12.0
"""... and below which its light is that of dusk."""
IR_REACH_M: Final = 34.0
FIXED: Final = {"day": (48.0, 215.0), "dusk": (-1.0, 250.0), "night": (-30.0, 0.0)}
"""Height and azimuth of the sun, degrees."""


@dataclass(frozen=True, slots=True)
class Light:
    """The light and the air at one moment."""

    state: Literal["day", "dusk", "night"]
    gain: tuple[float, float, float]
    """Of things, BGR."""
    sky: tuple[float, float, float]
    """Of the sky, BGR."""
    shadow: float
    """How dark the shadow of a figure is, 0 to 1."""
    lean: tuple[float, float]
    """Where the shadow of an upright metre falls in the picture: metres to the right, metres away."""
    visibility: float | None
    """Metres; None on a clear day."""

    @property
    def night(self) -> bool:
        return self.state == "night"

    def through(self, depth: float) -> float:
        """Share of the light of a thing at that depth that comes through the air."""
        return 1.0 if self.visibility is None else math.exp(-KOSCHMIEDER * depth / self.visibility)

    @property
    def airlight(self) -> NDArray[np.float32]:
        """Colour of endless fog."""
        base = 24.0 if self.night else 205.0
        return np.array([base * gain for gain in self.sky], np.float32)

    def on(self, colour: NDArray[np.float32], depth: float) -> NDArray[np.float32]:
        """What the camera sees of a colour (..., 3) at that depth."""
        if self.night:
            grey = colour @ np.array((0.114, 0.587, 0.299), np.float32) * infrared(depth)
            lit = np.repeat(grey[..., None], 3, axis=-1).astype(np.float32)
        else:
            lit = colour * np.array(self.gain, np.float32)
        share = self.through(depth)
        return lit if share == 1.0 else (lit * share + self.airlight * (1 - share)).astype(np.float32)


def infrared(depth: float) -> float:
    """How bright the camera's own lamps make a thing at that depth, by day 1."""
    return 1.15 / (1 + (depth / IR_REACH_M) ** 2) + 0.03


def infrared_at(depth: Plane) -> Plane:
    """The same for a picture."""
    return (1.15 / (1 + (depth / IR_REACH_M) ** 2) + 0.03).astype(np.float32)


def light_of(height: float, azimuth: float, bearing: float, cloud: float, visibility: float | None) -> Light:
    """The light with the sun at that height and azimuth, degrees, before a camera that looks towards `bearing`."""
    if height < NIGHT_DEG:
        return Light("night", (1.0, 1.0, 1.0), (1.0, 1.0, 1.0), 0.0, (0.0, 0.0), visibility)
    low = min(1.0, max(0.0, (LOW_DEG - height) / (LOW_DEG - NIGHT_DEG)))
    dim = 1 - 0.10 * cloud
    gain = (dim * (1 - 0.42 * low), dim * (1 - 0.50 * low), dim * (1 - 0.44 * low))
    sky = (dim * (1 - 0.46 * low), dim * (1 - 0.50 * low), dim * (1 - 0.40 * low))
    away = math.radians(azimuth + 180 - bearing)
    length = min(4.0, 1 / math.tan(math.radians(max(height, 3.0))))
    clear = (1 - 0.85 * cloud) * min(1.0, max(0.0, (height + 1) / 8))
    foggy = 1.0 if visibility is None else min(1.0, visibility / 2_000)
    lean = (length * math.sin(away), length * math.cos(away))
    return Light("dusk" if low > 0.5 else "day", gain, sky, 0.5 * clear * foggy, lean, visibility)
