"""A clock that goes wrong."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from simulators.faults.seam import StampFault


class ClockDrift(StampFault):
    """The device's clock gains `seconds_per_hour` (loses, where negative); at the end it is set right."""

    kind: Literal["clock_drift"]
    seconds_per_hour: Annotated[float, Field(gt=-3600)]
    """A clock that lost an hour in an hour would stand still."""

    def stamp(self, t: float, time: int) -> int:
        since = self.since(t)
        if since is None or not self.active(t):
            return time
        return time + round(since * self.seconds_per_hour / 3.6)
