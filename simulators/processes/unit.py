"""A boiler or furnace: the load that all monitors of its gas share."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np

from simulators.processes.fuels import Fuel
from simulators.processes.seam import local_hour
from simulators.processes.waves import Waves

SHIFT_H: Final = 1.5
"""Most by which the day of one unit is earlier or later than that of the others."""


class Unit:
    """Load as a pure function of time: the day's cycle, the dispatcher's whims, and what is out of operation."""

    def __init__(
        self, rng: np.random.Generator, fuel: Fuel, zone: ZoneInfo, running: Callable[[int], float] = lambda _: 1.0
    ) -> None:
        """`running`: time (ms UTC) to the share of its load at which it is let run, 0 where it stands still."""
        self._waves = Waves(rng, (2400.0, 600.0, 14_400.0))
        self._begins = 9.0 + float(rng.uniform(-SHIFT_H, SHIFT_H))
        self._fuel = fuel
        self._zone = zone
        self._running = running

    def load(self, time: int) -> float:
        """Share of full load at `time` (ms UTC), 0 to 1.05."""
        running = self._running(time)
        if running == 0.0:
            return 0.0
        slow, quick, shift = self._waves.at(time)
        day = math.sin((local_hour(time, self._zone) - self._begins) * math.tau / 24)
        own = self._fuel.load + self._fuel.swing * (day + 0.15 * shift) + 0.016 * slow + 0.008 * quick
        return running * min(own, 1.05)
