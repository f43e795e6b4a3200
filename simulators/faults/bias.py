"""An analyser that is off."""

from __future__ import annotations

from typing import ClassVar, Literal, Self

from pydantic import model_validator

from simulators.faults.seam import Distortion


class Bias(Distortion):
    """The value is `gain` times what it would be, plus `offset`, from one moment to the other."""

    finds: ClassVar[str] = "bias"
    within_range: ClassVar[bool] = True
    kind: Literal["bias"]
    offset: float = 0.0
    """In the factor's unit."""
    gain: float = 1.0

    @model_validator(mode="after")
    def _is_off(self) -> Self:
        if self.offset == 0 and self.gain == 1:
            raise ValueError("bias needs `offset` or `gain`")
        return self

    def shown(self, since: float, value: float, code: str) -> float:
        return value * self.gain + self.offset
