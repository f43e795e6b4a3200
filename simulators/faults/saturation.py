"""A range that is too small for what is measured."""

from __future__ import annotations

from typing import ClassVar, Literal

from simulators.faults.seam import Distortion


class Saturation(Distortion):
    """No value goes over `top`; those that would are flagged `T`, over range, unless `flagged` is false."""

    finds: ClassVar[str] = "saturation"
    kind: Literal["saturation"]
    top: float
    flagged: bool = True

    def shown(self, since: float, value: float, code: str) -> float:
        return min(value, self.top)

    def flag_of(self, value: float, flag: str) -> str:
        return "T" if self.flagged and value > self.top and flag == "N" else flag
