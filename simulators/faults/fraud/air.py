"""Tricks 6 and 11: the analyser is given the air of the room instead of the gas of the stack."""

from __future__ import annotations

from collections.abc import Iterator
from types import MappingProxyType
from typing import Annotated, ClassVar, Final, Literal

from pydantic import Field

from simulators.faults.seam import Distortion, Fraud
from simulators.settings import DeviceType

AIR: Final = MappingProxyType({"a19001": 20.9, "a01012": 20.0, "a01014": 1.5})
"""Oxygen (%), temperature (C) and moisture (%) of the air around; it has nothing of the pollutants."""
GAS: Final = frozenset({"a21026", "a21002", "a34013", *AIR})
"""What the probe draws or feels. Velocity and flow are measured apart from it and stay."""


class Dilution(Fraud, Distortion):
    """Air is let in before the analyser: a share of what it is given.

    Oxygen goes up, all pollutants go down by one factor, moisture and temperature fall. The correction to reference
    oxygen makes up for it where it is calculated with the oxygen of the same gas, as here.
    """

    finds: ClassVar[str] = "dilution"
    joint: ClassVar[bool] = True
    kind: Literal["dilution"]
    air: Annotated[float, Field(gt=0, lt=1)] = 0.3

    def misfits(self, settings: DeviceType) -> Iterator[str]:
        yield from super().misfits(settings)
        yield from _no_gas(settings)

    def shown(self, since: float, value: float, code: str) -> float:
        return _mixed(value, code, self.air)


class ProbeOut(Fraud, Distortion):
    """The probe hangs in the open: a little gas is left in its line, which is sucked empty with `flush_s`."""

    finds: ClassVar[str] = "probe_out"
    joint: ClassVar[bool] = True
    kind: Literal["probe_out"]
    flush_s: Annotated[float, Field(gt=0)] = 3.0

    def misfits(self, settings: DeviceType) -> Iterator[str]:
        yield from super().misfits(settings)
        yield from _no_gas(settings)

    def shown(self, since: float, value: float, code: str) -> float:
        return _mixed(value, code, 1 - 0.99 * 2 ** (-since / self.flush_s) - 0.01)


def _mixed(value: float, code: str, air: float) -> float:
    return value * (1 - air) + AIR.get(code, 0.0) * air if code in GAS else value


def _no_gas(settings: DeviceType) -> Iterator[str]:
    if not GAS & {factor.code for factor in settings.factors}:
        yield "measures no gas of a stack"
