"""Trick 10: the sampler draws from a bucket."""

from __future__ import annotations

from collections.abc import Iterator
from types import MappingProxyType
from typing import ClassVar, Final, Literal

from simulators.faults.seam import Distortion, Fraud
from simulators.settings import DeviceType

CLEAN: Final = MappingProxyType({"w01018": 4.0, "w21003": 0.05, "w21011": 0.02, "w21001": 0.8})
"""mg/L in tap water; pH is 7.6. Flow is measured in the channel and goes on."""
PH: Final = 7.6


class CleanWater(Fraud, Distortion):
    """All that is measured in the sample steps to tap water at once; what was there leaves a tenth of itself."""

    finds: ClassVar[str] = "clean_water"
    joint: ClassVar[bool] = True
    kind: Literal["clean_water"]

    def misfits(self, settings: DeviceType) -> Iterator[str]:
        yield from super().misfits(settings)
        if not set(CLEAN) & {factor.code for factor in settings.factors}:
            yield "measures no waste water"

    def shown(self, since: float, value: float, code: str) -> float:
        if code == "w01001":
            return 0.9 * PH + 0.1 * value
        return CLEAN[code] + 0.02 * value if code in CLEAN else value
