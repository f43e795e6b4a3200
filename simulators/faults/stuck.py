"""An analyser that repeats its last value."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np

from simulators.faults.seam import Host, ValueEffect, ValueFault
from simulators.records import Reading


class Stuck(ValueFault):
    """Each factor stays at the value it had when the fault began."""

    finds: ClassVar[str] = "stuck"
    kind: Literal["stuck"]

    def values(self, rng: np.random.Generator, host: Host) -> ValueEffect:
        last: dict[str, Reading] = {}

        def effect(t: float, readings: list[Reading]) -> list[Reading]:
            if not self.active(t):
                last.update((reading.code, reading) for reading in readings)
                return readings
            return [last.get(r.code, r) if self.concerns(r.code) else r for r in readings]

        return effect
