"""The frame worker: a process that turns JPEG frames into boxes and shares of zones, with a background model a camera.

It is started with `spawn`, so that it inherits neither threads nor sockets, and ends when its pipe closes. What must
outlive it (which zones are active) is not here but in `gateway.frames`.
"""

from __future__ import annotations

import signal
from collections.abc import Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from detectors.frames import zones
from detectors.frames.motion import Motion, working_size
from gateway.codecs.jpeg import jpeg_size
from gateway.inventory import Camera
from gateway.records import Frame, FrameResult

REDUCED: Final = (
    (8, cv2.IMREAD_REDUCED_GRAYSCALE_8),
    (4, cv2.IMREAD_REDUCED_GRAYSCALE_4),
    (2, cv2.IMREAD_REDUCED_GRAYSCALE_2),
)
"""JPEG scales by powers of two while decoding, for a fraction of the cost."""


@dataclass(frozen=True, slots=True)
class Seen:
    """The answer to one frame."""

    result: FrameResult
    blind: bool
    """The camera's background is not known (yet): stillness is no evidence."""


@dataclass(frozen=True, slots=True)
class Unusable:
    """A frame that could not be decoded."""

    reason: str
    detail: str


@dataclass(slots=True)
class Watch:
    """What the worker remembers of one camera."""

    camera: Camera
    motion: Motion = field(default_factory=Motion)
    masks: NDArray[np.uint8] = field(default_factory=lambda: np.zeros((0, 0, 0), np.uint8))


def work(pipe: Connection, cameras: Sequence[Camera]) -> None:
    """Say None when ready, then answer every `Frame` with `Seen` or `Unusable`, until the pipe closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the service, which then closes the pipe
    cv2.setNumThreads(1)
    watches: dict[int, Watch] = {}
    pipe.send(None)  # ready
    while True:
        try:
            frame: Frame = pipe.recv()
        except EOFError:
            return
        watch = watches.get(frame.camera)
        if watch is None:
            watch = watches[frame.camera] = Watch(cameras[frame.camera])
        pipe.send(analyse(watch, frame))


def analyse(watch: Watch, frame: Frame) -> Seen | Unusable:
    """Decode, find what moves, and how much of each of the camera's zones."""
    decoded = decode(frame.jpeg)
    if isinstance(decoded, Unusable):
        return decoded
    grey, width, height = decoded
    seen = watch.motion.look(grey, frame.captured, width, height)
    rows, columns = seen.moving.shape
    if watch.masks.shape[1:] != (rows, columns):
        watch.masks = zones.masks_of([zone.polygon for zone in watch.camera.zones], columns, rows)
    shares = zones.shares_of(watch.masks, seen.moving)
    result = FrameResult(
        frame.camera, frame.captured, frame.received, width, height, seen.boxes, tuple(shares.tolist())
    )
    return Seen(result, seen.blind)


def decode(jpeg: bytes) -> tuple[NDArray[np.uint8], int, int] | Unusable:
    """Grey pixels (h, w), no fewer than the detector works on, and the width and height of the picture as sent."""
    size = jpeg_size(jpeg)
    if size is None:
        return Unusable("bad_jpeg", "the JPEG has no size")
    width, height = size
    grey = cv2.imdecode(np.frombuffer(jpeg, np.uint8), _how(width, height) | cv2.IMREAD_IGNORE_ORIENTATION)
    if grey is None:  # pyright: ignore[reportUnnecessaryComparison] - OpenCV's stubs do not say so
        return Unusable("bad_jpeg", f"the JPEG of {width} x {height} pixels cannot be decoded")
    return np.asarray(grey, np.uint8), width, height


def _how(width: int, height: int) -> int:
    """The strongest reduction that leaves at least the detector's working size."""
    wanted = working_size(width, height)
    for factor, how in REDUCED:
        if width // factor >= wanted[0] and height // factor >= wanted[1]:
            return how
    return cv2.IMREAD_GRAYSCALE
