"""Tally: what is counted of each device, as columns, with the newest frame of each.

Memory is bounded by the inventory: some 1.2 KB a device, most of it the table of verdicts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from detectors.records import NEVER
from gateway.hj212.verdicts import Verdict
from gateway.loggers.words import OTHER, Words

VERDICTS: Final = len(Verdict)
COMMANDS_KEPT: Final = 48
"""Commands counted apart for one device: more than any edition has; others are counted together."""

DEVICE: Final = np.dtype(
    [
        ("frames", np.int64),
        ("marked", np.int64),  # frames with a verdict
        ("quarantined", np.int64),
        ("repeats", np.int64),
        ("back_filled", np.int64),
        ("encrypted", np.int64),
        ("sets_complete", np.int64),
        ("sets_incomplete", np.int64),
        ("first_received", np.int64),
        ("first_time", np.int64),
        # of the newest frame
        ("received", np.int64),
        ("time", np.int64),
        ("position", np.int64),
        ("verdicts", np.int64),
        ("taken", np.bool_),
        ("sealed", np.bool_),  # it was encrypted
        ("qn", "S17"),
        ("cn", np.int32),  # and these are numbers of words
        ("edition", np.int32),
        ("st", np.int32),
        ("link", np.int32),
    ]
)
"""Times are ms UTC, `NEVER` where there is none."""
_WORDS: Final = ("cn", "edition", "st", "link")


@dataclass(slots=True)
class Tally:
    """Columns by device; those of verdicts have shape (devices, verdicts), a column a bit."""

    devices: NDArray[np.void]
    """Of type `DEVICE`, shape (devices,)."""
    count: NDArray[np.int64]
    last: NDArray[np.int64]
    """When a frame with this verdict was last received."""
    example: NDArray[np.int64]
    """Journal position of that frame."""
    words: Words = field(default_factory=Words)
    slots: dict[int, dict[int, int]] = field(default_factory=dict[int, dict[int, int]])
    """Device to command (a word) to its place in `frames`."""
    frames: NDArray[np.int64] = field(default_factory=lambda: np.zeros(256, np.int64))
    """Frames by device and command."""
    slots_used: int = 0

    @staticmethod
    def empty(devices: int) -> Tally:
        columns = np.zeros(devices, DEVICE)
        for name in ("first_received", "first_time", "received", "time"):
            columns[name] = NEVER
        shape = (devices, VERDICTS)
        return Tally(columns, np.zeros(shape, np.int64), np.full(shape, NEVER, np.int64), np.full(shape, -1, np.int64))

    def slot(self, device: int, command: str) -> int:
        """Where frames of this device with this command are counted."""
        mine = self.slots.setdefault(device, {})
        word = self.words.number(command)
        if word not in mine and len(mine) >= COMMANDS_KEPT:
            word = self.words.number(OTHER)
        if word not in mine:
            if self.slots_used == len(self.frames):
                self.frames = np.concatenate([self.frames, np.zeros_like(self.frames)])
            mine[word] = self.slots_used
            self.slots_used += 1
        return mine[word]

    def mark(self, device: int, verdict: Verdict, received: int, position: int, *, clean: bool) -> None:
        """Count a verdict that was found by looking at several frames; `clean`: the frame had none so far."""
        bit = verdict.bit_length() - 1
        self.count[device, bit] += 1
        self.last[device, bit] = received
        self.example[device, bit] = position
        if clean:
            self.devices["marked"][device] += 1

    def dump(self) -> dict[str, NDArray[Any]]:
        """By device that was heard of, `row` says which; verdicts that occurred with `at` (row of `row`, bit)."""
        row = np.flatnonzero(self.devices["frames"])
        at = np.argwhere(self.count[row] > 0)
        device, bit = row[at[:, 0]], at[:, 1]
        by_command = [
            (device, word, self.frames[slot]) for device, mine in self.slots.items() for word, slot in mine.items()
        ]
        return {f"device.{name}": self.devices[name][row] for name in DEVICE.names or ()} | {
            "row": row,
            "at": at,
            "count": self.count[device, bit],
            "last": self.last[device, bit],
            "example": self.example[device, bit],
            "by_command": np.array(by_command, np.int64).reshape(-1, 3),
        }

    @staticmethod
    def load(devices: int, saved: Mapping[str, NDArray[Any]], words: Words, now_of: Mapping[int, int]) -> Tally:
        """What `dump` gave; `now_of` says which device is now what a row then was of."""
        tally = Tally.empty(devices)
        tally.words = words
        then = [row for row, device in enumerate(saved["row"].tolist()) if device in now_of]
        now = [now_of[int(saved["row"][row])] for row in then]
        for name in DEVICE.names or ():
            column = saved.get(f"device.{name}")
            if column is not None:
                tally.devices[name][now] = column[then]
        place = dict(zip(then, now, strict=True))
        kept = [k for k, row in enumerate(saved["at"][:, 0].tolist()) if row in place and saved["at"][k, 1] < VERDICTS]
        device = [place[int(saved["at"][k, 0])] for k in kept]
        bit = saved["at"][kept, 1]
        for name in ("count", "last", "example"):
            getattr(tally, name)[device, bit] = saved[name][kept]
        for device, word, frames in saved["by_command"].tolist():
            if device in now_of:
                tally.frames[tally.slot(now_of[device], words[word])] += frames
        return tally
