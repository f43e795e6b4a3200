"""Water of an outfall: ripples, the stream from the pipe, colour that drifts along the channel, foam."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, cast

import cv2
import numpy as np

from simulators.cameras.light import Light
from simulators.cameras.materials import Image
from simulators.cameras.noise import Plane, tile
from simulators.cameras.scene import Scene
from simulators.cameras.scene import Water as Surface
from simulators.cameras.trace import Trace

FLOW_M_S: Final = 0.8
THINS_M: Final = 26.0
"""Metres on which a colour in the water thins to a third."""
TILE: Final = 256
Level = Callable[[float], float]


class Water:
    """The water of one scene; coordinates of arrays are those of the part of the picture that has water."""

    def __init__(self, rng: np.random.Generator, scene: Scene, surface: Surface) -> None:
        rows = np.flatnonzero(surface.mask.max(axis=1) > 0)
        self._top, bottom = int(rows[0]), int(rows[-1]) + 1
        self._mask = surface.mask[self._top : bottom]
        x, z = (plane[self._top : bottom] for plane in scene.view.ground())
        self._z = z
        self._tile = tile(rng, TILE, 24, 0.8)
        self._ripples = 26.0 * x / 2.0, 26.0 * z / 0.9
        self._foam = 26.0 * x / 1.1, 26.0 * z / 1.1
        mouth_x = (surface.landing[0] - scene.view.width / 2) * scene.view.depth(surface.landing[1]) / scene.view.focal
        along, across = x - mouth_x, np.abs(z - scene.view.depth(surface.landing[1]))
        self._age = np.maximum(along, 0.0) / FLOW_M_S
        """Seconds ago that the water of a pixel left the pipe."""
        half = 4.5 + 0.45 * np.maximum(along, 0)
        edge = np.exp(-((across / half) ** 4)) * np.clip((along + 2.2) / 1.5, 0, 1)
        self._reach = (edge * np.exp(-np.maximum(along, 0) / THINS_M)).astype(np.float32)
        self._near = (np.exp(-((along - 4) ** 2 / 70.0 + across**2 / 40.0))).astype(np.float32)
        (px, py), (lx, ly), wide = surface.pipe, surface.landing, surface.stream
        self._stream = round(px - wide), round(py), max(3, round(2 * wide)), max(3, round(ly - py + 0.3 * wide))
        down = np.linspace(0, 1, self._stream[3], dtype=np.float32)[:, None]
        over = (np.arange(self._stream[2], dtype=np.float32)[None, :] - wide - (lx - px) * down) / (
            wide * (0.4 + 0.3 * down)
        )
        self._fall = np.exp(-(np.abs(over) ** 3)).astype(np.float32)
        self._wide = wide

    def _noise(self, at: tuple[Plane, Plane], shift: float, rate: float = 0.0) -> Plane:
        u = np.mod(at[0] - shift, TILE - 1).astype(np.float32)
        v = np.mod(at[1] + rate, TILE - 1).astype(np.float32)
        return cast(Plane, cv2.remap(self._tile, u, v, cv2.INTER_LINEAR))

    def draw(
        self, picture: Image, t: float, light: Light, colours: list[tuple[int, tuple[int, int, int], Level]],
        foams: list[tuple[int, Level]],
    ) -> list[Trace]:  # fmt: skip
        """Moves the water; `colours`: incident, RGB, share at the pipe by time; `foams`: incident, cover."""
        band = picture[self._top : self._top + len(self._mask)]
        ripples = self._noise(self._ripples, 26 * FLOW_M_S * t / 2) + self._noise(self._ripples, -5 * t, 9 * t)
        pale = 0.35 * (1 if light.night else 1.0)
        water = band + (4.2 * pale * ripples + 7.0 * pale * np.maximum(ripples - 1.6, 0))[:, :, None]
        traces: list[Trace] = []
        tint = np.zeros(3, np.float32)
        for incident, rgb, level in colours:
            ages = np.linspace(0.0, float(self._age.max()), 64)
            source = np.array([level(float(t - age)) for age in ages], np.float32)
            if not source.any():
                continue
            share = np.interp(self._age.ravel(), ages, source).reshape(self._age.shape).astype(np.float32)
            swirl = np.clip(1 + 0.35 * self._noise(self._foam, 26 * FLOW_M_S * t / 1.1), 0, 1)
            alpha = share * self._reach * swirl * self._mask
            bgr = light.on(np.array(rgb[::-1], np.float32), float(self._z.mean()))
            water = water + (bgr - water) * alpha[:, :, None]
            tint = bgr * float(source[0])
            traces.append(Trace("coloured_water", 0, self._top, alpha.astype(np.float32), incident))
        for incident, level in foams:
            cover = level(t)
            if cover <= 0:
                continue
            field = self._noise(self._foam, 26 * FLOW_M_S * t / 1.1) + 0.6 * self._noise(
                self._ripples, 26 * FLOW_M_S * t / 2
            )
            alpha = (
                np.clip((field - 1.5 + 3.4 * cover * self._near) * 1.6, 0, 0.9)
                * self._mask
                * np.minimum(1, 2.5 * self._near)
            )
            white = light.on(np.array((226, 234, 236), np.float32), float(self._z.mean()))
            water = water + (white - water) * alpha[:, :, None]
            traces.append(Trace("foam", 0, self._top, alpha.astype(np.float32), incident))
        band[:] = np.where(self._mask[:, :, None] > 0, cv2.convertScaleAbs(np.maximum(water, 0)), band)
        self._pour(picture, t, light, tint)
        return traces

    def _pour(self, picture: Image, t: float, light: Light, tint: Plane) -> None:
        """The stream that falls from the pipe, and the splash where it lands."""
        x, y, width, height = self._stream
        part = picture[y : y + height, x : x + width]
        fall = self._fall[: part.shape[0], : part.shape[1]]
        lines = np.arange(fall.shape[1], dtype=np.float32)[None, :] * 5 + np.zeros_like(fall)
        streaks = self._noise(
            (lines, np.arange(fall.shape[0], dtype=np.float32)[:, None] * 2.0 + np.zeros_like(fall)), 0.0, -90 * t
        )
        clear = light.on(np.array((196, 204, 200), np.float32), float(self._z.max()))
        colour = clear * 0.75 + tint * 0.6 if tint.any() else clear
        colour = colour + 20.0 * streaks[:, :, None] * (0.4 if light.night else 1.0)
        part[:] = cv2.convertScaleAbs(np.maximum(part + (colour - part) * (0.8 * fall)[:, :, None], 0))
