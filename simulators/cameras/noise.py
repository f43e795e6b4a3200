"""Textured noise: what concrete, water, smoke and clouds have in common."""

from __future__ import annotations

from typing import cast

import cv2
import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.float32]


def smooth_noise(rng: np.random.Generator, height: int, width: int, grain: float) -> Plane:
    """Soft noise of standard deviation 1 with blobs of about `grain` pixels, shape (height, width)."""
    rows, columns = max(2, int(height / grain) + 2), max(2, int(width / grain) + 2)
    coarse = rng.standard_normal((rows, columns)).astype(np.float32)
    fine = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC).astype(np.float32)
    return cast(Plane, fine / max(float(fine.std()), 1e-6))


def tile(rng: np.random.Generator, size: int, coarse: float, falloff: float = 0.55) -> Plane:
    """Noise of mean 0 and standard deviation 1 with details of all sizes, shape (size, size), that repeats seamlessly.

    `coarse`: size of the largest details in pixels; each octave is half as large and `falloff` as strong.
    """
    total = np.zeros((size, size), np.float32)
    cells, strength = max(2, round(size / coarse)), 1.0
    while cells <= size:
        grid = rng.standard_normal((cells, cells)).astype(np.float32)
        pad = 4
        wrapped = np.pad(grid, pad, mode="wrap") if cells > pad else np.tile(grid, (2 * pad + 1, 2 * pad + 1))
        margin = pad if cells > pad else pad * cells
        step = size / cells
        at = (np.arange(size, dtype=np.float32) + 0.5) / step - 0.5 + margin
        x, y = np.meshgrid(at, at)
        total += strength * cv2.remap(wrapped, x, y, cv2.INTER_CUBIC)
        cells, strength = cells * 2, strength * falloff
    return cast(Plane, (total - total.mean()) / max(float(total.std()), 1e-6))


def endless(strip: NDArray[np.float32], window: int) -> Plane:
    """A strip that a window of that many columns can be moved along for ever.

    Mirrored and begun anew, so that offset `columns - window` shows the same as offset 0: no jump where it goes round.
    """
    return np.concatenate([strip, strip[:, ::-1], strip[:, :window]], axis=1)
