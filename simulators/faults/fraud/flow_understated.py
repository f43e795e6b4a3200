"""Trick 17: less is discharged on paper than goes through the channel."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from simulators.faults.seam import Distortion, Fraud
from simulators.settings import DeviceType

FLOWS = frozenset({"a00000", "w00000"})


class FlowUnderstated(Fraud, Distortion):
    """Flow is `gain` of what it is; velocity is not changed, and totals follow the flow that is told."""

    finds: ClassVar[str] = "flow_understated"
    kind: Literal["flow_understated"]
    gain: Annotated[float, Field(gt=0, lt=1)] = 0.6

    def concerns(self, code: str) -> bool:
        return code in FLOWS

    def misfits(self, settings: DeviceType) -> Iterator[str]:
        yield from super().misfits(settings)
        if not FLOWS & {factor.code for factor in settings.factors}:
            yield "tells no flow"

    def shown(self, since: float, value: float, code: str) -> float:
        return value * self.gain
