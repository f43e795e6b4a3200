"""The flame of a flare: tongues that rise, bend with the wind and flicker; its own light around it."""

from __future__ import annotations

import math

import cv2
import numpy as np

from simulators.cameras.light import Light
from simulators.cameras.materials import Image
from simulators.cameras.noise import Plane, tile
from simulators.cameras.scene import Mouth
from simulators.cameras.trace import Trace, lay

TILE = 128


class Flame:
    """The flame at one tip."""

    def __init__(self, rng: np.random.Generator, mouth: Mouth, across: float, length_m: float) -> None:
        """`across`: m/s of wind to the right in the picture; `length_m`: of the flame."""
        self._mouth = mouth
        self._tile = tile(rng, TILE, 32, 0.6)
        self._long = max(6.0, length_m * mouth.scale)
        self._lean = math.atan2(across, 9.0)
        self._half = math.ceil(1.1 * self._long)
        size = 2 * self._half + 1
        across_, down = np.meshgrid(
            np.arange(size, dtype=np.float32) - self._half, np.arange(size, dtype=np.float32) - self._half
        )
        sine, cosine = math.sin(self._lean), math.cos(self._lean)
        self._along: Plane = ((across_ * sine - down * cosine) / self._long).astype(np.float32)
        self._off: Plane = ((across_ * cosine + down * sine) / (0.22 * self._long)).astype(np.float32)
        self._glow: Plane = np.exp(-3.0 * (across_**2 + down**2) / self._half**2).astype(np.float32)

    def draw(self, picture: Image, t: float, share: float, light: Light, incident: int) -> Trace | None:
        """Draws it at `share` of its length; says what was drawn, without the glow."""
        if share <= 0:
            return None
        along = self._along / max(share, 0.15)
        u = np.mod(self._off * 9 + 40, TILE - 1).astype(np.float32)
        v = np.mod(along * 26 - 42 * t, TILE - 1).astype(np.float32)
        noise = cv2.remap(self._tile, u, v, cv2.INTER_LINEAR)
        rising = np.clip(along, 0, 1.4)
        wide = np.sqrt(np.clip(rising * 3.2, 0, 1)) * np.clip(1.15 - rising, 0, 1) + 0.02
        off = np.abs(self._off + 0.5 * rising * noise + 0.25 * math.sin(9 * t) * rising)
        body = np.clip(1.6 - off / wide - 0.35 * rising * noise, 0, 1) * (along > 0)
        alpha = np.clip(body * 1.8, 0, 0.97).astype(np.float32)
        hot = np.clip(body * 1.3 - 0.55 * rising, 0, 1)[:, :, None]
        colour = np.array((36, 118, 252), np.float32) * (1 - hot) + np.array((190, 240, 255), np.float32) * hot
        x, y = round(self._mouth.x) - self._half, round(self._mouth.y) - self._half
        strength = (0.55 if light.night else 0.22) * share
        white = np.full(3, 235.0, np.float32) if light.night else np.array((120, 190, 250), np.float32)
        lay(picture, white, self._glow * strength, x, y)
        if light.night:
            colour = np.repeat(colour.max(axis=2, keepdims=True), 3, axis=2)
        laid = lay(picture, colour.astype(np.float32), alpha, x, y)
        return None if laid is None else Trace("flame", laid[1], laid[2], laid[0], incident)
