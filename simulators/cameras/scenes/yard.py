"""Coal yard: store hall, conveyor, heaps, a paved yard with markings."""

from __future__ import annotations

import numpy as np

from simulators.cameras.canvas import Canvas
from simulators.cameras.materials import Wall
from simulators.cameras.scene import Scene


def yard(rng: np.random.Generator, width: int, height: int) -> Scene:
    c = Canvas(rng, width, height)
    c.sky()
    c.skyline(1200.0, 60.0, (108, 112, 100))
    c.ground((118, 126, 130), rough=0.12, patches=0.10)
    c.block(
        (-90, -48), (150, 190), 30.0, Wall(rng, 42, 30, (156, 152, 148)).seams(6, 5).windows(8, 5).done(), (98, 96, 94)
    )
    hall = Wall(rng, 58, 12, (158, 142, 120)).corrugated(0.7).seams(5.8, 20).windows(14, 1, 0.16, 0.32)
    hall.patch(0.30, 0.45, 0.44, 1.0, (74, 74, 72)).patch(0.62, 0.45, 0.76, 1.0, (92, 90, 88))
    c.block((8, 66), (72, 110), 12.0, hall.done(), (104, 92, 80))
    c.haze(4_000.0)
    for x0, x1, z, top in ((-34.0, -4.0, 66.0, 8.5), (-24.0, -9.0, 54.0, 4.6)):
        heap(c, rng, x0, x1, z, top)
    for first, last in (((-30.0, 10.5, 74.0), (9.0, 15.5, 74.0)), ((-30.0, 8.9, 74.0), (9.0, 13.7, 74.0))):
        c.line(first, last, 0.5, (92, 108, 122))
    for number in range(14):
        x = -30 + 3 * number
        y = 8.9 + 5.0 * (x + 30) / 39
        c.line((x, y, 74), (x + 1.5, y + 1.7, 74), 0.15, (84, 98, 110))
        c.line((x + 1.5, y + 1.7, 74), (x + 3, y + 0.4, 74), 0.15, (84, 98, 110))
    for x in (-26.0, -12.0, 2.0):
        c.line((x, 0, 74), (x + 1, 9.4 + 5 * (x + 30) / 39, 74), 0.5, (80, 92, 104))
        c.line((x + 4, 0, 74), (x + 2, 9.6 + 5 * (x + 30) / 39, 74), 0.4, (70, 80, 92))
    c.flat([(-40, 40), (40, 40), (26, 7), (-26, 7)], (128, 132, 134), 0.75)
    for at in np.arange(8.0, 40.0, 5.0).tolist():  # joints between slabs of concrete
        c.flat([(-40, at + 0.06), (40, at + 0.06), (40, at), (-40, at)], (84, 88, 90), 0.8)
    for x in np.arange(-20.0, 21.0, 5.0).tolist():
        c.flat([(x - 0.03, 40), (x + 0.03, 40), (x + 0.03, 8), (x - 0.03, 8)], (84, 88, 90), 0.8)
    for x in (-7.4, 7.4):
        c.flat([(x - 0.12, 38), (x + 0.12, 38), (x + 0.12, 8), (x - 0.12, 8)], (92, 188, 208), 0.7)
    for _ in range(9):  # oil and coal dust on the slabs
        x, z = float(rng.uniform(-12, 12)), float(rng.uniform(11, 34))
        c.shadow([(x - 0.9, z), (x, z + 1.3), (x + 1.2, z + 0.4), (x + 0.3, z - 0.9)], 0.28, 0.5)
    c.pole(-13.0, 30, 9.0, 0.2, (150, 152, 154))
    c.line((-13.0, 9.0, 30), (-11.0, 9.2, 30), 0.15, (150, 152, 154))
    still, depth, sky = c.finished()
    lamp = c.view.pixel(-11.0, 9.1, 30)
    return Scene(c.view, still, depth, sky, lamps=((*lamp, 0.4 * width),))


def heap(c: Canvas, rng: np.random.Generator, x0: float, x1: float, z: float, top: float) -> None:
    """A heap of coal: slices from the back to the front, each a little lower, lit from the left."""
    across = x1 - x0
    c.shadow([(x0, z - 4), (x1 + 4, z - 4), (x1 + 6, z + 3), (x0, z + 3)], 0.5, 0.8)
    for number in range(12):
        share = number / 11
        high = top * (1 - share) ** 0.8 + 0.2
        at, left, right = z - 4 * share, x0 + 0.02 * across * number, x1 - 0.02 * across * number
        texture = Wall(rng, across, high, (50, 48, 46)).bricks().done()
        half = 0.72 * (top - high) / top
        peak = left + (0.42 - 0.38 * half) * (right - left), left + (0.58 + 0.38 * half) * (right - left)
        c.face([(peak[0], high, at), (peak[1], high, at), (right, 0, at), (left, 0, at)], texture, 0.8 + 0.4 * share)
