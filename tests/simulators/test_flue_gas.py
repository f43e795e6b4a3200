"""Stacks: load of units, start-up and standstill, fuel and removal, and what follows from them."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from simulators import library
from simulators.device_chain import DeviceChain
from simulators.incidents import RemovalFailure, Standstill
from simulators.processes.flue_gas import FlueGas, Gas
from simulators.processes.seam import Surroundings, nothing
from simulators.processes.settings import ProcessSettings
from simulators.records import Report
from simulators.scenario import Scenario
from simulators.settings import Device
from simulators.world import World

START = 1_767_225_600_000
COLD = library.load("start-up")
CODES = {"SO2": "a21026", "NOx": "a21002", "dust": "a34013"}


def device(scenario: Scenario, name: str) -> Device:
    return next(each for each in scenario.devices if each.id == name)


def gas(load: float, lost: dict[str, float] | None = None, **keys: Any) -> Gas:
    around = Surroundings(lambda _: load, lambda _: lost or {}, nothing)
    return FlueGas(ProcessSettings.model_validate(keys), around).at(START, {})


def realtime(scenario: Scenario, name: str, seconds: float, seed: int = 1) -> list[tuple[float, Report]]:
    said = DeviceChain(scenario, device(scenario, name), seed, START).said()
    until = itertools.takewhile(lambda each: each[0] < START + seconds * 1000, said)
    return [((time - START) / 1000, reports[0]) for time, reports in until]


def value(report: Report, code: str, field: str = "Rtd") -> float:
    return next(reading.values[field] for reading in report.readings if reading.code == code)


def test_monitors_of_one_unit_see_one_load_and_those_of_another_do_not() -> None:
    world = World(COLD.model_copy(update={"incidents": ()}), 3, START)
    two, inlet, one = (world.around(device(COLD, name)).load for name in ("stack-2", "inlet-2", "stack-1"))
    times = [START + n * 600_000 for n in range(144)]
    assert [two(time) for time in times] == [inlet(time) for time in times]
    assert [two(time) for time in times] != [one(time) for time in times]


def test_load_has_a_cycle_and_stays_between_idle_and_full() -> None:
    world = World(COLD.model_copy(update={"incidents": ()}), 3, START)
    loads = np.array([world.around(device(COLD, "stack-1")).load(START + n * 300_000) for n in range(7 * 288)])
    assert 0.6 < loads.min() < 0.7 and 0.86 < loads.max() < 0.96


def test_a_cold_unit_comes_up() -> None:
    said = realtime(COLD, "stack-2", 5400.0)
    cold = [report for t, report in said if t < 890]
    warm = [report for t, report in said if t > 4500]
    assert {reading.flag for report in cold for reading in report.readings} == {"F"}
    assert {reading.flag for report in warm for reading in report.readings} == {"N"}
    assert all(value(report, "a19001") == pytest.approx(20.95, rel=0.0032) for report in cold)
    assert all(abs(value(report, "a01012") - 4.0) < 7 for report in cold)
    assert all(value(report, "a00000") < 20 for report in cold)
    assert all(5 < value(report, "a19001") < 7 and value(report, "a00000") > 280 for report in warm)
    assert all(47 < value(report, "a01012") < 53 for report in warm)
    # Oxygen goes down and warmth comes up without a jump, and removal of NOx is the last to work.
    for code, most in (("a19001", 0.6), ("a01012", 1.0), ("a01014", 0.6)):
        series = np.array([value(report, code) for _, report in said])
        assert np.abs(np.diff(series)).max() < most, code
    nox = [(t, value(report, "a21002", "ZsRtd")) for t, report in said if t > 1260]
    assert max(level for t, level in nox if t < 1800) > 100
    assert max(level for t, level in nox if t > 2700) < 45
    so2 = [value(report, "a21026", "ZsRtd") for t, report in said if t > 1440]
    assert max(so2) < 35


def test_a_standstill_has_the_shape_it_says() -> None:
    stop = Standstill(kind="standstill", site="s", unit="1", start_s=100.0, duration_s=1000.0, down_s=100.0, up_s=200.0)
    assert [stop.running(t) for t in (0.0, 100.0, 150.0, 200.0, 900.0, 1000.0, 1100.0, 2000.0)] == pytest.approx(
        [1.0, 1.0, 0.5, 0.0, 0.0, 0.5, 1.0, 1.0]
    )
    with pytest.raises(ValidationError, match="do not fit"):
        Standstill(kind="standstill", site="s", unit="1", start_s=0.0, duration_s=100.0, down_s=60.0, up_s=60.0)


@pytest.mark.parametrize("fuel", ["coal", "gas", "oil", "waste"])
def test_a_usual_plant_emits_what_its_fuel_and_removal_give(fuel: str) -> None:
    settings = ProcessSettings.model_validate({"fuel": fuel})
    usual = gas(settings.burnt.load, fuel=fuel)
    assert usual.clean == pytest.approx(dict(settings.burnt.clean), rel=0.01)
    assert usual.oxygen == pytest.approx(settings.burnt.oxygen)
    failed = gas(settings.burnt.load, dict.fromkeys(CODES.values(), 1.0), fuel=fuel)
    assert failed.clean == pytest.approx(settings.burnt.raw(None, None))


def test_twice_the_sulphur_is_twice_the_so2_and_a_mean_that_is_set_holds() -> None:
    assert gas(0.78, sulphur=1.8).clean["a21026"] == pytest.approx(2 * gas(0.78).clean["a21026"])
    assert gas(0.78, sulphur=1.8, means={"a21026": 25.0}).clean["a21026"] == pytest.approx(25.0)
    assert gas(0.78, ash=44.0).clean["a34013"] == pytest.approx(2 * gas(0.78).clean["a34013"])
    # One gram of sulphur makes two of SO2: 0.9 % of a kilogram, a tenth of it stays in the ash, in 8.3 m3.
    raw = gas(0.78, {"a21026": 1.0}).clean["a21026"]
    assert raw == pytest.approx(0.009 * 0.9 * 64 / 32 * 1e6 / 8.3)


@settings(max_examples=60, deadline=None)
@given(
    st.floats(0, 1.05),
    st.sampled_from(["coal", "gas", "oil", "waste"]),
    st.dictionaries(st.sampled_from(sorted(CODES.values())), st.floats(0, 1)),
)
def test_gas_is_plausible_at_every_load(load: float, fuel: str, lost: dict[str, float]) -> None:
    made = gas(load, lost, fuel=fuel)
    raw = ProcessSettings.model_validate({"fuel": fuel}).burnt.raw(None, None)
    assert 0 < made.oxygen <= 20.95
    assert made.flow > 0
    for code, level in made.clean.items():
        assert 0 <= level <= 1.3 * max(raw[code], 1.0)
    more = gas(load, dict.fromkeys(lost, 1.0), fuel=fuel)
    assert all(more.clean[code] >= made.clean[code] - 1e-9 for code in lost)


def test_flow_of_burnt_gas_is_proportional_to_load() -> None:
    for load in (0.4, 0.6, 0.8, 1.0):
        made = gas(load)
        burnt = made.flow * (1 - made.oxygen / 20.95)
        assert burnt == pytest.approx(load / 0.4 * gas(0.4).flow * (1 - gas(0.4).oxygen / 20.95))


def test_a_removal_failure_is_in_the_values_and_in_the_truth() -> None:
    failing = library.load("removal-failure")
    said = realtime(failing, "stack-1", 2400.0)
    for t, report in said:
        level = value(report, "a21026", "ZsRtd")
        if 420 <= t <= 1200:
            assert 80 < level < 200, t
        elif not 300 <= t <= 1800:
            assert level < 30, t
    incident = next(each for each in failing.incidents if isinstance(each, RemovalFailure))
    assert incident.told()["factor"] == "a21026"
    assert [incident.share(t) for t in (300.0, 360.0, 420.0, 1200.0, 1500.0, 1800.0)] == pytest.approx(
        [0.0, 0.03, 0.06, 0.06, 0.03, 0.0]
    )


def test_more_than_the_range_is_shown_as_full_scale_and_flagged() -> None:
    said = realtime(library.load("removal-failure"), "stack-2", 1800.0)
    over = [report for t, report in said if 1300 < t < 1700]
    assert {value(report, "a21026") for report in over} == {150.0}
    assert {reading.flag for report in over for reading in report.readings if reading.code == "a21026"} == {"T"}
    assert {reading.flag for report in over for reading in report.readings if reading.code == "a21002"} == {"N"}


def test_while_oxygen_is_calibrated_the_logger_corrects_with_what_it_was() -> None:
    said = [report for t, report in realtime(library.load("removal-failure"), "stack-1", 4500.0) if t > 3890]
    for report in said:
        dust = next(reading for reading in report.readings if reading.code == "a34013")
        assert dust.flag == "N"
        assert dust.values["ZsRtd"] == pytest.approx(dust.values["Rtd"], rel=0.06)
