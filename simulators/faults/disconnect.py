"""A connection that breaks, once or over and over."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import replace
from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field

from simulators.faults.seam import LinkFault, ParcelEffect
from simulators.records import Parcel


class Disconnect(LinkFault):
    """The connection is gone and nobody keeps what is said meanwhile."""

    counted: ClassVar[tuple[str, ...]] = ("lost",)
    kind: Literal["disconnect"]

    def travel(self, rng: np.random.Generator) -> ParcelEffect:
        def effect(t: float, parcel: Parcel) -> list[Parcel]:
            return [replace(parcel, lost=True) if self.active(t) else parcel]

        return effect

    def gone_s(self, t: float) -> float:
        since = self.since(t)
        if since is None or not self.active(t):
            return 0.0
        return math.inf if self.duration_s is None else self.duration_s - since


class ReconnectStorm(LinkFault):
    """The connection breaks over and over: down for `down_s`, up for `up_s`.

    What is said while it is down follows at once when it is up. The last `again` messages that went out before it broke
    were not acknowledged, so they come once more before the others, as QoS 1 has it.
    """

    counted: ClassVar[tuple[str, ...]] = ("late", "duplicated")
    kind: Literal["reconnect_storm"]
    down_s: Annotated[float, Field(gt=0)] = 4.0
    up_s: Annotated[float, Field(gt=0)] = 4.0
    again: Annotated[int, Field(ge=0, le=100)] = 2

    def travel(self, rng: np.random.Generator) -> ParcelEffect:
        recent: deque[Parcel] = deque(maxlen=self.again)

        def effect(t: float, parcel: Parcel) -> list[Parcel]:
            left_s = self.gone_s(t)
            if left_s <= 0:
                recent.append(parcel)
                return [parcel]
            back = parcel.due + max(1, round(left_s * 1000))
            unacknowledged = [one.again(back) for one in recent]
            recent.clear()
            return [*unacknowledged, parcel.put_off(back - parcel.due)]

        return effect

    def gone_s(self, t: float) -> float:
        since = self.since(t)
        if since is None or not self.active(t):
            return 0.0
        return max(0.0, self.down_s - since % (self.down_s + self.up_s))
