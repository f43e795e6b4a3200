"""The weather at one place and moment, and what it does to what is let out into it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

CALM_M_S: Final = 0.5
"""Below that, wind is so much (anemometers start there, and no plume is diluted endlessly)."""
DAY: Final = ((2.0, "AABB"), (3.0, "ABBC"), (5.0, "BBCC"), (6.0, "CCDD"), (math.inf, "CDDD"))
"""Pasquill (1961): wind below, then classes for strong, moderate, slight insolation and for a covered sky."""
NIGHT: Final = ((2.0, "FF"), (3.0, "EF"), (5.0, "DE"), (math.inf, "DD"))
"""Wind below, then classes for a sky that is more than half covered and for a clear one."""
MIXING_M: Final = {"A": 1600.0, "B": 1300.0, "C": 1000.0, "D": 700.0, "E": 300.0, "F": 150.0}
"""Height up to which the ground's air mixes."""


@dataclass(frozen=True, slots=True)
class Weather:
    """One place, one moment."""

    wind_from_deg: float
    wind_m_s: float
    """At 10 m, at least `CALM_M_S`."""
    temperature_c: float
    rain_mm_h: float
    cloud: float
    """Share of the sky that is covered."""
    fog_visibility_m: float
    """20,000 on a clear day."""
    sun_deg: float
    """Height of the sun; negative by night."""

    @property
    def stability(self) -> str:
        """Pasquill's class: A very unstable to F stable."""
        if self.sun_deg > 0 and self.cloud < 0.95:
            strength = 0 if self.sun_deg > 60 else 1 if self.sun_deg > 35 else 2
            strength = min(strength + (self.cloud > 0.6), 3)
            return next(classes[strength] for below, classes in DAY if self.wind_m_s < below)
        if self.sun_deg > 0:
            return "D"
        return next(classes[self.cloud <= 0.5] for below, classes in NIGHT if self.wind_m_s < below)

    @property
    def sunshine(self) -> float:
        """Light at the ground, 0 to 1."""
        return max(0.0, math.sin(math.radians(self.sun_deg))) * (1 - 0.75 * self.cloud**3)

    @property
    def pressure_kpa(self) -> float:
        """Of the air; falls a little with warmth and cloud."""
        return 101.3 - 0.03 * (self.temperature_c - 15.0) - 0.5 * (self.cloud - 0.3)

    @property
    def moisture(self) -> float:
        """Percent of volume that is water (saturation pressure after Magnus, WMO-No. 8)."""
        saturated = 0.6112 * math.exp(17.62 * self.temperature_c / (243.12 + self.temperature_c))
        return self.humidity * saturated / self.pressure_kpa

    @property
    def humidity(self) -> float:
        """Relative, percent: high by night, in rain and in fog."""
        wet = 1.0 if self.rain_mm_h > 0 or self.fog_visibility_m < 1000 else 0.0
        return min(98.0, 62.0 + 18.0 * self.cloud + 18.0 * wet - 28.0 * self.sunshine)
