r"""A walking person: where the figure is at a time, and how it is drawn.

```
      O      head          The figure's box is `height` tall and WIDTH * height wide, its feet on `feet`.
     /|\     arms swing    It walks at constant speed on a level line through the zone: the box touches the
    / | \    against       zone's bounding box from the start of the crossing until its end, and before and
     / \     the legs      after that it is on its way from one edge of the picture to the other.
```
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import cv2

from simulators.cameras.scene import HORIZON, Image
from simulators.incidents import Person
from simulators.scenario import Zone

WIDTH: Final = 0.42
"""Width of the figure's box as a share of its height, legs apart."""
STRIDES_PER_S: Final = 0.9
COATS: Final = ((58, 62, 148), (42, 44, 46), (120, 70, 40))
"""BGR of the coats of successive persons: they must stand out from the grey of the ground."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One person in one frame, in pixels."""

    x: float
    """Middle of the body."""
    feet: float
    height: float
    step: float
    """Phase of the gait, in strides."""
    coat: tuple[int, int, int]

    @property
    def box(self) -> tuple[int, int, int, int]:
        """x, y, width and height of what the figure covers."""
        width = WIDTH * self.height
        return round(self.x - width / 2), round(self.feet - self.height), round(width), round(self.height)


def figures(person: Person, zone: Zone, t: float, width: int, height: int) -> Iterator[Figure]:
    """The figures of an incident that are in the picture at `t` seconds since the start; at most two at once."""
    xs = [x for x, _ in zone.polygon]
    ys = [y for _, y in zone.polygon]
    left, right = min(xs) * width, max(xs) * width
    feet = (min(ys) + 0.82 * (max(ys) - min(ys))) * height
    tall = max(0.12, 0.52 * (feet / height - HORIZON)) * height
    half = WIDTH * tall / 2
    speed = (right - left + 2 * half) / person.duration_s
    away = (width + 2 * half) / speed  # longer than any way from the edge of the picture to the zone
    for number, start in _near(person, t, away):
        x = left - half + (t - start) * speed
        if number % 2:  # every second one walks back
            x = left + right - x
        if -half < x < width + half:
            yield Figure(x, feet, tall, t * STRIDES_PER_S, COATS[number % len(COATS)])


def _near(person: Person, t: float, away: float) -> Iterator[tuple[int, float]]:
    """Number and start of the occurrences whose figure may be in the picture at `t`."""
    if person.every_s is None:
        yield 0, person.start_s
        return
    first = math.floor((t - away - person.duration_s - person.start_s) / person.every_s)
    last = math.ceil((t + away - person.start_s) / person.every_s)
    for number in range(max(0, first), max(0, last) + 1):
        yield number, person.start_s + number * person.every_s


def draw(image: Image, figure: Figure) -> None:
    """Draw the figure into the picture."""
    tall, x, feet = figure.height, figure.x, figure.feet
    swing = math.sin(figure.step * math.tau)
    hip, shoulder = feet - 0.48 * tall, feet - 0.82 * tall
    limb = max(2, round(0.075 * tall))

    def line(x0: float, y0: float, x1: float, y1: float, colour: tuple[int, int, int], thickness: int) -> None:
        cv2.line(image, (round(x0), round(y0)), (round(x1), round(y1)), colour, thickness, cv2.LINE_AA)

    shadow = (round(x), round(feet)), (round(0.24 * tall), max(2, round(0.03 * tall)))
    cv2.ellipse(image, *shadow, 0.0, 0.0, 360.0, (70, 70, 70), -1, cv2.LINE_AA)
    for side in (1, -1):
        foot = x + side * swing * 0.17 * tall
        knee = (x + foot) / 2 + 0.02 * tall
        line(x, hip, knee, (hip + feet) / 2, (46, 40, 36), limb)
        line(knee, (hip + feet) / 2, foot, feet - limb / 2, (46, 40, 36), limb)
        line(x, shoulder + limb, x - side * swing * 0.14 * tall, hip, figure.coat, max(2, limb - 1))
    line(x, shoulder + limb / 2, x, hip, figure.coat, max(3, round(0.17 * tall)))
    head = round(x), round(feet - 0.91 * tall)
    cv2.circle(image, head, max(2, round(0.07 * tall)), (120, 150, 190), -1, cv2.LINE_AA)
    cv2.ellipse(image, head, (max(2, round(0.075 * tall)),) * 2, 0.0, 180.0, 360.0, (60, 190, 230), -1, cv2.LINE_AA)
