"""What happens to a camera: tampering, and what only looks like an event."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from simulators.incidents.event import MOST_S, Family, OnCamera
from simulators.incidents.plant import Channel, Growing
from simulators.incidents.sky import Share


class Cover(Growing):
    """A cloth is drawn over the lens from one side."""

    layer: ClassVar[str] = "tamper"
    finds: ClassVar[tuple[Family, str] | None] = ("security", "cover")
    kind: Literal["cover"]
    cover: Annotated[float, Field(gt=0, le=1)] = 1.0
    """Share of the picture that is covered in the end."""
    ramp_s: Annotated[float, Field(gt=0)] = 1.0


class Blur(Growing):
    """The lens is turned out of focus."""

    layer: ClassVar[str] = "tamper"
    finds: ClassVar[tuple[Family, str] | None] = ("security", "blur")
    kind: Literal["blur"]
    sigma: Annotated[float, Field(gt=0, le=0.1)] = 0.012
    """Width of the blur as a share of the picture's width."""


class Freeze(OnCamera):
    """The camera repeats the picture of the moment at which it began, with times that go on."""

    layer: ClassVar[str] = "tamper"
    finds: ClassVar[tuple[Family, str] | None] = ("security", "freeze")
    kind: Literal["freeze"]


class Shift(Growing):
    """The camera is turned away."""

    layer: ClassVar[str] = "tamper"
    finds: ClassVar[tuple[Family, str] | None] = ("security", "shift")
    kind: Literal["shift"]
    dx: Annotated[float, Field(ge=-0.5, le=0.5)] = 0.2
    """How far the picture moves to the right and down at last, as shares of width and height."""
    dy: Annotated[float, Field(ge=-0.5, le=0.5)] = 0.0
    ramp_s: Annotated[float, Field(gt=0)] = 1.0


class Glare(OnCamera):
    """A laser or a lamp shines into the lens."""

    layer: ClassVar[str] = "tamper"
    finds: ClassVar[tuple[Family, str] | None] = ("security", "glare")
    kind: Literal["glare"]
    x: Share = 0.5
    """Where, as shares of width and height."""
    y: Share = 0.4
    rgb: tuple[Channel, Channel, Channel] = (90, 255, 120)
    strength: Annotated[float, Field(gt=0, le=1)] = 0.9


class Insects(OnCamera):
    """Insects fly before the lens: large, blurred and fast."""

    layer: ClassVar[str] = "nuisance"
    kind: Literal["insects"]
    number: Annotated[int, Field(ge=1, le=50)] = 3


class Jitter(OnCamera):
    """The mast shakes in the wind."""

    layer: ClassVar[str] = "nuisance"
    kind: Literal["jitter"]
    pixels: Annotated[float, Field(gt=0, le=50)] = 2.0
    """Standard deviation of where the picture is, at 640 wide."""


class CameraClock(OnCamera):
    """The camera's clock is `offset_s` ahead of the true time (behind, where negative): in EXIF and in `captured`."""

    layer: ClassVar[str] = "device"
    finds: ClassVar[tuple[Family, str] | None] = ("data_quality", "clock")
    kind: Literal["camera_clock"]
    offset_s: Annotated[float, Field(ge=-MOST_S, le=MOST_S)]
