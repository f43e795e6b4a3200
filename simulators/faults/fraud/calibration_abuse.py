"""Trick 13: the analyser is calibrated when it should measure."""

from __future__ import annotations

from types import MappingProxyType
from typing import Annotated, ClassVar, Final, Literal

from pydantic import Field

from simulators.faults.seam import Distortion, Fraud
from simulators.processes import PROCESSES

CHECKED: Final = frozenset(code for process in PROCESSES.values() for code in process.CHECKED)
"""What has a zero and a span gas, or standard solutions."""
OWN: Final = MappingProxyType({"a19001": (0.0, 20.9), "w01001": (6.86, 9.18)})
"""Oxygen is spanned with air (%), pH is held against two buffers."""


class CalibrationAbuse(Fraud, Distortion):
    """Zero gas for `phase_s`, then span gas of `span` for as long, and so on, all marked `C`.

    Oxygen and pH have gases and buffers of their own; what cannot be calibrated stays.
    """

    finds: ClassVar[str] = "calibration_abuse"
    kind: Literal["calibration_abuse"]
    span: Annotated[float, Field(gt=0)] = 50.0
    phase_s: Annotated[float, Field(gt=0)] = 60.0

    def concerns(self, code: str) -> bool:
        return code in CHECKED and super().concerns(code)

    def shown(self, since: float, value: float, code: str) -> float:
        zero, span = OWN.get(code, (0.0, self.span))
        return span if since // self.phase_s % 2 else zero

    def flag_of(self, value: float, flag: str) -> str:
        return "C"
