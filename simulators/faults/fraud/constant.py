"""Trick 1: a number that somebody wrote down once."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field

from simulators.faults.seam import Fraud, Host, Stage, ValueEffect, ValueFault
from simulators.records import Reading


class Constant(Fraud, ValueFault):
    """Each factor stays within `swing` (a share) of `value`, or of what it was when the fault began."""

    finds: ClassVar[str] = "constant"
    kind: Literal["constant"]
    value: float | None = None
    swing: Annotated[float, Field(ge=0, lt=1)] = 0.003
    stage: Stage = "logger"

    def values(self, rng: np.random.Generator, host: Host) -> ValueEffect:
        last: dict[str, Reading] = {}

        def told(reading: Reading, wobble: float) -> Reading:
            base = last.get(reading.code, reading).values
            share = 1 + self.swing * wobble
            return replace(
                reading,
                values={
                    field: round(
                        (self.value if self.value is not None else base.get(field, value)) * share, reading.decimals
                    )
                    for field, value in reading.values.items()
                },
            )

        def effect(t: float, readings: list[Reading]) -> list[Reading]:
            wobbles: list[float] = rng.uniform(-1, 1, len(readings)).tolist()
            if not self.active(t):
                last.update((reading.code, reading) for reading in readings)
                return readings
            return [
                told(reading, wobble) if self.concerns(reading.code) else reading
                for reading, wobble in zip(readings, wobbles, strict=True)
            ]

        return effect
