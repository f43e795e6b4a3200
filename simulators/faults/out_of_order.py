"""A device that says things in another order than they happened."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field

from simulators.faults.seam import Host, ReportEffect, ReportFault, Share
from simulators.records import Report


class OutOfOrder(ReportFault):
    """Puts off a share of its reports by up to `most_s`, so that later ones are said before them."""

    counted: ClassVar[tuple[str, ...]] = ("out_of_order",)
    kind: Literal["out_of_order"]
    share: Share = 0.3
    most_s: Annotated[float, Field(gt=0)] = 10.0

    def reports(self, rng: np.random.Generator, host: Host) -> ReportEffect:
        def effect(t: float, report: Report) -> list[Report]:
            chosen, wait_s = rng.random() < self.share, rng.uniform(0, self.most_s)
            if not self.active(t) or not chosen:
                return [report]
            return [report.put_off(round(wait_s * 1000))]

        return effect
