"""The picture of a place under a light, and what is in the air before it: fog, clouds, their shadows, rain."""

from __future__ import annotations

import math
from typing import Final, cast

import cv2
import numpy as np

from simulators.cameras.light import KOSCHMIEDER, Light, infrared_at
from simulators.cameras.materials import Image
from simulators.cameras.noise import Plane, endless, smooth_noise
from simulators.cameras.scene import Scene

CLOUD_PIXELS_PER_S: Final = 1.2
"""Clouds in the sky, at 640 wide and 4 m/s of wind."""
SHADE_PIXELS_PER_S: Final = 5.0
"""Pixels a second at 640 wide: a cloud's shadow passes in a minute, too slowly to be taken for motion."""
SHADE_UNIT: Final = 200
"""The byte that stands for full light."""
RAIN_TILES: Final = 4


def lit(scene: Scene, light: Light) -> Image:
    """The place without anything that moves, under that light and through that air."""
    picture = scene.still.astype(np.float32)
    sky = scene.sky[:, :, None]
    if light.night:
        grey = picture @ np.array((0.114, 0.587, 0.299), np.float32)
        height, width = grey.shape
        across = np.linspace(-1, 1, width, dtype=np.float32)[None, :] ** 2
        down = np.linspace(-1.1, 0.9, height, dtype=np.float32)[:, None] ** 2
        beam = infrared_at(scene.depth) * (1.05 - 0.35 * across - 0.25 * down)
        grey = grey * beam * (1 - scene.sky) + 13.0 * scene.sky
        for x, y, reach in scene.lamps:
            grey = grey + _glow(width, height, x, y, reach, 70.0) + _glow(width, height, x, y, 0.09 * reach, 190.0)
        picture = np.repeat(grey[:, :, None], 3, axis=2)
    else:
        gain = np.array(light.gain, np.float32) * (1 - sky) + np.array(light.sky, np.float32) * sky
        picture = picture * gain
        if light.state == "dusk":
            height, width = scene.sky.shape
            rows = np.clip(1.15 - np.arange(height, dtype=np.float32) / scene.view.horizon, 0, 1)
            warm = (1 - rows[:, None, None]) ** 2 * sky
            picture = picture * (1 - warm * 0.5) + warm * 0.5 * np.array((96, 140, 220), np.float32)
            for x, y, reach in scene.lamps:
                glow = _glow(width, height, x, y, reach, 0.30) + _glow(width, height, x, y, 0.07 * reach, 1.0)
                picture = picture + glow[:, :, None] * np.array((120, 190, 245), np.float32)
    if light.visibility is not None:
        through = np.exp(-KOSCHMIEDER * scene.depth / light.visibility)[:, :, None].astype(np.float32)
        picture = picture * through + light.airlight * (1 - through)
    return np.clip(picture, 0, 255).astype(np.uint8)


def _glow(width: int, height: int, x: float, y: float, reach: float, strength: float) -> Plane:
    across = (np.arange(width, dtype=np.float32)[None, :] - x) / reach
    down = (np.arange(height, dtype=np.float32)[:, None] - y) / reach
    return (strength * np.exp(-2 * (across**2 + down**2))).astype(np.float32)


class Clouds:
    """Clouds that drift over the sky, and their shadows that drift over everything."""

    def __init__(self, rng: np.random.Generator, scene: Scene, cloud: float, speed: float) -> None:
        """`cloud`: share of the sky; `speed`: metres a second of wind across the picture, to the right."""
        width, height = scene.view.width, scene.view.height
        self._sign = -1 if speed < 0 else 1
        self._speed = CLOUD_PIXELS_PER_S * max(0.3, min(3.0, abs(speed) / 4)) * width / 640
        self._rate = SHADE_PIXELS_PER_S * width / 640
        rows = int(np.flatnonzero(scene.sky.max(axis=1) > 0).max()) + 1
        self._rows = rows
        tall = 3 * rows
        flat = smooth_noise(rng, tall, 2 * width, width / 4) + 0.55 * smooth_noise(rng, tall, 2 * width, width / 10)
        for grain, strength in ((26, 0.34), (60, 0.18), (130, 0.09)):
            flat = flat + strength * smooth_noise(rng, tall, 2 * width, width / grain)
        level = float(np.quantile(flat, 1 - min(0.999, max(0.001, cloud))))
        # Towards the horizon clouds are seen ever flatter.
        down = np.linspace(0.0, 1.0, rows)
        lines = np.minimum((tall - 1) * (0.5 * down + 0.5 * down**2), tall - 1).astype(int)
        seen = endless(flat[lines].astype(np.float32), width)
        thick = np.clip((seen - level) * 1.3, 0, 1) ** 0.8
        self._alpha: Plane = (0.85 * thick * (0 if cloud == 0 else 1)).astype(np.float32)
        self._bright: Plane = (248 - 42 * np.clip((seen - level) * 0.5, 0, 1)).astype(np.float32)
        self._sky = scene.sky[:rows]
        shades = endless(smooth_noise(rng, height, 2 * width, width / 5), width)
        depth = 0.28 * cloud * (1 - cloud)
        self._shade: Image = np.repeat(
            (SHADE_UNIT * (1 + depth * np.clip(shades, -2.0, 1.0))).astype(np.uint8)[:, :, None], 3, axis=2
        )
        self._width = width

    def _cut(self, t: float, rate: float, columns: int) -> slice:
        turns = columns - self._width
        at = int(-self._sign * t * rate) % turns
        return slice(at, at + self._width)

    def draw(self, picture: Image, t: float, light: Light) -> None:
        """Clouds into the sky."""
        if light.night or (light.visibility is not None and light.visibility < 3_000):
            return
        cut = self._cut(t, self._speed, self._alpha.shape[1])
        alpha = self._alpha[:, cut] * self._sky
        part = picture[: self._rows]
        white = self._bright[:, cut][:, :, None] * np.array(light.sky, np.float32)
        part[:] = cv2.convertScaleAbs(part + (white - part) * alpha[:, :, None])

    def shade(self, picture: Image, t: float, brightness: float) -> Image:
        """The picture under the shadows of the clouds, and the camera's exposure."""
        cut = self._cut(t, self._rate, self._shade.shape[1])
        return cast(Image, cv2.multiply(picture, self._shade[:, cut], scale=brightness / SHADE_UNIT))


def sweep(picture: Image, scene: Scene, share: float, depth: float) -> Image:
    """The shadow of one cloud on its way over the ground, `share` of it behind (0 to 1); its edge is soft."""
    width = picture.shape[1]
    x = np.arange(width, dtype=np.float32) / width
    front, back = 2.2 * share, 2.2 * share - 1.1
    inside = 1 / (1 + np.exp(-(front - x) / 0.03)) - 1 / (1 + np.exp(-(back - x) / 0.03))
    gain = 1 - depth * inside[None, :] * (1 - scene.sky)
    return cast(Image, cv2.convertScaleAbs(picture * gain[:, :, None]))


class Rain:
    """Streaks of drops near the lens and far from it."""

    def __init__(self, rng: np.random.Generator, width: int, height: int, slant: float) -> None:
        """`slant`: how far a drop moves to the right while it falls one pixel."""
        self._tiles: list[Image] = []
        self._size = width, height
        for _ in range(RAIN_TILES):
            tile = np.zeros((height, width, 3), np.uint8)
            for _ in range(round(1.3 * width)):
                x, y = rng.uniform(-0.2, 1.2) * width, rng.uniform(-0.1, 1) * height
                long = float(rng.gamma(2.0, 0.020)) * height + 2
                grey = int(rng.integers(14, 46))
                end = round(x + slant * long), round(y + long)
                cv2.line(tile, (round(x), round(y)), end, (grey, grey, grey), 1, cv2.LINE_AA)
            self._tiles.append(cast(Image, cv2.GaussianBlur(tile, (3, 3), 0.6)))

    def draw(self, picture: Image, key: int, mm_h: float) -> Image:
        """The picture with the drops of one moment; `key` names the moment."""
        tile = self._tiles[key % RAIN_TILES]
        turn = (key * 0x9E3779B1) & 0x7FFFFFFF
        tile = np.roll(tile, (turn % self._size[1], turn // 7 % self._size[0]), axis=(0, 1))
        return cast(Image, cv2.addWeighted(picture, 1.0, tile, min(1.5, 0.35 + 0.3 * math.log10(1 + mm_h)), 0.0))


def rain_visibility(mm_h: float) -> float:
    """Metres one sees in rain: extinction of about 0.31 R^0.67 a km (Atlas 1953, widespread rain)."""
    return 1000 * KOSCHMIEDER / (0.31 * mm_h**0.67)
