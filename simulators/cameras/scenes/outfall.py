"""Outfall: a pipe in a wall of concrete pours into a channel, a walkway with a rail on this side."""

from __future__ import annotations

import cv2
import numpy as np

from simulators.cameras.canvas import Canvas
from simulators.cameras.materials import Wall
from simulators.cameras.scene import Scene, Water

NEAR, FAR = 16.0, 40.0
"""Z of the two edges of the water in metres."""
PIPE = (-7.0, 1.0)
"""X and Y of the mouth of the pipe, at Z = FAR."""


def outfall(rng: np.random.Generator, width: int, height: int) -> Scene:
    c = Canvas(rng, width, height)
    c.sky()
    c.skyline(700.0, 34.0, (88, 102, 86))
    c.ground((84, 122, 106), rough=0.20, patches=0.14)
    c.block((20, 70), (110, 140), 8.0, Wall(rng, 50, 8, (172, 168, 160)).windows(14, 2).done(), (96, 94, 92))
    for x, z, top in ((-44.0, 90.0, 9.0), (-30.0, 96.0, 8.0), (-16.0, 88.0, 10.0), (4.0, 92.0, 8.0), (14.0, 84.0, 9.0)):
        c.tree(x, z, top)
    c.haze(4_000.0)
    bank = Wall(rng, 70, 1.8, (132, 140, 142)).seams(4, 9).done()
    c.face([(-35, 1.9, FAR + 0.5), (35, 1.9, FAR + 0.5), (35, 0, FAR), (-35, 0, FAR)], bank)
    c.flat([(-35, FAR + 3), (35, FAR + 3), (35, FAR + 0.6), (-35, FAR + 0.6)], (120, 134, 130), 0.6)
    head = Wall(rng, 7, 3.2, (148, 150, 150)).seams(3.5, 9).done()
    c.block((PIPE[0] - 3.5, PIPE[0] + 3.5), (FAR - 0.4, FAR + 1.5), 2.9, head, (160, 162, 162))
    waters = [(-90.0, FAR - 0.4), (90.0, FAR - 0.4), (60.0, NEAR), (-60.0, NEAR)]
    c.flat(waters, (104, 112, 92), 0.92)
    c.shadow([(-40, FAR), (40, FAR), (40, FAR - 5), (-40, FAR - 5)], 0.30, 0.8)
    px, py = c.view.pixel(*PIPE, FAR - 0.4)
    scale = c.view.focal / FAR
    for radius, colour in ((1.05, (120, 122, 122)), (0.85, (34, 36, 36))):
        cv2.circle(c.image, (round(2 * px), round(2 * py)), round(2 * radius * scale), colour, -1, cv2.LINE_AA)
    c.flat([(-60, NEAR), (60, NEAR), (30, 5), (-30, 5)], (140, 146, 148), 0.85)
    for x in np.arange(-24.0, 25.0, 2.4).tolist():
        c.flat([(x, NEAR), (x + 0.05, NEAR), (x + 0.05, 6), (x, 6)], (96, 102, 104), 0.8)
    c.flat([(-60, NEAR), (60, NEAR), (60, NEAR - 0.25), (-60, NEAR - 0.25)], (168, 172, 172), 0.8)
    for x in np.arange(-15.0, 16.0, 2.0).tolist():
        c.pole(x, NEAR - 0.3, 1.1, 0.06, (120, 170, 190))
    for y in (0.55, 1.1):
        c.line((-16, y, NEAR - 0.3), (16, y, NEAR - 0.3), 0.05, (120, 170, 190))
    still, depth, sky = c.finished()
    mask = np.zeros(depth.shape, np.uint8)
    corners = np.array([c.view.pixel(x, 0, z) for x, z in waters])
    cv2.fillPoly(mask, [np.rint(np.clip(corners, -9_000, 9_000)).astype(np.int32)], 1)
    # What stands before the water hides it: there the depth is less than that of the water's surface.
    surface = c.view.ground()[1]
    open_water = np.where((mask > 0) & (depth > surface * 0.9), 1.0, 0.0).astype(np.float32)
    landing = c.view.pixel(PIPE[0], 0.0, FAR - 2.2)
    water = Water(open_water, (px, py + 0.5 * scale), landing, 1.2 * scale, 0.22)
    return Scene(c.view, still, depth, sky, water=water, lamps=((*c.view.pixel(9, 5, 30), 0.3 * width),))
