"""Air of a city: traffic twice a day, ozone with the sun, particles that gather in still nights."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from simulators.processes.noise import Wander
from simulators.processes.seam import Draw, Moment
from simulators.records import Reading


class Ambient:
    """One station: PM2.5, PM10, SO2, NO2, CO, O3."""

    SYSTEM_TYPE: ClassVar[str] = "22"
    DECIMALS: ClassVar[dict[str, int]] = {
        "a34004": 1,
        "a34002": 1,
        "a21026": 1,
        "a21004": 1,
        "a21005": 3,
        "a05024": 1,
    }
    NOISE: ClassVar[Mapping[str, float]] = {}
    FLOW: ClassVar[str] = ""
    FLOW_M3: ClassVar[float] = 0.0
    MASS: ClassVar[frozenset[str]] = frozenset()
    WEIGHTED: ClassVar[frozenset[str]] = frozenset()

    def __init__(self, rng: np.random.Generator, means: Mapping[str, float]) -> None:
        own = {"a34004": 34.0, "a34002": 62.0, "a21026": 8.0, "a21004": 30.0, "a21005": 0.62, "a05024": 85.0}
        self._means = own | dict(means)
        self._wander = Wander(rng, (300.0, 120.0, 200.0, 90.0, 150.0, 240.0))

    def step(self, moment: Moment, draws: Mapping[str, Draw]) -> dict[str, float]:
        fine, coarse, so2, no2, co, o3 = self._wander.step(moment.dt)
        mean = self._means
        traffic = 0.75 + 0.55 * (_peak(moment.hour, 8.0, 1.8) + _peak(moment.hour, 18.5, 2.2))
        night = 1.0 + 0.18 * math.cos((moment.hour - 4.0) * math.tau / 24)
        sun = max(0.0, math.sin((moment.hour - 7.5) * math.pi / 13.0)) if 7.5 < moment.hour < 20.5 else 0.0

        def draw(code: str, level: float, wobble: float) -> float:
            return draws[code].of(level, 0.02 * wobble) if code in draws else level

        fine_level = draw("a34004", mean["a34004"] * night * math.exp(0.12 * fine), fine)
        dust = max(mean["a34002"] - mean["a34004"], 0.0) * math.exp(0.10 * coarse)
        nitrogen = draw("a21004", mean["a21004"] * traffic * math.exp(0.10 * no2), no2)
        return {
            "a34004": fine_level,
            "a34002": draw("a34002", fine_level + dust, coarse),  # PM10 holds PM2.5
            "a21026": draw("a21026", mean["a21026"] * night * math.exp(0.10 * so2), so2),
            "a21004": nitrogen,
            "a21005": draw("a21005", mean["a21005"] * (0.6 + 0.4 * traffic) * math.exp(0.08 * co), co),
            # Traffic's NO eats ozone by night; the sun makes it again.
            "a05024": draw("a05024", mean["a05024"] * (0.25 + 1.1 * sun) * math.exp(0.06 * o3), o3),
        }

    @staticmethod
    def derive(measured: list[Reading]) -> list[Reading]:
        return measured


def _peak(hour: float, at: float, width: float) -> float:
    """A bell of height 1 around an hour of the day, round the clock."""
    away = (hour - at + 12.0) % 24.0 - 12.0
    return math.exp(-0.5 * (away / width) ** 2)
