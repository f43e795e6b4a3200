"""An analyser: true levels in, what it shows of them out."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from simulators.processes.seam import Process
from simulators.records import Reading


class Instrument:
    """The analysers of one device: noise, and the digits they show."""

    def __init__(self, rng: np.random.Generator, process: type[Process]) -> None:
        self._rng = rng
        self._process = process

    def measure(self, levels: Mapping[str, float]) -> list[Reading]:
        """What is shown of the levels, in the order of `Process.DECIMALS`."""
        noise: list[float] = np.clip(self._rng.standard_normal(len(self._process.DECIMALS)), -3, 3).tolist()
        return [
            Reading(
                code, {"Rtd": round(levels[code] * (1 + self._process.NOISE.get(code, 0.0) * wobble), digits)}, digits
            )
            for (code, digits), wobble in zip(self._process.DECIMALS.items(), noise, strict=True)
        ]
