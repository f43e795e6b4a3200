"""Outflow of a municipal wastewater works: two peaks of flow a day, quality follows the load with its own memory."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from simulators.processes.noise import Wander
from simulators.processes.seam import Draw, Moment
from simulators.records import Reading


class Wastewater:
    """One outfall: COD, ammonia and total nitrogen, total phosphorus, pH, flow."""

    SYSTEM_TYPE: ClassVar[str] = "32"
    DECIMALS: ClassVar[dict[str, int]] = {
        "w01018": 2,
        "w21003": 3,
        "w21011": 3,
        "w21001": 2,
        "w01001": 2,
        "w00000": 2,
    }
    NOISE: ClassVar[Mapping[str, float]] = {}
    FLOW: ClassVar[str] = "w00000"
    FLOW_M3: ClassVar[float] = 0.001
    MASS: ClassVar[frozenset[str]] = frozenset({"w01018", "w21003", "w21011", "w21001"})
    WEIGHTED: ClassVar[frozenset[str]] = MASS

    def __init__(self, rng: np.random.Generator, means: Mapping[str, float]) -> None:
        own = {"w01018": 26.0, "w21003": 1.5, "w21011": 0.2, "w21001": 8.8, "w01001": 7.3, "w00000": 130.0}
        self._means = own | dict(means)
        self._wander = Wander(rng, (90.0, 120.0, 150.0, 120.0, 200.0, 30.0))

    def step(self, moment: Moment, draws: Mapping[str, Draw]) -> dict[str, float]:
        cod, ammonia, phosphorus, other_nitrogen, ph, flow = self._wander.step(moment.dt)
        mean = self._means
        day = math.sin((moment.hour - 5.0) * math.tau / 24)
        twice = math.sin((moment.hour - 6.0) * math.tau / 12)
        strength = 1 + 0.10 * day

        def draw(code: str, level: float, wobble: float) -> float:
            return draws[code].of(level, 0.02 * wobble) if code in draws else level

        ammonia_level = draw("w21003", mean["w21003"] * strength * math.exp(0.12 * ammonia), ammonia)
        # Total nitrogen holds the ammonia: what is left is nitrate and organic nitrogen.
        rest = max(mean["w21001"] - mean["w21003"], 0.0) * strength * math.exp(0.05 * other_nitrogen)
        return {
            "w01018": draw("w01018", mean["w01018"] * strength * math.exp(0.09 * cod), cod),
            "w21003": ammonia_level,
            "w21011": draw("w21011", mean["w21011"] * strength * math.exp(0.10 * phosphorus), phosphorus),
            "w21001": draw("w21001", ammonia_level + rest, other_nitrogen),
            "w01001": draw("w01001", mean["w01001"] + 0.08 * ph, 0.0),
            "w00000": draw("w00000", mean["w00000"] * (1 + 0.18 * day + 0.08 * twice + 0.02 * flow), flow),
        }

    @staticmethod
    def derive(measured: list[Reading]) -> list[Reading]:
        return measured
