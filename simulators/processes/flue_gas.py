"""The gas of a stack as a pure function of time: combustion, removal and dilution by excess air.

Of each cubic metre of dry gas the share f = 1 - O2 / 20.95 has been through the fire; the rest is air. Pollutants are
worked out at reference oxygen (what fuel and removal give) and scaled with f, flow with load / f. Below `LEAST` load
the fans cannot give less air: oxygen rises to that of air as the fire goes down.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from simulators.processes.fuels import AIR_O2, DUST, NOX, POLLUTANTS, SO2, SUPPORT
from simulators.processes.seam import Draw, Surroundings
from simulators.processes.settings import ProcessSettings

STANDARD_K: Final = 273.15
STANDARD_KPA: Final = 101.325
LEAST: Final = 0.4
"""Share of full load below which the fans stay where they are."""
DRAUGHT: Final = 0.04
"""Flow of a stack without a fan, by its own warmth, as a share of that of the least load."""
OXYGEN_PER_LOAD: Final = 5.0
"""Points of oxygen by which a boiler at no load would burn leaner than at full load."""
WORKS: Final = {SO2: (0.02, 0.10), NOX: (0.22, 0.38), DUST: (0.02, 0.10)}
"""Load from which removal begins to work, and from which it works fully: denitrification needs hot gas."""
MAIN: Final = (0.15, 0.35)
"""Load from which the main fuel is fed, and from which alone."""


@dataclass(frozen=True, slots=True)
class Gas:
    """What goes up the stack at one moment, without the flutter of its monitor."""

    load: float
    oxygen: float
    """Percent, dry."""
    flow: float
    """m3/s, dry, 273.15 K, 101.325 kPa."""
    clean: dict[str, float]
    """mg/m3 at reference oxygen, by factor."""


class FlueGas:
    """Everything of one stack that follows from its unit's load."""

    def __init__(self, settings: ProcessSettings, around: Surroundings) -> None:
        fuel = settings.burnt
        means = settings.means
        self.reference = settings.reference
        self.oxygen = means.get("a19001", fuel.oxygen)
        self.usual = fuel.load
        self._around = around
        self._area = settings.area_m2 or fuel.area_m2
        self._raw, self._passed = _removal(settings)
        velocity = means.get("a01011", fuel.velocity * fuel.load)
        moisture, temperature = means.get("a01014", fuel.moisture), means.get("a01012", fuel.temperature)
        self.usual_flow = velocity * self._area * standard(temperature, 0.0) * (1 - moisture / 100)
        self._flow = self.usual_flow * self._fired(fuel.load) / fuel.load

    def at(self, time: int, drawn: Mapping[str, Draw]) -> Gas:
        """The gas at `time` (ms UTC); `drawn`: what incidents draw its pollutants to."""
        load = self._around.load(time)
        lost = self._around.lost(time)
        clean: dict[str, float] = {}
        for code in POLLUTANTS:
            level = self._left(code, load, lost.get(code, 0.0))
            clean[code] = drawn[code].of(level) if code in drawn else level
        fired = self._fired(load)
        if load >= LEAST:
            flow = self._flow * load / fired
        else:
            fan = DRAUGHT + (1 - DRAUGHT) * _ramp(load, (0.0, 0.05))
            flow = self._flow * LEAST / self._fired(LEAST) * fan
        return Gas(load, AIR_O2 * (1 - fired), flow, clean)

    def emitted(self, gas: Gas) -> dict[str, float]:
        """mg/s by factor."""
        fired = fired_share(gas.oxygen)
        return {code: gas.flow * diluted(level, fired, self.reference) for code, level in gas.clean.items()}

    def velocity(self, flow: float, temperature: float, pressure: float, moisture: float) -> float:
        """m/s of the wet gas at C, kPa above that of the air, and percent, for a dry standard flow in m3/s."""
        return flow / (self._area * standard(temperature, pressure) * (1 - moisture / 100))

    def flow(self, velocity: float, temperature: float, pressure: float, moisture: float) -> float:
        """The dry standard flow in m3/s of a velocity: the reverse."""
        return velocity * self._area * standard(temperature, pressure) * (1 - moisture / 100)

    def _fired(self, load: float) -> float:
        """Share of the dry gas that has been through the fire."""
        oxygen = self.oxygen + OXYGEN_PER_LOAD * (self.usual - max(load, LEAST))
        return (1 - oxygen / AIR_O2) * min(load / LEAST, 1.0)

    def _left(self, code: str, load: float, lost: float) -> float:
        """What removal leaves at reference oxygen: more at high load, all that is made where it does not work."""
        raw = self._raw[code]
        kindling = min(raw, SUPPORT[code])
        made = kindling + (raw - kindling) * _ramp(load, MAIN)
        removed = (1 - self._passed[code]) * _ramp(load, WORKS[code]) * (1 - lost)
        return made * (1 - removed) * (1 + 0.5 * (max(load, LEAST) - self.usual))


def standard(temperature: float, pressure: float) -> float:
    """Cubic metres at 273.15 K and 101.325 kPa of one at `temperature` (C) and `pressure` (kPa above 101.325)."""
    return STANDARD_K / (STANDARD_K + temperature) * (STANDARD_KPA + pressure) / STANDARD_KPA


def fired_share(oxygen: float) -> float:
    """Share of dry gas of `oxygen` percent that has been through the fire."""
    return max(0.0, 1 - oxygen / AIR_O2)


def diluted(reference: float, fired: float, reference_o2: float) -> float:
    """Concentration as it is measured, of one at reference oxygen, in gas of which `fired` was in the fire."""
    return reference * fired / fired_share(reference_o2)


def _removal(settings: ProcessSettings) -> tuple[dict[str, float], dict[str, float]]:
    """Concentration before removal, and the share that passes it, by factor.

    Where a mean is set, it decides what passes; where it is more than the fuel gives, nothing is removed.
    """
    fuel = settings.burnt
    raw = fuel.raw(settings.sulphur, settings.ash)
    usual = fuel.raw(None, None)
    passed = {code: min(1.0, fuel.clean[code] / usual[code]) for code in POLLUTANTS}
    for code in POLLUTANTS:
        if code in settings.means:
            raw[code] = max(raw[code], settings.means[code])
            passed[code] = settings.means[code] / raw[code] if raw[code] else 1.0
    return raw, passed


def _ramp(load: float, between: tuple[float, float]) -> float:
    low, high = between
    return min(1.0, max(0.0, (load - low) / (high - low)))
