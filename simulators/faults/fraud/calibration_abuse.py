"""Trick 13: the analyser is calibrated when it should measure."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from simulators.faults.seam import Distortion, Fraud


class CalibrationAbuse(Fraud, Distortion):
    """Zero gas for `phase_s`, then span gas of `span` for as long, and so on, all marked `C`."""

    finds: ClassVar[str] = "calibration_abuse"
    kind: Literal["calibration_abuse"]
    span: Annotated[float, Field(gt=0)] = 50.0
    phase_s: Annotated[float, Field(gt=0)] = 60.0

    def shown(self, since: float, value: float, code: str) -> float:
        return self.span if since // self.phase_s % 2 else 0.0

    def flag_of(self, value: float, flag: str) -> str:
        return "C"
