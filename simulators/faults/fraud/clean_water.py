"""Trick 10: the sampler draws from a bucket."""

from __future__ import annotations

from collections.abc import Iterator
from types import MappingProxyType
from typing import ClassVar, Final, Literal

from simulators.faults.seam import Distortion, Fraud
from simulators.settings import DeviceType

CLEAN: Final = MappingProxyType({"w01018": 4.0, "w21003": 0.05, "w21011": 0.02, "w21001": 0.8, "w01014": 350.0})
"""mg/L, and uS/cm of conductivity, in tap water. Flow is measured in the channel and goes on."""
LEFT: Final = MappingProxyType({"w01001": (7.6, 0.1), "w01010": (20.0, 0.1)})
"""pH and warmth (C) of tap water in a bucket indoors, and how much of what was there they keep."""


class CleanWater(Fraud, Distortion):
    """All that is measured in the sample steps to tap water at once; what was there leaves a trace of itself."""

    finds: ClassVar[str] = "clean_water"
    joint: ClassVar[bool] = True
    kind: Literal["clean_water"]

    def misfits(self, settings: DeviceType) -> Iterator[str]:
        yield from super().misfits(settings)
        if not set(CLEAN) & {factor.code for factor in settings.factors}:
            yield "measures no waste water"

    def shown(self, since: float, value: float, code: str) -> float:
        if code in LEFT:
            level, left = LEFT[code]
            return level * (1 - left) + value * left
        return CLEAN[code] + 0.02 * value if code in CLEAN else value
