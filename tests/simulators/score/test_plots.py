"""Axes of plots: round steps, few of them, all within."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from simulators.score.plots import STEPS_S, TICKS, ticks

YEAR_S = 365 * 86_400


def test_steps_are_those_that_people_count_in() -> None:
    assert ticks(3.0, 13.1) == (2, [4, 6, 8, 10, 12])
    assert ticks(0.0, 0.7) == (0.1, [0.1 * number for number in range(7)])
    assert ticks(1_767_225_600, 1_767_225_600 + 175) == (30, [1_767_225_600 + 30 * number for number in range(6)])


@given(st.floats(-1e3, 2e9), st.floats(1.0, YEAR_S))
def test_there_are_some_and_not_many_and_all_are_within(least: float, length: float) -> None:
    step, found = ticks(least, least + length)
    assert step in STEPS_S
    assert 1 <= len(found) <= TICKS + 1
    assert least <= found[0] and found[-1] <= least + length
