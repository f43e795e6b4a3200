"""Values that jump for a moment."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from simulators.faults.seam import Distortion


class Spike(Distortion):
    """Every value while it lasts is `times` what it would be, plus `plus`: let it last for one reading or two."""

    finds: ClassVar[str] = "spike"
    within_range: ClassVar[bool] = True
    kind: Literal["spike"]
    duration_s: Annotated[float, Field(gt=0)]  # pyright: ignore[reportIncompatibleVariableOverride, reportGeneralTypeIssues]
    times: float = 8.0
    plus: float = 0.0

    def shown(self, since: float, value: float, code: str) -> float:
        return value * self.times + self.plus
