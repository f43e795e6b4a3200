"""Street before a works: carriageway with lane markings and a crossing, pavements, shops, works and trees behind."""

from __future__ import annotations

import numpy as np

from simulators.cameras.canvas import Canvas
from simulators.cameras.materials import Wall
from simulators.cameras.scene import Scene


def street(rng: np.random.Generator, width: int, height: int) -> Scene:
    c = Canvas(rng, width, height, mast=4.2)
    c.sky()
    c.skyline(1500.0, 60.0, (120, 120, 110))
    c.ground((126, 134, 136), rough=0.10, patches=0.08)
    works = Wall(rng, 70, 20, (160, 160, 158)).seams(7, 5).windows(16, 4).done()
    c.block((-10, 60), (150, 180), 20.0, works, (100, 100, 98))
    c.pole(44.0, 170, 52, 4.4, (168, 170, 172))
    c.haze(3_500.0)
    fronts = ((176, 190, 200), (120, 140, 172), (188, 186, 180), (148, 160, 140), (170, 178, 190))
    x = -52.0
    for number, colour in enumerate(fronts):
        wide, top = float(rng.uniform(15, 22)), float(rng.uniform(7, 12))
        wall = Wall(rng, wide, top, colour).bricks().windows(6, 2, 0.08, 0.6)
        wall.patch(0.05, 0.66, 0.95, 0.74, ((60, 70, 170), (150, 96, 60), (70, 130, 80))[number % 3])
        wall.patch(0.08, 0.76, 0.92, 1.0, (84, 82, 78))
        c.block((x, x + wide), (44.0, 60.0), top, wall.done(), (96, 96, 98))
        x += wide + 1.0
    c.flat([(-90, 43), (90, 43), (90, 34), (-90, 34)], (150, 156, 160), 0.8)
    c.flat([(-90, 34), (90, 34), (60, 14), (-60, 14)], (92, 92, 94), 0.9)
    for z in (34.0, 14.0):
        c.flat([(-90, z + 0.25), (90, z + 0.25), (90, z), (-90, z)], (176, 178, 178), 0.8)
    for number in range(26):
        left = -65 + 5.0 * number
        c.flat([(left, 24.1), (left + 2.4, 24.1), (left + 2.4, 23.9), (left, 23.9)], (210, 212, 212), 0.8)
    for number in range(14):  # the crossing
        z = 15.0 + 1.35 * number
        c.flat([(3.0, z + 0.6), (6.4, z + 0.6), (6.4, z), (3.0, z)], (206, 208, 208), 0.75)
    c.flat([(-60, 14), (60, 14), (30, 5), (-30, 5)], (146, 152, 158), 0.8)
    for at in np.arange(6.0, 14.0, 1.1).tolist():
        c.flat([(-50, at + 0.04), (50, at + 0.04), (50, at), (-50, at)], (112, 118, 122), 0.7)
    for at in (-30.0, -16.0, -1.0, 14.0, 28.0):
        c.tree(at, 38.0, float(rng.uniform(5, 6.5)))
    for at in (-20.0, 10.0, 38.0):
        c.pole(at, 35.5, 8.5, 0.16, (140, 142, 144))
        c.line((at, 8.5, 35.5), (at + 2.0, 8.7, 33.5), 0.12, (140, 142, 144))
    still, depth, sky = c.finished()
    lamps = tuple((*c.view.pixel(at + 2.0, 8.6, 33.5), 0.2 * width) for at in (-20.0, 10.0))
    return Scene(c.view, still, depth, sky, lamps=lamps)
