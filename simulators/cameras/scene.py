"""Scenes: the still picture of a place and, where the place has something that moves by itself, its motion.

Drawn once with shapes and textured noise; brightness, clouds, persons and sensor noise come from the renderer.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, cast

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
"""Shape (height, width, 3), BGR."""
Colour = tuple[int, int, int]

HORIZON: Final = 0.38
"""Where ground meets sky, as a share of the height."""


def _no_motion(image: Image, t: float) -> None:
    """Nothing in this scene moves by itself."""


@dataclass(frozen=True, slots=True)
class Scene:
    """A place as the camera sees it."""

    still: Image
    animate: Callable[[Image, float], None] = _no_motion
    """Draws what moves by itself into a copy of `still`, for seconds since the start."""


def smooth_noise(rng: np.random.Generator, height: int, width: int, grain: float) -> NDArray[np.float32]:
    """Soft noise of standard deviation 1 with blobs of about `grain` pixels, shape (height, width)."""
    rows, columns = max(2, int(height / grain) + 2), max(2, int(width / grain) + 2)
    coarse = rng.standard_normal((rows, columns)).astype(np.float32)
    fine = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC).astype(np.float32)
    return cast(NDArray[np.float32], fine / max(float(fine.std()), 1e-6))


def endless(strip: NDArray[np.float32], window: int) -> NDArray[np.float32]:
    """A strip that a window of that many columns can be moved along for ever.

    Mirrored and begun anew, so that offset `columns - window` shows the same as offset 0: no jump where it goes round.
    """
    return np.concatenate([strip, strip[:, ::-1], strip[:, :window]], axis=1)


class _Canvas:
    """Draws with coordinates as shares of width and height."""

    def __init__(self, rng: np.random.Generator, width: int, height: int) -> None:
        self.rng = rng
        self.width = width
        self.height = height
        self.image: Image = np.zeros((height, width, 3), np.uint8)

    def point(self, x: float, y: float) -> tuple[int, int]:
        return round(x * self.width), round(y * self.height)

    def fade(self, top: float, bottom: float, first: Colour, last: Colour) -> None:
        """A vertical gradient over the whole width."""
        (_, y0), (_, y1) = self.point(0, top), self.point(0, bottom)
        share = np.linspace(0.0, 1.0, max(1, y1 - y0))[:, None, None]
        rows = np.array(first) * (1 - share) + np.array(last) * share
        self.image[y0:y1] = rows.astype(np.uint8)

    def area(self, corners: list[tuple[float, float]], colour: Colour) -> None:
        points = np.array([self.point(x, y) for x, y in corners], np.int32)
        cv2.fillPoly(self.image, [points], colour, cv2.LINE_AA)

    def box(self, x0: float, y0: float, x1: float, y1: float, colour: Colour) -> None:
        cv2.rectangle(self.image, self.point(x0, y0), self.point(x1, y1), colour, -1)

    def line(self, x0: float, y0: float, x1: float, y1: float, colour: Colour, thickness: int = 1) -> None:
        cv2.line(self.image, self.point(x0, y0), self.point(x1, y1), colour, thickness, cv2.LINE_AA)

    def roughen(self, top: float, bottom: float, strength: float, grain: float) -> None:
        """Texture a band of the picture, as concrete, gravel or grass has it."""
        (_, y0), (_, y1) = self.point(0, top), self.point(0, bottom)
        rough = smooth_noise(self.rng, y1 - y0, self.width, grain) * strength
        fine = self.rng.normal(0.0, strength / 2, (y1 - y0, self.width))
        band = self.image[y0:y1].astype(np.float64) + (rough + fine)[:, :, None]
        self.image[y0:y1] = np.clip(band, 0, 255).astype(np.uint8)

    def sky_and_ground(self, ground_far: Colour, ground_near: Colour) -> None:
        self.fade(0.0, HORIZON, (214, 186, 150), (226, 220, 208))
        self.fade(HORIZON, 1.0, ground_far, ground_near)
        self.roughen(0.0, HORIZON, 2.0, 90.0)
        self.roughen(HORIZON, 1.0, 5.0, 5.0)

    def windows(self, x0: float, y0: float, x1: float, y1: float, columns: int, rows: int) -> None:
        step_x, step_y = (x1 - x0) / columns, (y1 - y0) / rows
        for row in range(rows):
            for column in range(columns):
                x, y = x0 + (column + 0.22) * step_x, y0 + (row + 0.25) * step_y
                shade = int(self.rng.integers(70, 120))
                self.box(x, y, x + 0.55 * step_x, y + 0.5 * step_y, (shade + 25, shade + 8, shade))


def _gate(canvas: _Canvas) -> Scene:
    """Works gate: gatehouse left, wall and barrier, a road that leads in."""
    canvas.sky_and_ground((128, 134, 138), (112, 116, 118))
    canvas.area([(0.42, HORIZON), (0.58, HORIZON), (0.95, 1.0), (0.05, 1.0)], (92, 92, 94))
    canvas.box(0.0, 0.27, 0.40, 0.47, (150, 160, 172))
    canvas.box(0.60, 0.27, 1.0, 0.47, (150, 160, 172))
    canvas.box(0.04, 0.18, 0.22, 0.58, (172, 186, 198))
    canvas.box(0.03, 0.15, 0.23, 0.19, (92, 86, 150))
    canvas.windows(0.05, 0.24, 0.21, 0.42, 3, 1)
    for x in (0.40, 0.60):
        canvas.box(x - 0.012, 0.22, x + 0.012, 0.52, (120, 128, 138))
    for number in range(8):
        x = 0.41 + number * 0.0225
        canvas.line(x, 0.475, x + 0.0225, 0.475, (60, 60, 200) if number % 2 else (225, 225, 225), 4)
    canvas.line(0.5, 0.55, 0.5, 1.0, (190, 190, 190), 2)
    return Scene(canvas.image)


def _yard(canvas: _Canvas) -> Scene:
    """Coal yard: store hall, conveyor, a paved yard with markings."""
    canvas.sky_and_ground((120, 128, 132), (100, 106, 110))
    canvas.box(0.55, 0.16, 1.0, 0.46, (150, 150, 144))
    canvas.area([(0.53, 0.16), (0.78, 0.06), (1.0, 0.13), (1.0, 0.16)], (110, 96, 84))
    canvas.windows(0.58, 0.20, 0.98, 0.30, 9, 1)
    canvas.box(0.70, 0.33, 0.82, 0.46, (86, 84, 80))
    canvas.area([(0.06, 0.46), (0.20, 0.26), (0.30, 0.24), (0.44, 0.46)], (52, 50, 50))
    canvas.line(0.24, 0.22, 0.58, 0.12, (96, 110, 122), 5)
    for x in (0.30, 0.42, 0.52):
        canvas.line(x, 0.20 - (x - 0.30) * 0.28, x, 0.42, (96, 110, 122), 2)
    for number in range(6):
        x = 0.12 + number * 0.14
        canvas.line(x, 0.60, x + (x - 0.5) * 0.35, 0.98, (168, 172, 172), 2)
    return Scene(canvas.image)


def _stack(canvas: _Canvas) -> Scene:
    """Two stacks with a white plume of water vapour that drifts, boiler house, a path along the bottom."""
    canvas.sky_and_ground((112, 132, 122), (96, 112, 104))
    canvas.box(0.05, 0.24, 0.42, 0.55, (158, 154, 150))
    canvas.windows(0.07, 0.28, 0.40, 0.50, 10, 3)
    canvas.area([(0.55, 0.56), (0.635, 0.56), (0.615, 0.14), (0.57, 0.14)], (170, 170, 172))
    canvas.area([(0.75, 0.56), (0.82, 0.56), (0.803, 0.20), (0.767, 0.20)], (164, 164, 168))
    for top, left, right in ((0.16, 0.571, 0.614), (0.22, 0.768, 0.802)):
        canvas.box(left, top, right, top + 0.02, (70, 70, 190))
    canvas.area([(0.0, 0.78), (1.0, 0.72), (1.0, 0.80), (0.0, 0.88)], (132, 138, 142))
    width, height = canvas.width, canvas.height
    mouth = canvas.point(0.592, 0.13)

    def animate(image: Image, t: float) -> None:
        for puff in range(9):
            age = (t * 0.16 + puff / 9) % 1.0
            x = round(mouth[0] + age * 0.26 * width + 3 * math.sin(7 * age + puff))
            y = round(mouth[1] - age * 0.10 * height)
            radius = round((0.014 + 0.045 * age) * width)
            _blend_disc(image, x, y, radius, 232, 0.45 * (1 - age))

    return Scene(canvas.image, animate)


def _outfall(canvas: _Canvas) -> Scene:
    """Outfall: a pipe that pours into a channel of moving water, a walkway with a rail on this side."""
    canvas.sky_and_ground((104, 130, 112), (104, 122, 112))
    canvas.area([(0.0, 0.44), (1.0, 0.40), (1.0, 0.62), (0.0, 0.66)], (128, 122, 96))
    canvas.box(0.18, 0.34, 0.40, 0.47, (142, 144, 144))
    cv2.circle(canvas.image, canvas.point(0.29, 0.42), round(0.032 * canvas.width), (52, 54, 54), -1, cv2.LINE_AA)
    canvas.area([(0.0, 0.70), (1.0, 0.66), (1.0, 1.0), (0.0, 1.0)], (136, 140, 142))
    canvas.roughen(0.70, 1.0, 4.0, 7.0)
    for number in range(14):
        x = number / 13
        canvas.line(x, 0.60 - 0.03 * x, x, 0.71 - 0.04 * x, (90, 96, 100), 2)
    canvas.line(0.0, 0.60, 1.0, 0.57, (90, 96, 100), 3)
    top, bottom = round(0.47 * canvas.height), round(0.57 * canvas.height)
    width = canvas.width
    ripples = endless(smooth_noise(canvas.rng, bottom - top, width, 9.0) * 5.0, width)

    def animate(image: Image, t: float) -> None:
        shift = int(t * 0.05 * width) % (ripples.shape[1] - width)
        water = image[top:bottom].astype(np.float32) + ripples[:, shift : shift + width, None]
        image[top:bottom] = np.clip(water, 0, 255).astype(np.uint8)

    return Scene(canvas.image, animate)


def _blend_disc(image: Image, x: int, y: int, radius: int, grey: int, opacity: float) -> None:
    """A soft disc, most opaque in its middle, clipped at the picture's edge."""
    height, width = image.shape[:2]
    x0, x1, y0, y1 = max(0, x - radius), min(width, x + radius), max(0, y - radius), min(height, y + radius)
    if x0 >= x1 or y0 >= y1 or opacity <= 0:
        return
    across = (np.arange(x0, x1, dtype=np.float32) - x) / radius
    down = (np.arange(y0, y1, dtype=np.float32) - y) / radius
    share = np.clip(1.0 - across[None, :] ** 2 - down[:, None] ** 2, 0.0, 1.0)[:, :, None] * opacity
    part = image[y0:y1, x0:x1]
    image[y0:y1, x0:x1] = (part + (grey - part.astype(np.float32)) * share).astype(np.uint8)


_SCENES: Final = {"gate": _gate, "yard": _yard, "stack": _stack, "outfall": _outfall}


def make_scene(name: str, rng: np.random.Generator, width: int, height: int) -> Scene:
    """The scene of that name. Raises KeyError for a name there is no scene of."""
    return _SCENES[name](_Canvas(rng, width, height))
