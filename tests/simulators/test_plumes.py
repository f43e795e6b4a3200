"""Plumes of stacks reach the stations downwind of them, and no others."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulators import library
from simulators.device_chain import DeviceChain
from simulators.processes.plume import Mouth, Way, share
from simulators.processes.weather import Weather
from simulators.scenario import Scenario
from simulators.settings import Device
from simulators.world import World

START = 1_767_225_600_000
SMOG = library.load("smog")
MOUTH = Mouth(height_m=120.0, area_m2=38.0, temperature_c=50.0)


def weather(wind: float = 4.0, sun: float = 30.0, cloud: float = 0.3, from_deg: float = 270.0) -> Weather:
    return Weather(from_deg, wind, 15.0, 0.0, cloud, 20_000.0, sun)


@settings(deadline=None)
@given(
    st.floats(0, 360), st.floats(-30_000, 30_000), st.floats(-30_000, 30_000), st.floats(0.5, 15), st.floats(-60, 80)
)
def test_a_station_gets_something_only_downwind(from_deg: float, east: float, north: float, wind: float, sun: float):
    got = share(MOUTH, Way(east, north), 13.0, weather(wind, sun, from_deg=from_deg))
    assert got >= 0
    toward = math.radians(from_deg + 180)
    angle = math.degrees(math.atan2(east, north) - toward) % 360
    if 90 <= angle <= 270 or math.hypot(east, north) < 100:
        assert got == 0.0


def test_it_is_highest_on_the_axis_and_the_same_on_both_sides() -> None:
    levels = [share(MOUTH, Way(4000.0, north), 13.0, weather()) for north in (-800.0, -300.0, 0.0, 300.0, 800.0)]
    assert levels[2] == max(levels) > 0
    assert levels[0] == pytest.approx(levels[4]) and levels[1] == pytest.approx(levels[3])


@pytest.mark.parametrize(("wind", "sun", "cloud"), [(1.5, 65.0, 0.0), (4.0, 20.0, 0.3), (4.0, 50.0, 0.0)])
def test_what_is_let_out_is_what_blows_through_where_the_air_is_mixed(wind: float, sun: float, cloud: float) -> None:
    """Far downwind the ground level times mixing height, integrated across the wind, is the flow over the wind."""
    here = weather(wind, sun, cloud)
    lid = {"A": 1600.0, "B": 1300.0, "C": 1000.0}[here.stability]
    power = {"A": 0.07, "B": 0.07, "C": 0.10}[here.stability]
    aloft = wind * (MOUTH.height_m / 10) ** power
    across = np.linspace(-40_000, 40_000, 4001)
    ground = [share(MOUTH, Way(49_000.0, float(y)), 13.0, here) for y in across]
    assert float(np.trapezoid(ground, across)) * lid * aloft == pytest.approx(1.0, rel=0.25)


def test_a_higher_mouth_gives_less_near_by() -> None:
    low = Mouth(60.0, 38.0, 50.0)
    assert share(low, Way(2000.0, 0.0), 13.0, weather()) > 2 * share(MOUTH, Way(2000.0, 0.0), 13.0, weather())


def test_stable_air_carries_the_plume_of_a_high_stack_over_those_near_it() -> None:
    night, day = weather(2.5, -20.0, 0.0), weather(2.5, 40.0, 0.0)
    assert share(MOUTH, Way(2000.0, 0.0), 13.0, night) < 1e-3 * share(MOUTH, Way(2000.0, 0.0), 13.0, day)


def changed(**keys: Any) -> Scenario:
    return Scenario.model_validate({**SMOG.model_dump(exclude_unset=True), **keys})


def station(scenario: Scenario, name: str) -> Device:
    return next(each for each in scenario.devices if each.id == name)


def brought(scenario: Scenario, name: str, seconds: float, seed: int = 1) -> float:
    """SO2 of the stacks at a station, ug/m3."""
    around = World(scenario, seed, START).around(station(scenario, name))
    return around.brought(START + round(seconds * 1000)).get("a21026", 0.0)


STEADY = {"wind_m_s": 4.0, "wander": 0.0}


@pytest.mark.parametrize(("wind_from", "reached"), [(65.0, "air-east"), (204.0, "air-north")])
def test_the_station_downwind_of_the_plant_has_its_plume_and_the_others_have_not(wind_from: float, reached: str):
    scenario = changed(weather=STEADY | {"wind_from_deg": wind_from})
    at = {name: brought(scenario, name, 5400.0) for name in ("air-east", "air-north")}
    assert at.pop(reached) > 20.0
    assert max(at.values()) < 0.01


def test_a_failure_of_removal_arrives_when_the_wind_has_carried_it() -> None:
    steady = STEADY | {"wind_from_deg": 65.0}
    failing, clean = changed(weather=steady), changed(weather=steady, incidents=())
    arrives = 1800.0 + math.hypot(3900.0, 1835.0) / 4.0
    before = brought(failing, "air-east", arrives - 120)
    assert before == brought(clean, "air-east", arrives - 120) > 0
    assert brought(failing, "air-east", arrives + 600) > 5 * before


def test_a_station_does_not_change_with_stacks_that_cannot_reach_it() -> None:
    stacks = [each.model_dump(exclude_unset=True) for each in SMOG.devices if each.type == "stack"]
    stations = [each.model_dump(exclude_unset=True) for each in SMOG.devices if each.type == "ambient"]
    without_height = [{**each, "simulate": {}} for each in stacks]
    high, low, alone = (
        changed(incidents=(), devices=devices)
        for devices in ([*stacks, *stations], [*without_height, *stations], stations)
    )

    def first(scenario: Scenario) -> list[object]:
        said = DeviceChain(scenario, station(scenario, "air-east"), 1, START).said()
        return [reports for _, (_, reports) in zip(range(200), said, strict=False)]

    assert first(low) == first(alone)
    assert first(high) != first(alone)


def test_the_plume_is_in_what_the_station_tells() -> None:
    scenario = changed(weather=STEADY | {"wind_from_deg": 65.0})
    levels: dict[str, list[float]] = {"air-east": [], "air-north": []}
    for name, values in levels.items():
        for time, reports in DeviceChain(scenario, station(scenario, name), 1, START).said():
            t = (time - START) / 1000
            if t > 5400:
                break
            if t > 4500:
                values.append(next(r.values["Rtd"] for r in reports[0].readings if r.code == "a21026"))
    assert np.mean(levels["air-east"]) > np.mean(levels["air-north"]) + 20
