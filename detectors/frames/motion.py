"""Motion: where a camera's picture differs from all that its background has lately been.

A sample-based background model: every pixel keeps `SAMPLES` grey values it has had, of random age, and is background
while two of them are near its value. Old samples are replaced at random and sometimes by a neighbour's value, so leaves
that sway find themselves in the samples. How near is near adapts: to the camera's noise, and upwards where a pixel
blinks between the two answers outside any object. What is left becomes blobs, and blobs become boxes.

A change of light is no motion. Light that changes everywhere is a straight line from old to new grey values, fitted
robustly and taken out before the comparison; light that changes in a part (a cloud's shadow, a lamp) leaves the
pattern of the background as it was, so a blob that correlates with the background it covers is not reported.

After Barnich and Van Droogenbroeck, ViBe, IEEE TIP 20 (2011), and St-Charles et al., SuBSENSE, IEEE TIP 24 (2015) (the
feedback by blinking pixels); the treatment of light and the clock are ours. Figures: `benchmarks/motion.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from detectors.records import Box

Picture = NDArray[np.uint8]
"""Grey picture or mask, shape (height, width)."""

AREA: Final = 320 * 240
"""Pixels of the working size: larger pictures are reduced to it. A person at 3 % of the height is still seen."""
SAMPLES: Final = 16
MATCHES: Final = 2
NEAR: Final = 14
"""Grey values: least distance that is a difference."""
NEAR_MOST: Final = 60
NOISE_NEAR: Final = 4.5
"""Standard deviations of the camera's noise that are no difference either."""
BLINK_STEP: Final = 1.0
CALM_STEP: Final = 0.02
UPDATE_MS: Final = 40
"""One sample in `1 / UPDATE_SHARE` pixels is renewed every so often: the memory is about 16 * 16 * 40 ms = 10 s."""
UPDATE_SHARE: Final = 1 / 16
ABSORB_SHARE: Final = 1 / 256
"""The same under objects: what stands still becomes background after about 20 s."""
MOST_UPDATES: Final = 4
WARM_UP: Final = 10
"""Frames before the first report."""
LEAST_SHARE: Final = 0.0005
"""Least share of the picture that is a blob: 38 pixels at the working size."""
UPHEAVAL: Final = 0.7
"""A larger share in motion is another scene, not motion in this one."""
UPHEAVAL_FRAMES: Final = 5
SAME_PATTERN: Final = 0.8
"""Correlation of a blob with the background it covers from which it is a change of light."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What moved in one frame."""

    boxes: tuple[Box, ...]
    """In pixels of the frame as it was sent; `score` is the share of the box that moves."""
    moving: Picture
    """255 where it moves, at the working size."""


def working_size(width: int, height: int) -> tuple[int, int]:
    """Width and height at which a picture is analysed: its own, or reduced to about `AREA` pixels."""
    scale = min(1.0, (AREA / (width * height)) ** 0.5)
    return max(1, round(width * scale)), max(1, round(height * scale))


class Motion:
    """The background of one camera. Same frames and seed, same boxes."""

    def __init__(self, seed: int = 0) -> None:
        self._random = np.random.default_rng(seed)
        self._shape = (0, 0)
        self._samples = np.zeros((SAMPLES, 0, 0), np.uint8)
        self._near = np.zeros((0, 0), np.float32)
        self._blink = np.zeros((0, 0), np.uint8)
        self._renew = np.zeros((0, 0), np.uint8)
        self._absorb = np.zeros((0, 0), np.uint8)
        self._frames = 0
        self._upheaval = 0
        self._odd_light = 0
        self._time = 0
        self._credit = 0.0

    def look(self, image: Picture, time: int, width: int = 0, height: int = 0) -> Seen:
        """Compare a frame with the background and learn from it.

        `image` is grey (h, w) or BGR (h, w, 3), perhaps decoded at reduced size; `width` and `height` are those of
        the frame as it was sent, by default the image's own. `time` is ms UTC and paces the learning only.
        """
        own_height, own_width = image.shape[:2]
        grey = _grey(image)
        size = working_size(own_width, own_height)
        if size != (own_width, own_height):
            grey = cast(Picture, cv2.resize(grey, size, interpolation=cv2.INTER_AREA))
        grey = cast(Picture, cv2.GaussianBlur(grey, (3, 3), 0))
        if grey.shape != self._shape:
            self._begin(grey, time)
        grey = self._in_old_light(grey)
        foreground = self._differs(grey)
        blobs, objects = self._blobs(grey, foreground)
        self._learn(grey, foreground, objects, time)
        if self._frames <= WARM_UP:
            return Seen((), np.zeros_like(objects))
        across, down = (width or own_width) / size[0], (height or own_height) / size[1]
        return Seen(tuple(_box(blob, across, down) for blob in blobs), objects)
