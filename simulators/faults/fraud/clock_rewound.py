"""Trick 15: a clock that is turned back, so that a stretch of time is told again and again."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from simulators.faults.seam import Fraud, StampFault


class ClockRewound(Fraud, StampFault):
    """The clock repeats the first `window_s` of the fault: DataTime goes back and repeats, with other values."""

    finds: ClassVar[str] = "clock_rewound"
    kind: Literal["clock_rewound"]
    window_s: Annotated[float, Field(gt=0)] = 60.0

    def stamp(self, t: float, time: int) -> int:
        since = self.since(t)
        if since is None or not self.active(t):
            return time
        return time - round((since // self.window_s) * self.window_s * 1000)
