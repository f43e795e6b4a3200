"""The histogram against exact percentiles."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators.histogram import LARGEST, Histogram

VALUES = st.lists(st.integers(0, LARGEST) | st.integers(0, 5_000), min_size=1, max_size=200)


def of(values: list[int]) -> Histogram:
    histogram = Histogram()
    histogram.record(np.array(values, np.int64))
    return histogram


@given(VALUES, st.sampled_from([0.0, 1.0, 50.0, 90.0, 99.0, 99.9, 100.0]))
def test_a_percentile_is_right_to_three_digits(values: list[int], percent: float) -> None:
    exact = sorted(values)[max(1, math.ceil(len(values) * percent / 100)) - 1]
    found = of(values).percentile(percent) * 1000
    assert exact <= found + 0.01
    assert found <= exact * (1 + 1 / 1024) + 0.01


@given(VALUES, VALUES)
def test_two_histograms_add_up_to_one_of_both(first: list[int], second: list[int]) -> None:
    added, whole = of(first), of(first + second)
    added.add(of(second))
    assert added.count == whole.count
    assert [added.percentile(p) for p in (1, 50, 99, 100)] == [whole.percentile(p) for p in (1, 50, 99, 100)]


def test_the_largest_value_is_told_exactly_and_none_is_nan() -> None:
    assert of([123_456_789]).percentile(100) == 123_456.789
    assert math.isnan(Histogram().percentile(50))


def test_what_came_before_it_was_sent_counts_as_nothing_and_is_told() -> None:
    histogram = of([-5, 10])
    assert (histogram.below, histogram.percentile(50), histogram.percentile(100)) == (1, 0.0, 0.01)


@pytest.mark.parametrize("value", [0, 1, 2047, 2048, 2049, 4095, 4096, 2**41, LARGEST])
def test_edges_of_counters_stand_for_themselves(value: int) -> None:
    assert value - 0.01 <= of([value, LARGEST]).percentile(50) * 1000 <= value * (1 + 1 / 1024) + 0.01
