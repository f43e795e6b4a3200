"""A value in another unit than the receiver takes it for."""

from __future__ import annotations

from collections.abc import Iterator
from types import MappingProxyType
from typing import ClassVar, Final, Literal

from simulators.faults.seam import Distortion
from simulators.settings import DeviceType

MOLAR_G: Final = MappingProxyType({"a21026": 64.06, "a21002": 46.01, "a21004": 46.01, "a21005": 28.01, "a05024": 48.0})
"""g/mol of SO2, NOx (told as NO2), NO2, CO and O3."""
MOLAR_L: Final = 22.4
"""Litres of a mole of gas at 0 degrees and 101.325 kPa, the standard state of GB 13223."""


class WrongUnit(Distortion):
    """The numbers are those of another unit; `says` is what becomes of them."""

    finds: ClassVar[str] = "unit"
    kind: Literal["wrong_unit"]
    says: Literal["thousandfold", "thousandth", "kelvin", "ppm"]
    """ug for mg, mg for ug, K for degrees Celsius, ppm for mg/m3."""

    def misfits(self, settings: DeviceType) -> Iterator[str]:
        yield from super().misfits(settings)
        for factor in settings.factors:
            if not self.concerns(factor.code):
                continue
            if self.says == "kelvin" and factor.unit != "C":
                yield f"{factor.code!r} is in {factor.unit}, so it has no kelvin; name the `factors`"
            if self.says == "ppm" and (factor.unit != "mg/m3" or factor.code not in MOLAR_G):
                yield f"{factor.code!r} in {factor.unit} has no ppm; name the `factors` (of {', '.join(MOLAR_G)})"

    def shown(self, since: float, value: float, code: str) -> float:
        match self.says:
            case "thousandfold":
                return value * 1000
            case "thousandth":
                return value / 1000
            case "kelvin":
                return value + 273.15
            case "ppm":
                return value * MOLAR_L / MOLAR_G[code]
