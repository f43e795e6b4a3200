"""Trick 16: one analyser for two stacks."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar, Literal

import numpy as np

from simulators.faults.seam import Fraud, Host, ValueEffect, ValueFault
from simulators.records import Reading


class SharedSeries(Fraud, ValueFault):
    """The device tells what the analysers of `source`, another device of its site, show, times `scale`."""

    finds: ClassVar[str] = "shared_series"
    kind: Literal["shared_series"]
    source: str
    scale: float = 1.0

    def values(self, rng: np.random.Generator, host: Host) -> ValueEffect:
        series = host.follow(self.source)

        def told(own: Reading, other: Reading) -> Reading:
            return replace(
                own, values={f: round(v * self.scale, own.decimals) for f, v in other.values.items()}, flag=other.flag
            )

        def effect(t: float, readings: list[Reading]) -> list[Reading]:
            others = {reading.code: reading for reading in series(t)}
            if not self.active(t):
                return readings
            return [told(r, others[r.code]) if self.concerns(r.code) and r.code in others else r for r in readings]

        return effect
