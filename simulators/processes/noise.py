"""Noise with memory: what is measured wanders, it does not jump."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

BOUND: Final = 3.0
"""Standard deviations that a wander never leaves, so that a normal day stays within its limits."""


class Wander:
    """Several independent AR(1) series of mean 0 and variance 1, with exact steps of any length.

    x(t + dt) = a x(t) + sqrt(1 - a^2) e with a = exp(-dt / tau), the sampled Ornstein-Uhlenbeck process.
    """

    def __init__(self, rng: np.random.Generator, taus_s: Sequence[float]) -> None:
        """`taus_s`: correlation time of each series, shape (n,)."""
        self._rng = rng
        self._taus = np.asarray(taus_s, np.float64)
        self._dt = 0.0
        self._keep = np.ones(len(taus_s))
        self._fresh = np.zeros(len(taus_s))
        self._state = np.clip(rng.standard_normal(len(taus_s)), -BOUND, BOUND)

    def step(self, dt: float) -> list[float]:
        """The n values after `dt` more seconds."""
        if dt != self._dt:
            self._dt = dt
            self._keep = np.exp(-dt / self._taus)
            self._fresh = np.sqrt(1.0 - self._keep * self._keep)
        moved = self._keep * self._state + self._fresh * self._rng.standard_normal(len(self._taus))
        self._state = np.minimum(np.maximum(moved, -BOUND), BOUND)
        return self._state.tolist()
