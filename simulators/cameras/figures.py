r"""Persons and vehicles on their way: where a figure is at a time, and what it looks like there.

```
      O      head          A figure's box is `height` tall and its share of that wide, its feet on `feet`.
     /|\     arms swing    It goes at constant speed on a level line through the zone: the box touches the
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
import numpy as np

from simulators.cameras import bodies
from simulators.cameras.light import Light
from simulators.cameras.materials import Image
from simulators.cameras.trace import Trace, lay, reduced
from simulators.cameras.view import HORIZON, View
from simulators.incidents import Crossing, Person, Vehicle
from simulators.settings import Zone

FINER: Final = 3
"""Figures are drawn so many times as large, then reduced: their edges come out smooth."""
STRIDES_PER_S: Final = 0.9
TALL_M: Final = {"person": 1.75, "bicycle": 1.75, "car": 1.5, "truck": 3.2}
WIDE: Final = {"person": 0.42, "bicycle": 1.02, "car": 2.95, "truck": 2.55}
"""Width of the figure's box as a share of its height."""
LANE: Final = {"person": 0.82, "bicycle": 0.70, "car": 0.62, "truck": 0.62}
"""Where in the height of the zone it goes."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One person or vehicle in one frame, in pixels."""

    what: str
    x: float
    """Middle of the body."""
    feet: float
    height: float
    step: float
    """Phase of the gait, in strides; of wheels, in turns."""
    number: int
    """Of its occurrence: decides its colours."""
    back: bool
    """Goes to the left."""

    @property
    def box(self) -> tuple[int, int, int, int]:
        """x, y, width and height of what the figure covers."""
        width = WIDE[self.what] * self.height
        return round(self.x - width / 2), round(self.feet - self.height), round(width), round(self.height)


def figures(crossing: Crossing, zone: Zone, t: float, width: int, height: int) -> Iterator[Figure]:
    """The figures of an incident that are in the picture at `t` seconds since the start; at most two at once."""
    what = crossing.what if isinstance(crossing, Vehicle) else "person"
    xs = [x for x, _ in zone.polygon]
    ys = [y for _, y in zone.polygon]
    left, right = min(xs) * width, max(xs) * width
    feet = (min(ys) + LANE[what] * (max(ys) - min(ys))) * height
    person = max(0.12, 0.52 * (feet / height - HORIZON)) * height
    tall = person * TALL_M[what] / TALL_M["person"]
    half = WIDE[what] * tall / 2
    speed = (right - left + 2 * half) / crossing.duration_s
    away = (width + 2 * half) / speed  # longer than any way from the edge of the picture to the zone
    for number, start in _near(crossing, t, away):
        x = left - half + (t - start) * speed
        back = number % 2 == 1  # every second one comes back
        if back:
            x = left + right - x
        if -half < x < width + half:
            turns = STRIDES_PER_S * t if isinstance(crossing, Person) else x / (0.9 * tall)
            yield Figure(what, x, feet, tall, turns, number, back)


def _near(crossing: Crossing, t: float, away: float) -> Iterator[tuple[int, float]]:
    """Number and start of the occurrences whose figure may be in the picture at `t`."""
    if crossing.every_s is None:
        yield 0, crossing.start_s
        return
    first = math.floor((t - away - crossing.duration_s - crossing.start_s) / crossing.every_s)
    last = math.ceil((t + away - crossing.start_s) / crossing.every_s)
    for number in range(max(0, first), max(0, last) + 1):
        yield number, crossing.start_s + number * crossing.every_s


def draw(picture: Image, figure: Figure, light: Light, view: View, incident: int) -> Trace | None:
    """Draws the figure and its shadow; says what was drawn, without the shadow."""
    x, y, width, height = figure.box
    margin = 2
    canvas = np.zeros(((height + 2 * margin) * FINER, (width + 2 * margin) * FINER, 3), np.uint8)
    alpha = np.zeros(canvas.shape[:2], np.uint8)
    body = bodies.Body(canvas, alpha, margin * FINER, margin * FINER, height * FINER)
    bodies.DRAWN[figure.what](body, figure.step, figure.number)
    if figure.back:
        canvas, alpha = cv2.flip(canvas, 1).astype(np.uint8), cv2.flip(alpha, 1).astype(np.uint8)
    colour, share = reduced(canvas, alpha, FINER)
    depth = view.focal * TALL_M[figure.what] / figure.height
    _shadow(picture, figure, light, share, x - margin, y - margin)
    laid = lay(picture, light.on(colour, depth), share, x - margin, y - margin)
    if light.night and figure.what in ("car", "truck"):
        _headlights(picture, figure)
    return None if laid is None else Trace(figure.what, laid[1], laid[2], laid[0], incident)


def _shadow(picture: Image, figure: Figure, light: Light, share: np.ndarray[tuple[int, ...], np.dtype[np.float32]],
            x: int, y: int) -> None:  # fmt: skip
    """The figure's outline laid down on the ground away from the sun, and the dark under it."""
    rows, columns = share.shape
    dx, dz = light.lean
    flat = -0.22 * dz  # a metre away on the ground is less than a metre up
    reach = math.ceil(figure.height * (abs(dx) + 0.1)), math.ceil(figure.height * (abs(flat) + 0.1)) + 4
    size = columns + 2 * reach[0], rows + 2 * reach[1]
    foot = figure.feet - y
    # A point `up` pixels above the feet falls dx * up to the side and flat * up down the picture.
    turn = np.array([[1, -dx, reach[0] + dx * foot], [0, -flat, reach[1] + foot + flat * foot]], np.float32)
    if abs(flat) < 0.03:
        turn[1] = (0, 0.03, reach[1] + foot - 0.03 * foot)
    lying = cv2.warpAffine(share, turn, size, flags=cv2.INTER_LINEAR)
    contact = np.zeros(lying.shape, np.float32)
    middle = round(reach[0] + figure.x - x), round(reach[1] + foot)
    wide = WIDE[figure.what] * figure.height
    cv2.ellipse(contact, middle, (round(0.48 * wide), max(1, round(0.045 * figure.height))), 0, 0, 360, 1.0, -1)
    soft = max(0.6, 0.02 * figure.height)
    dark = np.maximum(light.shadow * lying, (0.0 if light.night else 0.42) * contact)
    dark = cv2.GaussianBlur(dark, (0, 0), soft).astype(np.float32)
    x0, y0 = max(0, x - reach[0]), max(0, y - reach[1])
    x1, y1 = min(picture.shape[1], x - reach[0] + size[0]), min(picture.shape[0], y - reach[1] + size[1])
    if x0 < x1 and y0 < y1:
        cut = dark[y0 - y + reach[1] : y1 - y + reach[1], x0 - x + reach[0] : x1 - x + reach[0]]
        part = picture[y0:y1, x0:x1]
        part[:] = cv2.convertScaleAbs(part * (1 - cut[:, :, None]))


def _headlights(picture: Image, figure: Figure) -> None:
    """Lamps that blind the infrared camera."""
    x, y, width, height = figure.box
    front = x if figure.back else x + width
    glow = np.zeros((4 * height + 1, 4 * height + 1), np.float32)
    cv2.circle(glow, (2 * height, 2 * height), max(2, round(0.16 * height)), 1.0, -1)
    glow = np.minimum(1, 1.6 * cv2.GaussianBlur(glow, (0, 0), 0.22 * height) + glow).astype(np.float32)
    lay(picture, np.full(3, 250, np.float32), glow, front - 2 * height, round(y + 0.6 * height) - 2 * height)
