"""A clock that is set wrong."""

from __future__ import annotations

from typing import Literal

from simulators.faults.seam import StampFault


class ClockStep(StampFault):
    """The device's clock is `offset_s` ahead of the true time (behind, where negative) while the fault lasts."""

    kind: Literal["clock_step"]
    offset_s: float

    def stamp(self, t: float, time: int) -> int:
        return time + round(self.offset_s * 1000) if self.active(t) else time
