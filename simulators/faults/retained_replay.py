"""Retained messages that come again."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field

from simulators.faults.seam import LinkFault, ParcelEffect
from simulators.records import Message, Parcel


class RetainedReplay(LinkFault):
    """What was sent last before it began was retained by the broker, and comes again every `again_s`.

    So it does for a receiver that subscribes anew. The message is marked as retained, and a broker that it is published
    to keeps it after the run.
    """

    counted: ClassVar[tuple[str, ...]] = ("duplicated",)
    kind: Literal["retained_replay"]
    again_s: Annotated[float, Field(gt=0)] = 10.0

    def travel(self, rng: np.random.Generator) -> ParcelEffect:
        kept: Parcel | None = None
        given = 0

        def effect(t: float, parcel: Parcel) -> list[Parcel]:
            nonlocal kept, given
            since = self.since(t)
            if since is None or not self.active(t):
                kept, given = parcel, 0
                return [parcel]
            wanted = int(since // self.again_s) + 1
            if kept is None or given >= wanted:
                return [parcel]
            given = wanted
            copy = kept.again(parcel.due)
            if isinstance(copy.item, Message):
                copy = replace(copy, item=replace(copy.item, retain=True))
            return [copy, parcel]

        return effect
