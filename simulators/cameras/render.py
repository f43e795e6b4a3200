"""The renderer: a scene, the light on it, the persons in it and the noise of the sensor, as one JPEG a frame.

A frame is a function of its number and time alone, so any frame can be made again, or left out. Everything costly
(scene, clouds, noise) is drawn once; a frame copies, shades, adds and encodes, 3 to 5 ms at 640x360.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final, cast
from zoneinfo import ZoneInfo

import cv2
import numpy as np

from simulators.cameras.exif import with_capture_time
from simulators.cameras.person import Figure, draw, figures
from simulators.cameras.scene import Image, endless, make_scene, smooth_noise
from simulators.incidents import Person
from simulators.scenario import Camera

NOISE_TILES: Final = 3
NOISE_SIGMA: Final = 2.0
NOISE_MARGIN: Final = 64
"""Pixels that a noise tile is larger than the picture: each frame takes a cut of it, so few tiles make many noises."""
SHADE_UNIT: Final = 210
"""The byte that stands for full light."""
CLOUD_DEPTH: Final = 0.07
CLOUD_SPEED: Final = 5.0
"""Pixels a second at 640 wide: a cloud's shadow passes in a minute, too slowly to be taken for motion."""


class Renderer:
    """One camera's frames."""

    def __init__(
        self, camera: Camera, persons: Sequence[Person], rng: np.random.Generator, start: int, zone: ZoneInfo
    ) -> None:
        """`start`: ms UTC of the scenario's start; `zone`: in which EXIF gives the time."""
        self._size = width, height = camera.simulate.width, camera.simulate.height
        self._start = start
        self._zone = zone
        self._quality = camera.simulate.quality
        zones = {zone.id: zone for zone in camera.zones}
        self._persons = [(person, zones[person.zone]) for person in persons]
        self._scene = make_scene(camera.simulate.scene, rng, width, height)
        self._phase = float(rng.uniform(0, math.tau))
        clouds = endless(smooth_noise(rng, height, 2 * width, grain=width / 5), width)
        level = SHADE_UNIT * (1 + CLOUD_DEPTH * np.clip(clouds, -2.0, 1.0))
        self._shade: Image = np.repeat(level.astype(np.uint8)[:, :, None], 3, axis=2)
        tile = (height + NOISE_MARGIN, width + NOISE_MARGIN, 3)
        self._noise = [self._grain(rng, tile) for _ in range(NOISE_TILES)]
        self._offsets = rng.integers(0, NOISE_MARGIN, (64, 2)).tolist()

    @staticmethod
    def _grain(rng: np.random.Generator, shape: tuple[int, int, int]) -> Image:
        """Noise around 128, which stands for none."""
        return np.clip(128.5 + NOISE_SIGMA * rng.standard_normal(shape, np.float32), 0, 255).astype(np.uint8)

    def figures(self, time: int) -> list[Figure]:
        """The persons in the picture at `time` (ms UTC)."""
        t = (time - self._start) / 1000
        return [f for person, zone in self._persons for f in figures(person, zone, t, *self._size)]

    def image(self, number: int, time: int) -> Image:
        """The picture before it is encoded, shape (height, width, 3), BGR."""
        t = (time - self._start) / 1000
        width, height = self._size
        picture = self._scene.still.copy()
        self._scene.animate(picture, t)
        for figure in self.figures(time):
            draw(picture, figure)
        shift = int(t * CLOUD_SPEED * width / 640) % (self._shade.shape[1] - width)
        brightness = 1 + 0.015 * math.sin(t / 17 + self._phase)
        shade = self._shade[:, shift : shift + width]
        lit = cv2.multiply(picture, shade, scale=brightness / SHADE_UNIT)
        dx, dy = self._offsets[number % len(self._offsets)]
        grain = self._noise[number % NOISE_TILES][dy : dy + height, dx : dx + width]
        return cast(Image, cv2.addWeighted(lit, 1.0, grain, 1.0, -128.0))

    def jpeg(self, number: int, time: int) -> bytes:
        """Frame `number`, captured at `time` (ms UTC), which its EXIF tells."""
        done, encoded = cv2.imencode(".jpg", self.image(number, time), [cv2.IMWRITE_JPEG_QUALITY, self._quality])
        assert done, "JPEG encoding failed"
        return with_capture_time(encoded.tobytes(), time, self._zone)
