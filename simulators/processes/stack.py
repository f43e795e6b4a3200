"""A stack and what its monitor sees: the gas of `flue_gas`, fluttering, cooling and warming.

Measured value, oxygen and corrected value always fit Zs = C (21 - O2ref) / (21 - O2), and flow is the dry standard one
of velocity, temperature, pressure and moisture.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import ClassVar, Final

import numpy as np

from simulators.processes.flue_gas import FlueGas, diluted, fired_share
from simulators.processes.fuels import AIR_O2, POLLUTANTS
from simulators.processes.noise import Wander
from simulators.processes.seam import Draw, Moment, Surroundings
from simulators.processes.settings import ProcessSettings
from simulators.records import RANK, Reading

FORMULA_O2: Final = 21.0
"""Percent of air, as the correction formula of the standards has it."""
OXYGEN: Final = "a19001"
FLOW: Final = "a00000"
WAYS: Final = ("a01011", "a01012", "a01013", "a01014")
"""Velocity, temperature, pressure and moisture: what the logger works out the flow of."""
STOPPED: Final = 0.08
"""Load below which the source counts as out of operation (flag F)."""
DAMP: Final = 1.2
"""Percent of moisture in the air that a cold stack draws."""
QUICK, SLOW, SLOW_S = 0.045, 0.05, 1200.0
"""What a pollutant wanders (logarithm) with the draught, and over the time of removal's control."""
WARMING_S: Final = 600.0
"""Time constant of the gas's temperature and moisture at the platform."""


class Stack:
    """One stack: SO2, NOx, particulate with corrected values; O2, temperature, velocity, moisture, pressure, flow."""

    SYSTEM_TYPE: ClassVar[str] = "31"
    DECIMALS: ClassVar[dict[str, int]] = {
        "a21026": 2,
        "a21002": 2,
        "a34013": 2,
        "a19001": 2,
        "a01012": 1,
        "a01011": 2,
        "a01014": 2,
        "a01013": 3,
        "a00000": 2,
    }
    NOISE: ClassVar[Mapping[str, float]] = dict.fromkeys(POLLUTANTS, 0.006) | {OXYGEN: 0.001}
    FULL_SCALE: ClassVar[Mapping[str, float]] = {"a21026": 500.0, "a21002": 500.0, "a34013": 100.0, "a19001": 25.0}
    DETECTION: ClassVar[Mapping[str, float]] = {"a21026": 0.3, "a21002": 0.3, "a34013": 0.1}
    CHECKED: ClassVar[Mapping[str, tuple[float, float]]] = {
        "a21026": (0.0, 0.8),
        "a21002": (0.0, 0.8),
        "a19001": (0.0, 0.838),
    }
    SAMPLED: ClassVar[frozenset[str]] = frozenset()
    FLOW: ClassVar[str] = FLOW
    FLOW_M3: ClassVar[float] = 1.0
    MASS: ClassVar[frozenset[str]] = frozenset(POLLUTANTS)
    WEIGHTED: ClassVar[frozenset[str]] = frozenset()
    CIRCULAR: ClassVar[frozenset[str]] = frozenset()

    def __init__(self, rng: np.random.Generator, settings: ProcessSettings, around: Surroundings) -> None:
        fuel, means = settings.burnt, settings.means
        self._gas = FlueGas(settings, around)
        self._warm = means.get("a01012", fuel.temperature)
        self._wet = means.get("a01014", fuel.moisture)
        # O2, temperature, moisture, velocity, then one for each pollutant
        self._wander = Wander(rng, (45.0, 180.0, 240.0, 20.0, 60.0, 40.0, 90.0))
        self._control = Wander(rng.spawn(1)[0], (SLOW_S,) * len(POLLUTANTS))
        self._heat: float | None = None
        self._oxygen: Reading | None = None
        self._true: dict[str, float] = {}
        self.stopped = False

    def step(self, moment: Moment, draws: Mapping[str, Draw]) -> dict[str, float]:
        o2_w, temp_w, water_w, speed_w, *pollutant_w = self._wander.step(moment.dt)
        gas = self._gas.at(moment.time, {})
        self.stopped = gas.load < STOPPED
        burning = min(1.0, gas.load / 0.3)
        heat = self._warmed(burning, moment.dt)
        air = moment.weather.temperature_c
        by_load = 6.0 * (gas.load - self._gas.usual) * burning
        flow = gas.flow * (1 + 0.015 * speed_w)
        state = {
            "a19001": min(gas.oxygen + 0.15 * o2_w * burning, AIR_O2),
            "a01012": air + (self._warm - air) * heat + by_load + 0.6 * temp_w * burning,
            "a01014": DAMP + (self._wet - DAMP) * heat + 0.4 * water_w * burning,
            "a01013": -0.05 - 0.15 * flow / self._gas.usual_flow,
        }
        _drawn(state, draws)
        ways = state["a01012"], state["a01013"], state["a01014"]
        state["a01011"] = self._gas.velocity(flow, *ways)
        _drawn(state, draws, "a01011")
        state["a00000"] = self._gas.flow(state["a01011"], *ways)
        _drawn(state, draws, FLOW)
        self._true = {code: state[code] for code in (FLOW, *WAYS)}

        fired = fired_share(state["a19001"])
        level: dict[str, float] = {}
        for code, wander, slow in zip(POLLUTANTS, pollutant_w, self._control.step(moment.dt), strict=True):
            reference = gas.clean[code] * math.exp(QUICK * wander + SLOW * slow)
            if code in draws:
                reference = draws[code].of(reference, wobble=0.02 * wander)
            level[code] = diluted(reference, fired, self._gas.reference)
        return level | state

    def derive(self, measured: list[Reading]) -> list[Reading]:
        """Adds the value at reference oxygen to each pollutant, by the oxygen that was measured with it.

        Flow is worked out of what was measured: where a fault has changed that, flow has it too.

        While oxygen is calibrated the logger goes on with what it was before. What is worked out with an oxygen that
        does not count for another reason does not count either: it takes over its flag.
        """
        measured = self._with_flow(measured)
        oxygen = next((reading for reading in measured if reading.code == OXYGEN), None)
        if oxygen is None:
            return measured
        if oxygen.flag == "C" and self._oxygen is not None:
            oxygen = self._oxygen
        self._oxygen = oxygen
        factor = correction(oxygen.values["Rtd"], self._gas.reference)
        return [
            Reading(
                r.code,
                r.values | {"ZsRtd": round(r.values["Rtd"] * factor, r.decimals)},
                r.decimals,
                oxygen.flag if r.flag == "N" else r.flag,
            )
            if r.code in POLLUTANTS
            else r
            for r in measured
        ]

    def _with_flow(self, measured: list[Reading]) -> list[Reading]:
        """The flow that follows where velocity, temperature, pressure or moisture is not shown as it is.

        It carries their worst flag. What a fault makes of the flow itself stands.
        """
        by_code = {reading.code: reading for reading in measured if reading.code in self._true}
        ways = [by_code[code] for code in WAYS if code in by_code]
        told = by_code.get(FLOW)
        if told is None or len(ways) < len(WAYS) or not self._shows(told):
            return measured
        flags = {told.flag, *(way.flag for way in ways)}
        if len(flags) == 1 and all(self._shows(way) for way in ways):
            return measured
        flow = round(self._gas.flow(*(way.values["Rtd"] for way in ways)), told.decimals)
        worked_out = Reading(FLOW, {"Rtd": flow}, told.decimals, min(flags, key=f"{RANK}N".index))
        return [worked_out if reading is told else reading for reading in measured]

    def _shows(self, reading: Reading) -> bool:
        """Whether it is what there is."""
        return reading.values["Rtd"] == round(self._true[reading.code], reading.decimals)

    def _warmed(self, burning: float, dt: float) -> float:
        """How warm the platform is, 0 as the air to 1 as ever."""
        if self._heat is None:
            self._heat = burning
        self._heat += (burning - self._heat) * -math.expm1(-dt / WARMING_S)
        return self._heat


def correction(oxygen: float, reference_o2: float) -> float:
    """What a concentration measured at `oxygen` percent is multiplied by to be at reference oxygen.

    Oxygen near that of air would make it grow beyond bounds: it counts as at most 20.5 %.
    """
    return (FORMULA_O2 - reference_o2) / (FORMULA_O2 - min(oxygen, 20.5))


def _drawn(state: dict[str, float], draws: Mapping[str, Draw], *codes: str) -> None:
    """Puts incidents over the state, or over those of it that are named."""
    for code in codes or tuple(state):
        if code in draws:
            state[code] = draws[code].of(state[code])
