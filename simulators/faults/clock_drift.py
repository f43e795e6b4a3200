"""A clock that goes wrong."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from simulators.faults.seam import NOTICED_S, StampFault
from simulators.incidents.event import Expected
from simulators.settings import DeviceType


class ClockDrift(StampFault):
    """The device's clock gains `seconds_per_hour` (loses, where negative); at the end it is set right."""

    kind: Literal["clock_drift"]
    seconds_per_hour: Annotated[float, Field(gt=-3600, le=1e6)]
    """A clock that lost an hour in an hour would stand still."""

    def expects_of(self, settings: DeviceType) -> Iterator[Expected]:
        """A clock that is wrong, where it comes to be a minute off."""
        if self.duration_s is None or abs(self.seconds_per_hour) * self.duration_s / 3600 >= NOTICED_S:
            yield Expected(self.family, "clock")

    def stamp(self, t: float, time: int) -> int:
        since = self.since(t)
        if since is None or not self.active(t):
            return time
        return time + round(since * self.seconds_per_hour / 3.6)
