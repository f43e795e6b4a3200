"""Trick 9: the range is set so that high values do not fit in it."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from simulators.faults.seam import Distortion, Fraud


class RangeChanged(Fraud, Distortion):
    """Values end at `top`, with no mark, and have steps of `step`: those of a range of another size."""

    finds: ClassVar[str] = "range_changed"
    kind: Literal["range_changed"]
    top: Annotated[float, Field(gt=0)]
    step: Annotated[float, Field(gt=0)]

    def shown(self, since: float, value: float, code: str) -> float:
        return min(self.top, round(value / self.step) * self.step)
