"""The nouns detectors work on: `Readings` and boxes in, `Finding` out.

This file imports nothing of ours. All times are milliseconds since the epoch, UTC.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

NEVER: Final = -(2**63)
"""A time that has not happened, in int64 columns."""


@dataclass(frozen=True, slots=True)
class Readings:
    """One batch of readings as parallel columns, each of shape (n,), in the order of arrival."""

    channel: NDArray[np.int32]
    """Dense channel number: one device, factor, field and period."""
    time: NDArray[np.int64]
    """When the monitor measured it, ms UTC."""
    received: NDArray[np.int64]
    """When the gateway received it, ms UTC."""
    value: NDArray[np.float64]
    """In the channel's unit; NaN where the monitor sent a mark and no number."""
    flag: NDArray[np.uint8]
    """Data flag of HJ 212 as `gateway.flags` codes it; `ord("N")` is normal."""
    position: NDArray[np.int64]
    """Journal position of the message that carried it."""
    mark: NDArray[np.uint8]
    """How it came, in bits as `gateway.marks` has them; 0 where there is nothing to say."""

    def __len__(self) -> int:
        return len(self.channel)

    def take(self, rows: NDArray[np.bool_] | NDArray[np.intp]) -> Readings:
        """The rows of a mask of shape (n,) or of an array of row numbers."""
        return Readings(
            self.channel[rows],
            self.time[rows],
            self.received[rows],
            self.value[rows],
            self.flag[rows],
            self.position[rows],
            self.mark[rows],
        )

    @staticmethod
    def empty() -> Readings:
        """A batch of no rows."""
        whole = np.zeros(0, np.int64)
        bits = np.zeros(0, np.uint8)
        return Readings(np.zeros(0, np.int32), whole, whole, np.zeros(0, np.float64), bits, whole, bits)


class Phase(StrEnum):
    """What a finding says of its condition."""

    PENDING = "pending"
    """The condition holds, but not yet for its minimum duration."""
    ACTIVE = "active"
    """The condition has held long enough, or its level has changed."""
    CLEAR = "clear"
    """The condition has ended, seen by evidence of its own kind."""


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in pixels of the frame as it was sent, origin top left."""

    x: int
    y: int
    w: int
    h: int
    label: str = "motion"
    score: float = 1.0


@dataclass(frozen=True, slots=True)
class Finding:
    """One change of one condition, found by a detector in its own data."""

    detector: str
    """`limit`, `late_limit`, `silence`, `motion`."""
    rule: int
    """Row in the detector's own table of rules (limit rule, device, zone of the camera)."""
    subject: int
    """Channel, device or camera number, by detector."""
    phase: Phase
    level: int
    """From 1 upwards while pending or active; the level left when cleared."""
    since: int
    """ms UTC at which the condition began, by the time of the data."""
    time: int
    """ms UTC of the reading, frame or evaluation that made the finding."""
    value: float
    """Measured value: the reading; seconds of silence; share of the zone in motion. NaN where no reading made it."""
    limit: float
    """What the value was held against, in the same unit."""
    position: int = -1
    """Journal position of the message that made the finding, -1 where there is none."""
    boxes: tuple[Box, ...] = ()
    peak: float = math.nan
    """Most extreme value since `since`, this one included; NaN where the detector follows none."""
    received: int = NEVER
    """ms UTC at which the reading was received, where that is long after `time`; NEVER where the two are close."""
