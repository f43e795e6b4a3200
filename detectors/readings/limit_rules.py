"""The rules of limits, as columns: which channel each watches, from which side, its levels, hold and band.

`detectors.readings.limits` says what they mean.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Int64s = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Rows = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Limits:
    """The rules as columns of shape (rules,); `levels` is (rules, most levels), padded with inf (-inf below)."""

    channel: NDArray[np.int32]
    side: NDArray[np.int8]
    """+1: too much is above; -1: too little is below."""
    levels: Floats
    hold: Int64s
    """ms a level must last before it is entered."""
    band: Floats
    enter: Floats
    """(most levels, rules): a level's run goes on while `side * value >= enter`."""
    leave: Floats
    """(most levels, rules): a level is left when `side * value < leave`."""
    by_channel: Rows
    """Rule numbers in the order of their channels, ..."""
    first: Rows
    """... those of channel c being `by_channel[first[c] : first[c + 1]]`; shape (highest channel with a rule + 2,)."""

    def __len__(self) -> int:
        return len(self.channel)

    @staticmethod
    def of(
        channel: ArrayLike,
        side: ArrayLike,
        levels: Sequence[Sequence[float]],
        hold: ArrayLike,
        band: ArrayLike,
    ) -> Limits:
        """Rules from one entry a rule in each column; several rules may watch one channel.

        `levels[r]` has one finite limit or more, leading away from the normal; `0 <= band < 1`; `hold >= 0` in ms.
        """
        channels = np.array(channel, np.int32).reshape(-1)
        sides = np.array(side, np.int8).reshape(-1)
        bands = np.array(band, np.float64).reshape(-1)
        holds = np.array(hold, np.int64).reshape(-1)
        most = max((len(row) for row in levels), default=1)
        enter = np.full((most, len(channels)), np.inf)
        for rule, row in enumerate(levels):
            assert len(row) > 0 and np.isfinite(row).all(), "a rule has a level or more, each a number"
            enter[: len(row), rule] = np.multiply(row, float(sides[rule]))
        assert len(levels) == len(channels) == len(sides) == len(bands) == len(holds), "one entry a rule in each column"
        assert np.isin(sides, (-1, 1)).all(), "side is +1 or -1"
        assert (enter[1:] > enter[:-1])[np.isfinite(enter[1:])].all(), "levels lead away from the normal"
        assert ((bands >= 0) & (bands < 1)).all(), "band is a share from 0 to 1"
        assert (holds >= 0).all(), "hold is not negative"
        assert (channels >= 0).all(), "channels count from 0"
        padded = np.isinf(enter)
        leave = np.where(padded, np.inf, enter - bands * np.abs(np.where(padded, 0.0, enter)))
        by_channel = np.argsort(channels, kind="stable")
        highest = int(channels.max(initial=-1))
        first = np.searchsorted(channels[by_channel], np.arange(highest + 2))
        return Limits(
            channels,
            sides,
            (enter * sides.astype(np.float64)).T.copy(),
            holds,
            bands,
            enter,
            leave,
            by_channel,
            first.astype(np.intp),
        )
