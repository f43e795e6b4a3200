"""Surfaces of buildings: concrete, brick, sheet metal, with the stains and windows that make them look used."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from simulators.cameras.noise import Plane, smooth_noise

Image = NDArray[np.uint8]
"""Shape (height, width, 3), BGR."""
Colour = tuple[int, int, int]
"""BGR."""
PER_M = 16
"""Pixels of a texture for one metre of wall, less on large walls."""


class Wall:
    """A texture in the making: `wide` and `high` in metres, origin top left."""

    def __init__(self, rng: np.random.Generator, wide: float, high: float, colour: Colour) -> None:
        self._rng = rng
        self._scale = min(PER_M, 900 / max(wide, high))
        shape = max(8, round(high * self._scale)), max(8, round(wide * self._scale))
        level = 1 + 0.025 * smooth_noise(rng, *shape, grain=1.5 * self._scale) + 0.025 * smooth_noise(rng, *shape, 2.0)
        self._pixels: Plane = (np.array(colour, np.float32) * level[:, :, None]).astype(np.float32)
        self._stain()

    def _stain(self) -> None:
        """Rain carries dirt down a wall: streaks that begin at the top, a dark foot."""
        height, width = self._pixels.shape[:2]
        streaks = smooth_noise(self._rng, 1, width, max(2.0, 0.35 * self._scale))
        fall = np.linspace(1.0, 0.25, height, dtype=np.float32)[:, None]
        dark = 0.10 * np.maximum(streaks, 0) * fall
        foot = 0.18 * np.exp(-np.linspace(height / max(self._scale, 1), 0.0, height, dtype=np.float32))[:, None]
        self._pixels *= (1 - dark - foot)[:, :, None]

    def seams(self, across: float, down: float, depth: float = 0.14) -> Wall:
        """Joints every `across` metres (vertical) and `down` metres (level)."""
        height, width = self._pixels.shape[:2]
        for at in np.arange(across * self._scale, width - 1, across * self._scale).astype(int).tolist():
            self._pixels[:, at] *= 1 - depth
        for at in np.arange(down * self._scale, height - 1, down * self._scale).astype(int).tolist():
            self._pixels[at] *= 1 - depth
        return self

    def corrugated(self, pitch: float = 0.35) -> Wall:
        """Ribs of sheet metal every `pitch` metres."""
        width = self._pixels.shape[1]
        wave = np.sin(np.arange(width, dtype=np.float32) * 2 * np.pi / (pitch * self._scale))
        self._pixels *= (1 + 0.09 * wave)[None, :, None]
        return self

    def bricks(self) -> Wall:
        """Courses, and bricks of differing colour."""
        height, width = self._pixels.shape[:2]
        rows, columns = max(2, round(height / self._scale / 0.16)), max(2, round(width / self._scale / 0.4))
        each = self._rng.normal(1, 0.05, (rows, columns)).astype(np.float32)
        self._pixels *= cv2.resize(each, (width, height), interpolation=cv2.INTER_NEAREST)[:, :, None]
        return self

    def windows(self, columns: int, rows: int, top: float = 0.12, bottom: float = 0.75) -> Wall:
        """A grid of windows between two shares of the height; each mirrors another piece of sky."""
        height, width = self._pixels.shape[:2]
        step_x, step_y = width / columns, (bottom - top) * height / rows
        for row in range(rows):
            for column in range(columns):
                x0, y0 = int((column + 0.2) * step_x), int(top * height + (row + 0.15) * step_y)
                x1, y1 = int((column + 0.8) * step_x) + 1, int(top * height + (row + 0.8) * step_y) + 1
                shine = np.linspace(float(self._rng.uniform(0.7, 1.3)), 0.55, max(1, y1 - y0))[:, None, None]
                self._pixels[y0:y1, x0:x1] = np.array((104, 92, 78)) * shine
                self._pixels[y0, x0:x1] *= 0.6
                self._pixels[y1 : y1 + 1, x0:x1] = (190, 194, 196)
                self._pixels[y0:y1, (x0 + x1) // 2] *= 1.5
        return self

    def patch(self, x0: float, y0: float, x1: float, y1: float, colour: Colour) -> Wall:
        """Another colour between shares of width and height, with the texture that is there: a door, a band."""
        height, width = self._pixels.shape[:2]
        part = self._pixels[int(y0 * height) : int(y1 * height) + 1, int(x0 * width) : int(x1 * width) + 1]
        if part.size:
            grain = part.mean(axis=2, keepdims=True) / max(1.0, float(part.mean()))
            part[:] = np.array(colour, np.float32) * grain
        return self

    def round(self) -> Wall:
        """Shades it as a cylinder, light from the left."""
        width = self._pixels.shape[1]
        across = np.linspace(-1, 1, width, dtype=np.float32)
        normal = np.sqrt(np.maximum(0.0, 1 - across**2))
        self._pixels *= np.clip(0.42 + 0.45 * normal - 0.38 * across, 0.25, 1.15)[None, :, None]
        return self

    def done(self) -> Image:
        return np.clip(self._pixels, 0, 255).astype(np.uint8)
