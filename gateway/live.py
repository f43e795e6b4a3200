"""Live: what the ingest side lets the API and the console see of this moment.

Written from the ingest loop and read from the API's thread, without a lock: the writer never waits for a reader.
Columns are read as copies under a sequence number (odd while the writer is at work), so that a value is never shown
with the time of another one.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from detectors.records import NEVER
from gateway.inventory import Inventory
from gateway.records import FrameResult, Readings

WINDOW_S: Final = 10
"""Seconds of the longer window of rates."""
_SLOTS: Final = 16
"""Seconds remembered: the window, the running one, and room for a reader that is late."""
_TRIES: Final = 50
_PAUSE_S: Final = 0.0002
"""How often a reader tries for a copy that the writer did not touch meanwhile, and how long it waits in between. A
writer with 600,000 values/s is at work 0.3 % of the time, 0.1 ms at once; after the last try the reader takes what
it gets."""


class Newest(NamedTuple):
    """The newest reading of each asked channel, columns of shape (n,). Time is `NEVER` where there is none."""

    time: NDArray[np.int64]
    value: NDArray[np.float64]
    flag: NDArray[np.uint8]


class Seen(NamedTuple):
    """The newest frame of a camera: the picture, and what the worker saw in it."""

    result: FrameResult
    jpeg: bytes


class Counts(NamedTuple):
    """Messages, readings and frames: totals, or a rate in each per second."""

    messages: float
    readings: float
    frames: float


class Live:
    """The present state of ingest. One writer (the ingest loop), any number of readers."""

    def __init__(self, inventory: Inventory, started: int, clock: Callable[[], float] = time.monotonic) -> None:
        """`started` is ms UTC; `clock` gives seconds that never go back, for the rates."""
        self.started = started
        self._clock = clock
        self._newest = _columns(1024)
        self._writes = 0
        self._heard = np.full(len(inventory.devices), NEVER, np.int64)
        self._seen: list[Seen | None] = [None] * len(inventory.cameras)
        self._totals = (0, 0, 0)
        self._seconds: list[tuple[int, int, int, int]] = [(-1, 0, 0, 0)] * _SLOTS
        self._first_second = int(clock())

    # the writer's side

    def update(self, readings: Readings) -> None:
        """Note the newest reading of each channel in the batch: the last row of a channel stands. O(batch)."""
        channel = readings.channel.astype(np.intp)  # once: numpy would convert it for each column
        newest = self._newest
        self._writes += 1
        try:
            newest.time[channel] = readings.time
        except IndexError:  # raised before anything is written; cheaper than asking for the largest each time
            newest = self._newest = _grown(newest, int(channel.max()) + 1)
            newest.time[channel] = readings.time
        newest.value[channel] = readings.value
        newest.flag[channel] = readings.flag
        self._writes += 1

    def hear(self, devices: Sequence[int], received: int) -> None:
        """Note that these devices sent something at `received`, ms UTC."""
        if devices:
            self._heard[devices] = received

    def see(self, result: FrameResult, jpeg: bytes) -> None:
        """Note the newest frame of a camera."""
        self._seen[result.camera] = Seen(result, jpeg)

    def count(self, *, messages: int = 0, readings: int = 0, frames: int = 0) -> None:
        """Add to the totals and to the rates."""
        total = self._totals
        self._totals = (total[0] + messages, total[1] + readings, total[2] + frames)
        second = int(self._clock())
        slot = second % _SLOTS
        at, m, r, f = self._seconds[slot]
        if at == second:
            messages, readings, frames = m + messages, r + readings, f + frames
        self._seconds[slot] = (second, messages, readings, frames)

    # the readers' side

    def newest(self, channels: Sequence[int] | NDArray[np.int32]) -> Newest:
        """Copies for these channel numbers, in their order; channels never heard have time `NEVER`."""
        wanted = np.asarray(channels, np.int64)
        for _ in range(_TRIES):
            before = self._writes
            copy = self._copy(wanted)
            if before == self._writes and before % 2 == 0:
                return copy
            time.sleep(_PAUSE_S)
        return self._copy(wanted)

    def _copy(self, wanted: NDArray[np.int64]) -> Newest:
        newest = self._newest
        known = wanted < len(newest.time)
        rows = np.where(known, wanted, 0)
        return Newest(
            np.where(known, newest.time[rows], NEVER),
            np.where(known, newest.value[rows], np.nan),
            np.where(known, newest.flag[rows], 0).astype(np.uint8),
        )

    def heard(self) -> NDArray[np.int64]:
        """When each device last sent something, ms UTC, shape (devices,); `NEVER` where it has not yet."""
        return self._heard.copy()

    def seen(self, camera: int) -> Seen | None:
        """The newest frame of a camera, None before its first."""
        return self._seen[camera]

    def totals(self) -> Counts:
        """Messages, readings and frames since the start."""
        return Counts(*self._totals)

    def rates(self, seconds: int = 1) -> Counts:
        """Messages, readings and frames per second over the last `seconds` whole seconds (1 to 10)."""
        assert 1 <= seconds <= WINDOW_S
        now = int(self._clock())
        window = min(seconds, max(now - self._first_second, 1))
        inside = [row for row in list(self._seconds) if now - window <= row[0] < now]
        return Counts(*(sum(row[k] for row in inside) / window for k in (1, 2, 3)))


def _columns(size: int) -> Newest:
    return Newest(np.full(size, NEVER, np.int64), np.full(size, np.nan), np.zeros(size, np.uint8))


def _grown(old: Newest, needed: int) -> Newest:
    """Larger columns with the old content; readers keep the old ones until the reference changes."""
    new = _columns(max(needed, 2 * len(old.time)))
    for column, before in zip(new, old, strict=True):
        column[: len(before)] = before
    return new
