"""Outflow of a municipal wastewater works: sewage twice a day, rain that dilutes it, a tank that evens it out.

Sewage brings load by the habits of a town; rain brings water (drains at once, leaky sewers for hours) and no load.
Both mix in the equalisation tank, whose content follows with the time it takes to fill; removal is a share of what
comes, less of it where more flows than the works is built for.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import ClassVar, Final

import numpy as np

from simulators.processes.noise import Wander
from simulators.processes.seam import Draw, Moment, Surroundings
from simulators.processes.settings import ProcessSettings
from simulators.records import Reading

DRAINS_S: Final = 900.0
LEAKS_S: Final = 14_400.0
"""Time constants of rain that runs into drains, and of rain that seeps into sewers."""
DRAINED: Final = 0.06
LEAKED: Final = 0.05
"""Inflow they add, as a share of the mean flow for each mm/h."""
TANK_H: Final = 3.0
"""Hours in which the mean flow fills the equalisation tank."""
MOST_FLOW: Final = 2.2
"""More than so many mean flows go past the works by the storm overflow."""
DESIGN_FLOW: Final = 1.4
"""Mean flows from which on removal suffers."""


APART: Final = (0.03, 0.03, 0.3)
"""How far one works differs from what town and weather give, over hours: flow and salt (shares), warmth (K)."""
SLOW_S, APART_S = 5400.0, 7200.0
SLOW: Final = (0.07, 0.10, 0.08, 0.04, 0.07)
"""What COD, ammonia, phosphorus, other nitrogen (logarithm) and pH wander over the hours that a tank takes."""
QUICK: Final = (0.03, 0.04, 0.035, 0.02, 0.02)
"""The same from one sample to the next: flocs, stirring, and what an analyser repeats."""


class Wastewater:
    """One outfall: COD, ammonia and total nitrogen, total phosphorus, pH, temperature, conductivity, flow."""

    SYSTEM_TYPE: ClassVar[str] = "32"
    DECIMALS: ClassVar[dict[str, int]] = {
        "w01018": 2,
        "w21003": 3,
        "w21011": 3,
        "w21001": 2,
        "w01001": 2,
        "w01010": 1,
        "w01014": 0,
        "w00000": 2,
    }
    NOISE: ClassVar[Mapping[str, float]] = dict.fromkeys(("w01018", "w21003", "w21011", "w21001", "w01014"), 0.003)
    FULL_SCALE: ClassVar[Mapping[str, float]] = {
        "w01018": 500.0,
        "w21003": 50.0,
        "w21011": 20.0,
        "w21001": 100.0,
        "w01001": 14.0,
        "w01014": 10_000.0,
    }
    DETECTION: ClassVar[Mapping[str, float]] = {"w01018": 4.0, "w21003": 0.02, "w21011": 0.01, "w21001": 0.05}
    CHECKED: ClassVar[Mapping[str, tuple[float, float]]] = {
        "w01018": (0.0, 0.5),
        "w21003": (0.0, 0.5),
        "w21011": (0.0, 0.5),
        "w21001": (0.0, 0.5),
        "w01001": (6.86 / 14, 9.18 / 14),
    }
    SAMPLED: ClassVar[frozenset[str]] = frozenset({"w01018", "w21003", "w21011", "w21001"})
    FLOW: ClassVar[str] = "w00000"
    FLOW_M3: ClassVar[float] = 0.001
    MASS: ClassVar[frozenset[str]] = SAMPLED
    WEIGHTED: ClassVar[frozenset[str]] = MASS
    CIRCULAR: ClassVar[frozenset[str]] = frozenset()

    def __init__(self, rng: np.random.Generator, settings: ProcessSettings, around: Surroundings) -> None:
        own = {"w01018": 26.0, "w21003": 1.5, "w21011": 0.2, "w21001": 8.8}
        own |= {"w01001": 7.3, "w01010": 17.0, "w01014": 950.0, "w00000": 130.0}
        self._means = own | settings.means
        self._wander = Wander(rng, (90.0, 120.0, 150.0, 120.0, 200.0, 30.0))
        self._apart = Wander(rng.spawn(1)[0], (APART_S,) * len(APART) + (SLOW_S,) * len(SLOW))
        self._rain: tuple[float, float] | None = None
        self._tank = 1.0
        self.stopped = False

    def step(self, moment: Moment, draws: Mapping[str, Draw]) -> dict[str, float]:
        cod, ammonia, phosphorus, other_nitrogen, ph, flow = self._wander.step(moment.dt)
        mean = self._means
        wanders = zip((*APART, *SLOW), self._apart.step(moment.dt), strict=True)
        more, saltier, warmer, *slow = (by * wander for by, wander in wanders)
        quick = (cod, ammonia, phosphorus, other_nitrogen, ph)
        off = [hours + by * wander for hours, by, wander in zip(slow, QUICK, quick, strict=True)]
        cod_off, ammonia_off, phosphorus_off, other_off, ph_off = off
        sewage, strength = _town(moment.hour)
        sewage *= 1 + more
        water = min(sewage + self._rained(moment), MOST_FLOW)
        strength *= min(1.0, sewage / water)
        level = self._mixed(strength, water, moment.dt)
        overload = 1 + 0.12 * max(0.0, water - DESIGN_FLOW)

        def draw(code: str, value: float, wobble: float) -> float:
            return draws[code].of(value, 0.02 * wobble) if code in draws else value

        def left(code: str, off: float, wobble: float) -> float:
            return draw(code, mean[code] * level * overload * math.exp(off), wobble)

        ammonia_level = left("w21003", ammonia_off, ammonia)
        # Total nitrogen holds the ammonia: what is left is nitrate and organic nitrogen.
        rest = max(mean["w21001"] - mean["w21003"], 0.0) * level * math.exp(other_off)
        season = 0.25 * (moment.weather.temperature_c - 15.0)
        return {
            "w01018": left("w01018", cod_off, cod),
            "w21003": ammonia_level,
            "w21011": left("w21011", phosphorus_off, phosphorus),
            "w21001": draw("w21001", ammonia_level + rest, other_nitrogen),
            "w01001": draw("w01001", mean["w01001"] + ph_off - 0.2 * (1 - level), 0.0),
            "w01010": draw("w01010", mean["w01010"] + season + warmer, 0.0),
            "w01014": draw("w01014", 120.0 + (mean["w01014"] - 120.0) * level * (1 + saltier), 0.0),
            "w00000": draw("w00000", mean["w00000"] * water * (1 + 0.02 * flow), flow),
        }

    def derive(self, measured: list[Reading]) -> list[Reading]:
        return measured

    def _rained(self, moment: Moment) -> float:
        """Inflow of rain in mean flows: two stores that follow the rain, each with its own time."""
        rain = moment.weather.rain_mm_h
        quick, slow = self._rain if self._rain is not None else (rain, rain)
        quick += (rain - quick) * -math.expm1(-moment.dt / DRAINS_S)
        slow += (rain - slow) * -math.expm1(-moment.dt / LEAKS_S)
        self._rain = quick, slow
        return DRAINED * quick + LEAKED * slow

    def _mixed(self, strength: float, water: float, dt: float) -> float:
        """What the tank gives, in mean strengths: its content changes the faster the more flows through."""
        self._tank += (strength - self._tank) * -math.expm1(-dt * water / (TANK_H * 3600))
        return self._tank


def _town(hour: float) -> tuple[float, float]:
    """Flow and strength of the sewage at a time of day, in means."""
    day = math.sin((hour - 5.0) * math.tau / 24)
    twice = math.sin((hour - 6.0) * math.tau / 12)
    return 1 + 0.18 * day + 0.08 * twice, 1 + 0.16 * math.sin((hour - 4.0) * math.tau / 24)
