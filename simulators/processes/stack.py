"""Flue gas of a coal boiler behind ultra-low-emission removal: load drives oxygen, flow and pollutants.

Pollutants are made at reference oxygen (what the fuel and the removal give) and diluted by the excess air that
oxygen tells, so measured value, oxygen and corrected value always fit: Zs = C (21 - 6) / (21 - O2).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar, Final

import numpy as np

from simulators.processes.noise import Wander
from simulators.processes.seam import Draw, Moment
from simulators.records import Reading

REFERENCE_O2: Final = 6.0
"""Percent, coal-fired boilers (GB 13223-2011)."""
AIR_O2: Final = 21.0
"""Percent, as the correction formula of the standards has it."""
AREA_M2: Final = 38.0
"""Cross-section at the sampling platform, of a 600 MW unit."""
POLLUTANTS: Final = ("a21026", "a21002", "a34013")


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
    NOISE: ClassVar[Mapping[str, float]] = dict.fromkeys(POLLUTANTS, 0.006)
    FLOW: ClassVar[str] = "a00000"
    FLOW_M3: ClassVar[float] = 1.0
    MASS: ClassVar[frozenset[str]] = frozenset(POLLUTANTS)
    WEIGHTED: ClassVar[frozenset[str]] = frozenset()

    def __init__(self, rng: np.random.Generator, means: Mapping[str, float]) -> None:
        self._means = {"a21026": 17.0, "a21002": 31.0, "a34013": 3.6, "a19001": 5.6, "a01012": 50.0} | dict(means)
        # load, O2, temperature, moisture, velocity, then one for each pollutant
        self._wander = Wander(rng, (600.0, 45.0, 180.0, 240.0, 20.0, 60.0, 40.0, 90.0))

    def step(self, moment: Moment, draws: Mapping[str, Draw]) -> dict[str, float]:
        load_w, o2_w, temp_w, water_w, speed_w, *pollutant_w = self._wander.step(moment.dt)
        load = 0.78 + 0.10 * math.sin((moment.hour - 9.0) * math.tau / 24) + 0.02 * load_w
        state = {
            "a19001": self._means["a19001"] + 5.0 * (0.78 - load) + 0.15 * o2_w,
            "a01012": self._means["a01012"] + 6.0 * (load - 0.78) + 0.6 * temp_w,
            "a01014": 11.5 + 0.4 * water_w,
            "a01011": 17.0 * load * (1 + 0.015 * speed_w),
        }
        for code in state:
            state[code] = draws[code].of(state[code]) if code in draws else state[code]
        dry_share = 1 - state["a01014"] / 100
        state["a00000"] = state["a01011"] * AREA_M2 * 273.15 / (273.15 + state["a01012"]) * dry_share
        if "a00000" in draws:
            state["a00000"] = draws["a00000"].of(state["a00000"])

        level: dict[str, float] = {}
        for code, wander in zip(POLLUTANTS, pollutant_w, strict=True):
            reference = self._means[code] * (1 + 0.5 * (load - 0.78)) * math.exp(0.08 * wander)
            if code in draws:
                reference = draws[code].of(reference, wobble=0.02 * wander)
            level[code] = reference / correction(state["a19001"])
        return level | state

    @staticmethod
    def derive(measured: list[Reading]) -> list[Reading]:
        """Adds the value at reference oxygen to each pollutant, by the oxygen that was measured with it."""
        oxygen = next((reading.values["Rtd"] for reading in measured if reading.code == "a19001"), REFERENCE_O2)
        factor = correction(oxygen)
        return [
            replace(r, values=r.values | {"ZsRtd": round(r.values["Rtd"] * factor, r.decimals)})
            if r.code in POLLUTANTS
            else r
            for r in measured
        ]


def correction(oxygen: float) -> float:
    """What a concentration measured at `oxygen` percent is multiplied by to be at reference oxygen.

    Oxygen near that of air would make it grow beyond bounds: it counts as at most 20.5 %.
    """
    return (AIR_O2 - REFERENCE_O2) / (AIR_O2 - min(oxygen, 20.5))
