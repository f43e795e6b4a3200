"""A link that is down: what is said meanwhile is kept by the device and sent when it is back."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from simulators.faults.seam import LinkFault, MessageEffect
from simulators.records import Message


class Outage(LinkFault):
    """Store and forward: messages of the outage follow after its end, oldest first, `per_second` of them a second."""

    kind: Literal["outage"]
    duration_s: Annotated[float, Field(gt=0)]  # pyright: ignore[reportIncompatibleVariableOverride, reportGeneralTypeIssues]
    per_second: Annotated[float, Field(gt=0)] = 20.0

    def travel(self, rng: np.random.Generator) -> MessageEffect:
        kept = 0

        def effect(t: float, message: Message) -> list[Message]:
            nonlocal kept
            since = self.since(t)
            if since is None or since >= self.duration_s:
                kept = 0
                return [message]
            kept += 1
            wait_s = self.duration_s - since + kept / self.per_second
            return [replace(message, due=message.due + round(wait_s * 1000))]

        return effect
