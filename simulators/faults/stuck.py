"""An analyser that repeats its last value."""

from __future__ import annotations

from typing import Literal

import numpy as np

from simulators.faults.seam import ValueEffect, ValueFault
from simulators.records import Reading


class Stuck(ValueFault):
    """Each factor stays at the value it had when the fault began."""

    kind: Literal["stuck"]

    def values(self, rng: np.random.Generator) -> ValueEffect:
        last: dict[str, Reading] = {}

        def effect(t: float, readings: list[Reading]) -> list[Reading]:
            if not self.active(t):
                last.update((reading.code, reading) for reading in readings)
                return readings
            return [
                last.get(reading.code, reading) if not self.factors or reading.code in self.factors else reading
                for reading in readings
            ]

        return effect
