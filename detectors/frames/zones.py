"""Zones: polygons on a camera's picture, how much of each moves, and when that is an event.

A zone is active once its share has moved in every frame for `hold`, and over once no frame moved enough for `quiet`,
by the capture times of the frames. Missing frames prove neither: a pause of more than `gap` between two frames, or a
clock set back by more than that, starts both countings anew, so that a camera that goes dark in the middle of an event
leaves it open. A frame not newer than the last one is late and changes nothing.

>>> rules = ZoneRules.of(share=[0.1], hold=[200], quiet=[1000], gap=5000)
>>> state = ZoneState.empty(1)
>>> steps = [(0, 0.2), (100, 0.3), (200, 0.3), (900, 0.0), (1900, 0.0)]
>>> [(at, e.phase.value, e.since) for at, s in steps for e in step(state, rules, at, np.array([s]))]
[(200, 'active', 0), (1900, 'clear', 0)]
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from detectors.records import NEVER, Box, Finding, Phase

DETECTOR: Final = "motion"

Polygon = Sequence[tuple[float, float]]
"""Corners as shares of width and height, (0, 0) top left, (1, 1) bottom right; closed by itself."""


def masks_of(polygons: Sequence[Polygon], width: int, height: int) -> NDArray[np.uint8]:
    """1 inside and 0 outside each polygon, on a picture of the given size; shape (zones, height, width)."""
    masks = np.zeros((len(polygons), height, width), np.uint8)
    for mask, polygon in zip(masks, polygons, strict=True):
        corners = np.array(polygon, np.float64) * (width, height) - 0.5
        cv2.fillPoly(mask, [np.rint(corners * 256).astype(np.int32)], 1, shift=8)
    return masks


def shares_of(masks: NDArray[np.uint8], moving: NDArray[np.uint8]) -> NDArray[np.float64]:
    """The share of each zone's area that moves; `moving` is 0 where still, of the masks' height and width."""
    areas = np.maximum(masks.sum(axis=(1, 2), dtype=np.int64), 1)
    inside = [cv2.countNonZero(cv2.bitwise_and(mask, moving)) for mask in masks]
    return np.array(inside, np.float64) / areas


def boxes_within(mask: NDArray[np.uint8], boxes: Sequence[Box], width: int, height: int) -> tuple[Box, ...]:
    """The boxes that touch a zone; they are in pixels of a frame of `width` x `height`, the mask of any size."""
    rows, columns = mask.shape

    def touches(box: Box) -> bool:
        left, right = box.x * columns // width, -(-(box.x + box.w) * columns // width)
        top, bottom = box.y * rows // height, -(-(box.y + box.h) * rows // height)
        return bool(mask[max(top, 0) : bottom, max(left, 0) : right].any())

    return tuple(box for box in boxes if touches(box))


@dataclass(frozen=True, slots=True)
class ZoneRules:
    """The zones of one camera, columns of shape (zones,)."""

    share: NDArray[np.float64]
    hold: NDArray[np.int64]
    quiet: NDArray[np.int64]
    gap: int
    """ms: a longer pause between frames is an absence, which proves nothing."""

    @staticmethod
    def of(share: ArrayLike, hold: ArrayLike, quiet: ArrayLike, gap: int) -> ZoneRules:
        rules = ZoneRules(
            np.array(share, np.float64).reshape(-1),
            np.array(hold, np.int64).reshape(-1),
            np.array(quiet, np.int64).reshape(-1),
            gap,
        )
        assert len(rules.share) == len(rules.hold) == len(rules.quiet), "one entry a zone in each column"
        return rules

    def __len__(self) -> int:
        return len(self.share)


@dataclass(slots=True)
class ZoneState:
    """What is remembered of the zones of one camera, columns of shape (zones,); ms UTC by the camera's clock."""

    newest: int
    """Capture time of the last frame, NEVER before the first."""
    moving_since: NDArray[np.int64]
    """First frame of unbroken motion, NEVER while still."""
    still_since: NDArray[np.int64]
    """First frame of unbroken stillness, NEVER while moving."""
    since: NDArray[np.int64]
    """Start of the motion that made the zone active, NEVER while it is not."""
    peak: NDArray[np.float64]
    """Largest share since motion began, 0 while there is none."""

    @staticmethod
    def empty(zones: int) -> ZoneState:
        moving, still, since = (np.full(zones, NEVER, np.int64) for _ in range(3))
        return ZoneState(NEVER, moving, still, since, np.zeros(zones))

    def dump(self) -> dict[str, NDArray[np.int64]]:
        """What must outlive the process, by zone: events that are open. Runs begin anew after a restart."""
        return {"since": self.since.copy()}

    @staticmethod
    def load(saved: Mapping[str, NDArray[np.int64]], zone_from: NDArray[np.intp]) -> ZoneState:
        """The state that `dump` gave; `zone_from[z]` is the row in `saved` of zone z, -1 for a new one."""
        state = ZoneState.empty(len(zone_from))
        old = zone_from >= 0
        state.since[old] = saved["since"][zone_from[old]]
        return state


@dataclass(frozen=True, slots=True)
class ZoneEvent:
    """One zone became active or is over."""

    zone: int
    phase: Phase
    since: int
    time: int
    share: float
    limit: float
    peak: float
    """Largest share since `since`."""

    def finding(self, camera: int, boxes: tuple[Box, ...]) -> Finding:
        """The event as a finding about a camera, with the boxes that show it."""
        return Finding(
            detector=DETECTOR,
            rule=self.zone,
            subject=camera,
            phase=self.phase,
            level=1,
            since=self.since,
            time=self.time,
            value=self.share,
            limit=self.limit,
            boxes=boxes,
            peak=self.peak,
        )


def step(state: ZoneState, rules: ZoneRules, time: int, shares: NDArray[np.float64]) -> list[ZoneEvent]:
    """Advance by one frame captured at `time` (ms UTC); `shares` has shape (zones,)."""
    back = state.newest - time if state.newest != NEVER else -1
    if 0 <= back <= rules.gap:
        return []
    if state.newest == NEVER or abs(back) > rules.gap:
        state.moving_since[:] = state.still_since[:] = NEVER
    state.newest = time

    moving = shares >= rules.share
    state.moving_since = np.where(moving, np.where(state.moving_since == NEVER, time, state.moving_since), NEVER)
    state.still_since = np.where(moving, NEVER, np.where(state.still_since == NEVER, time, state.still_since))
    active = state.since != NEVER
    enters = ~active & moving & (time - np.where(moving, state.moving_since, time) >= rules.hold)
    leaves = active & ~moving & (time - np.where(moving, time, state.still_since) >= rules.quiet)
    state.peak = np.where(active | moving, np.maximum(state.peak, shares), 0.0)
    before = state.since.copy()
    state.since[enters] = state.moving_since[enters]
    state.since[leaves] = NEVER
    return [
        ZoneEvent(
            zone=zone,
            phase=Phase.ACTIVE if enters[zone] else Phase.CLEAR,
            since=int(state.since[zone] if enters[zone] else before[zone]),
            time=time,
            share=float(shares[zone]),
            limit=float(rules.share[zone]),
            peak=float(state.peak[zone]),
        )
        for zone in np.flatnonzero(enters | leaves).tolist()
    ]
