"""What a station's own weather sensors feel: the weather of the place, what is always other here, and gusts.

Stations a few kilometres apart differ by some tenths of a kelvin; two that told the same to the last digit would be one
sensor told twice. Weather models and plumes go by the weather of the place, which is a mean of some ten minutes.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Final

import numpy as np

from simulators.processes.noise import Wander
from simulators.processes.weather import Weather

SITING_K, SITING_KPA, SITING_WIND, SITING_DEG = 0.4, 0.08, 0.12, 2.0
"""Standard deviations among stations: of warmth, of pressure (some metres of height), of how open to the wind one is,
and of where its vane takes north to be."""
SLOW_K, QUICK_K = 0.3, 0.05
DRIER: Final = 6.0
"""Percent of humidity by which a kelvin makes the same air drier."""
QUICK_HUMIDITY: Final = 0.4
QUICK_KPA: Final = 0.01
SWAY_DEG: Final = {"A": 25.0, "B": 20.0, "C": 15.0, "D": 10.0, "E": 5.0, "F": 2.5}
"""Standard deviation of wind direction by Pasquill's class (EPA-454/R-99-005, table 6-8a)."""
ALONG: Final = 1.25
"""Gusts along the wind over those across it, both as shares of its speed (Panofsky and Dutton 1984: 2.4 to 1.9)."""

MOST_GUSTS: Final = 0.3
"""Where the sway is that of slow eddies: gusts of thrice that are 2.3 times the wind."""


class Spot:
    """Where one station stands."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._kelvin, self._kpa, self._open, self._north = (
            np.clip(rng.standard_normal(4), -2, 2) * (SITING_K, SITING_KPA, SITING_WIND, SITING_DEG)
        ).tolist()
        # warmth, its flutter, that of humidity and of pressure, gusts along and across
        self._wander = Wander(rng, (1800.0, 30.0, 60.0, 120.0, 10.0, 8.0))

    def felt(self, weather: Weather, dt: float) -> tuple[Weather, float, float]:
        """The weather here `dt` seconds after the last time, with relative humidity (%) and pressure (kPa)."""
        slow, quick, damp, press, along, across = self._wander.step(dt)
        warmer = self._kelvin + SLOW_K * slow
        sway = SWAY_DEG[weather.stability]
        gusts = min(ALONG * math.radians(sway), MOST_GUSTS)
        speed = weather.wind_m_s * math.exp(self._open + gusts * along - gusts * gusts / 2)
        here = replace(
            weather,
            temperature_c=weather.temperature_c + warmer + QUICK_K * quick,
            wind_m_s=speed,
            wind_from_deg=(weather.wind_from_deg + self._north + sway * across) % 360.0,
        )
        humidity = weather.humidity * (1 - DRIER / 100 * warmer) + QUICK_HUMIDITY * damp
        return here, min(max(humidity, 0.0), 98.0), weather.pressure_kpa + self._kpa + QUICK_KPA * press
