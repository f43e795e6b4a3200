"""Before and in the camera: insects, shaking, turning, blur, glare, a cloth over the lens, and the sensor's noise.

Whatever is random here follows from a key, which names the moment: the same moment gives the same picture.
"""

from __future__ import annotations

import math
from typing import Final, cast

import cv2
import numpy as np

from simulators.cameras.light import Light
from simulators.cameras.materials import Image
from simulators.cameras.noise import Plane, smooth_noise
from simulators.cameras.trace import Trace, lay
from simulators.incidents import Cover, Glare, Insects

NOISE_TILES: Final = 3
NOISE_SIGMA: Final = 8.0
"""Of the tiles; a picture takes its share of it."""
NOISE_MARGIN: Final = 64
"""Pixels that a noise tile is larger than the picture: each frame takes a cut of it, so few tiles make many noises."""
GAIN: Final = {"day": 1.0, "dusk": 2.0, "night": 3.2}
"""How much more noise the sensor's amplifier makes in the dark."""
FLICKER_ROWS: Final = 0.6
"""Bands of a lamp on the mains within the height of the picture."""


def scrambled(key: int) -> int:
    """A number of 32 bits that looks random (the finaliser of MurmurHash3)."""
    key &= 0xFFFFFFFF
    key = ((key ^ (key >> 16)) * 0x85EBCA6B) & 0xFFFFFFFF
    key = ((key ^ (key >> 13)) * 0xC2B2AE35) & 0xFFFFFFFF
    return key ^ (key >> 16)


class Sensor:
    """Noise and flicker."""

    def __init__(self, rng: np.random.Generator, width: int, height: int, noise: float, flicker: float) -> None:
        """`noise`: standard deviation by day in grey levels; `flicker`: depth of the bands as a share of brightness."""
        self._size = width, height
        self._noise, self._flicker = noise, flicker
        shape = height + NOISE_MARGIN, width + NOISE_MARGIN, 3
        self._grain = [
            np.clip(128.5 + NOISE_SIGMA * rng.standard_normal(shape, np.float32), 0, 255).astype(np.uint8)
            for _ in range(NOISE_TILES)
        ]

    def expose(self, picture: Image, t: float, key: int, light: Light) -> Image:
        """The picture as the sensor gives it."""
        width, height = self._size
        if self._flicker:
            rows = np.arange(height, dtype=np.float32) / height
            bands = 1 + self._flicker * np.sin(math.tau * (FLICKER_ROWS * rows + 0.83 * t))
            picture = cast(Image, cv2.convertScaleAbs(picture * bands[:, None, None]))
        if not self._noise:
            return picture
        turn = scrambled(key)
        dx, dy = turn % NOISE_MARGIN, turn // NOISE_MARGIN % NOISE_MARGIN
        grain = self._grain[turn // 4096 % NOISE_TILES][dy : dy + height, dx : dx + width]
        if light.night:
            grain = np.repeat(grain[:, :, :1], 3, axis=2)
        share = self._noise * GAIN[light.state] / NOISE_SIGMA
        return cast(Image, cv2.addWeighted(picture, 1.0, grain, share, -128.0 * share))


def fly(picture: Image, insects: Insects, since: float, key: int, light: Light, incident: int) -> list[Trace]:
    """Insects on crooked ways before the lens; each passes in about a second and another comes."""
    height, width = picture.shape[:2]
    traces: list[Trace] = []
    for number in range(insects.number):
        pass_s = 0.7 + 0.16 * (number % 5)
        turn = scrambled(key * 977 + number * 131 + int(since / pass_s))
        share = since / pass_s % 1.0
        side = 1 if turn & 1 else -1
        x = width * (0.5 + side * 0.62 * (2 * share - 1) + 0.05 * math.sin(14 * share + number))
        y = height * ((turn >> 4) % 100 / 100 + 0.22 * math.sin(7 * share + (turn >> 12) % 7))
        radius = width * (0.010 + 0.016 * ((turn >> 8) % 100) / 100)
        half = math.ceil(2.6 * radius)
        blob = np.zeros((2 * half + 1, 2 * half + 1), np.float32)
        cv2.ellipse(
            blob, (half, half), (max(1, round(1.5 * radius)), max(1, round(0.8 * radius))), turn % 180, 0, 360, 1.0, -1
        )
        blob = cv2.GaussianBlur(blob, (0, 0), 0.45 * radius).astype(np.float32)
        colour = np.full(3, 232.0 if light.night else 46.0, np.float32)
        laid = lay(picture, colour, 0.85 * blob, round(x) - half, round(y) - half)
        if laid is not None:
            traces.append(Trace("insect", laid[1], laid[2], laid[0], incident))
    return traces


def moved(picture: Image, dx: float, dy: float) -> Image:
    """The picture of a camera that was turned: its content lies `dx` to the right and `dy` down, in pixels."""
    matrix = np.array([[1, 0, dx], [0, 1, dy]], np.float32)
    size = picture.shape[1], picture.shape[0]
    return cast(Image, cv2.warpAffine(picture, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT))


def shake(t: float, key: int) -> tuple[float, float]:
    """Where a mast that sways has the picture at `t` seconds; standard deviation about 1 in both directions."""
    phase = (scrambled(key) % 1000) / 159.0
    x = math.sin(math.tau * 1.13 * t + phase) + 0.75 * math.sin(math.tau * 2.71 * t + 2 * phase)
    y = math.sin(math.tau * 0.87 * t + 3 * phase) + 0.75 * math.sin(math.tau * 3.37 * t + phase)
    return 1.13 * x, 1.13 * y


def blurred(picture: Image, sigma: float) -> Image:
    """Out of focus; `sigma` in pixels."""
    return cast(Image, cv2.GaussianBlur(picture, (0, 0), sigma)) if sigma > 0.2 else picture


def glared(picture: Image, glare: Glare, t: float) -> Image:
    """Light into the lens: a spot that is burnt out, its bloom, streaks, and a veil over everything."""
    height, width = picture.shape[:2]
    across = (np.arange(width, dtype=np.float32)[None, :] / width - glare.x) * 16 / 9
    down = np.arange(height, dtype=np.float32)[:, None] / height - glare.y
    far = np.sqrt(across**2 + down**2)
    angle = np.arctan2(down, across)
    rays = 0.55 + 0.45 * np.cos(6 * angle + 0.3 * math.sin(11 * t)) ** 8
    bloom = (
        np.clip(1.7 * np.exp(-((far / 0.10) ** 2)) + 0.9 * rays * np.exp(-far / 0.22) + 0.18, 0, None) * glare.strength
    )
    colour = np.array(glare.rgb[::-1], np.float32)
    core = np.exp(-((far / 0.13) ** 2))[:, :, None]
    light = (colour * (1 - core) + 255 * core) * bloom[:, :, None]
    return cast(Image, cv2.convertScaleAbs(picture + light))


class Cloth:
    """A dark cloth with folds that is drawn over the lens from the left."""

    def __init__(self, rng: np.random.Generator, width: int, height: int) -> None:
        folds = smooth_noise(rng, height, width, width / 5) * 7 + smooth_noise(rng, height, width, width / 24) * 2
        weave = rng.normal(0, 1.5, (height, width))
        self._image = np.clip(np.array((40, 36, 34)) + (folds + weave)[:, :, None], 2, 255).astype(np.float32)
        self._edge: Plane = smooth_noise(rng, height, 1, height / 4) * 0.02

    def over(self, picture: Image, cover: Cover, share: float, light: Light) -> Image:
        """The picture with the cloth over `share` of what it covers in the end."""
        width = picture.shape[1]
        reach = cover.cover * share * 1.12
        x = np.arange(width, dtype=np.float32)[None, :] / width
        alpha = np.clip((reach - 0.06 + self._edge - x) / 0.03 + 0.5, 0, 1)[:, :, None]
        cloth = self._image * (0.8 if light.night else 1.0)
        return cast(Image, cv2.convertScaleAbs(picture + (cloth - picture) * alpha))
