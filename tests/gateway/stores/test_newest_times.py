"""No row that may be stored already is taken for new, whatever was stamped far ahead, and however often restarted."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.stores import newest_times
from gateway.stores.newest_times import STEP_MS, NewestTimes

FUTURE = 5 * STEP_MS
MINUTES = st.integers(0, 40) | st.integers(0, 2_000)


def columns(rows: list[tuple[int, int]]) -> tuple[np.ndarray, np.ndarray]:
    return np.array([row[0] for row in rows], np.int32), np.array([row[1] for row in rows], np.int64)


def looked_up(newest: NewestTimes, rows: list[tuple[int, int]], received: int) -> list[int]:
    return newest.to_look_up(*columns(rows), np.full(len(rows), received)).tolist()


def store(newest: NewestTimes, rows: list[tuple[int, int]], received: int) -> None:
    looked_up(newest, rows, received)
    newest.advance(*columns(rows))


@pytest.mark.parametrize(
    ("offered", "late"),
    [
        pytest.param([(0, 5)], [], id="first of its channel"),
        pytest.param([(1, 11)], [], id="newer"),
        pytest.param([(1, 10)], [0], id="the newest itself"),
        pytest.param([(0, 1), (1, 3), (2_000, 9)], [1], id="each channel for itself"),
        pytest.param([(0, FUTURE + STEP_MS)], [0], id="far ahead"),
    ],
)
def test_only_rows_not_newer_than_their_channel_or_far_ahead_are_looked_up(
    offered: list[tuple[int, int]], late: list[int]
) -> None:
    newest = NewestTimes(FUTURE)
    newest.grow(5_000)
    store(newest, [(1, 10), (1, 4), (1, FUTURE + 2 * STEP_MS)], 20)
    assert looked_up(newest, offered, 20) == late


def test_a_stamp_far_ahead_is_remembered_when_time_has_come_near_it() -> None:
    newest = NewestTimes(FUTURE)
    ahead = 100 * STEP_MS
    store(newest, [(0, ahead), (0, 1_000)], 0)
    for received in range(0, ahead - FUTURE - STEP_MS, STEP_MS):
        assert looked_up(newest, [(0, 1_001 + received)], received) == []
    assert looked_up(newest, [(0, ahead), (1, ahead)], ahead) == [0]
    assert newest.overtaken(*columns([(0, ahead - 1), (0, ahead), (1, 0)])).tolist() == [True, False, False]


def test_what_any_channel_may_hold_is_looked_up_once_time_has_come_so_far() -> None:
    newest = NewestTimes(FUTURE)
    newest.may_hold(-1_000, 50)
    newest.may_hold(100 * STEP_MS, 101 * STEP_MS)
    assert looked_up(newest, [(700, 50), (700, 51)], 0) == [0]
    assert not newest.overtaken(*columns([(700, 50)])).any(), "nothing is known to be stored of it"
    assert looked_up(newest, [(0, 101 * STEP_MS), (0, 101 * STEP_MS + 1)], 101 * STEP_MS) == [0]


@settings(max_examples=300, deadline=None)
@given(
    steps=st.lists(
        st.tuples(MINUTES, st.lists(st.tuples(st.integers(0, 3), MINUTES), max_size=6)) | st.just(None), max_size=15
    ),
    bound=st.integers(0, 4),
)
def test_every_stored_row_is_looked_up(steps: list[tuple[int, list[tuple[int, int]]] | None], bound: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(newest_times, "MOST_ASIDE", bound)
        patch.setattr(newest_times, "_MOST_STRETCHES", 3)
        newest, stored = NewestTimes(FUTURE), set[tuple[int, int]]()
        for step in steps:
            if step is None:
                again = NewestTimes(FUTURE)
                again.may_hold(newest_times.NEVER, newest.ahead)
                for stretch in newest.stretches():
                    again.may_hold(*stretch)
                newest = again
                continue
            received, minutes = step
            rows = [(channel, minute * STEP_MS + 7 * channel) for channel, minute in minutes]
            found = set(looked_up(newest, rows, received * STEP_MS))
            assert {n for n, row in enumerate(rows) if row in stored} <= found
            newest.advance(*columns(rows))
            stored.update(rows)


def test_the_stretches_are_few_and_hold_all_that_is_set_aside() -> None:
    newest = NewestTimes(FUTURE)
    times = [day * 86_400_000 + n * 60_000 for day in range(2, 202) for n in range(3)]
    store(newest, [(n % 5, time) for n, time in enumerate(times)], 0)
    stretches = newest.stretches()
    assert len(stretches) == 50
    assert all(b < c for (_, b), (c, _) in itertools.pairwise(stretches))
    assert all(any(first <= time <= last for first, last in stretches) for time in times)
