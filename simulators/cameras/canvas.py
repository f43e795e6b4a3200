"""Painting a scene: ground, walls, roundish things, trees and sky in perspective, each with texture and depth.

Everything is painted at twice the size of the picture, far things first, and then reduced: edges come out smooth.
Light is that of a bright day with the sun behind the camera to the left; other light is laid over it later.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final, cast

import cv2
import numpy as np

from simulators.cameras.materials import Colour, Image
from simulators.cameras.noise import Plane, smooth_noise, tile
from simulators.cameras.view import FAR_M, HORIZON, View

FINER: Final = 2
TILE: Final = 512
FEATURE: Final = 12
"""Pixels of the largest details in the tile of the ground: it repeats after more than forty of them."""
PAVED: Final = 0.4
"""How much of the roughness of soil a paved area keeps."""
Corner = tuple[float, float, float]
"""X, Y and Z in metres."""


class Canvas:
    """A picture that is being painted; coordinates in metres, see `View`."""

    def __init__(
        self, rng: np.random.Generator, width: int, height: int, mast: float = 3.4, horizon: float = HORIZON
    ) -> None:
        """`mast`: metres of the camera above the ground; `horizon`: a share of the height."""
        self.rng = rng
        self.view = View(width, height, mast, horizon)
        self._fine = View(FINER * width, FINER * height, mast, horizon)
        self.image: Image = np.zeros((self._fine.height, self._fine.width, 3), np.uint8)
        self.depth: Plane = np.full(self.image.shape[:2], FAR_M, np.float32)
        self._tile = tile(rng, TILE, FEATURE, 0.7)

    def finished(self) -> tuple[Image, Plane, Plane]:
        """Picture, depth in metres, and the share of each pixel that is sky; at the size asked for."""
        size = self.view.width, self.view.height
        image = cv2.resize(self.image, size, interpolation=cv2.INTER_AREA)
        sky = cv2.resize((self.depth >= FAR_M).astype(np.float32), size, interpolation=cv2.INTER_AREA)
        depth = cv2.resize(self.depth, size, interpolation=cv2.INTER_NEAREST)
        return cast(Image, image), cast(Plane, depth), cast(Plane, sky)

    def sky(self) -> None:
        """Blue above, pale with haze towards the horizon."""
        rows = np.linspace(1.0, 0.0, math.ceil(self._fine.horizon) + 1)[:, None] ** 0.8
        low, high = np.array((226, 219, 207)), np.array((206, 172, 132))
        band = (low * (1 - rows) + high * rows)[:, None, :] + self.rng.normal(0, 0.7, (len(rows), self._fine.width, 1))
        self.image[: len(rows)] = np.clip(band, 0, 255).astype(np.uint8)

    def ground(self, colour: Colour, rough: float = 0.10, patches: float = 0.08) -> None:
        """The ground up to the horizon: patches of some metres, grains of some centimetres."""
        x, z = self._fine.ground()
        below = z < FAR_M
        footprint = z * z / (self._fine.focal * self._fine.mast)
        level = np.ones(x.shape, np.float32)
        octaves = ((22.0, patches, 0.4), (4.0, patches * 0.6, 1.3), (0.6, rough * 0.6, 2.3), (0.1, rough, 3.1))
        for metres, strength, turn in octaves:
            scale = FEATURE / metres
            u, v = x * math.cos(turn) - z * math.sin(turn), x * math.sin(turn) + z * math.cos(turn)
            grain = cv2.remap(self._tile, np.mod(u * scale, TILE - 1), np.mod(v * scale, TILE - 1), cv2.INTER_LINEAR)
            level += strength * grain * np.minimum(1.0, 1.5 * metres / footprint)
        painted = np.array(colour, np.float32) * level[:, :, None]
        self.image[below] = np.clip(painted, 0, 255).astype(np.uint8)[below]
        self.depth[below] = z[below]

    def flat(self, corners: Sequence[tuple[float, float]], colour: Colour, strength: float = 1.0) -> None:
        """Paves an area of the ground given by (X, Z): smoother than soil; `strength` 1 covers its colour."""
        points = [self._fine.pixel(x, 0.0, z) for x, z in corners]
        mask = self._mask(points)
        was = self.image[mask].astype(np.float32)
        if not len(was):
            return
        grain = 1 + PAVED * (was.mean(axis=1, keepdims=True) / max(1.0, float(was.mean())) - 1)
        self.image[mask] = np.clip(was * (1 - strength) + np.array(colour) * grain * strength, 0, 255).astype(np.uint8)

    def shadow(self, corners: Sequence[tuple[float, float]], strength: float = 0.45, soft: float = 1.0) -> None:
        """Darkens an area of the ground given by (X, Z); `soft`: width of its edge in percent of the picture's."""
        sigma = soft * self._fine.width / 100
        points = [self._fine.pixel(x, 0.0, z) for x, z in corners]
        part = self._part(points, math.ceil(3 * sigma))
        if part[0].start >= part[0].stop or part[1].start >= part[1].stop:
            return
        mask = cv2.GaussianBlur(self._mask(points)[part].astype(np.float32), (0, 0), sigma)
        mask[self.depth[part] >= FAR_M] = 0
        shade = 1 - strength * mask[:, :, None] * np.array((0.85, 0.95, 1.0), np.float32)
        self.image[part] = (self.image[part] * shade).astype(np.uint8)

    def face(self, corners: Sequence[Corner], texture: Image, light: float = 1.0) -> None:
        """Puts a texture on a flat quadrilateral: top left, top right, bottom right, bottom left."""
        points = np.array([self._fine.pixel(*corner) for corner in corners], np.float32)
        height, width = texture.shape[:2]
        source = np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float32)
        across = float(np.ptp(points[:, 0]))
        if across < width / 2:  # reduce first: the warp only interpolates
            width, height = max(2, round(across)), max(2, round(height * across / width))
            texture = cast(Image, cv2.resize(texture, (width, height), interpolation=cv2.INTER_AREA))
            source = np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float32)
        part = self._part([(float(x), float(y)) for x, y in points], 1)
        rows, columns = part
        if rows.start >= rows.stop or columns.start >= columns.stop:
            return
        warp = cv2.getPerspectiveTransform(source, points - np.array((columns.start, rows.start), np.float32))
        size = columns.stop - columns.start, rows.stop - rows.start
        laid = cv2.warpPerspective(texture, warp, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        mask = self._mask([(float(x), float(y)) for x, y in points])
        inside = mask[part]
        self.image[part][inside] = np.clip(laid[inside] * light, 0, 255).astype(np.uint8)
        self.depth[mask] = sum(corner[2] for corner in corners) / 4

    def block(self, x: tuple[float, float], z: tuple[float, float], top: float, front: Image, roof: Colour) -> None:
        """A building: its front and the side that the camera sees, a shadow at its foot and to the right."""
        (x0, x1), (z0, z1) = x, z
        self.shadow([(x0 - 0.4, z0 - 1.2), (x1 + 0.8, z0 - 1.2), (x1 + 0.8, z1), (x0 - 0.4, z1)], 0.35, 0.5)
        self.shadow([(x1, z0), (x1 + 0.55 * top, z0 + 0.4 * top), (x1 + 0.55 * top, z1 + 2), (x1, z1)], 0.5, 0.4)
        if x0 > 0:
            self.face([(x0, top, z1), (x0, top, z0), (x0, 0, z0), (x0, 0, z1)], front, 0.86)
        if x1 < 0:
            self.face([(x1, top, z0), (x1, top, z1), (x1, 0, z1), (x1, 0, z0)], front, 0.62)
        self.face([(x0, top, z0), (x1, top, z0), (x1, 0, z0), (x0, 0, z0)], front)
        if top < self._fine.mast:
            plain = np.full((8, 8, 3), roof, np.uint8)
            self.face([(x0, top, z1), (x1, top, z1), (x1, top, z0), (x0, top, z0)], plain)
        edge = max(0.25, 0.03 * top)
        dark = np.full((4, 4, 3), roof, np.uint8)
        self.face([(x0, top, z0), (x1, top, z0), (x1, top - edge, z0), (x0, top - edge, z0)], dark)

    def line(self, first: Corner, last: Corner, metres: float, colour: Colour) -> None:
        """A pipe, post or wire, at least half a pixel thick."""
        middle = (first[2] + last[2]) / 2
        thick = max(1, round(metres * self._fine.focal / middle))
        ends = [tuple(round(c) for c in self._fine.pixel(*end)) for end in (first, last)]
        cv2.line(self.image, ends[0], ends[1], colour, thick, cv2.LINE_AA)
        plane = np.zeros(self.depth.shape, np.uint8)
        cv2.line(plane, ends[0], ends[1], 1, thick)
        self.depth[plane > 0] = middle

    def pole(self, x: float, z: float, top: float, metres: float, colour: Colour) -> None:
        """A post with a light and a dark side."""
        self.line((x, 0, z), (x, top, z), metres, colour)
        dark = cast(Colour, tuple(round(0.6 * c) for c in colour))
        self.line((x + 0.3 * metres, 0, z), (x + 0.3 * metres, top, z), 0.4 * metres, dark)

    def tree(self, x: float, z: float, top: float) -> None:
        """A crown of leaves on a trunk: light above left, dark below right."""
        self.shadow([(x - 0.3 * top, z - 1), (x + 0.6 * top, z - 1), (x + 0.6 * top, z + 2), (x, z + 2)], 0.4, 0.6)
        self.line((x, 0, z), (x, 0.5 * top, z), 0.05 * top, (44, 56, 66))
        leaves = 700
        angle, far = self.rng.uniform(0, math.tau, leaves), np.sqrt(self.rng.uniform(0, 1, leaves))
        lobes = float(self.rng.uniform(0, math.tau))
        hue = self.rng.uniform(0.8, 1.2)
        scale = self._fine.focal / z
        for a, r in zip(angle.tolist(), far.tolist(), strict=True):
            r *= 0.86 + 0.16 * math.sin(3 * a + lobes) + 0.08 * math.sin(7 * a + 2 * lobes)
            dx, dy = 0.38 * top * r * math.cos(a), 0.34 * top * r * math.sin(a)
            lit = 0.62 + 0.55 * (dy / top - dx / top) + float(self.rng.normal(0, 0.2))
            colour = tuple(min(255, max(8, round(c * lit))) for c in (48 * hue, 98, 78 * hue))
            px, py = self._fine.pixel(x + dx, 0.64 * top + dy, z)
            radius = max(1, round(0.028 * top * scale * float(self.rng.uniform(0.5, 1.3))))
            cv2.circle(self.image, (round(px), round(py)), radius, colour, -1)
            cv2.circle(self.depth, (round(px), round(py)), radius, z, -1)

    def skyline(self, z: float, top: float, colour: Colour) -> None:
        """Woods or hills far away along the horizon, `top` metres high where they are highest."""
        profile = smooth_noise(self.rng, 1, self._fine.width, self._fine.width / 6)[0] * 0.25
        profile += smooth_noise(self.rng, 1, self._fine.width, self._fine.width / 90)[0] * 0.06
        high = (0.6 + profile) * top * self._fine.focal / z
        base = self._fine.horizon + self._fine.mast * self._fine.focal / z
        rows = np.arange(self._fine.height)[:, None]
        mask = (rows > base - np.maximum(high, 1.0)[None, :]) & (rows < base + 2)
        grain = smooth_noise(self.rng, self._fine.height, self._fine.width, 3.0)[mask][:, None]
        self.image[mask] = np.clip(np.array(colour) * (1 + 0.10 * grain), 0, 255).astype(np.uint8)
        self.depth[mask] = z

    def haze(self, visibility: float = 9_000.0) -> None:
        """The air of a clear day, which makes far things pale (Koschmieder)."""
        through = np.exp(-3.0 * np.minimum(self.depth, FAR_M) / visibility)[:, :, None]
        through[self.depth >= FAR_M] = 1.0
        self.image = (self.image * through + np.array((222, 214, 202)) * (1 - through)).astype(np.uint8)

    def _part(self, points: Sequence[tuple[float, float]], margin: int) -> tuple[slice, slice]:
        """Rows and columns of the canvas around points of it, empty where all of them are outside."""
        xs, ys = [x for x, _ in points], [y for _, y in points]
        left, right = max(0, math.floor(min(xs)) - margin), min(self._fine.width, math.ceil(max(xs)) + margin)
        top, bottom = max(0, math.floor(min(ys)) - margin), min(self._fine.height, math.ceil(max(ys)) + margin)
        return slice(top, max(top, bottom)), slice(left, max(left, right))

    def _mask(self, points: Sequence[tuple[float, float]]) -> np.ndarray[tuple[int, int], np.dtype[np.bool_]]:
        mask = np.zeros(self.depth.shape, np.uint8)
        bounded = np.clip(np.array(points), -20_000, 20_000)
        cv2.fillPoly(mask, [np.rint(bounded * 16).astype(np.int32)], 1, cv2.LINE_8, 4)
        return mask > 0
