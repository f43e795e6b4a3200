"""Latencies in a fixed amount of memory: a log-linear histogram in the manner of HdrHistogram (G. Tene).

Values are whole microseconds. Up to 2,048 each has a counter of its own; above, each doubling is divided into 1,024
equal counters, so that a percentile is right to three significant digits whatever its size.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

_BITS: Final = 11
_LINEAR: Final = 1 << _BITS
"""Values below it are counted exactly."""
_HALF: Final = _LINEAR >> 1
LARGEST: Final = (1 << 42) - 1
"""Microseconds: some 50 days. Larger values count as this."""
_SIZE: Final = _LINEAR + (42 - _BITS) * _HALF


class Histogram:
    """Counts values; gives percentiles. Histograms can be added up."""

    def __init__(self) -> None:
        self._counts = np.zeros(_SIZE, np.int64)
        self.count = 0
        self.largest = 0
        self.below = 0
        """Negative values: received before they were sent, by clocks that differ. Counted as 0."""

    def record(self, values: NDArray[np.int64]) -> None:
        """Add values in microseconds, shape (n,)."""
        if not len(values):
            return
        self.below += int(np.count_nonzero(values < 0))
        kept = np.clip(values, 0, LARGEST)
        self._counts += np.bincount(_slots(kept), minlength=_SIZE)
        self.count += len(kept)
        self.largest = max(self.largest, int(kept.max()))

    def add(self, other: Histogram) -> None:
        """Add what another one counted."""
        self._counts += other._counts
        self.count += other.count
        self.below += other.below
        self.largest = max(self.largest, other.largest)

    def percentile(self, percent: float) -> float:
        """The value in milliseconds that `percent` of all values do not exceed; NaN where there are none."""
        if not self.count:
            return float("nan")
        wanted = max(1, int(np.ceil(self.count * percent / 100)))
        slot = int(np.searchsorted(np.cumsum(self._counts), wanted))
        return min(_highest(slot), self.largest) / 1000


def _slots(values: NDArray[np.int64]) -> NDArray[np.int64]:
    """The counter of each value, all 0 to `LARGEST`."""
    exponent = np.frexp(values.astype(np.float64))[1].astype(np.int64)  # the value is below 2 ** exponent; exact here
    shift = np.maximum(exponent - _BITS, 0)
    return np.where(shift > 0, _LINEAR + (shift - 1) * _HALF + (values >> shift) - _HALF, values)


def _highest(slot: int) -> int:
    """The largest value that a counter stands for."""
    if slot < _LINEAR:
        return slot
    shift, within = divmod(slot - _LINEAR, _HALF)
    return ((within + _HALF + 1) << (shift + 1)) - 1
