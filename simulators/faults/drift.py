"""An analyser that drifts away."""

from __future__ import annotations

from typing import ClassVar, Literal, Self

from pydantic import model_validator

from simulators.faults.seam import Distortion


class Drift(Distortion):
    """Zero and span move away at a steady rate, the two drifts of HJ 75; at the end the analyser is adjusted."""

    finds: ClassVar[str] = "drift"
    within_range: ClassVar[bool] = True
    kind: Literal["drift"]
    zero_per_hour: float = 0.0
    """In the factor's unit."""
    span_per_hour: float = 0.0
    """Share of the value."""

    @model_validator(mode="after")
    def _drifts(self) -> Self:
        if not self.zero_per_hour and not self.span_per_hour:
            raise ValueError("drift needs `zero_per_hour` or `span_per_hour`")
        return self

    def shown(self, since: float, value: float, code: str) -> float:
        hours = since / 3600
        return value * (1 + self.span_per_hour * hours) + self.zero_per_hour * hours
