"""A link that loses things."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar, Literal

import numpy as np

from simulators.faults.seam import LinkFault, ParcelEffect, Share
from simulators.records import Parcel


class Loss(LinkFault):
    """A share of what is sent never arrives."""

    counted: ClassVar[tuple[str, ...]] = ("lost",)
    kind: Literal["loss"]
    share: Share = 0.1

    def travel(self, rng: np.random.Generator) -> ParcelEffect:
        def effect(t: float, parcel: Parcel) -> list[Parcel]:
            chosen = rng.random() < self.share
            return [replace(parcel, lost=True) if chosen and self.active(t) else parcel]

        return effect
