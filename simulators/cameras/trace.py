"""What a layer put into a picture: for the truth, and for the picture itself."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from simulators.cameras.materials import Image
from simulators.cameras.noise import Plane

LABELS: Final = (
    "none", "person", "car", "truck", "bicycle", "smoke", "steam", "flame", "coloured_water", "foam", "insect"
)  # fmt: skip
"""What a mask's numbers mean, from 0."""
SOLID: Final = 0.5
THIN: Final = 0.08
"""Least opacity of a pixel that counts as part of something solid, and of a plume."""
Box = tuple[int, int, int, int]
"""x, y, width and height in pixels."""


@dataclass(frozen=True, slots=True)
class Trace:
    """One thing in one picture."""

    label: str
    x: int
    y: int
    alpha: Plane
    """How much of each pixel it covers, from (x, y) on."""
    incident: int | None = None
    """Number of the incident in the scenario, None where it belongs to the scene."""
    opacity: float | None = None
    """Of smoke: mean over the box just above the mouth ..."""
    read: Box | None = None
    """... which is this one."""
    mouth: int | None = None
    """Of smoke: which stack."""

    @property
    def least(self) -> float:
        return SOLID if self.label in ("person", "car", "truck", "bicycle", "insect") else THIN

    @property
    def box(self) -> Box | None:
        """What holds every pixel of it; None where there is none."""
        seen = (self.alpha >= self.least).astype(np.uint8)
        x, y, w, h = cv2.boundingRect(seen)
        return (self.x + x, self.y + y, w, h) if w else None

    def moved(self, dx: int, dy: int, width: int, height: int) -> Trace | None:
        """Where it is in a picture whose content was moved; None where it is not in it any more."""
        x0, y0 = max(0, self.x + dx), max(0, self.y + dy)
        x1, y1 = min(width, self.x + dx + self.alpha.shape[1]), min(height, self.y + dy + self.alpha.shape[0])
        if x0 >= x1 or y0 >= y1:
            return None
        left, top = x0 - self.x - dx, y0 - self.y - dy
        return replace(self, x=x0, y=y0, alpha=self.alpha[top : top + y1 - y0, left : left + x1 - x0])

    def mask(self, width: int, height: int) -> NDArray[np.bool_]:
        """Its pixels in the whole picture, shape (height, width)."""
        whole = np.zeros((height, width), np.bool_)
        rows, columns = self.alpha.shape
        whole[self.y : self.y + rows, self.x : self.x + columns] = self.alpha >= self.least
        return whole


def lay(picture: Image, colour: NDArray[np.float32], alpha: Plane, x: int, y: int) -> tuple[Plane, int, int] | None:
    """Blends a colour (BGR, for all or for each pixel) into the picture by its opacity.

    Returns the part of `alpha` inside the picture and where it begins, None where all of it is outside.
    """
    height, width = picture.shape[:2]
    rows, columns = alpha.shape
    x0, y0, x1, y1 = max(0, x), max(0, y), min(width, x + columns), min(height, y + rows)
    if x0 >= x1 or y0 >= y1:
        return None
    cut = slice(y0 - y, y1 - y), slice(x0 - x, x1 - x)
    inside = alpha[cut]
    over = colour[cut] if colour.ndim == 3 else colour
    part = picture[y0:y1, x0:x1]
    part[:] = cv2.convertScaleAbs(part + (over - part) * inside[:, :, None])
    return inside, x0, y0


def reduced(patch: Image, alpha: NDArray[np.uint8], finer: int) -> tuple[NDArray[np.float32], Plane]:
    """A thing that was drawn `finer` times as large: its colours and its opacity at the size of the picture."""
    size = patch.shape[1] // finer, patch.shape[0] // finer
    share = cast(Plane, cv2.resize(alpha.astype(np.float32) / 255, size, interpolation=cv2.INTER_AREA))
    weighted = cv2.resize(patch * (alpha > 0)[:, :, None].astype(np.float32), size, interpolation=cv2.INTER_AREA)
    colour = weighted / np.maximum(share, 1e-3)[:, :, None]
    return colour.astype(np.float32), share
