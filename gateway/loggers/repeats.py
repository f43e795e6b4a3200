"""Repeats: messages that a device sends again, told by 64 bits of what makes a message the same.

With QN that is (device, QN, CN, PNO); without it (device, CN, PNO, DataTime, CRC), for the CRC stands for equal
content. Messages with neither QN nor DataTime, heartbeats say, are all alike and never repeats.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from detectors.records import NEVER

KEPT: Final = 262_144
"""Messages remembered, of all devices together: a quarter of an hour of 10,000 loggers that send every 30 s. It takes
some 20 MB, and 2 MB of each snapshot. They are forgotten oldest first, half of them at once."""

Keys = NDArray[np.uint64]
_MIX: Final = np.uint64(0x9E3779B97F4A7C15)
_MIX_2: Final = np.uint64(0xBF58476D1CE4E5B9)
_SHIFT: Final = np.uint64(29)
_WITHOUT_QN: Final = np.uint64(1 << 63)


def keys_of(base: Keys, qns: NDArray[np.bytes_], times: NDArray[np.int64], crcs: NDArray[np.uint64]) -> Keys:
    """What each message is told by, 0 where nothing tells it; shape (n,) each.

    `base` stands for device, command and packet number (0: not judged), `qns` are 17 bytes, zeros where none was sent.
    """
    digits = np.ascontiguousarray(qns.view(np.uint8).reshape(-1, 17)[:, 1:]).view(np.uint64)  # all but the first one
    first, second = digits[:, 0], digits[:, 1]
    without = first == 0
    if without.any():
        first = np.where(without, times.view(np.uint64), first)
        second = np.where(without, crcs | _WITHOUT_QN, second)
    keys = (base ^ first) * _MIX
    keys ^= keys >> _SHIFT
    keys = (keys ^ second) * _MIX_2
    keys ^= keys >> _SHIFT
    keys[(base == 0) | (without & (times == NEVER))] = 0
    return keys


class Repeats:
    """The messages of late, in two halves: when the younger is full the older is forgotten."""

    def __init__(self, kept: int = KEPT) -> None:
        self._half = kept // 2
        self._young: set[int] = set()
        self._old: set[int] = set()

    def step(self, keys: Keys) -> list[int]:
        """Rows of `keys` (in order of coming; 0: not judged) that came before; the others are remembered."""
        rows = None if keys.all() else np.flatnonzero(keys)
        listed = (keys if rows is None else keys[rows]).tolist()
        new = set(listed)
        repeated: list[int] = []
        if len(new) < len(listed) or not (new.isdisjoint(self._young) and new.isdisjoint(self._old)):
            known = (new & self._young) | (new & self._old)
            for row, key in enumerate(listed):
                if key in known:
                    repeated.append(row if rows is None else int(rows[row]))
                else:
                    known.add(key)
        self._young |= new
        if len(self._young) >= self._half:
            self._old, self._young = self._young, set()
        return repeated

    def dump(self) -> tuple[Keys, Keys]:
        """Both halves, the older first."""
        return _array(self._old), _array(self._young)

    def load(self, saved: tuple[Keys, Keys]) -> None:
        """Remember what `dump` gave."""
        self._old, self._young = (set(half.tolist()) for half in saved)


def _array(keys: set[int]) -> Keys:
    return np.fromiter(keys, np.uint64, len(keys))
