"""Trick 15: a clock that is turned back, so that a stretch of time is told again and again."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from simulators.faults.seam import Fraud, StampFault


class ClockRewound(Fraud, StampFault):
    """The clock repeats the first `window_s` of the fault: DataTime goes back and repeats, with other values."""

    finds: ClassVar[str] = "clock_rewound"
    kind: Literal["clock_rewound"]
    window_s: Annotated[float, Field(gt=0)] = 60.0

    @model_validator(mode="after")
    def _comes_again(self) -> Self:
        if self.duration_s is not None and self.duration_s <= self.window_s:
            raise ValueError("clock_rewound needs a duration_s longer than its window_s, or no time comes again")
        return self

    def stamp(self, t: float, time: int) -> int:
        since = self.since(t)
        if since is None or not self.active(t):
            return time
        return time - round((since // self.window_s) * self.window_s * 1000)
