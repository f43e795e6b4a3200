"""The weather of a scenario: what the file says, a wander around it that all devices share, and the sun."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from simulators import library
from simulators.fleet import renderer_of
from simulators.processes.weather import Weather
from simulators.scenario import Scenario
from simulators.settings import WeatherPlan
from simulators.sky import Sky
from simulators.weather import Course

SITE = library.load("demo").sites[0]
START = 1_767_196_800_000
"""2026-01-01, 00:00 at the site."""
HOUR_MS = 3_600_000


def plan(**keys: object) -> WeatherPlan:
    return WeatherPlan.model_validate(keys)


def test_values_go_in_straight_lines_between_the_rows_that_say_them() -> None:
    rows = [{"at_s": 100.0, "rain_mm_h": 0.0}, {"at_s": 200.0, "rain_mm_h": 8.0, "cloud": 1.0}, {"at_s": 300.0}]
    course = Course(plan(cloud=0.4, rows=rows, wander=0.0), 1, START)
    said = [course.planned(START + s * 1000) for s in (0, 100, 150, 200, 900)]
    assert [each["rain_mm_h"] for each in said] == [0.0, 0.0, 4.0, 8.0, 8.0]
    assert said[-1]["cloud"] == 1.0 and said[0]["temperature_c"] == 15.0


def test_wind_turns_the_short_way_round() -> None:
    rows = [{"at_s": 0.0, "wind_from_deg": 350.0}, {"at_s": 100.0, "wind_from_deg": 10.0}]
    course = Course(plan(rows=rows), 1, START)
    assert course.planned(START + 50_000)["wind_from_deg"] == pytest.approx(0.0, abs=1e-9)


def test_fog_comes_as_extinction_does() -> None:
    rows = [{"at_s": 0.0, "fog_visibility_m": 20_000.0}, {"at_s": 100.0, "fog_visibility_m": 200.0}]
    course = Course(plan(rows=rows), 1, START)
    assert course.planned(START + 50_000)["fog_visibility_m"] == pytest.approx(2 / (1 / 20_000 + 1 / 200))


def test_without_wander_it_is_what_the_file_says() -> None:
    weather = Course(plan(wind_from_deg=123.0, wind_m_s=7.0, wander=0.0), 5, START).at(START, SITE)
    assert (weather.wind_from_deg, weather.wind_m_s, weather.cloud) == (123.0, 7.0, 0.3)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**31), st.integers(0, 7 * 24 * HOUR_MS), st.floats(0, 20), st.floats(0, 1))
def test_it_stays_plausible_whenever_and_whatever_the_seed(seed: int, at: int, wind: float, cloud: float) -> None:
    weather = Course(plan(wind_m_s=wind, cloud=cloud, rain_mm_h=5.0), seed, START).at(START + at, SITE)
    assert 0 <= weather.wind_from_deg < 360
    assert 0.5 <= weather.wind_m_s <= max(0.5, 1.7 * wind)
    assert 0 <= weather.cloud <= 1
    assert 6 < weather.temperature_c < 24
    assert 1.0 < weather.rain_mm_h < 20.0
    assert 0 <= weather.humidity <= 98 and 100 < weather.pressure_kpa < 103


def test_whoever_asks_is_told_the_same_and_another_seed_tells_another() -> None:
    times = [START + n * 61_003 for n in range(50)]
    one, other, strange = (Course(WeatherPlan(), seed, START) for seed in (3, 3, 4))
    backwards = {time: other.at(time, SITE) for time in reversed(times)}
    assert [one.at(time, SITE) for time in times] == [backwards[time] for time in times]
    assert one.at(times[0], SITE) != strange.at(times[0], SITE)


def test_it_wanders_slowly_around_what_is_said() -> None:
    course = Course(WeatherPlan(), 2, START)
    wind = np.array([course.at(START + s * 10_000, SITE).wind_m_s for s in range(8640)])
    assert wind.mean() == pytest.approx(4.0, rel=0.1) and wind.std() > 0.3
    assert np.abs(np.diff(wind)).max() < 0.2


@pytest.mark.parametrize(
    ("wind", "sun", "cloud", "stability"),
    [
        (1.0, 65.0, 0.1, "A"),
        (1.0, -10.0, 0.1, "F"),
        (2.5, -10.0, 0.8, "E"),
        (8.0, -10.0, 0.0, "D"),
        (8.0, 50.0, 0.0, "D"),
        (4.0, 50.0, 1.0, "D"),
        (4.0, 50.0, 0.0, "B"),
        (4.0, 20.0, 0.0, "C"),
    ],
)
def test_stability_is_pasquills(wind: float, sun: float, cloud: float, stability: str) -> None:
    assert Weather(270.0, wind, 15.0, 0.0, cloud, 20_000.0, sun).stability == stability


def test_rows_out_of_order_and_unknown_keys_are_mistakes() -> None:
    with pytest.raises(ValidationError, match="must go up"):
        plan(rows=[{"at_s": 5.0}, {"at_s": 5.0}])
    with pytest.raises(ValidationError, match="wind_kmh"):
        plan(rows=[{"at_s": 5.0, "wind_kmh": 3.0}])


def sky(weather: dict[str, object], own: dict[str, object]) -> Sky:
    demo = library.load("demo")
    camera = demo.cameras[0].model_dump()
    camera["simulate"] = {"scene": "gate", "weather": own}
    scenario = Scenario.model_validate({**demo.model_dump(), "incidents": (), "cameras": [camera], "weather": weather})
    return Sky(scenario, scenario.cameras[0], 1, START)


def test_cameras_see_the_weather_of_the_scenario_but_for_what_they_say_themselves() -> None:
    rows = [{"at_s": 100.0, "rain_mm_h": 6.0, "fog_visibility_m": 800.0}]
    scenario: dict[str, object] = {"wind_m_s": 9.0, "cloud": 0.9, "rows": rows, "wander": 0.0}
    seen = sky(scenario, {"cloud": 0.1})
    assert (seen.camera.simulate.weather.wind_m_s, seen.camera.simulate.weather.cloud) == (9.0, 0.1)
    assert seen.at(START) == (0.0, math.inf)
    assert seen.at(START + 100_000) == (6.0, pytest.approx(800.0))
    assert sky(scenario, {"rain_mm_h": 1.0}).at(START + 100_000) == (1.0, pytest.approx(800.0))


def test_a_scenario_that_says_nothing_of_weather_leaves_cameras_as_they_are() -> None:
    demo = library.load("demo")
    for camera in demo.cameras:
        seen = Sky(demo, camera, 1, START)
        assert seen.camera.simulate.weather == camera.simulate.weather
        assert seen.at(START + 5_000_000) == (0.0, math.inf)


def test_rain_of_the_scenario_is_in_the_picture() -> None:
    works = library.load("rain-at-the-works")
    renderer = renderer_of(works, works.cameras[0], 1, START)
    assert "rain" not in renderer.frame(1, START + 1_800_000).states
    assert "rain" in renderer.frame(2, START + 9_000_000).states
