"""Rows of a batch that repeat or are older than an earlier one are found, whatever the numbers."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from gateway.stores.identity import Grouped, Repeats

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


@given(points, st.integers(-2, 6))
def test_rows_older_than_an_earlier_one_of_their_channel_are_overtaken(
    rows: list[tuple[int, int]], before: int
) -> None:
    grouped = Grouped(*columns(rows))
    expected = [
        n
        for n, (channel, time) in enumerate(rows)
        if time < before and any(of == channel and time < at < before for of, at in rows[:n])
    ]
    assert sorted(grouped.overtaken(before).tolist()) == expected
    assert grouped.ascending() == all(
        of != channel or at < time for n, (channel, time) in enumerate(rows) for of, at in rows[:n]
    )
