"""Trick 5: a good hour is played over and over."""

from __future__ import annotations

from collections import deque
from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field

from simulators.faults.seam import Fraud, Host, Stage, ValueEffect, ValueFault
from simulators.records import Reading


class Replayed(Fraud, ValueFault):
    """The readings of the last `window_s` before it began come again and again, to the last digit."""

    finds: ClassVar[str] = "replayed"
    kind: Literal["replayed"]
    window_s: Annotated[float, Field(gt=0)] = 60.0
    stage: Stage = "logger"

    def values(self, rng: np.random.Generator, host: Host) -> ValueEffect:
        tape: deque[tuple[float, dict[str, Reading]]] = deque()
        played = 0

        def effect(t: float, readings: list[Reading]) -> list[Reading]:
            nonlocal played
            if not self.active(t):
                played = 0
                tape.append((t, {reading.code: reading for reading in readings}))
                while round(1000 * (t - tape[0][0])) >= round(1000 * self.window_s):
                    tape.popleft()
                return readings
            if not tape:
                return readings
            _, old = tape[played % len(tape)]
            played += 1
            return [old[r.code] if self.concerns(r.code) else r for r in readings]

        return effect
