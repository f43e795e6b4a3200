"""Trick 2: everything lies at the detection limit."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field

from simulators.faults.seam import Fraud, Host, Stage, ValueEffect, ValueFault
from simulators.records import Reading


class Floor(Fraud, ValueFault):
    """Values hover between nothing and `level`, the detection limit; one that is lower by itself stays.

    All fields of the factor shrink by one ratio, so that a corrected value goes on fitting the measured one.
    """

    finds: ClassVar[str] = "floor"
    kind: Literal["floor"]
    level: Annotated[float, Field(gt=0)]
    stage: Stage = "logger"

    def values(self, rng: np.random.Generator, host: Host) -> ValueEffect:
        def told(reading: Reading, share: float) -> Reading:
            shown = next(iter(reading.values.values()))
            ratio = min(1.0, self.level * share / shown) if shown > 0 else 1.0
            return replace(reading, values={f: round(v * ratio, reading.decimals) for f, v in reading.values.items()})

        def effect(t: float, readings: list[Reading]) -> list[Reading]:
            shares: list[float] = rng.beta(5, 2, len(readings)).tolist()
            if not self.active(t):
                return readings
            return [
                told(reading, share) if self.concerns(reading.code) else reading
                for reading, share in zip(readings, shares, strict=True)
            ]

        return effect
