"""Works gate: gatehouse left, wall and barrier, a road that leads in."""

from __future__ import annotations

import numpy as np

from simulators.cameras.canvas import Canvas
from simulators.cameras.materials import Wall
from simulators.cameras.scene import Scene


def gate(rng: np.random.Generator, width: int, height: int) -> Scene:
    c = Canvas(rng, width, height)
    c.sky()
    c.skyline(900.0, 40.0, (92, 104, 88))
    c.ground((112, 128, 124), rough=0.16, patches=0.12)
    hall = Wall(rng, 60, 13, (168, 164, 156)).corrugated(0.8).seams(6, 4).windows(20, 1, 0.12, 0.3).done()
    c.block((-62, -6), (120, 150), 13.0, hall, (96, 92, 88))
    c.block((22, 70), (95, 130), 9.0, Wall(rng, 48, 9, (134, 146, 156)).bricks().windows(14, 2).done(), (84, 86, 92))
    for x, top in ((-34.0, 9.0), (-20.0, 8.0), (12.0, 8.5), (16.0, 7.0), (33.0, 9.5)):
        c.tree(x, 70.0, top)
    c.haze(5_000.0)
    c.flat([(-3.6, 60), (3.6, 60), (3.6, 5), (-3.6, 5)], (104, 104, 106))
    c.flat([(-30, 15), (30, 15), (30, 11.2), (-30, 11.2)], (110, 110, 112))
    for side in (-3.5, 3.5):
        c.flat([(side - 0.18, 60), (side + 0.18, 60), (side + 0.18, 15.2), (side - 0.18, 15.2)], (150, 156, 160))
    for number in range(9):
        near = 15.5 + number * 5
        c.flat([(-0.07, near + 2), (0.07, near + 2), (0.07, near), (-0.07, near)], (205, 208, 208), 0.85)
    for x0, x1 in ((-34.0, -4.2), (4.2, 34.0)):
        wall = Wall(rng, x1 - x0, 2.6, (150, 164, 176)).bricks().seams(4.2, 9).done()
        c.block((x0, x1), (29.0, 29.6), 2.6, wall, (150, 154, 158))
    for x in (-4.6, 4.6):
        c.block((x - 0.5, x + 0.5), (28.3, 29.3), 3.3, Wall(rng, 1, 3.3, (158, 160, 160)).done(), (130, 132, 134))
    house = Wall(rng, 5, 3.2, (186, 198, 206)).patch(0.0, 0.0, 1.0, 0.1, (120, 74, 58)).windows(3, 1, 0.18, 0.62).done()
    c.block((-11.6, -6.4), (22.0, 26.0), 3.2, house, (110, 104, 98))
    for number in range(12):  # the barrier
        x = -4.0 + number * 0.66
        c.line((x, 1.0, 24), (x + 0.66, 1.0, 24), 0.14, (52, 52, 190) if number % 2 else (226, 228, 228))
    c.pole(-4.2, 24, 1.2, 0.3, (60, 150, 200))
    c.pole(7.5, 21, 7.5, 0.16, (150, 152, 154))
    c.line((7.5, 7.5, 21), (5.8, 7.7, 21), 0.12, (150, 152, 154))
    still, depth, sky = c.finished()
    lamp = c.view.pixel(5.8, 7.6, 21)
    return Scene(c.view, still, depth, sky, lamps=((*lamp, 0.32 * width),))
