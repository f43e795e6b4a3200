"""Air of a city: traffic twice a day, ozone with the sun, what gathers in still nights, and plumes from upwind.

A city is a box: what it lets out gathers until wind and mixing carry it off, with the inertia of its air. Rain washes
particles out. Plumes are not mixed into the box; they come and go with the wind.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import ClassVar, Final

import numpy as np

from simulators.processes.fuels import DUST, NOX, SO2
from simulators.processes.noise import Wander
from simulators.processes.seam import Draw, Moment, Surroundings
from simulators.processes.settings import ProcessSettings
from simulators.processes.spot import Spot
from simulators.processes.weather import MIXING_M, Weather
from simulators.records import Reading

BOX_S: Final = 2400.0
"""Inertia of the city's air."""
OZONE_S: Final = 7200.0
"""Time in which ozone follows the sun: it is highest some two hours after noon."""
APART: Final = (0.05, 0.05, 0.06, 0.06, 0.05, 0.10)
"""How far one station's air differs from the city's over hours, standard deviation of the logarithm by pollutant."""
FINE, COARSE = 0.6, 0.3
"""Share of a stack's dust that is PM2.5, and PM10 beside it."""
NO2_SHARE: Final = 0.3
"""Of a plume's NOx, where it comes down: most NO has met ozone by then."""


class Ambient:
    """One station: PM2.5, PM10, SO2, NO2, CO, O3, and the weather it stands in."""

    SYSTEM_TYPE: ClassVar[str] = "22"
    DECIMALS: ClassVar[dict[str, int]] = {
        "a34004": 1,
        "a34002": 1,
        "a21026": 1,
        "a21004": 1,
        "a21005": 3,
        "a05024": 1,
        "a01001": 1,
        "a01002": 1,
        "a01006": 2,
        "a01007": 1,
        "a01008": 0,
    }
    NOISE: ClassVar[Mapping[str, float]] = dict.fromkeys(
        ("a34004", "a34002", "a21026", "a21004", "a21005", "a05024"), 0.004
    )
    FULL_SCALE: ClassVar[Mapping[str, float]] = {
        "a34004": 1000.0,
        "a34002": 1000.0,
        "a21026": 1500.0,
        "a21004": 1000.0,
        "a21005": 60.0,
        "a05024": 1000.0,
    }
    DETECTION: ClassVar[Mapping[str, float]] = {"a21026": 1.0, "a21004": 1.0, "a21005": 0.05, "a05024": 2.0}
    CHECKED: ClassVar[Mapping[str, tuple[float, float]]] = dict.fromkeys(
        ("a21026", "a21004", "a21005", "a05024"), (0.0, 0.8)
    )
    SAMPLED: ClassVar[frozenset[str]] = frozenset()
    FLOW: ClassVar[str] = ""
    FLOW_M3: ClassVar[float] = 0.0
    MASS: ClassVar[frozenset[str]] = frozenset()
    WEIGHTED: ClassVar[frozenset[str]] = frozenset()
    CIRCULAR: ClassVar[frozenset[str]] = frozenset({"a01008"})

    def __init__(self, rng: np.random.Generator, settings: ProcessSettings, around: Surroundings) -> None:
        own = {"a34004": 34.0, "a34002": 62.0, "a21026": 8.0, "a21004": 30.0, "a21005": 0.62, "a05024": 85.0}
        self._means = own | settings.means
        self._brought = around.brought
        self._wander = Wander(rng, (300.0, 120.0, 200.0, 90.0, 150.0, 240.0))
        own_rng = rng.spawn(1)[0]
        self._spot = Spot(own_rng)
        self._apart = Wander(own_rng, (5400.0,) * len(APART))
        self._box: float | None = None
        self._sun: float | None = None
        self.stopped = False

    def step(self, moment: Moment, draws: Mapping[str, Draw]) -> dict[str, float]:
        fine, coarse, so2, no2, co, o3 = self._wander.step(moment.dt)
        mean, weather = self._means, moment.weather
        own = [math.exp(by * wander) for by, wander in zip(APART, self._apart.step(moment.dt), strict=True)]
        own_fine, own_coarse, own_so2, own_no2, own_co, own_o3 = own
        here, humidity, pressure = self._spot.felt(weather, moment.dt)
        plumes = self._brought(moment.time)
        traffic = 0.75 + 0.55 * (_peak(moment.hour, 8.0, 1.8) + _peak(moment.hour, 18.5, 2.2))
        box = self._gathered(weather, moment.dt)
        washed = math.exp(-0.09 * weather.rain_mm_h**0.6)

        def draw(code: str, level: float, wobble: float) -> float:
            return draws[code].of(level, 0.02 * wobble) if code in draws else level

        dust = plumes.get(DUST, 0.0)
        fine_level = mean["a34004"] * box * washed * own_fine * math.exp(0.12 * fine) + FINE * dust
        fine_level = draw("a34004", fine_level, fine)
        rest = max(mean["a34002"] - mean["a34004"], 0.0) * box**0.5 * washed**1.6
        rest *= own_coarse * math.exp(0.10 * coarse)
        plume_no2 = NO2_SHARE * plumes.get(NOX, 0.0)
        nitrogen = mean["a21004"] * traffic * box**0.7 * own_no2 * math.exp(0.10 * no2)
        sun = self._sunned(weather, moment.dt)
        sulphur = mean["a21026"] * box * own_so2 * math.exp(0.10 * so2)
        monoxide = mean["a21005"] * (0.6 + 0.4 * traffic) * box**0.5 * own_co * math.exp(0.08 * co)
        # Traffic's NO eats ozone by night, a plume's does at any time; the sun makes it again.
        ozone = mean["a05024"] * (0.25 + 1.25 * sun) * own_o3 * math.exp(0.06 * o3) - 0.7 * plume_no2
        return {
            "a34004": fine_level,
            "a34002": draw("a34002", fine_level + rest + COARSE * dust, coarse),  # PM10 holds PM2.5
            "a21026": draw("a21026", sulphur + plumes.get(SO2, 0.0), so2),
            "a21004": draw("a21004", nitrogen + plume_no2, no2),
            "a21005": draw("a21005", monoxide, co),
            "a05024": draw("a05024", max(ozone, 2.0), o3),
            "a01001": draw("a01001", here.temperature_c, 0.0),
            "a01002": draw("a01002", humidity, 0.0),
            "a01006": draw("a01006", pressure, 0.0),
            "a01007": draw("a01007", here.wind_m_s, 0.0),
            "a01008": draw("a01008", here.wind_from_deg, 0.0),
        }

    def derive(self, measured: list[Reading]) -> list[Reading]:
        return measured

    def _gathered(self, weather: Weather, dt: float) -> float:
        """How much the city's own has gathered, 1 in a usual hour."""
        target = gathering(weather)
        if self._box is None:
            self._box = target
        self._box += (target - self._box) * -math.expm1(-dt / BOX_S)
        return self._box

    def _sunned(self, weather: Weather, dt: float) -> float:
        """Light that the ozone of now was made in."""
        light = _reacting(weather)
        if self._sun is None:
            self._sun = light
        self._sun += (light - self._sun) * -math.expm1(-dt / OZONE_S)
        return self._sun


def _reacting(weather: Weather) -> float:
    """How fast ozone is made: with light and warmth."""
    return max(0.0, weather.sunshine * (1 + 0.02 * (weather.temperature_c - 20.0)))


def gathering(weather: Weather) -> float:
    """How much the city's own would gather if this weather stayed: more with less wind and a lower lid."""
    wind = (4.0 / weather.wind_m_s) ** 0.5
    lid = (MIXING_M["D"] / MIXING_M[weather.stability]) ** 0.2
    return min(max(wind * lid, 0.4), 3.5)


def _peak(hour: float, at: float, width: float) -> float:
    """A bell of height 1 around an hour of the day, round the clock."""
    away = (hour - at + 12.0) % 24.0 - 12.0
    return math.exp(-0.5 * (away / width) ** 2)
