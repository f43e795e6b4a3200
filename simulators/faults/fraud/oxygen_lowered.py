"""Trick 7: oxygen that is told too low makes corrected values small."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from simulators.faults.seam import Distortion, Fraud


class OxygenLowered(Fraud, Distortion):
    """Oxygen is told `points` (percent of volume) too low; the logger corrects by what it is told."""

    finds: ClassVar[str] = "oxygen_lowered"
    kind: Literal["oxygen_lowered"]
    points: Annotated[float, Field(gt=0)] = 2.5
    factors: tuple[str, ...] = ("a19001",)

    def shown(self, since: float, value: float, code: str) -> float:
        return max(0.0, value - self.points)
