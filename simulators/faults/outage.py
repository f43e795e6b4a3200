"""A link that is down: what is said meanwhile is kept by the device and sent when it is back."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field

from simulators.faults.seam import LinkFault, ParcelEffect
from simulators.records import Parcel


class Outage(LinkFault):
    """Store and forward: what is said meanwhile follows after its end, oldest first, `per_second` of them a second."""

    counted: ClassVar[tuple[str, ...]] = ("late",)
    kind: Literal["outage"]
    duration_s: Annotated[float, Field(gt=0)]  # pyright: ignore[reportIncompatibleVariableOverride, reportGeneralTypeIssues]
    per_second: Annotated[float, Field(gt=0)] = 20.0

    def travel(self, rng: np.random.Generator) -> ParcelEffect:
        kept = 0

        def effect(t: float, parcel: Parcel) -> list[Parcel]:
            nonlocal kept
            since = self.since(t)
            if since is None or since >= self.duration_s:
                kept = 0
                return [parcel]
            kept += 1
            wait_s = self.duration_s - since + kept / self.per_second
            return [parcel.put_off(round(wait_s * 1000))]

        return effect
