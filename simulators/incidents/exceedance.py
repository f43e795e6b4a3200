"""Removal equipment fails and comes back."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from simulators.incidents.event import OnDevice


class Exceedance(OnDevice):
    """A factor is drawn to another level: removal equipment fails and comes back."""

    kind: Literal["exceedance"]
    factor: str
    reach: float
    """The level, in the factor's unit; for flue gas at reference oxygen, as its limits are."""
    duration_s: Annotated[float, Field(gt=0)]  # pyright: ignore[reportIncompatibleVariableOverride, reportGeneralTypeIssues]
    ramp_s: Annotated[float, Field(gt=0)] = 1.5
    """Time it takes to get there, and back again, both within `duration_s`."""

    def share(self, t: float) -> float:
        """How far the factor is drawn from its own level (0) to `reach` (1)."""
        since = self.since(t)
        if since is None or since >= self.duration_s:
            return 0.0
        return min(1.0, since / self.ramp_s, (self.duration_s - since) / self.ramp_s)
