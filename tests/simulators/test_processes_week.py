"""A week of every process under any seed and weather: in range, and its parts fit together."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulators import library
from simulators.device_chain import DeviceChain
from simulators.records import Reading, Report
from simulators.scenario import Scenario
from simulators.settings import Device

START = 1_767_225_600_123
WEEK_S = 7 * 86_400
STEP_S = 1800.0

WEATHER = st.fixed_dictionaries(
    {
        "wind_m_s": st.floats(0, 15),
        "wind_from_deg": st.floats(0, 360),
        "temperature_c": st.floats(-10, 32),
        "cloud": st.floats(0, 1),
        "rain_mm_h": st.sampled_from([0.0, 0.0, 3.0, 40.0]),
    }
)
RANGES = {
    "a21026": (0, 40),
    "a21002": (0, 60),
    "a34013": (0, 9),
    "a19001": (3, 9),
    "a01012": (30, 70),
    "a01011": (7, 22),
    "a01014": (8, 15),
    "a01013": (-0.6, 0.0),
    "a00000": (180, 520),
    "w01018": (2, 60),
    "w21003": (0.01, 5),
    "w21011": (0.005, 0.6),
    "w21001": (0.5, 16),
    "w01001": (6.5, 8),
    "w01010": (8, 24),
    "w01014": (100, 1300),
    "w00000": (60, 320),
}
AIR = {
    "a34004": (0, 260),
    "a34002": (0, 400),
    "a21026": (0.5, 150),
    "a21004": (0.5, 250),
    "a21005": (0.05, 4),
    "a05024": (1, 260),
    "a01001": (-20, 40),
    "a01002": (10, 98),
    "a01006": (99, 103),
    "a01007": (0, 60),
    "a01008": (0, 360),
}
"""Bounds that a plausible day keeps, with this weather; not limits of a standard."""


def fleet(weather: dict[str, Any], kind: str, codes: list[str]) -> Scenario:
    name = {"en": "x", "zh": "x"}
    factors = [{"code": code, "unit": "", "name": name} for code in codes]
    site = {"id": "s", "name": name, "latitude": 33.0, "longitude": 112.5}
    return Scenario.model_validate(
        {
            "about": "one of each",
            "sites": [site],
            "weather": weather,
            "types": {kind: {"kind": kind, "interval_s": STEP_S, "factors": factors}},
            "devices": [{"id": "d", "site": "s", "type": kind, "name": name}],
        }
    )


def week(scenario: Scenario, seed: int) -> Iterator[dict[str, Reading]]:
    for time, reports in DeviceChain(scenario, scenario.devices[0], seed, START).said():
        if time >= START + WEEK_S * 1000:
            return
        yield {reading.code: reading for reading in reports[0].readings}


def within(readings: dict[str, Reading], bounds: dict[str, tuple[float, float]]) -> None:
    for code, reading in readings.items():
        low, high = bounds[code]
        assert low <= reading.values["Rtd"] <= high, code
        assert reading.flag == "N", code


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 2**31), WEATHER)
def test_a_stack_stays_in_range_and_its_corrected_values_fit(seed: int, weather: dict[str, Any]) -> None:
    codes = [code for code in RANGES if code.startswith("a")]
    for readings in week(fleet(weather, "stack", codes), seed):
        within(readings, RANGES)
        oxygen = readings["a19001"].values["Rtd"]
        for code in ("a21026", "a21002", "a34013"):
            values = readings[code].values
            assert values["ZsRtd"] == pytest.approx(values["Rtd"] * 15 / (21 - oxygen), abs=0.0051)
        velocity, temperature, pressure, moisture = (
            readings[code].values["Rtd"] for code in ("a01011", "a01012", "a01013", "a01014")
        )
        standard = 273.15 / (273.15 + temperature) * (101.325 + pressure) / 101.325
        flow = velocity * 38 * standard * (1 - moisture / 100)
        assert readings["a00000"].values["Rtd"] == pytest.approx(flow, rel=2e-3)


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 2**31), WEATHER)
def test_a_works_stays_in_range_and_total_nitrogen_holds_the_ammonia(seed: int, weather: dict[str, Any]) -> None:
    codes = [code for code in RANGES if code.startswith("w")]
    for readings in week(fleet(weather, "wastewater", codes), seed):
        within(readings, RANGES)
        assert readings["w21001"].values["Rtd"] >= readings["w21003"].values["Rtd"]


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 2**31), WEATHER)
def test_a_citys_air_stays_in_range_and_pm10_holds_pm25(seed: int, weather: dict[str, Any]) -> None:
    for readings in week(fleet(weather, "ambient", list(AIR)), seed):
        within(readings, AIR)
        assert readings["a34002"].values["Rtd"] >= readings["a34004"].values["Rtd"]


def device(scenario: Scenario, name: str) -> Device:
    return next(each for each in scenario.devices if each.id == name)


def hours(scenario: Scenario, name: str, most_s: float) -> list[tuple[float, list[Report]]]:
    said = DeviceChain(scenario, device(scenario, name), 1, START).said()
    until = itertools.takewhile(lambda each: each[0] < START + most_s * 1000, said)
    return [((time - START) / 1000, reports) for time, reports in until]


def series(said: list[tuple[float, list[Report]]], code: str, first_s: float, last_s: float) -> list[float]:
    return [
        next(reading.values["Rtd"] for reading in reports[0].readings if reading.code == code)
        for t, reports in said
        if first_s <= t < last_s
    ]


def slow(scenario: Scenario) -> Scenario:
    """Every five minutes, so that hours cost little."""
    types = {name: kind.model_copy(update={"interval_s": 300.0}) for name, kind in scenario.types.items()}
    return scenario.model_copy(update={"types": types})


def mean(values: list[float]) -> float:
    return sum(values) / len(values)


def test_rain_thins_the_outflow_and_the_tank_gives_it_back_slowly() -> None:
    said = hours(slow(library.load("rain-at-the-works")), "outfall-2", 25 * 3600)
    dry, wet, later = (900.0, 3600.0), (9000.0, 16_200.0), (87_300.0, 90_000.0)
    flow, cod, salt = (
        [mean(series(said, code, *when)) for when in (dry, wet, later)] for code in ("w00000", "w01018", "w01014")
    )
    assert flow[1] > 1.4 * flow[0] and flow[2] < 1.1 * flow[0]
    assert cod[1] < 0.8 * cod[0] and salt[1] < 0.85 * salt[0]
    assert cod[2] > 0.9 * cod[0]
    # The load that leaves is that of the town: rain brings none.
    load = [f * c for f, c in zip(flow, cod, strict=True)]
    assert load[1] == pytest.approx(load[0], rel=0.4)
    # Concentrations do not jump: the content of the tank has to change.
    levels = series(said, "w01014", 0.0, 90_000.0)
    assert max(abs(b - a) / a for a, b in itertools.pairwise(levels)) < 0.06


def test_a_still_night_gathers_what_the_wind_then_takes_away() -> None:
    said = hours(slow(library.load("smog")), "air-centre", 18 * 3600)
    windy, still, swept = (
        mean(series(said, "a34004", *when)) for when in ((0.0, 7200.0), (36_000.0, 45_000.0), (55_800.0, 64_800.0))
    )
    assert still > 2 * windy and swept < 0.6 * still
