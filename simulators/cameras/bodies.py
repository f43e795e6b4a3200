"""What persons and vehicles look like: drawn facing right into a patch of their own, with its opacity."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, cast

import cv2
import numpy as np

from simulators.cameras.materials import Colour, Image

COATS: Final = ((58, 62, 148), (42, 44, 46), (140, 80, 40), (50, 130, 210))
"""BGR of the coats of successive persons: they must stand out from the grey of the ground."""
PAINTS: Final = ((190, 188, 184), (44, 42, 42), (44, 40, 150), (150, 96, 48), (222, 222, 220))
HELMET: Final = (60, 190, 230)
GLASS: Final = (92, 82, 70)


@dataclass(frozen=True, slots=True)
class Body:
    """A patch to draw in: coordinates are shares of the figure's height, (0, 0) top left of its box."""

    image: Image
    alpha: Image
    """Opacity, 0 to 255, shape (height, width)."""
    left: int
    top: int
    height: int

    def at(self, x: float, y: float) -> tuple[int, int]:
        return round(self.left + x * self.height), round(self.top + y * self.height)

    def limb(self, points: Sequence[tuple[float, float]], thick: float, colour: Colour) -> None:
        line = [np.array([self.at(*point) for point in points], np.int32)]
        width = max(1, round(thick * self.height))
        cv2.polylines(self.image, line, False, colour, width, cv2.LINE_8)
        cv2.polylines(self.alpha, line, False, 255, width, cv2.LINE_8)

    def shape(self, points: Sequence[tuple[float, float]], colour: Colour) -> None:
        area = [np.array([self.at(*point) for point in points], np.int32)]
        cv2.fillPoly(self.image, area, colour, cv2.LINE_8)
        cv2.fillPoly(self.alpha, area, 255, cv2.LINE_8)

    def disc(self, x: float, y: float, radius: float, colour: Colour) -> None:
        size = max(1, round(radius * self.height))
        cv2.circle(self.image, self.at(x, y), size, colour, -1)
        cv2.circle(self.alpha, self.at(x, y), size, 255, -1)

    def ring(self, x: float, y: float, radius: float, thick: float, colour: Colour) -> None:
        width = max(1, round(thick * self.height))
        cv2.circle(self.image, self.at(x, y), round(radius * self.height), colour, width)
        cv2.circle(self.alpha, self.at(x, y), round(radius * self.height), 255, width)


def shade(colour: Colour, light: float) -> Colour:
    return cast(Colour, tuple(min(255, round(c * light)) for c in colour))


def person(body: Body, step: float, number: int) -> None:
    """Walks: legs and arms swing against each other, knees and elbows bend."""
    coat, trousers, skin = COATS[number % len(COATS)], (52, 46, 42), (116, 146, 190)
    swing, x = math.sin(step * math.tau), 0.21
    bob = 0.008 * abs(math.cos(step * math.tau))
    hip, shoulder = 0.50 + bob, 0.20 + bob
    for side, light in ((-1, 0.7), (1, 1.0)):
        ahead = side * swing
        bend = max(0.0, -math.cos(step * math.tau) * side)
        foot = x + 0.155 * ahead, 0.965 - 0.05 * bend
        knee = x + 0.085 * ahead + 0.03 + 0.02 * bend, 0.735
        body.limb([(x, hip), knee], 0.088, shade(trousers, light))
        body.limb([knee, foot], 0.068, shade(trousers, light * 0.92))
        body.limb([foot, (foot[0] + 0.04, 0.972)], 0.042, (30, 30, 34))
        if side < 0:
            _arm(body, x, shoulder, -ahead, shade(coat, 0.66), shade(skin, 0.8))
    body.shape(
        [(x - 0.078, shoulder - 0.01), (x + 0.07, shoulder - 0.01), (x + 0.088, 0.33), (x + 0.078, hip + 0.05),
         (x - 0.078, hip + 0.05), (x - 0.092, 0.33)],
        coat,
    )  # fmt: skip
    body.shape(
        [(x - 0.078, shoulder), (x - 0.02, shoulder), (x - 0.03, hip + 0.05), (x - 0.078, hip + 0.05)],
        shade(coat, 1.25),
    )
    body.limb([(x - 0.07, 0.40), (x + 0.075, 0.40)], 0.016, (150, 176, 180))
    _arm(body, x, shoulder, -swing, shade(coat, 0.9), skin)
    body.limb([(x, shoulder - 0.02), (x + 0.005, 0.12)], 0.055, shade(skin, 0.8))
    body.disc(x + 0.01, 0.082 + bob, 0.062, skin)
    body.shape(
        [(x - 0.065, 0.075 + bob), (x - 0.05, 0.025), (x, 0.004), (x + 0.055, 0.025), (x + 0.085, 0.072 + bob)], HELMET
    )


def _arm(body: Body, x: float, shoulder: float, ahead: float, sleeve: Colour, hand: Colour) -> None:
    elbow = x + 0.05 * ahead - 0.015, shoulder + 0.17
    end = x + 0.13 * ahead + 0.02, shoulder + 0.315
    body.limb([(x, shoulder + 0.03), elbow, end], 0.056, sleeve)
    body.disc(*end, 0.028, hand)


def car(body: Body, step: float, number: int) -> None:
    """A saloon from the side: lower body, glass, wheels that turn."""
    paint = PAINTS[number % len(PAINTS)]
    body.shape(
        [(0.02, 0.60), (0.10, 0.50), (0.55, 0.44), (0.88, 0.06), (1.02, 0.0), (1.86, 0.01), (2.02, 0.06), (2.34, 0.42),
         (2.78, 0.50), (2.92, 0.62), (2.93, 0.82), (0.03, 0.84)],
        paint,
    )  # fmt: skip
    body.shape([(0.02, 0.64), (2.92, 0.64), (2.93, 0.84), (0.03, 0.84)], shade(paint, 0.68))
    body.shape([(0.08, 0.52), (0.56, 0.45), (2.36, 0.43), (2.78, 0.51), (2.6, 0.54), (0.3, 0.55)], shade(paint, 1.18))
    body.shape([(0.74, 0.42), (0.95, 0.10), (1.40, 0.08), (1.40, 0.42)], GLASS)
    body.shape([(1.48, 0.42), (1.48, 0.08), (1.88, 0.09), (2.18, 0.42)], GLASS)
    body.shape([(0.98, 0.12), (1.2, 0.11), (0.95, 0.40), (0.80, 0.40)], (150, 140, 126))
    body.shape([(2.84, 0.56), (2.92, 0.62), (2.9, 0.68), (2.78, 0.62)], (226, 232, 236))
    body.shape([(0.02, 0.60), (0.08, 0.56), (0.10, 0.66), (0.03, 0.68)], (52, 48, 190))
    body.limb([(1.44, 0.44), (1.44, 0.80)], 0.012, shade(paint, 0.5))
    for x in (0.58, 2.30):
        _wheel(body, x, 0.215, step)


def truck(body: Body, step: float, number: int) -> None:
    """A tipper: cab in front, a body of ribbed steel behind."""
    paint = PAINTS[(number + 3) % len(PAINTS)]
    body.shape([(0.03, 0.12), (1.76, 0.12), (1.70, 0.74), (0.12, 0.74)], (86, 112, 122))
    body.shape([(0.03, 0.12), (1.76, 0.12), (1.76, 0.17), (0.03, 0.17)], (110, 138, 148))
    for number_of_rib in range(8):
        x = 0.16 + 0.2 * number_of_rib
        body.shape([(x, 0.17), (x + 0.035, 0.17), (x + 0.035, 0.72), (x, 0.72)], (66, 88, 96))
    body.shape([(0.2, 0.12), (0.6, 0.05), (1.2, 0.03), (1.65, 0.12)], (60, 62, 64))
    body.shape([(0.08, 0.74), (2.5, 0.74), (2.5, 0.84), (0.08, 0.84)], (48, 48, 50))
    body.shape([(1.82, 0.16), (1.92, 0.06), (2.36, 0.06), (2.50, 0.42), (2.53, 0.84), (1.82, 0.84)], paint)
    body.shape([(1.82, 0.60), (2.52, 0.60), (2.53, 0.84), (1.82, 0.84)], shade(paint, 0.7))
    body.shape([(2.02, 0.16), (2.32, 0.16), (2.42, 0.42), (2.02, 0.42)], (88, 78, 68))
    body.shape([(2.46, 0.66), (2.53, 0.66), (2.53, 0.73), (2.46, 0.73)], (226, 232, 236))
    for x in (0.36, 0.74, 2.14):
        _wheel(body, x, 0.165, step)


def bicycle(body: Body, step: float, number: int) -> None:
    """A rider: legs turn with the pedals."""
    coat = COATS[(number + 2) % len(COATS)]
    for x in (0.20, 0.82):
        body.ring(x, 0.80, 0.185, 0.018, (36, 36, 38))
        angle = step * math.tau
        for spoke in range(3):
            turn = angle + spoke * math.pi / 3
            dx, dy = 0.17 * math.cos(turn), 0.17 * math.sin(turn)
            body.limb([(x - dx, 0.80 - dy), (x + dx, 0.80 + dy)], 0.006, (120, 122, 124))
    frame = (60, 60, 170)
    body.limb([(0.20, 0.80), (0.46, 0.79), (0.38, 0.52), (0.20, 0.80)], 0.022, frame)
    body.limb([(0.38, 0.55), (0.74, 0.53), (0.46, 0.79)], 0.022, frame)
    body.limb([(0.82, 0.80), (0.73, 0.46), (0.66, 0.44)], 0.022, frame)
    for phase, light in ((math.pi, 0.7), (0.0, 1.0)):
        turn = step * math.tau * 0.5 + phase
        pedal = 0.46 + 0.07 * math.cos(turn), 0.79 + 0.07 * math.sin(turn)
        body.limb([(0.37, 0.49), (0.55, 0.60 + 0.03 * math.sin(turn)), pedal], 0.062, shade((62, 52, 46), light))
    body.shape([(0.30, 0.50), (0.44, 0.52), (0.60, 0.26), (0.50, 0.19), (0.42, 0.24)], coat)
    body.limb([(0.54, 0.25), (0.62, 0.38), (0.69, 0.44)], 0.045, shade(coat, 0.85))
    body.disc(0.58, 0.105, 0.062, (116, 146, 190))
    body.shape([(0.50, 0.10), (0.52, 0.04), (0.58, 0.015), (0.64, 0.04), (0.655, 0.09)], (48, 48, 52))


def _wheel(body: Body, x: float, radius: float, turns: float) -> None:
    body.disc(x, 0.985 - radius, radius, (34, 34, 36))
    body.disc(x, 0.985 - radius, 0.6 * radius, (150, 152, 154))
    for spoke in range(3):
        turn = turns * math.tau + spoke * math.tau / 3
        dx, dy = 0.55 * radius * math.cos(turn), 0.55 * radius * math.sin(turn)
        body.limb([(x, 0.985 - radius), (x + dx, 0.985 - radius + dy)], 0.12 * radius, (78, 80, 82))


DRAWN: Final[dict[str, Callable[[Body, float, int], None]]] = {
    "person": person,
    "car": car,
    "truck": truck,
    "bicycle": bicycle,
}
