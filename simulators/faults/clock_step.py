"""A clock that is set wrong."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from simulators.faults.seam import NOTICED_S, StampFault
from simulators.incidents.event import MOST_S, Expected
from simulators.settings import DeviceType


class ClockStep(StampFault):
    """The device's clock is `offset_s` ahead of the true time (behind, where negative) while the fault lasts."""

    kind: Literal["clock_step"]
    offset_s: Annotated[float, Field(ge=-MOST_S, le=MOST_S)]

    def expects_of(self, settings: DeviceType) -> Iterator[Expected]:
        """A clock that is wrong, from a minute on."""
        if abs(self.offset_s) >= NOTICED_S:
            yield Expected(self.family, "clock")

    def stamp(self, t: float, time: int) -> int:
        return time + round(self.offset_s * 1000) if self.active(t) else time
