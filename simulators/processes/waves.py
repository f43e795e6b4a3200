"""Wander as a pure function of time: what several devices share (weather, load) is the same for each of them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import numpy as np

SINES: Final = 5
"""Of each series: enough to look irregular, and a bound of sqrt(2 n) = 3.2 standard deviations."""


class Waves:
    """Independent series of mean 0 and variance 1, each the sum of sines of unlike periods and phases by chance."""

    def __init__(self, rng: np.random.Generator, periods_s: Sequence[float], deviation: float = 1.0) -> None:
        """`periods_s`: middle period of each series, shape (n,); its sines lie within a factor of 2 around it.

        `deviation`: standard deviation of all of them.
        """
        count = len(periods_s)
        stretch = np.exp(rng.uniform(-0.7, 0.7, (count, SINES)))
        self._omega = math.tau / (np.asarray(periods_s, np.float64)[:, None] * stretch)
        self._phase = rng.uniform(0, math.tau, (count, SINES))
        self._share = np.full(SINES, deviation * (2.0 / SINES) ** 0.5)

    def at(self, time: int) -> list[float]:
        """The n values at `time` (ms UTC)."""
        return (np.sin(self._omega * (time / 1000) + self._phase) @ self._share).tolist()
