"""Random numbers by name: independent of what else is in the scenario, and of its order."""

from __future__ import annotations

import zlib

import numpy as np


def generator(seed: int, *names: str) -> np.random.Generator:
    """The random numbers of one named thing under one seed."""
    return np.random.default_rng([seed, zlib.crc32("/".join(names).encode())])
