"""Tricks 6 and 11: the analyser is given the air around instead of the gas of the stack."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Annotated, ClassVar, Final, Literal

import numpy as np
from pydantic import Field

from simulators.faults.seam import Fraud, Host, ValueEffect, ValueFault
from simulators.records import Reading
from simulators.settings import DeviceType

AIR_O2: Final = 20.9
"""Percent of volume in air, which has nothing of the pollutants; its warmth and moisture are those of the weather."""
GAS: Final = frozenset({"a21026", "a21002", "a34013", "a19001", "a01012", "a01014"})
"""What the probe draws or feels. Velocity is measured apart from it and stays; flow is worked out of all of them."""


class _WithAir(Fraud, ValueFault):
    """Base: a share of what the probe is given is air."""

    joint: ClassVar[bool] = True

    def share(self, since: float) -> float:
        """Of air, `since` seconds after the occurrence began."""
        raise NotImplementedError

    def misfits(self, settings: DeviceType) -> Iterator[str]:
        yield from super().misfits(settings)
        if not GAS & {factor.code for factor in settings.factors}:
            yield "measures no gas of a stack"

    def values(self, rng: np.random.Generator, host: Host) -> ValueEffect:
        def effect(t: float, readings: list[Reading]) -> list[Reading]:
            since = self.since(t)
            if since is None or not self.active(t):
                return readings
            share, weather = self.share(since), host.weather(t)
            air = {"a19001": AIR_O2, "a01012": weather.temperature_c, "a01014": weather.moisture}

            def mixed(reading: Reading) -> Reading:
                own = air.get(reading.code, 0.0) * share
                values = {f: round(v * (1 - share) + own, reading.decimals) for f, v in reading.values.items()}
                return replace(reading, values=values)

            return [mixed(r) if r.code in GAS and self.concerns(r.code) else r for r in readings]

        return effect


class Dilution(_WithAir):
    """Air is let in before the analyser: a share of what it is given.

    Oxygen goes up, all pollutants go down by one factor, moisture and temperature fall. The correction to reference
    oxygen makes up for it where it is calculated with the oxygen of the same gas, as here.
    """

    finds: ClassVar[str] = "dilution"
    kind: Literal["dilution"]
    air: Annotated[float, Field(gt=0, lt=1)] = 0.3

    def share(self, since: float) -> float:
        return self.air


class ProbeOut(_WithAir):
    """The probe hangs in the open: a little gas is left in its line, which is sucked empty with `flush_s`."""

    finds: ClassVar[str] = "probe_out"
    kind: Literal["probe_out"]
    flush_s: Annotated[float, Field(gt=0)] = 3.0

    def share(self, since: float) -> float:
        return 0.99 * (1 - 2 ** (-since / self.flush_s))
