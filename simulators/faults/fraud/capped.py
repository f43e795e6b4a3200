"""Trick 3: no value reaches the limit."""

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


class Capped(Fraud, ValueFault):
    """What would be over the share `top` of a factor's limit is told as just below that.

    All fields of the factor shrink by one ratio, so that a corrected value goes on fitting the measured one.
    """

    finds: ClassVar[str] = "capped"
    kind: Literal["capped"]
    top: Annotated[float, Field(gt=0, lt=1)] = 0.97
    swing: Annotated[float, Field(ge=0, lt=1)] = 0.01
    """How far below the top the values scatter, a share of it."""
    stage: Stage = "logger"

    def misfits(self, settings: DeviceType) -> Iterator[str]:
        yield from super().misfits(settings)
        if not any(self.concerns(code) for code, _ in upper_limits(settings)):
            yield "has no upper limit on its real-time values to stay under"

    def expects_of(self, settings: DeviceType) -> Iterator[Expected]:
        """One for each factor with an upper limit."""
        limited = {code for code, _ in upper_limits(settings)}
        yield from (expected for expected in super().expects_of(settings) if expected.factor in limited)

    def values(self, rng: np.random.Generator, host: Host) -> ValueEffect:
        tops: dict[str, dict[str, float]] = {}
        for (code, field), limit in upper_limits(host.settings).items():
            tops.setdefault(code, {})[field] = self.top * limit

        def told(reading: Reading, wobble: float) -> Reading:
            own = tops.get(reading.code, {})
            ratio = min(
                (top / reading.values[f] for f, top in own.items() if reading.values.get(f, 0.0) > top), default=1.0
            )
            if ratio >= 1:
                return reading
            ratio *= 1 - self.swing * wobble
            return replace(
                reading, values={field: round(v * ratio, reading.decimals) for field, v in reading.values.items()}
            )

        def effect(t: float, readings: list[Reading]) -> list[Reading]:
            wobbles: list[float] = rng.random(len(readings)).tolist()
            if not self.active(t):
                return readings
            return [
                told(reading, wobble) if self.concerns(reading.code) else reading
                for reading, wobble in zip(readings, wobbles, strict=True)
            ]

        return effect
