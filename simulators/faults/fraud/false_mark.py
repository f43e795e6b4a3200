"""Trick 12: what is over the limit is marked as maintenance."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field

from simulators.faults.seam import Fraud, Host, Stage, ValueEffect, ValueFault, upper_limits
from simulators.incidents.event import Expected
from simulators.records import Reading
from simulators.settings import DeviceType


class FalseMark(Fraud, ValueFault):
    """A factor at or over the share `above` of its limit gets the mark `flag`, as long as it stays there."""

    finds: ClassVar[str] = "false_mark"
    kind: Literal["false_mark"]
    flag: Literal["M", "D", "C", "F", "B"] = "M"
    above: Annotated[float, Field(gt=0)] = 0.9
    stage: Stage = "logger"

    def misfits(self, settings: DeviceType) -> Iterator[str]:
        yield from super().misfits(settings)
        if not any(self.concerns(code) for code, _ in upper_limits(settings)):
            yield "has no upper limit on its real-time values to be marked at"

    def expects_of(self, settings: DeviceType) -> Iterator[Expected]:
        """One for each factor with an upper limit."""
        limited = {code for code, _ in upper_limits(settings)}
        yield from (expected for expected in super().expects_of(settings) if expected.factor in limited)

    def values(self, rng: np.random.Generator, host: Host) -> ValueEffect:
        limits = upper_limits(host.settings)

        def over(reading: Reading) -> bool:
            return any(
                value >= self.above * limits.get((reading.code, field), float("inf"))
                for field, value in reading.values.items()
            )

        def effect(t: float, readings: list[Reading]) -> list[Reading]:
            if not self.active(t):
                return readings
            return [replace(r, flag=self.flag) if self.concerns(r.code) and over(r) else r for r in readings]

        return effect
