"""Flue gas of a coal boiler behind ultra-low-emission removal: load drives oxygen, flow and pollutants.

Pollutants are made at reference oxygen (what the fuel and the removal give) and diluted by the excess air that
oxygen tells, so measured value, oxygen and corrected value always fit: Zs = C (21 - 6) / (21 - O2).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import ClassVar, Final

import numpy as np

from simulators.processes.noise import Wander
from simulators.processes.seam import Draw, Moment, Reading

REFERENCE_O2: Final = 6.0
"""Percent, coal-fired boilers (GB 13223-2011)."""
AIR_O2: Final = 21.0
"""Percent, as the correction formula of the standards has it."""
AREA_M2: Final = 38.0
"""Cross-section at the sampling platform, of a 600 MW unit."""
POLLUTANTS: Final = ("a21026", "a21002", "a34013")
ANALYSER_NOISE: Final = 0.006


class Stack:
    """One stack: SO2, NOx, particulate with corrected values; O2, temperature, velocity, moisture, flow."""

    SYSTEM_TYPE: ClassVar[str] = "31"
    DECIMALS: ClassVar[dict[str, int]] = {
        "a21026": 2,
        "a21002": 2,
        "a34013": 2,
        "a19001": 2,
        "a01012": 1,
        "a01011": 2,
        "a01014": 2,
        "a00000": 2,
    }
    FLOW: ClassVar[str] = "a00000"
    FLOW_M3: ClassVar[float] = 1.0
    MASS: ClassVar[frozenset[str]] = frozenset(POLLUTANTS)
    WEIGHTED: ClassVar[frozenset[str]] = frozenset()

    def __init__(self, rng: np.random.Generator, means: Mapping[str, float]) -> None:
        self._rng = rng
        self._means = {"a21026": 17.0, "a21002": 31.0, "a34013": 3.6, "a19001": 5.6, "a01012": 50.0} | dict(means)
        # load, O2, temperature, moisture, velocity, then one for each pollutant
        self._wander = Wander(rng, (600.0, 45.0, 180.0, 240.0, 20.0, 60.0, 40.0, 90.0))

    def step(self, moment: Moment, draws: Mapping[str, Draw]) -> list[Reading]:
        load_w, o2_w, temp_w, water_w, speed_w, *pollutant_w = self._wander.step(moment.dt)
        load = 0.78 + 0.10 * math.sin((moment.hour - 9.0) * math.tau / 24) + 0.02 * load_w
        level = {
            "a19001": self._means["a19001"] + 5.0 * (0.78 - load) + 0.15 * o2_w,
            "a01012": self._means["a01012"] + 6.0 * (load - 0.78) + 0.6 * temp_w,
            "a01014": 11.5 + 0.4 * water_w,
            "a01011": 17.0 * load * (1 + 0.015 * speed_w),
        }
        for code in level:
            level[code] = draws[code].of(level[code]) if code in draws else level[code]
        o2 = round(level["a19001"], self.DECIMALS["a19001"])
        dilution = (AIR_O2 - o2) / (AIR_O2 - REFERENCE_O2)
        jitter: list[float] = np.clip(self._rng.standard_normal(len(POLLUTANTS)), -3, 3).tolist()

        readings: list[Reading] = []
        for code, wander, noise in zip(POLLUTANTS, pollutant_w, jitter, strict=True):
            reference = self._means[code] * (1 + 0.5 * (load - 0.78)) * math.exp(0.08 * wander)
            if code in draws:
                reference = draws[code].of(reference, wobble=0.02 * wander)
            decimals = self.DECIMALS[code]
            measured = round(reference * dilution * (1 + ANALYSER_NOISE * noise), decimals)
            readings.append(Reading(code, {"Rtd": measured, "ZsRtd": round(measured / dilution, decimals)}, decimals))

        dry_share = 1 - level["a01014"] / 100
        level["a00000"] = level["a01011"] * AREA_M2 * 273.15 / (273.15 + level["a01012"]) * dry_share
        if "a00000" in draws:
            level["a00000"] = draws["a00000"].of(level["a00000"])
        readings += [
            Reading(code, {"Rtd": round(value, self.DECIMALS[code])}, self.DECIMALS[code])
            for code, value in level.items()
        ]
        return readings
