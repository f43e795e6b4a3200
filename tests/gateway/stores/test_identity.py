"""Rows of a batch that repeat an earlier one are found, whatever the numbers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.stores.identity import NewestTimes, Repeats

FAR = 2**63 - 1

points = st.lists(
    st.tuples(
        st.integers(0, 3) | st.integers(0, 2**31 - 1),
        st.integers(0, 4) | st.integers(-FAR, FAR),
    ),
    max_size=60,
)


def columns(rows: list[tuple[int, int]]) -> tuple[np.ndarray, np.ndarray]:
    return np.array([row[0] for row in rows], np.int32), np.array([row[1] for row in rows], np.int64)


@given(st.lists(points, min_size=1, max_size=3))
def test_every_row_but_the_first_of_its_identity_is_a_repeat(batches: list[list[tuple[int, int]]]) -> None:
    repeats = Repeats()
    for rows in batches:  # what one batch leaves in the slots must not be seen by the next
        expected = [n for n, row in enumerate(rows) if row in rows[:n]]
        assert repeats.find(*columns(rows)).tolist() == expected


def test_a_large_batch_of_different_rows_has_no_repeats() -> None:
    channel = np.tile(np.arange(1_000, dtype=np.int32), 50)
    time = np.repeat(np.arange(50, dtype=np.int64) * 1_000 + 1_700_000_000_000, 1_000)
    assert len(Repeats().find(channel, time)) == 0


@pytest.mark.parametrize(
    ("offered", "late"),
    [
        pytest.param([(0, 5)], [], id="first of its channel"),
        pytest.param([(1, 11)], [], id="newer"),
        pytest.param([(1, 10)], [0], id="the newest itself"),
        pytest.param([(0, 1), (1, 3), (2_000, 9)], [1], id="each channel for itself"),
        pytest.param([(0, 200)], [0], id="far in the future"),
    ],
)
def test_only_rows_not_newer_than_their_channel_or_of_the_far_future_need_a_look_up(
    offered: list[tuple[int, int]], late: list[int]
) -> None:
    newest = NewestTimes(future=100)
    newest.grow(5_000)
    received = np.zeros(3, np.int64) + 20
    newest.advance(*columns([(1, 10), (1, 4), (1, 121)]), received)
    assert newest.to_look_up(*columns(offered), np.full(len(offered), 20)).tolist() == late


def test_channels_not_met_yet_begin_at_the_floor() -> None:
    newest = NewestTimes(floor=50, future=1_000)
    newest.grow(5_000)
    assert newest.to_look_up(*columns([(4_000, 50), (4_000, 51)]), np.zeros(2, np.int64)).tolist() == [0]
