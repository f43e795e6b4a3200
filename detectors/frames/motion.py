"""Motion: where a camera's picture differs from all that its background has lately been.

A sample-based background model: every pixel keeps `SAMPLES` grey values it has had, of random age, and is background
while two of them are near its value. Old samples are replaced at random and sometimes by a neighbour's value, so leaves
that sway find themselves in the samples. How near is near adapts: to the camera's noise, and upwards where a pixel
blinks between the two answers. What is left becomes blobs, and blobs become boxes.

A change of light is no motion. Before the comparison the picture is brought into the light of the background by a
smooth field of gains: the median, over a window larger than the objects, of new to old grey. So a cloud's shadow, a
lamp or the camera's exposure are taken out, in part or all of the picture. What the field leaves is told by its form:
a blob that shows the pattern of the background it covers is light, not a thing.

After Barnich and Van Droogenbroeck, ViBe, IEEE TIP 20 (2011), and St-Charles et al., SuBSENSE, IEEE TIP 24 (2015) (the
feedback by blinking pixels); the treatment of light and of time are ours. Figures: `benchmarks/motion.py`.
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
Field = NDArray[np.float32]

AREA: Final = 320 * 240
"""Pixels of the working size; larger pictures are reduced to it. An object of 0.05 % of the picture still has 38."""
LEAST_SHARE: Final = 0.0005
"""Least share of the picture that is a blob."""
SAMPLES: Final = 16
MATCHES: Final = 2
NEAR: Final = 14
"""Grey values from which on two are different, at least ..."""
NOISE_NEAR: Final = 3.0
"""... and in standard deviations of the camera's noise, ..."""
NOISE_MOST: Final = 40
"""... but no more than this for noise, and this where pixels blink."""
BLINK_MOST: Final = 60
BLINK_STEP: Final = 1.0
"""Rise of a pixel's threshold when it blinks outside of objects, ..."""
OBJECT_STEP: Final = 0.1
"""... inside of them, where edges that pass blink too, ..."""
CALM_STEP: Final = 0.05
"""... and its fall in every frame."""
NEAR_STEPS: Final[Field] = np.array([0, BLINK_STEP, 0, OBJECT_STEP], np.float32) - np.float32(CALM_STEP)
"""By blinking (1) and being in an object (2)."""
UPDATE_MS: Final = 40
"""Two samples are renewed in 1/16 of the pixels this often: the memory is 16 * 16 * 40 / 2 ms = 5 s on average."""
UPDATE_SHARE: Final = 1 / 16
ABSORB_SHARE: Final = 1 / 256
"""Under objects: what stands still is background after about 20 s."""
MOST_UPDATES: Final = 4
"""After a pause; a camera of one frame a second remembers about 30 s."""
WARM_UP: Final = 10
WARM_UP_MS: Final = 2_000
"""So many frames, and so long, the background is learned and nothing reported."""
LIGHT_GRID: Final = 8
"""Pixels of the working size to one of the field of gains."""
LIGHT_WINDOW: Final = 21
"""Side of the median's window in cells of the grid: an object of less than half of it leaves no trace."""
LIGHT_OFFSET: Final = 8.0
"""Added before gains are formed, so that black stays black."""
LIGHT_STEPS: Final = 42.0
"""Steps of the field to a doubling: 8 bits hold gains from 1/8 to 8, 1.7 % apart."""
LIGHT_GAINS: Final[Field] = np.exp2((128 - np.arange(256, dtype=np.float32)) / np.float32(LIGHT_STEPS))
LIGHT_KEPT: Final = 1.1
"""A mean gain further from 1, the same in all the picture by this factor, is the new light after `LIGHT_FRAMES` frames:
the background is brought into it, or a camera that goes dark would be judged by its enlarged noise."""
LIGHT_FRAMES: Final = 25
SAME_PATTERN: Final = 0.9
"""Correlation with the background from which on a blob shows the background, where that has a pattern ..."""
PATTERN_DEVIATION: Final = 4.0
"""... of at least so many grey values."""
UPHEAVAL: Final = 0.7
"""Motion in a larger share of the cells of a coarse grid is another scene (the camera turned, a cut), not motion in
this one; after `UPHEAVAL_FRAMES` in a row the new one is learned from the start."""
UPHEAVAL_GRID: Final = (16, 12)
UPHEAVAL_CELL: Final = 25
"""Of 255: a tenth of a cell."""
UPHEAVAL_FRAMES: Final = 5

BLUR: Final = (3, 3)
FILL: Final = np.ones((7, 7), np.uint8)


@dataclass(frozen=True, slots=True)
class Seen:
    """What moved in one frame."""

    boxes: tuple[Box, ...]
    """In pixels of the frame as it was sent, largest first; `score` is the share of the box that moves."""
    moving: Picture
    """255 where it moves, at the working size."""
    blind: bool = False
    """The background is not known (yet): that nothing moves here says nothing."""


def working_size(width: int, height: int) -> tuple[int, int]:
    """Width and height at which a picture is analysed: its own, or reduced to `AREA` pixels."""
    scale = min(1.0, (AREA / (width * height)) ** 0.5)
    return max(1, round(width * scale)), max(1, round(height * scale))


class Motion:
    """The background of one camera. The same frames and seed give the same boxes."""

    def __init__(self, seed: int = 0) -> None:
        self._random = np.random.default_rng(seed)
        self._samples = np.zeros((SAMPLES, 0, 0), np.uint8)
        """(samples, height, width)"""

    def look(self, image: Picture, time: int, width: int = 0, height: int = 0) -> Seen:
        """Compare a frame with the background, and learn from it.

        `image` is grey (h, w) or BGR (h, w, 3), perhaps decoded at reduced size; `width` and `height` are those of
        the frame as it was sent, by default the image's own. `time` (ms UTC) paces the learning and nothing else.
        """
        own_height, own_width = image.shape[:2]
        size = working_size(own_width, own_height)
        raw = _grey(image)
        if size != (own_width, own_height):
            raw = cast(Picture, cv2.resize(raw, size, interpolation=cv2.INTER_AREA))
        raw = cast(Picture, cv2.GaussianBlur(raw, BLUR, 0))
        if raw.shape != self._samples.shape[1:]:
            self._begin(raw, time)
        self._frames += 1
        self._usual = _middle(self._samples)
        grey = self._relight(raw)
        differs = self._compare(grey)
        mask = cast(Picture, cv2.medianBlur(differs * np.uint8(255), 5))
        mask = cast(Picture, cv2.morphologyEx(mask, cv2.MORPH_CLOSE, FILL))
        if self._is_upheaval(mask):
            if self._upheaval >= UPHEAVAL_FRAMES:
                self._begin(raw, time)
            return Seen((), np.zeros_like(mask), blind=True)
        blobs, moving = self._things(grey, mask)
        self._learn(grey, differs, moving, time)
        if self._warming:
            self._warming = self._frames < WARM_UP or 0 <= time - self._began < WARM_UP_MS
            return Seen((), np.zeros_like(mask), blind=True)
        return Seen(_boxes(blobs, size, (width or own_width, height or own_height)), moving)

    def _begin(self, grey: Picture, time: int) -> None:
        """Fill the samples of every pixel from its neighbours in the first frame."""
        height, width = grey.shape
        shifts = self._random.integers(-1, 2, (SAMPLES, 2))
        self._samples = np.stack([np.roll(grey, (dy, dx), (0, 1)) for dy, dx in shifts.tolist()])
        self._near = np.full(grey.shape, NEAR, np.float32)
        self._differed = np.zeros_like(grey)
        # Masks are cut from these at random places: drawing one for every frame would cost more than the comparison.
        lots = self._random.random((2 * height, 2 * width), np.float32)
        self._renewed = (lots < UPDATE_SHARE).astype(np.uint8)
        self._absorbed = (lots < ABSORB_SHARE).astype(np.uint8)
        self._noise = 0.0
        self._frames = self._upheaval = self._new_light = 0
        self._began = self._learned = time
        self._warming = True

    def _relight(self, raw: Picture) -> Picture:
        """The frame in the light of the background."""
        height, width = raw.shape
        cells = (max(1, width // LIGHT_GRID), max(1, height // LIGHT_GRID))
        steps = 128.5 + LIGHT_STEPS * np.log2(_coarse(raw, cells) / _coarse(self._usual, cells))
        light = cast(Picture, cv2.medianBlur(np.clip(steps, 0, 255).astype(np.uint8), LIGHT_WINDOW))
        gain = cast(Field, cv2.GaussianBlur(LIGHT_GAINS[light], (0, 0), 1.0))
        if float(np.abs(gain - 1).max()) <= 0.02:
            self._new_light = 0
            return raw
        mean = float(gain.mean())
        even = float(gain.max()) < LIGHT_KEPT * float(gain.min())
        self._new_light = self._new_light + 1 if even and not 1 / LIGHT_KEPT < mean < LIGHT_KEPT else 0
        if self._new_light >= LIGHT_FRAMES:
            self._new_light = 0
            for sample in self._samples:
                sample[:] = _scaled(sample, np.full(1, 1 / mean, np.float32))
            return raw
        return _scaled(raw, cast(Field, cv2.resize(gain, (width, height), interpolation=cv2.INTER_LINEAR)))

    def _compare(self, grey: Picture) -> Picture:
        """1 where fewer than `MATCHES` samples are near, else 0."""
        near = self._near.astype(np.uint8)
        distance = np.empty_like(grey)
        is_near = np.empty(grey.shape, np.bool_)
        matches = np.zeros_like(grey)
        for sample in self._samples:
            cv2.absdiff(grey, sample, distance)
            np.less(distance, near, out=is_near)
            np.add(matches, is_near.view(np.uint8), out=matches)
        # Two draws of the same noise differ by sqrt(2) of its deviation; 1.48 makes a median a deviation.
        noise = float(np.median(distance[::4, ::4])) * 1.48 / 2**0.5
        self._noise += (noise - self._noise) * 0.05
        return (matches < MATCHES).view(np.uint8)

    def _is_upheaval(self, mask: Picture) -> bool:
        cells = cast(Picture, cv2.resize(mask, UPHEAVAL_GRID, interpolation=cv2.INTER_AREA))
        moved = int(np.count_nonzero(cells > UPHEAVAL_CELL)) > UPHEAVAL * cells.size
        self._upheaval = self._upheaval + 1 if moved else 0
        return moved

    def _things(self, grey: Picture, mask: Picture) -> tuple[list[tuple[int, ...]], Picture]:
        """Blobs (x, y, w, h, area) that are things and not light, and the mask of their pixels."""
        count, found, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8, ltype=cv2.CV_32S)
        labels = cast(NDArray[np.int32], found)
        kept = np.zeros(count, np.uint8)
        blobs: list[tuple[int, ...]] = []
        for label, blob in enumerate(cast(list[list[int]], stats.tolist())):
            if label == 0 or blob[4] < LEAST_SHARE * mask.size:
                continue
            if not self._is_light(grey, labels, label, blob):
                kept[label] = 255
                blobs.append(tuple(blob))
        return blobs, kept[labels]

    def _is_light(self, grey: Picture, labels: NDArray[np.int32], label: int, blob: list[int]) -> bool:
        x, y, w, h, _ = blob
        part = (slice(y, y + h), slice(x, x + w))
        inside = labels[part] == label
        new, old = grey[part][inside].astype(np.float32), self._usual[part][inside].astype(np.float32)
        new -= new.mean()
        old -= old.mean()
        deviation = float(old.std())
        if deviation < PATTERN_DEVIATION:
            return False
        return float((new * old).mean()) > SAME_PATTERN * float(new.std()) * deviation

    def _learn(self, grey: Picture, differs: Picture, moving: Picture, time: int) -> None:
        """Renew samples at random, and let thresholds follow noise and blinking."""
        blinked = differs ^ self._differed
        self._differed = differs
        self._near += NEAR_STEPS[blinked | (moving & 2)]
        floor = min(max(NEAR, NOISE_NEAR * self._noise), NOISE_MOST)
        np.clip(self._near, floor, BLINK_MOST, out=self._near)

        free = cast(Picture, cv2.bitwise_not(moving)) | np.uint8(255 if self._warming else 0)
        updates = min(MOST_UPDATES, (time - self._learned) // UPDATE_MS)
        if updates <= 0:
            # A clock that was set back must not stop the learning for long.
            self._learned = min(self._learned, time)
            return
        self._learned = time if updates == MOST_UPDATES else self._learned + updates * UPDATE_MS
        for _ in range(updates):
            renewed = self._cut(self._renewed) & free
            cv2.copyTo(grey, renewed | self._cut(self._absorbed), self._any_sample())
            cv2.copyTo(self._shifted(grey), self._cut(self._renewed) & free, self._any_sample())

    def _any_sample(self) -> Picture:
        return self._samples[int(self._random.integers(SAMPLES))]

    def _cut(self, lots: Picture) -> Picture:
        height, width = self._samples.shape[1:]
        y, x = int(self._random.integers(height)), int(self._random.integers(width))
        return lots[y : y + height, x : x + width]

    def _shifted(self, grey: Picture) -> Picture:
        """The frame moved by up to a pixel, so that what is copied goes to a neighbour."""
        dy, dx = self._random.integers(0, 3, 2).tolist()
        wide = cv2.copyMakeBorder(grey, 1, 1, 1, 1, cv2.BORDER_REPLICATE)
        height, width = grey.shape
        return cast(Picture, wide[dy : dy + height, dx : dx + width])


def _grey(image: Picture) -> Picture:
    return image if image.ndim == 2 else cast(Picture, cv2.cvtColor(image, cv2.COLOR_BGR2GRAY))


def _middle(samples: Picture) -> Picture:
    """The median of three samples: one alone may hold what once passed."""
    one, two, three = samples[0], samples[1], samples[2]
    return np.maximum(np.minimum(one, two), np.minimum(np.maximum(one, two), three))


def _coarse(grey: Picture, cells: tuple[int, int]) -> Field:
    shrunk = cast(Picture, cv2.resize(grey, cells, interpolation=cv2.INTER_AREA))
    return shrunk.astype(np.float32) + np.float32(LIGHT_OFFSET)


def _scaled(grey: Picture, gain: Field) -> Picture:
    offset = np.float32(LIGHT_OFFSET)
    return np.clip((grey + offset) * gain - (offset - np.float32(0.5)), 0, 255).astype(np.uint8)


def _boxes(blobs: list[tuple[int, ...]], size: tuple[int, int], full: tuple[int, int]) -> tuple[Box, ...]:
    """Blobs at the working size as boxes on the whole frame."""
    across, down = full[0] / size[0], full[1] / size[1]
    boxes: list[Box] = []
    for x, y, w, h, area in sorted(blobs, key=lambda blob: -blob[4]):
        left, top = int(x * across), int(y * down)
        right, bottom = min(full[0], round((x + w) * across)), min(full[1], round((y + h) * down))
        boxes.append(Box(left, top, max(1, right - left), max(1, bottom - top), score=round(area / (w * h), 3)))
    return tuple(boxes)
