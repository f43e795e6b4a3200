"""Power plant: two stacks, boiler house, cooling tower and flare, meadow and a path along the bottom."""

from __future__ import annotations

import numpy as np

from simulators.cameras.canvas import Canvas
from simulators.cameras.materials import Wall
from simulators.cameras.scene import Mouth, Scene

STACKS = ((40.0, 300.0, 52.0, 9.0), (104.0, 330.0, 45.0, 8.0))
"""X, Z, height and diameter at the mouth, in metres."""
FLARE = (-118.0, 360.0, 46.0, 2.2)


def stack(rng: np.random.Generator, width: int, height: int) -> Scene:
    c = Canvas(rng, width, height, mast=2.3, horizon=0.55)
    c.sky()
    c.skyline(2500.0, 150.0, (140, 134, 122))
    c.skyline(900.0, 30.0, (92, 104, 90))
    c.ground((78, 118, 108), rough=0.20, patches=0.16)
    tower = Wall(rng, 60, 46, (172, 174, 174)).seams(60, 9, 0.04).round().done()
    for low, high, r0, r1 in ((0.0, 16.0, 30.0, 22.0), (16.0, 32.0, 22.0, 18.5), (32.0, 44.0, 18.5, 20.0)):
        piece = tower[round((44 - high) / 44 * len(tower)) : max(1, round((44 - low) / 44 * len(tower)))]
        c.face([(150 - r1, high, 380), (150 + r1, high, 380), (150 + r0, low, 380), (150 - r0, low, 380)], piece)
    boiler = Wall(rng, 100, 40, (164, 158, 152)).seams(10, 8).corrugated(2.2).windows(11, 5, 0.2, 0.9)
    c.block((-96, -12), (290, 350), 34.0, boiler.patch(0, 0, 1, 0.09, (150, 112, 78)).done(), (112, 108, 104))
    c.block((-60, -34), (285, 300), 42.0, Wall(rng, 26, 42, (150, 146, 142)).seams(6, 6).done(), (104, 100, 98))
    c.block((-8, 28), (280, 310), 17.0, Wall(rng, 36, 17, (142, 148, 150)).corrugated(1.5).done(), (98, 98, 98))
    c.block((58, 92), (290, 320), 13.0, Wall(rng, 34, 13, (172, 168, 160)).windows(10, 2).done(), (100, 98, 96))
    for x0, x1, y in ((-12.0, 40.0, 22.0), (28.0, 104.0, 12.0)):
        c.line((x0, y, 300), (x1, y, 300), 3.4, (150, 154, 156))
        c.line((x0, y - 1.6, 300), (x1, y - 1.6, 300), 0.9, (96, 98, 100))
    for x, z, top, across in STACKS:
        shaft = Wall(rng, 1.4 * across, top, (176, 178, 178)).seams(99, 6, 0.05)
        for band in range(2):
            shaft.patch(0.0, 0.01 + 0.12 * band, 1.0, 0.06 + 0.12 * band, (66, 62, 164))
        r0, r1 = across / 2, 0.74 * across
        c.face([(x - r0, top, z), (x + r0, top, z), (x + r1, 0, z), (x - r1, 0, z)], shaft.round().done())
        for level in (0.45, 0.8):
            c.line((x - r1, level * top, z), (x + r1, level * top, z), 0.7, (92, 96, 100))
    fx, fz, ftop, _ = FLARE
    c.line((fx, 0, fz), (fx, ftop, fz), 1.6, (120, 122, 124))
    for side in (-14.0, 14.0):
        c.line((fx + side, 0, fz), (fx, 0.85 * ftop, fz), 0.25, (150, 152, 154))
    c.haze(2_800.0)
    for number in range(16):
        c.tree(-105 + 15.0 * number + float(rng.uniform(-5, 5)), 170.0, float(rng.uniform(5, 9)))
    c.flat([(-40, 14.6), (40, 16.4), (40, 10.2), (-40, 9.4)], (132, 142, 148), 0.9)
    c.flat([(-40, 9.5), (40, 10.3), (40, 10.0), (-40, 9.2)], (86, 100, 100), 0.7)
    for number in range(27):
        x = -26 + 2.0 * number
        c.line((x, 0, 40), (x, 1.6, 40), 0.08, (128, 134, 136))
    for y in (0.5, 1.0, 1.5):
        c.line((-26, y, 40), (26, y, 40), 0.03, (128, 134, 136))
    still, depth, sky = c.finished()
    lamps = ((*c.view.pixel(30, 14, 280), 0.10 * width), (*c.view.pixel(-20, 20, 290), 0.12 * width))
    mouths = tuple(_mouth(c, *each) for each in STACKS)
    return Scene(c.view, still, depth, sky, stacks=mouths, flare=_mouth(c, *FLARE), lamps=lamps)


def _mouth(c: Canvas, x: float, z: float, top: float, across: float) -> Mouth:
    scale = c.view.focal / z
    px, py = c.view.pixel(x, top, z)
    return Mouth(px, py, max(2.0, across * scale), z, scale)
