"""Trick 14: what is over the limit is told when nobody looks any more."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field

from simulators.faults.seam import Fraud, Host, ReportEffect, ReportFault, upper_limits
from simulators.records import PERIODS, Report
from simulators.settings import DeviceType


class Withheld(Fraud, ReportFault):
    """Reports with a value over its limit are kept and said `delay_s` after the first of them, in one burst."""

    finds: ClassVar[str] = "withheld"
    counted: ClassVar[tuple[str, ...]] = ("late", "out_of_order")
    kind: Literal["withheld"]
    delay_s: Annotated[float, Field(gt=0)] = 600.0

    def misfits(self, settings: DeviceType) -> Iterator[str]:
        yield from super().misfits(settings)
        if not upper_limits(settings):
            yield "has no upper limit on its real-time values"

    def reports(self, rng: np.random.Generator, host: Host) -> ReportEffect:
        limits = {period: upper_limits(host.settings, period) for period in PERIODS}
        release = 0

        def over(report: Report) -> bool:
            bounds = limits[report.period]
            return any(
                value >= bounds.get((reading.code, field), float("inf"))
                for reading in report.readings
                for field, value in reading.values.items()
            )

        def effect(t: float, report: Report) -> list[Report]:
            nonlocal release
            if not self.active(t) or not over(report):
                return [report]
            if report.time >= release:
                release = report.time + round(self.delay_s * 1000)
            else:
                release += BURST_MS
            return [report.put_off(release - report.time, backfilled=True)]

        return effect


BURST_MS = 20
"""Between two reports of the burst, so that each has a time of its own."""
