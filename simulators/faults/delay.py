"""A slow link."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field

from simulators.faults.seam import LinkFault, ParcelEffect
from simulators.records import Parcel


class Delay(LinkFault):
    """Everything takes `delay_s` longer. Nothing overtakes: what is sent after its end waits for what was before."""

    counted: ClassVar[tuple[str, ...]] = ("late",)
    kind: Literal["delay"]
    delay_s: Annotated[float, Field(gt=0)]

    def travel(self, rng: np.random.Generator) -> ParcelEffect:
        newest = 0

        def effect(t: float, parcel: Parcel) -> list[Parcel]:
            nonlocal newest
            if self.active(t):
                parcel = parcel.put_off(round(self.delay_s * 1000))
            parcel = parcel.put_off(max(0, newest - parcel.due))
            newest = parcel.due
            return [parcel]

        return effect


class NetworkJitter(LinkFault):
    """Each takes up to `most_s` longer, in no order: what is sent oftener than that overtakes."""

    counted: ClassVar[tuple[str, ...]] = ("late", "out_of_order")
    kind: Literal["network_jitter"]
    most_s: Annotated[float, Field(gt=0)]

    def travel(self, rng: np.random.Generator) -> ParcelEffect:
        def effect(t: float, parcel: Parcel) -> list[Parcel]:
            wait_s = rng.uniform(0, self.most_s)
            return [parcel.put_off(round(wait_s * 1000)) if self.active(t) else parcel]

        return effect
