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
            left_s = self.gone_s(t)
            if left_s <= 0:
                kept = 0
                return [parcel]
            kept += 1
            return [parcel.put_off(round(1000 * (left_s + kept / self.per_second)))]

        return effect

    def gone_s(self, t: float) -> float:
        since = self.since(t)
        return 0.0 if since is None else max(0.0, self.duration_s - since)
