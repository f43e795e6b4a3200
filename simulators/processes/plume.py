"""A plume over flat country: what a stack brings to the ground downwind (Gaussian, with Briggs' rise and spread).

Spread after Briggs (1973, open country), rise after Briggs (1969, 1975), wind at the mouth by the power law of the ISC
model (EPA-454/B-95-003b). The ground reflects; above the mixing height nothing goes. Concentrations are means of some
ten minutes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from simulators.processes.weather import MIXING_M, Weather

G: Final = 9.81
NEAR_M: Final = 100.0
"""Nearer than that the formulas of spread do not hold: nothing comes down yet."""
FAR_M: Final = 50_000.0
SPREAD_Y: Final = {"A": 0.22, "B": 0.16, "C": 0.11, "D": 0.08, "E": 0.06, "F": 0.04}
WIND_POWER: Final = {"A": 0.07, "B": 0.07, "C": 0.10, "D": 0.15, "E": 0.35, "F": 0.55}
LAPSE_K_M: Final = {"E": 0.020, "F": 0.035}
"""Rise of the potential temperature with height in stable air."""


@dataclass(frozen=True, slots=True)
class Mouth:
    """Where a plume begins."""

    height_m: float
    area_m2: float
    temperature_c: float


@dataclass(frozen=True, slots=True)
class Way:
    """From the mouth to a station: metres east and north."""

    east_m: float
    north_m: float

    def along(self, wind_from_deg: float) -> tuple[float, float]:
        """Metres downwind and across."""
        toward = math.radians(wind_from_deg + 180.0)
        east, north = math.sin(toward), math.cos(toward)
        return self.east_m * east + self.north_m * north, self.east_m * north - self.north_m * east


def share(mouth: Mouth, way: Way, velocity: float, weather: Weather) -> float:
    """Concentration at the ground of a source of 1 per second, in 1/m3; `velocity`: of the gas at the mouth, m/s."""
    x, y = way.along(weather.wind_from_deg)
    if not NEAR_M <= x <= FAR_M:
        return 0.0
    stability = weather.stability
    sigma_y = SPREAD_Y[stability] * x / math.sqrt(1 + 0.0001 * x)
    off_axis = 0.5 * (y / sigma_y) ** 2
    if off_axis > 30.0:
        return 0.0
    wind = weather.wind_m_s * (mouth.height_m / 10.0) ** WIND_POWER[stability]
    high = mouth.height_m + _rise(mouth, x, velocity, wind, weather)
    lid = max(MIXING_M[stability], mouth.height_m + 50.0)
    sigma_z = _sigma_z(stability, x)
    if high >= lid:
        return 0.0
    if sigma_z > 1.2 * lid:
        vertical = 1 / lid
    else:
        images = sum(math.exp(-0.5 * ((high + 2 * n * lid) / sigma_z) ** 2) for n in (-1, 0, 1))
        vertical = 2 * images / (math.sqrt(math.tau) * sigma_z)
    return math.exp(-off_axis) / (math.sqrt(math.tau) * sigma_y * wind) * vertical


def _sigma_z(stability: str, x: float) -> float:
    match stability:
        case "A":
            return 0.20 * x
        case "B":
            return 0.12 * x
        case "C":
            return 0.08 * x / math.sqrt(1 + 0.0002 * x)
        case "D":
            return 0.06 * x / math.sqrt(1 + 0.0015 * x)
        case "E":
            return 0.03 * x / (1 + 0.0003 * x)
        case _:
            return 0.016 * x / (1 + 0.0003 * x)


def _rise(mouth: Mouth, x: float, velocity: float, wind: float, weather: Weather) -> float:
    """Metres that warm gas has risen above the mouth after `x` metres."""
    warm, cold = mouth.temperature_c + 273.15, weather.temperature_c + 273.15
    buoyancy = G * velocity * mouth.area_m2 / math.pi * max(0.0, 1 - cold / warm)
    if buoyancy <= 0:
        return 0.0
    going = 1.6 * buoyancy ** (1 / 3) * x ** (2 / 3) / wind
    stable = LAPSE_K_M.get(weather.stability)
    if stable is not None:
        return min(going, 2.6 * (buoyancy / (wind * G / cold * stable)) ** (1 / 3))
    final = 21.425 * buoyancy**0.75 / wind if buoyancy < 55 else 38.71 * buoyancy**0.6 / wind
    return min(going, final)
