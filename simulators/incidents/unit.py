"""What a plant's operators and its removal equipment do."""

from __future__ import annotations

from types import MappingProxyType
from typing import Annotated, ClassVar, Final, Literal, Self

from pydantic import Field, model_validator

from simulators.incidents.event import Event, OnDevice

Equipment = Literal["desulphurisation", "denitrification", "dust_filter"]
REMOVES: Final = MappingProxyType({"desulphurisation": "a21026", "denitrification": "a21002", "dust_filter": "a34013"})
"""Equipment to the factor that it keeps low."""


class Standstill(Event):
    """A boiler or furnace is shut down, stands and is started again: all monitors of its gas see it, flag F meanwhile.

    It runs from the first departure from the normal load to the full return; without `duration_s` for good.
    """

    layer: ClassVar[str] = "operation"
    kind: Literal["standstill"]
    unit: str
    """`simulate.unit` of its monitors."""
    down_s: Annotated[float, Field(ge=0)] = 1800.0
    """Time it takes to go down, at the beginning; 0 where it stands from the first moment on."""
    up_s: Annotated[float, Field(gt=0)] = 3600.0
    """Time it takes to come up, within `duration_s`."""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.duration_s is not None and self.down_s + self.up_s > self.duration_s:
            raise ValueError("down_s and up_s do not fit into duration_s")
        return self

    def running(self, t: float) -> float:
        """Share of its load at which the unit runs, `t` seconds since the start."""
        since = self.since(t)
        if since is None or (self.duration_s is not None and since >= self.duration_s):
            return 1.0
        if since < self.down_s:
            return 1 - since / self.down_s
        return 0.0 if self.duration_s is None else max(0.0, 1 - (self.duration_s - since) / self.up_s)


class RemovalFailure(OnDevice):
    """Removal equipment before a stack loses a share of what it removes, and gets it back."""

    kind: Literal["removal_failure"]
    equipment: Equipment
    lost: Annotated[float, Field(gt=0, le=1)] = 0.1
    """Share of the removal that is lost: a tenth of 99 % makes ten times as much come out."""
    duration_s: Annotated[float, Field(gt=0)]  # pyright: ignore[reportIncompatibleVariableOverride, reportGeneralTypeIssues]
    ramp_s: Annotated[float, Field(gt=0)] = 300.0
    recovery_s: Annotated[float, Field(gt=0)] = 900.0
    """Time it takes to fail, and to come back, both within `duration_s`."""

    @property
    def factor(self) -> str:
        """What the equipment keeps low."""
        return REMOVES[self.equipment]

    def share(self, t: float) -> float:
        """Share of the removal that is lost at `t` seconds since the start."""
        since = self.since(t)
        if since is None or since >= self.duration_s:
            return 0.0
        return self.lost * min(1.0, since / self.ramp_s, (self.duration_s - since) / self.recovery_s)

    def told(self) -> dict[str, object]:
        """Names the factor as well."""
        return super().told() | {"factor": self.factor}
