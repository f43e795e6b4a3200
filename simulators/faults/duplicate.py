"""A device that says things more than once."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field

from simulators.faults.seam import Host, ReportEffect, ReportFault, Share
from simulators.records import Report


class Duplicate(ReportFault):
    """Says a share of its reports `copies` times more, the same in every respect but for the time of saying it."""

    counted: ClassVar[tuple[str, ...]] = ("duplicated",)
    kind: Literal["duplicate"]
    copies: Annotated[int, Field(ge=1, le=10)] = 1
    share: Share = 1.0
    after_s: Annotated[float, Field(ge=0)] = 0.05
    """Between one copy and the next."""

    def reports(self, rng: np.random.Generator, host: Host) -> ReportEffect:
        def effect(t: float, report: Report) -> list[Report]:
            chosen = rng.random() < self.share
            if not self.active(t) or not chosen:
                return [report]
            later = round(self.after_s * 1000)
            again = [replace(report.put_off(n * later), copy=True) for n in range(1, self.copies + 1)]
            return [report, *again]

        return effect
