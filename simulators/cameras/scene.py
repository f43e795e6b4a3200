"""A place as a camera sees it: the picture without anything that moves, and where in it things can happen."""

from __future__ import annotations

from dataclasses import dataclass

from simulators.cameras.materials import Image
from simulators.cameras.noise import Plane
from simulators.cameras.view import View


@dataclass(frozen=True, slots=True)
class Mouth:
    """Where something comes out, in pixels: the top of a stack or the tip of a flare."""

    x: float
    """Its middle."""
    y: float
    width: float
    depth: float
    """Distance in metres."""
    scale: float
    """Pixels in a metre at that distance."""


@dataclass(frozen=True, slots=True)
class Water:
    """A surface of water and the pipe that pours into it."""

    mask: Plane
    """Share of each pixel that is water, shape (height, width)."""
    pipe: tuple[float, float]
    """Where the stream leaves the pipe, in pixels."""
    landing: tuple[float, float]
    """Where it meets the water."""
    stream: float
    """Its width in pixels."""
    stretch: float
    """How much flatter than wide a disc on the water looks there."""


@dataclass(frozen=True, slots=True)
class Scene:
    """Painted once for a camera; arrays are of the picture's size."""

    view: View
    still: Image
    """On a bright day."""
    depth: Plane
    """Distance in metres, `view.FAR_M` where the sky is."""
    sky: Plane
    """Share of each pixel that is sky."""
    stacks: tuple[Mouth, ...] = ()
    flare: Mouth | None = None
    water: Water | None = None
    lamps: tuple[tuple[float, float, float], ...] = ()
    """x, y and reach in pixels of the lights that shine at night."""
