"""Faults of values are in the messages, while they last, in the factors they are about, and nowhere else."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from faulty_plant import GAS, WATER, Said, readings, scenario, second

SO2, NOX, DUST, O2, TEMPERATURE, MOISTURE, SPEED, FLOW = GAS
HIGH = {"kind": "exceedance", "device": "stack-1", "factor": SO2, "reach": 60.0, "start_s": 15.0, "duration_s": 30.0}


def both(device: str, *faults: dict[str, Any], **more: Any) -> list[tuple[Said, Said]]:
    """Each message without and with the faults."""
    clean = readings(scenario(**more), device)
    faulty = readings(scenario(*({"device": device, **fault} for fault in faults), **more), device)
    assert [said.stamp for said in clean] == [said.stamp for said in faulty]
    return list(zip(clean, faulty, strict=True))


def during(device: str, fault: dict[str, Any], **more: Any) -> list[tuple[Said, Said]]:
    """The pairs within the 20 s of the fault, having seen that the others are equal."""
    pairs = both(device, fault, **more)
    for one, other in pairs:
        if not 20 <= second(one) < 40:
            assert one == other
    inside = [pair for pair in pairs if 20 <= second(pair[0]) < 40]
    assert len(inside) == 20
    return inside


def changed(pairs: list[tuple[Said, Said]]) -> set[str]:
    """Names that have another value or flag in any of the pairs."""
    return {
        name
        for one, other in pairs
        for name in one.values
        if one.values[name] != other.values[name] or one.flags[name.split("-")[0]] != other.flags[name.split("-")[0]]
    }


def corrected(said: Said, code: str = SO2) -> float:
    """The value at reference oxygen that the message ought to have."""
    return said.values[code] * 15 / (21 - said.values[O2])


def by_its_ways(one: Said, other: Said) -> float:
    """Flow of the other over that of the one, by velocity, temperature and moisture."""
    wet, dry = (said.values[SPEED] / (273.15 + said.values[TEMPERATURE]) for said in (one, other))
    return dry / wet * (100 - other.values[MOISTURE]) / (100 - one.values[MOISTURE])


def test_a_stuck_analyser_is_corrected_by_oxygen_that_is_not_stuck() -> None:
    pairs = during("stack-1", {"kind": "stuck", "factors": [SO2]})
    assert len({other.values[SO2] for _, other in pairs}) == 1
    assert changed(pairs) == {SO2, f"{SO2}-ZsRtd"}
    for _, other in pairs:
        assert other.values[f"{SO2}-ZsRtd"] == pytest.approx(corrected(other), abs=0.006)


def test_drift_grows_with_time_and_ends_when_it_is_adjusted() -> None:
    pairs = during("stack-1", {"kind": "drift", "factors": [NOX], "zero_per_hour": 1800.0, "span_per_hour": 36.0})
    for one, other in pairs:
        since = second(one) - 20
        wanted = one.values[NOX] * (1 + 0.01 * since) + 0.5 * since
        assert other.values[NOX] == pytest.approx(wanted, abs=0.006)


@pytest.mark.parametrize(
    ("keys", "wanted"),
    [
        ({"kind": "spike", "times": 5.0, "plus": 1.0}, lambda v: 5 * v + 1),
        ({"kind": "bias", "offset": 3.0, "gain": 1.1}, lambda v: 1.1 * v + 3),
        ({"kind": "wrong_unit", "says": "thousandfold"}, lambda v: 1000 * v),
        ({"kind": "wrong_unit", "says": "thousandth"}, lambda v: v / 1000),
        ({"kind": "wrong_unit", "says": "ppm"}, lambda v: v * 22.4 / 64.06),
        ({"kind": "coefficient_changed", "slope": 0.5, "intercept": 1.0}, lambda v: 0.5 * v + 1),
        ({"kind": "range_changed", "top": 10.0, "step": 0.5}, lambda v: min(10.0, round(2 * v) / 2)),
    ],
)
def test_a_distortion_is_what_it_says(keys: dict[str, Any], wanted: Any) -> None:
    pairs = during("stack-1", {**keys, "factors": [SO2]})
    assert changed(pairs) <= {SO2, f"{SO2}-ZsRtd"}
    for one, other in pairs:
        assert other.values[SO2] == pytest.approx(wanted(one.values[SO2]), abs=0.006)
        assert other.values[f"{SO2}-ZsRtd"] == pytest.approx(corrected(other), rel=1e-3, abs=0.006)


def test_kelvin_are_degrees_and_273() -> None:
    for one, other in during("stack-1", {"kind": "wrong_unit", "says": "kelvin", "factors": [TEMPERATURE]}):
        assert other.values[TEMPERATURE] == pytest.approx(one.values[TEMPERATURE] + 273.15, abs=0.06)


@pytest.mark.parametrize("flagged", [True, False])
def test_a_range_that_is_too_small_marks_what_is_over_it(flagged: bool) -> None:
    fault = {"kind": "saturation", "factors": [SO2], "top": 30.0, "flagged": flagged}
    pairs = during("stack-1", fault, incidents=(HIGH,))
    over = [(one, other) for one, other in pairs if one.values[SO2] > 30]
    assert len(over) > 15
    assert {other.values[SO2] for _, other in over} == {30.0}
    assert {other.flags[SO2] for _, other in over} == {"T" if flagged else "N"}


@pytest.mark.parametrize(
    "keys",
    [{"kind": "spike", "times": 60.0}, {"kind": "bias", "offset": -300.0}, {"kind": "drift", "zero_per_hour": -9e6}],
)
def test_an_analyser_that_is_off_stays_within_its_range(keys: dict[str, Any]) -> None:
    top = 500.0
    for one, other in during("stack-1", {**keys, "factors": [SO2]})[1:]:
        wanted = (top, "T") if keys["kind"] == "spike" else (0.0, "N")
        assert (other.values[SO2], other.flags[SO2]) == wanted
        assert one.flags[SO2] == "N"


def test_a_bias_in_the_logger_changes_every_field_alike() -> None:
    fault = {"kind": "bias", "factors": [SO2], "offset": 2.0, "stage": "logger"}
    for one, other in during("stack-1", fault):
        for name in (SO2, f"{SO2}-ZsRtd"):
            assert other.values[name] == pytest.approx(one.values[name] + 2, abs=0.006)


def test_minute_data_follow_from_what_was_said() -> None:
    from faulty_plant import read, sent

    plan = scenario(
        {"kind": "bias", "device": "stack-1", "factors": [SO2], "gain": 2.0, "start_s": 0.0, "duration_s": 200.0}
    )
    said = [read(message) for message in sent(plan, "stack-1", 130.0)]
    (minute,) = [each for each in said if each.command == "2051"][1:]
    of_it = [s.values[SO2] for s in said if s.command == "2011" and minute.stamp <= s.stamp < minute.stamp + 60_000]
    assert minute.values[f"{SO2}-Avg"] == pytest.approx(np.mean(of_it), abs=0.01)
    assert minute.values[f"{SO2}-Max"] == max(of_it)


# Frauds.


def test_a_constant_value_swings_as_little_as_it_is_told_to() -> None:
    pairs = during("stack-1", {"kind": "constant", "factors": [SO2], "value": 20.0, "swing": 0.01})
    told = [other.values[SO2] for _, other in pairs]
    assert 19.79 < min(told) < max(told) < 20.21 and len(set(told)) > 5
    last = [one.values[SO2] for one, _ in both("stack-1") if second(one) < 20][-1]
    held = during("stack-1", {"kind": "constant", "factors": [SO2], "swing": 0.0})
    assert {other.values[SO2] for _, other in held} == {last}


def test_a_floor_lies_at_or_under_the_detection_limit() -> None:
    pairs = during("stack-1", {"kind": "floor", "factors": [SO2], "level": 1.0})
    told = [other.values[SO2] for _, other in pairs]
    assert min(told) > 0 and max(told) <= 1.0
    for _, other in pairs:
        assert other.values[f"{SO2}-ZsRtd"] == pytest.approx(corrected(other), abs=0.02)


def test_a_cap_piles_values_up_under_the_limit_and_keeps_the_fields_fitting() -> None:
    pairs = during("stack-1", {"kind": "capped", "factors": [SO2]}, incidents=(HIGH,))
    told = [other.values[f"{SO2}-ZsRtd"] for _, other in pairs]
    assert min(one.values[f"{SO2}-ZsRtd"] for one, _ in pairs) > 35
    assert min(told) >= 0.99 * 0.97 * 35 - 0.02 and max(told) <= 33.95
    for _, other in pairs:
        assert other.values[f"{SO2}-ZsRtd"] == pytest.approx(corrected(other), abs=0.02)
    low = during("stack-1", {"kind": "capped"})
    assert changed(low) == set()


def test_a_filter_takes_the_noise_away_and_leaves_the_mean() -> None:
    pairs = during("stack-1", {"kind": "smoothed", "factors": [SO2], "tau_s": 30.0})
    one = np.array([clean.values[SO2] for clean, _ in pairs])
    other = np.array([faulty.values[SO2] for _, faulty in pairs])
    assert np.diff(other).std() < 0.3 * np.diff(one).std()
    assert other.mean() == pytest.approx(one.mean(), rel=0.05)


def test_a_replay_repeats_the_window_before_it_to_the_last_digit() -> None:
    pairs = both("stack-1", {"kind": "replayed", "window_s": 8.0})
    before = [other.values for _, other in pairs if 12 <= second(other) < 20]
    told = [other.values for _, other in pairs if 20 <= second(other) < 40]
    assert len(before) == 8 and told == [*before, *before, *before[:4]]


def test_dilution_lowers_all_pollutants_by_one_factor_and_raises_oxygen() -> None:
    for one, other in during("stack-1", {"kind": "dilution", "air": 0.25}):
        for code in (SO2, NOX):
            assert other.values[code] / one.values[code] == pytest.approx(0.75, abs=0.002)
        assert other.values[O2] == pytest.approx(0.75 * one.values[O2] + 0.25 * 20.9, abs=0.006)
        assert other.values[TEMPERATURE] < one.values[TEMPERATURE] and other.values[MOISTURE] < one.values[MOISTURE]
        assert other.values[SPEED] == one.values[SPEED]
        assert other.values[FLOW] == pytest.approx(one.values[FLOW] * by_its_ways(one, other), rel=1e-3)


def test_oxygen_told_too_low_makes_corrected_values_small() -> None:
    pairs = during("stack-1", {"kind": "oxygen_lowered", "points": 3.0})
    assert changed(pairs) == {O2, f"{SO2}-ZsRtd", f"{NOX}-ZsRtd", f"{DUST}-ZsRtd"}
    for one, other in pairs:
        assert other.values[O2] == pytest.approx(one.values[O2] - 3, abs=0.006)
        assert other.values[f"{SO2}-ZsRtd"] < 0.9 * one.values[f"{SO2}-ZsRtd"]


def test_a_probe_in_the_open_measures_air_while_the_fan_runs() -> None:
    *_, (one, other) = during("stack-1", {"kind": "probe_out"})
    assert other.values[O2] == pytest.approx(20.9, abs=0.5)
    assert other.values[SO2] < 0.03 * one.values[SO2] and other.values[MOISTURE] < 2.5
    assert other.values[TEMPERATURE] == pytest.approx(10, abs=8)
    assert other.values[SPEED] == one.values[SPEED]
    assert other.values[FLOW] == pytest.approx(one.values[FLOW] * by_its_ways(one, other), rel=1e-3)


def test_a_probe_in_the_cold_is_as_cold_as_the_weather() -> None:
    weather = {"temperature_c": -12.0, "wander": 0.0, "cloud": 1.0}
    *_, (_, other) = during("stack-1", {"kind": "probe_out"}, weather=weather)
    assert -16 < other.values[TEMPERATURE] < -8
    assert other.values[MOISTURE] < 0.5


@pytest.mark.parametrize("code", [SPEED, TEMPERATURE, MOISTURE])
def test_flow_is_that_of_what_was_measured(code: str) -> None:
    fault = {"kind": "bias", "factors": [code], "gain": 1.3}
    for one, other in during("stack-1", fault):
        assert other.values[FLOW] == pytest.approx(one.values[FLOW] * by_its_ways(one, other), rel=1e-3)
    pairs = during("stack-1", {"kind": "stuck"})
    assert len({other.values[FLOW] for _, other in pairs}) == 1


def test_clean_water_steps_in_all_but_the_flow() -> None:
    pairs = during("water-1", {"kind": "clean_water"})
    assert changed(pairs) == set(WATER) - {"w00000"}
    for one, other in pairs:
        for code in ("w01018", "w21003", "w21011", "w21001"):
            assert other.values[code] < 0.35 * one.values[code]
        assert other.values["w01014"] < 0.5 * one.values["w01014"]


def test_a_false_mark_is_on_what_is_over_the_limit_and_only_there() -> None:
    pairs = during("stack-1", {"kind": "false_mark", "flag": "D"}, incidents=({**HIGH, "start_s": 25.0},))
    assert {other.flags[SO2] for one, other in pairs if one.values[f"{SO2}-ZsRtd"] >= 0.9 * 35} == {"D"}
    assert {other.flags[SO2] for one, other in pairs if one.values[f"{SO2}-ZsRtd"] < 0.9 * 35} == {"N"}
    assert {flag for _, other in pairs for code, flag in other.flags.items() if code != SO2} == {"N"}
    assert all(one.values == other.values for one, other in pairs)


def test_calibration_alternates_zero_and_span_with_its_mark() -> None:
    pairs = during("stack-1", {"kind": "calibration_abuse", "factors": [SO2], "span": 80.0, "phase_s": 5.0})
    told = [key for key, _ in itertools.groupby(other.values[SO2] for _, other in pairs)]
    assert told == [0.0, 80.0, 0.0, 80.0]
    assert {other.flags[SO2] for _, other in pairs} == {"C"}
    pairs = during("stack-1", {"kind": "calibration_abuse", "phase_s": 10.0})
    assert changed(pairs) == {SO2, NOX, O2, *(f"{code}-ZsRtd" for code in (SO2, NOX, DUST))}
    assert {other.values[O2] for _, other in pairs} == {0.0, 20.9}


def test_a_shared_series_is_that_of_the_other_stack() -> None:
    fault = {"kind": "shared_series", "source": "stack-2", "scale": 1.2, "factors": [SO2]}
    pairs = during("stack-1", fault)
    others = [said for said in readings(scenario(), "stack-2") if second(said) < 40]
    for _, told in pairs:
        latest = [said for said in others if said.due <= told.due][-1]
        assert told.values[SO2] == pytest.approx(1.2 * latest.values[SO2], abs=0.006)


def test_flow_is_understated_and_velocity_is_not() -> None:
    pairs = during("stack-1", {"kind": "flow_understated", "gain": 0.5})
    assert changed(pairs) == {FLOW}
    assert all(other.values[FLOW] == pytest.approx(one.values[FLOW] / 2, abs=0.006) for one, other in pairs)


def test_faults_of_values_compose_in_the_order_of_the_file() -> None:
    double, three_more = (
        {"kind": "bias", "gain": 2.0, "factors": [SO2]},
        {"kind": "bias", "offset": 3.0, "factors": [SO2]},
    )
    for faults, wanted in (((double, three_more), lambda v: 2 * v + 3), ((three_more, double), lambda v: 2 * (v + 3))):
        for one, other in both("stack-1", *faults):
            if 20 <= second(one) < 40:
                assert other.values[SO2] == pytest.approx(wanted(one.values[SO2]), abs=0.02)
