"""The chart's options: what is drawn, and that thinning hides no exceedance."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_up_views import NOW, inventory, make_views

from gateway.channels import ChannelKey
from gateway.console import chart
from gateway.console.channel_choice import first_choice, key_of, path_of, rules_of, series_of
from gateway.console.words import CHINESE, ENGLISH

SO2 = ChannelKey(0, "a21026", "Rtd", "realtime")
COD = ChannelKey(2, "w01018", "Rtd", "realtime")
RULES = rules_of(inventory(), SO2)
LOW = rules_of(inventory(), COD)


@given(
    st.lists(st.floats(-1e6, 1e6) | st.just(math.nan), max_size=400),
    st.integers(2, 60),
)
def test_thinning_keeps_the_extremes_the_order_and_the_bound(values: list[float], most: int) -> None:
    time = np.arange(len(values), dtype=np.int64)
    value = np.array(values, np.float64)
    thin_time, thin_value = chart.thin(time, value, most)
    assert len(thin_time) <= most
    assert np.all(np.diff(thin_time) > 0)
    assert np.array_equal(value[thin_time], thin_value, equal_nan=True)
    if np.isfinite(value).any():
        assert (np.nanmax(thin_value), np.nanmin(thin_value)) == (np.nanmax(value), np.nanmin(value))


@pytest.mark.parametrize(
    ("rules", "value", "level"),
    [
        (RULES, 34.99, 0),
        (RULES, 35.0, 1),
        (RULES, 50.0, 2),
        (RULES, math.nan, 0),
        (LOW, 5.01, 0),
        (LOW, 5.0, 1),
        ([], 1e9, 0),
    ],
)
def test_the_severity_of_a_value_is_the_gravest_level_it_is_at_or_beyond(
    rules: list[object], value: float, level: int
) -> None:
    assert chart.severity(np.array([value]), rules).tolist() == [level]  # pyright: ignore


def test_stretches_are_the_runs_beyond_a_limit() -> None:
    beyond = np.array([True, True, False, True, False, True])
    assert chart.stretches(np.arange(6) * 10, beyond) == [(0, 10), (30, 30), (50, 50)]
    assert chart.stretches(np.zeros(0, np.int64), np.zeros(0, np.bool_)) == []


def drawn(value: list[float], words: object = ENGLISH) -> dict[str, object]:
    time = NOW - 5000 * np.arange(len(value), dtype=np.int64)[::-1]
    return chart.options(words, "mg/m3", RULES, time, np.array(value), (NOW - 600_000, NOW), 28_800_000)  # pyright: ignore


def test_limits_are_lines_and_what_is_beyond_is_marked_on_the_clock_of_the_site() -> None:
    (series,) = drawn([30.0, 36.0, 55.0, math.nan])["series"]  # pyright: ignore
    assert [line["yAxis"] for line in series["markLine"]["data"]] == [35.0, 50.0]
    shifted = NOW + 28_800_000
    assert series["markArea"]["data"] == [[{"xAxis": shifted - 10_000}, {"xAxis": shifted - 5_000}]]
    assert series["data"] == [
        [shifted - 15_000, 30.0],
        [shifted - 10_000, 36.0],
        [shifted - 5_000, 55.0],
        [shifted, None],
    ]


def test_the_line_has_the_colour_of_the_level_it_is_in() -> None:
    pieces = drawn([30.0])["visualMap"]["pieces"]  # pyright: ignore
    assert pieces == [
        {"gte": -1e12, "lt": 35.0, "color": chart.CALM},
        {"gte": 35.0, "lt": 50.0, "color": chart.LEVELS[0]},
        {"gte": 50.0, "lt": 1e12, "color": chart.LEVELS[1]},
    ]


def test_an_empty_window_says_so() -> None:
    assert drawn([], CHINESE)["title"]["text"] == "该时段内没有读数"  # pyright: ignore
    assert drawn([], CHINESE)["title"]["show"] is True  # pyright: ignore


def test_the_axis_takes_in_the_values_and_the_nearest_limit() -> None:
    axis = drawn([1.0, 2.0])["yAxis"]
    assert axis["min"] <= 1.0  # pyright: ignore
    assert 35.0 < axis["max"] < 50.0  # pyright: ignore


def test_a_channel_in_the_address_is_found_again() -> None:
    assert path_of(inventory(), SO2) == "east/stack-1/a21026/Rtd/realtime"
    assert key_of(inventory(), "east/stack-1/a21026/Rtd/realtime") == SO2


@pytest.mark.parametrize("path", ["", "east", "east/stack-9/a21026/Rtd/realtime", "east/stack-1/a21026/Rtd/year"])
def test_an_address_that_names_no_channel_is_not_taken(path: str) -> None:
    assert key_of(inventory(), path) is None


def test_the_page_opens_with_what_is_asked_for_else_an_exceedance_else_a_channel_with_a_limit() -> None:
    views = make_views().views
    low = path_of(inventory(), COD)
    assert first_choice(views, low, []) == COD
    assert first_choice(views, "nonsense", ["", low]) == COD
    assert first_choice(views, "", []) == SO2


def test_a_device_offers_its_factors_and_every_channel_that_has_a_limit() -> None:
    assert series_of(inventory(), ENGLISH, 0) == {
        "a21026/Rtd/realtime": "Sulphur dioxide (a21026)",
        "a21002/Rtd/realtime": "Nitrogen oxides (a21002)",
        "a21002/ZsAvg/hour": "Nitrogen oxides (a21002) · ZsAvg · hour",
    }
