"""The reckoning: which messages came, how often, in which order and how late. Works on columns, bounded by messages."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import cast

import numpy as np
from numpy.typing import NDArray

from simulators.histogram import Histogram


@dataclass(frozen=True, slots=True)
class Arrivals:
    """Messages as they came, in order of arrival; each column of shape (n,)."""

    device: NDArray[np.int64]
    """Number of the device."""
    sequence: NDArray[np.int64]
    """Number of the message of its device, from 0."""
    sent_us: NDArray[np.int64]
    """When it was to be sent, microseconds since the epoch."""
    received_us: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.device)


@dataclass(slots=True)
class Tally:
    """Takes arrivals in order and says what is missing."""

    devices: int
    latency: Histogram = field(default_factory=Histogram)
    """Of first arrivals."""
    received: int = 0
    """Messages, each once."""
    duplicated: int = 0
    """Arrivals of messages that had come before."""
    out_of_order: int = 0
    """Messages that came after a later one of their device."""
    strangers: int = 0
    """Arrivals of no device of the load, or with numbers no load makes."""
    _seen: dict[int, NDArray[np.bool_]] = field(default_factory=dict[int, NDArray[np.bool_]])
    """Blocks of `_BLOCK` sequences of all devices, by number, made as they are needed; shape (devices, _BLOCK)."""
    _newest: NDArray[np.int64] = field(init=False)

    def __post_init__(self) -> None:
        self._newest = np.full(self.devices, -1, np.int64)

    def add(self, arrivals: Arrivals) -> None:
        """Take the next arrivals."""
        known = (arrivals.device >= 0) & (arrivals.device < self.devices)
        known &= (arrivals.sequence >= 0) & (arrivals.sequence < _MOST_SEQUENCES)
        self.strangers += int(np.count_nonzero(~known))
        device, sequence = arrivals.device[known], arrivals.sequence[known]
        if not len(device):
            return
        first = self._first_time(device, sequence)
        self.duplicated += int(np.count_nonzero(~first))
        self.received += int(np.count_nonzero(first))
        self.latency.record((arrivals.received_us[known] - arrivals.sent_us[known])[first])
        self.out_of_order += self._behind(device[first], sequence[first])

    def lost(self, sent: int) -> int:
        """Of `sent` messages, in turn from all devices, how many never came."""
        turns, over = divmod(sent, self.devices)
        came = 0
        for number, block in list(self._seen.items()):  # they may be asked for meanwhile, by another thread
            begin = number * _BLOCK
            came += int(np.count_nonzero(block[:, : max(0, turns - begin)]))
            if begin <= turns < begin + _BLOCK:
                came += int(np.count_nonzero(block[:over, turns - begin]))
        return sent - came

    def _first_time(self, device: NDArray[np.int64], sequence: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which of these have not come before, in earlier calls or earlier in this one."""
        first = np.zeros(len(device), np.bool_)
        key = device * np.int64(_MOST_SEQUENCES) + sequence
        first[np.unique(key, return_index=True)[1]] = True
        for number in cast(list[int], np.unique(sequence // _BLOCK).tolist()):
            if number not in self._seen:
                self._seen[number] = np.zeros((self.devices, _BLOCK), np.bool_)
            rows = np.flatnonzero(sequence // _BLOCK == number)
            block, at = self._seen[number], sequence[rows] % _BLOCK
            first[rows] &= ~block[device[rows], at]
            block[device[rows], at] = True
        return first

    def _behind(self, device: NDArray[np.int64], sequence: NDArray[np.int64]) -> int:
        """How many come after a later one of their device."""
        if not len(device):
            return 0
        order = np.argsort(device, kind="stable")
        of, at = device[order], sequence[order]
        begins = np.append(True, of[1:] != of[:-1])
        starts, group = np.flatnonzero(begins), np.cumsum(begins) - 1
        # One running maximum for all devices: each is lifted above those before it.
        lift = group * np.int64(_MOST_SEQUENCES + 1)
        floor = self._newest[of[starts]] + lift[starts]
        highest = np.maximum.accumulate(at + lift)
        before = np.empty_like(highest)
        before[1:] = highest[:-1]
        before[starts] = floor
        behind = at + lift < np.maximum(before, floor[group])
        np.maximum.at(self._newest, of, at)
        return int(np.count_nonzero(behind))


_BLOCK = 4_096
_MOST_SEQUENCES = 1 << 22
"""Numbers of a device's messages stay below; a larger one is a stranger's, and takes no memory."""
