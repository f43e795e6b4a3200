"""Minute data out of real-time data, so that both say the same (HJ 212-2017 annex D)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from simulators.processes.seam import Process
from simulators.records import Reading

MINUTE_MS: Final = 60_000
LEAST_SAMPLES: Final = 12
"""Samples that a minute mean of gas needs (HJ 212-2017 annex D); a minute with fewer sends nothing."""


class Minutes:
    """Collects one device's readings and gives each minute's mean, extremes and totals once it is over."""

    def __init__(self, process: type[Process]) -> None:
        self._process = process
        self._minute: int | None = None
        self._samples: list[dict[str, Reading]] = []

    def add(self, time: int, readings: Sequence[Reading]) -> tuple[int, list[Reading]] | None:
        """Take the readings of `time` (ms UTC); when a minute has just ended, its start and its data."""
        minute = time - time % MINUTE_MS
        ended = None
        if minute != self._minute:
            if self._minute is not None and len(self._samples) >= LEAST_SAMPLES:
                ended = self._minute, self._summary()
            self._minute, self._samples = minute, []
        self._samples.append({reading.code: reading for reading in readings})
        return ended

    def _summary(self) -> list[Reading]:
        flow_code = self._process.FLOW
        flows = [sample[flow_code].values["Rtd"] if flow_code in sample else 1.0 for sample in self._samples]
        flowing = flow_code in self._samples[0]
        summary: list[Reading] = []
        for code, first in self._samples[0].items():
            values: dict[str, float] = {}
            weights = flows if flowing and code in self._process.WEIGHTED else [1.0] * len(flows)
            for field in first.values:
                column = [sample[code].values[field] for sample in self._samples]
                prefix = field.removesuffix("Rtd")
                mean = sum(v * w for v, w in zip(column, weights, strict=True)) / sum(weights)
                for name, value in (("Avg", mean), ("Min", min(column)), ("Max", max(column))):
                    values[prefix + name] = round(value, first.decimals)
            if flowing:
                column = [sample[code].values["Rtd"] for sample in self._samples]
                seconds = MINUTE_MS / 1000
                if code == flow_code:
                    values["Cou"] = round(sum(flows) / len(flows) * seconds * self._process.FLOW_M3, 3)
                elif code in self._process.MASS:
                    per_second = sum(c * f for c, f in zip(column, flows, strict=True)) / len(flows)
                    values["Cou"] = round(per_second * seconds * 1e-6, 6)  # mg to kg
            summary.append(Reading(code, values, first.decimals, first.flag))
        return summary
