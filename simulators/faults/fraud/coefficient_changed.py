"""Trick 8: slope and intercept in the logger are others than those of the calibration."""

from __future__ import annotations

from typing import ClassVar, Literal

from simulators.faults.seam import Distortion, Fraud


class CoefficientChanged(Fraud, Distortion):
    """The value is `slope` times what the analyser says, plus `intercept`."""

    finds: ClassVar[str] = "coefficient_changed"
    kind: Literal["coefficient_changed"]
    slope: float = 0.6
    intercept: float = 0.0

    def shown(self, since: float, value: float, code: str) -> float:
        return max(0.0, value * self.slope + self.intercept)
