"""Analysers: range, detection limit, drift, and what is done at them, each with its flag."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from simulators.incidents import AnalyserFault, Calibration, Maintenance, NoSignal, Service
from simulators.instrument import Instrument, full_scales
from simulators.processes.seam import Process, Surroundings, nothing
from simulators.processes.settings import ProcessSettings
from simulators.processes.stack import Stack

LEVELS = {"a21026": 40.0, "a21002": 30.0, "a34013": 3.0, "a19001": 6.0}
LEVELS |= {"a01012": 50.0, "a01011": 13.0, "a01014": 11.0, "a01013": -0.2, "a00000": 350.0}
WHERE: dict[str, Any] = {"site": "s", "device": "d"}


def stack(settings: ProcessSettings) -> Process:
    return Stack(np.random.default_rng(1), settings, Surroundings(lambda _: 0.8, nothing, nothing))


def instrument(*services: Service, **keys: Any) -> Instrument:
    settings = ProcessSettings(**keys)
    return Instrument(np.random.default_rng(2), stack(settings), settings, services)


def shown(analysers: Instrument, t: float, *, stopped: bool = False, **levels: float) -> dict[str, tuple[float, str]]:
    readings = analysers.measure(t, LEVELS | levels, stopped)
    return {reading.code: (reading.values["Rtd"], reading.flag) for reading in readings}


def test_noise_is_small_and_bounded() -> None:
    analysers = instrument()
    values = np.array([shown(analysers, float(t))["a21026"][0] for t in range(500)])
    assert values.mean() == pytest.approx(40.0, rel=0.002)
    assert 0.1 < values.std() < 0.4
    assert np.abs(values - 40.0).max() <= 3 * 0.006 * 40.0 + 0.005


def test_over_range_is_full_scale_with_flag_t_and_below_detection_is_half_the_limit() -> None:
    analysers = instrument(ranges={"a21026": 35.0}, detection={"a21002": 50.0})
    values = shown(analysers, 0.0)
    assert values["a21026"] == (35.0, "T")
    assert values["a21002"] == (25.0, "N")
    assert values["a34013"][1] == "N"


@pytest.mark.parametrize(
    ("means", "ranges", "scale"),
    [({}, {}, 500.0), ({"a21026": 2150.0}, {}, 20_000.0), ({"a21026": 2150.0}, {"a21026": 3000.0}, 3000.0)],
)
def test_full_scale_has_room_for_the_mean(means: dict[str, float], ranges: dict[str, float], scale: float) -> None:
    assert full_scales(Stack.FULL_SCALE, ProcessSettings(means=means, ranges=ranges))["a21026"] == scale


def test_calibration_shows_zero_then_span_of_what_can_be_calibrated_and_flags_it() -> None:
    analysers = instrument(Calibration(kind="calibration", **WHERE, start_s=100.0, duration_s=60.0, every_s=1000.0))
    for begun in (100.0, 1100.0, 5100.0):
        assert shown(analysers, begun - 1)["a21026"][1] == "N"
        zero, span = shown(analysers, begun + 29), shown(analysers, begun + 59)
        assert zero["a21026"] == (pytest.approx(0.0, abs=0.31), "C") and zero["a19001"] == (0.0, "C")
        assert span["a21026"][0] == pytest.approx(400.0, rel=0.02) and span["a21026"][1] == "C"
        assert span["a19001"] == (pytest.approx(20.95, rel=0.0031), "C")
        assert zero["a34013"][1] == span["a01012"][1] == "N"
        assert shown(analysers, begun + 60)["a21026"] == (pytest.approx(40.0, rel=0.02), "N")


def test_an_analyser_follows_the_gas_within_a_minute_and_is_restless_at_zero() -> None:
    analysers = instrument(Calibration(kind="calibration", **WHERE, start_s=0.0, duration_s=1200.0))
    values = [shown(analysers, float(t))["a21026"][0] for t in range(1200)]
    assert values[0] == pytest.approx(40.0, rel=0.03)
    assert 3.0 < values[60] < 5.0
    assert len(set(values[300:600])) > 5 and max(values[300:600]) <= 0.31
    assert values[660] == pytest.approx(360.0, rel=0.03)
    assert np.mean(values[900:]) == pytest.approx(400.0, rel=0.005)


def test_maintenance_and_a_lost_signal_hold_the_last_value_and_a_fault_shows_zero() -> None:
    for service, flag in (
        (Maintenance(kind="maintenance", **WHERE, start_s=10.0, duration_s=10.0, factors=("a21026",)), "M"),
        (NoSignal(kind="no_signal", **WHERE, start_s=10.0, duration_s=10.0, factors=("a21026",)), "B"),
    ):
        analysers = instrument(service)
        before = shown(analysers, 9.0)
        during = shown(analysers, 10.0, a21026=90.0, a21002=90.0)
        assert during["a21026"] == (before["a21026"][0], flag)
        assert during["a21002"][0] > 80 and during["a21002"][1] == "N"
    analysers = instrument(AnalyserFault(kind="analyser_fault", **WHERE, start_s=10.0))
    assert shown(analysers, 9.0)["a34013"][1] == "N"
    assert set(shown(analysers, 11.0).values()) == {(0.0, "D")}


def test_the_worst_flag_is_told() -> None:
    both = (
        Calibration(kind="calibration", **WHERE, start_s=0.0, duration_s=60.0),
        AnalyserFault(kind="analyser_fault", **WHERE, start_s=0.0, duration_s=30.0),
    )
    analysers = instrument(*both)
    assert [shown(analysers, t)["a21026"][1] for t in (5.0, 40.0, 80.0)] == ["D", "C", "N"]
    assert {flag for _, flag in shown(analysers, 5.0, stopped=True).values()} == {"F"}


def test_drift_grows_until_it_is_calibrated_away_and_shows_in_the_calibration() -> None:
    day = 86_400.0
    calibration = Calibration(kind="calibration", **WHERE, start_s=day, duration_s=600.0, every_s=2 * day)
    analysers = instrument(calibration, drift=0.02)
    early, late, after = (shown(analysers, t)["a21026"][0] for t in (1.0, day - 1, day + 601.0))
    assert abs(early - 40) < 1 and abs(after - 40) < 1
    assert abs(late - 40) > 1
    assert abs(late - 40) <= 0.02 * 500 + 0.02 * 40 + 0.8
    span = shown(analysers, day + 300)["a21026"][0]
    assert abs(span - 400) > 3 * 0.006 * 400 or abs(span - 400) < 0.04 * 500


def test_drift_is_the_same_for_the_same_seed_and_stays_within_what_is_set() -> None:
    day = 86_400.0
    for keys in ({}, {"drift": 0.02}):
        one, other = instrument(**keys), instrument(**keys)
        times = [n * day / 7 for n in range(7)]
        assert [shown(one, t) for t in times] == [shown(other, t) for t in times]
