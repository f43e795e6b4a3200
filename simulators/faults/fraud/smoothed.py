"""Trick 4: a filter in the software takes the peaks away."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field

from simulators.faults.seam import Fraud, Host, Stage, ValueEffect, ValueFault
from simulators.records import Reading


class Smoothed(Fraud, ValueFault):
    """Each field follows what it would be with the time constant `tau_s` (first order low pass)."""

    finds: ClassVar[str] = "smoothed"
    kind: Literal["smoothed"]
    tau_s: Annotated[float, Field(gt=0)] = 120.0
    stage: Stage = "logger"

    def values(self, rng: np.random.Generator, host: Host) -> ValueEffect:
        state: dict[tuple[str, str], float] = {}
        before: float | None = None

        def told(reading: Reading, keep: float) -> Reading:
            values: dict[str, float] = {}
            for field, value in reading.values.items():
                key = reading.code, field
                state[key] = keep * state.get(key, value) + (1 - keep) * value
                values[field] = round(state[key], reading.decimals)
            return replace(reading, values=values)

        def effect(t: float, readings: list[Reading]) -> list[Reading]:
            nonlocal before
            keep = 0.0 if before is None else math.exp((before - t) / self.tau_s)
            before = t
            if not self.active(t):
                state.update(((r.code, field), value) for r in readings for field, value in r.values.items())
                return readings
            return [told(r, keep) if self.concerns(r.code) else r for r in readings]

        return effect
