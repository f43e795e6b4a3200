"""Minute data are what the real-time data of that minute give, hours what their minutes give, days what hours give."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators.averages import Averages
from simulators.processes import PROCESSES, Kind
from simulators.processes.seam import Process, Surroundings, nothing
from simulators.processes.settings import ProcessSettings
from simulators.records import Period, Reading

NOON = 1_767_240_000_000
"""2026-01-01, 12:00 in China."""
CHINA = ZoneInfo("Asia/Shanghai")
HOUR_MS = 3_600_000


def process(kind: Kind) -> Process:
    return PROCESSES[kind](np.random.default_rng(1), ProcessSettings(), Surroundings(lambda _: 0.8, nothing, nothing))


def averages(kind: Kind = "stack", sample_s: float = 1.0, minutes: int = 1, zone: ZoneInfo = CHINA) -> Averages:
    return Averages(process(kind), zone, sample_s, minutes)


def so2(value: float, flag: str = "N") -> list[Reading]:
    return [Reading("a21026", {"Rtd": value}, 2, flag)]


def only(told: list[tuple[Period, int, list[Reading]]], period: Period) -> list[tuple[int, list[Reading]]]:
    return [(start, data) for name, start, data in told if name == period]


def test_a_minute_is_told_once_the_next_begins() -> None:
    logger = averages()
    told = [logger.add(NOON + s * 1000, [Reading("a21026", {"Rtd": float(s), "ZsRtd": s + 0.5}, 2)]) for s in range(61)]
    assert told[:60] == [[]] * 60
    values = {"Avg": 29.5, "Min": 0.0, "Max": 59.0, "ZsAvg": 30.0, "ZsMin": 0.5, "ZsMax": 59.5}
    assert told[60] == [("minute", NOON, [Reading("a21026", values, 2)])]


def test_a_minute_that_began_before_the_first_sample_is_not_told() -> None:
    logger = averages()
    told = [logger.add(NOON + s * 1000, so2(1.0)) for s in range(20, 130)]
    assert [start for each in told for _, start, _ in each] == [NOON + 60_000]


@pytest.mark.parametrize(("samples", "flag"), [(11, "B"), (12, "N")])
def test_a_minute_of_less_than_twelve_samples_says_that_data_are_missing(samples: int, flag: str) -> None:
    logger = averages()
    for s in range(samples):
        logger.add(NOON + s * 1000, so2(1.0))
    ((_, (reading,)),) = only(logger.add(NOON + 60_000, so2(1.0)), "minute")
    assert reading.flag == flag


@pytest.mark.parametrize(("flags", "flag"), [("NNND", "N"), ("NNDD", "D"), ("NNDM", "D"), ("N", "B")])
def test_a_slow_device_has_minutes_of_three_quarters_of_what_it_sends(flags: str, flag: str) -> None:
    logger = averages(sample_s=15.0)
    for number, each in enumerate(flags):
        logger.add(NOON + number * 15_000, so2(1.0, each))
    ((_, (reading,)),) = only(logger.add(NOON + 60_000, so2(1.0)), "minute")
    assert reading.flag == flag


def test_totals_are_cubic_metres_and_kilograms_and_water_is_weighted_by_flow() -> None:
    logger = averages("wastewater")
    for s in range(60):
        flow, cod, ph = (100.0, 20.0, 7.0) if s < 30 else (300.0, 40.0, 8.0)
        logger.add(
            NOON + s * 1000,
            [
                Reading("w01018", {"Rtd": cod}, 2),
                Reading("w01001", {"Rtd": ph}, 2),
                Reading("w00000", {"Rtd": flow}, 2),
            ],
        )
    ((_, (cod, ph, flow)),) = only(logger.add(NOON + 60_000, []), "minute")
    assert flow.values["Cou"] == pytest.approx(200 * 60 / 1000)  # L/s to m3
    assert cod.values["Avg"] == pytest.approx((100 * 20 + 300 * 40) / 400)
    assert cod.values["Cou"] == pytest.approx((100 * 20 + 300 * 40) / 2 * 60 * 1e-6)  # mg/s to kg
    assert ph.values["Avg"] == 7.5
    assert "Cou" not in ph.values


def hour_of(minutes: list[str], kind: Kind = "stack") -> Reading:
    """The hour of SO2 whose minutes carry these flags; each minute has its number as its value, C has 1000."""
    logger = averages(kind, sample_s=60.0)
    for minute, flag in enumerate(minutes):
        if flag != "-":
            logger.add(NOON + minute * 60_000, so2(1000.0 if flag == "C" else float(minute), flag))
    ((_, (reading,)),) = only(logger.add(NOON + HOUR_MS, so2(0.0)), "hour")
    return reading


@pytest.mark.parametrize(
    ("flags", "flag"),
    [
        ("N" * 60, "N"),
        ("N" * 45 + "C" * 15, "N"),
        ("N" * 44 + "C" * 16, "C"),
        ("N" * 45 + "-" * 15, "N"),
        ("N" * 44 + "-" * 16, "B"),
        ("N" * 15 + "F" * 45, "F"),
        ("N" * 30 + "D" * 20 + "M" * 10, "D"),
        ("N" * 20 + "D" * 20 + "F" * 20, "F"),
        ("N" * 45 + "T" * 15, "N"),
        ("N" * 44 + "T" * 16, "T"),
    ],
)
def test_an_hour_counts_with_45_minutes_that_count_else_it_says_why_not(flags: str, flag: str) -> None:
    assert hour_of(list(flags)).flag == flag


@given(st.lists(st.sampled_from("NNNNTCMDB-"), min_size=60, max_size=60).filter(lambda f: f[0] != "-"))
def test_the_mean_of_an_hour_is_that_of_the_minutes_that_count(flags: list[str]) -> None:
    reading = hour_of(flags)
    counting = [float(minute) for minute, flag in enumerate(flags) if flag in "NT"]
    assert (reading.flag in "NT") == (len(counting) >= 45)
    if counting:
        assert reading.values["Avg"] == pytest.approx(np.mean(counting), abs=0.006)
        assert (reading.values["Min"], reading.values["Max"]) == (min(counting), max(counting))
    assert reading.values["Avg"] <= 60.0 or not counting


@pytest.mark.parametrize(("hours", "kind", "flag"), [(20, "stack", "N"), (19, "stack", "B"), (18, "wastewater", "N")])
def test_a_day_needs_its_hours(hours: int, kind: Kind, flag: str) -> None:
    midnight = NOON + 12 * HOUR_MS
    code = "a21026" if kind == "stack" else "w01018"
    logger = averages(kind, sample_s=600.0, minutes=10)
    for step in range(hours * 6):
        logger.add(midnight + step * 600_000, [Reading(code, {"Rtd": 5.0}, 2)])
    ((start, (reading,)),) = only(logger.add(midnight + 24 * HOUR_MS, [Reading(code, {"Rtd": 5.0}, 2)]), "day")
    assert (start, reading.flag, reading.values["Avg"]) == (midnight, flag, 5.0)


@given(st.lists(st.tuples(st.floats(0, 500), st.floats(0, 300)), min_size=144, max_size=144))
def test_what_flows_in_a_day_is_what_flowed_in_its_minutes(samples: list[tuple[float, float]]) -> None:
    midnight = NOON + 12 * HOUR_MS
    logger = averages("wastewater", sample_s=600.0, minutes=10)
    told: list[tuple[Period, int, list[Reading]]] = []
    for step, (cod, flow) in enumerate([*samples, (0.0, 0.0)]):
        cods, flows = Reading("w01018", {"Rtd": round(cod, 2)}, 2), Reading("w00000", {"Rtd": round(flow, 2)}, 2)
        told += logger.add(midnight + step * 600_000, [cods, flows])
    totals = {
        period: [[reading.values["Cou"] for reading in data] for _, data in only(told, period)]
        for period in ("minute", "hour", "day")
    }
    assert [len(totals[period]) for period in ("minute", "hour", "day")] == [144, 24, 1]
    for which, unit in ((0, 1e-6), (1, 1e-3)):
        parts = [each[which] for each in totals["minute"]]
        assert sum(each[which] for each in totals["hour"]) == pytest.approx(sum(parts), abs=1e-6)
        assert totals["day"][0][which] == pytest.approx(sum(parts), abs=1e-6)
        of_samples = sum((round(c, 2) if which == 0 else 1.0) * round(f, 2) * 600 * unit for c, f in samples)
        assert sum(parts) == pytest.approx(of_samples, rel=1e-6, abs=0.08)
    hour = only(told, "hour")[0][1][0]
    weight = sum(round(f, 2) for _, f in samples[:6])
    if weight:
        mean = sum(round(c, 2) * round(f, 2) for c, f in samples[:6]) / weight
        assert hour.values["Avg"] == pytest.approx(mean, abs=0.011)


def test_periods_are_those_of_local_time() -> None:
    nepal = ZoneInfo("Asia/Kathmandu")  # UTC+5:45
    logger = averages(sample_s=900.0, minutes=15, zone=nepal)
    start = 1_767_204_900_000  # 2025-12-31 18:15 UTC, midnight there
    told = [each for step in range(97) for each in logger.add(start + step * 900_000, so2(3.0))]
    assert [begun for begun, _ in only(told, "hour")] == [start + n * HOUR_MS for n in range(24)]
    assert [begun for begun, _ in only(told, "day")] == [start]


def test_the_mean_of_directions_goes_through_north() -> None:
    logger = averages("ambient", sample_s=20.0)
    for s, direction in enumerate((350.0, 10.0, 15.0)):
        logger.add(NOON + s * 20_000, [Reading("a01008", {"Rtd": direction}, 0)])
    ((_, (reading,)),) = only(logger.add(NOON + 60_000, []), "minute")
    assert reading.values["Avg"] == 5.0


def test_totals_take_what_does_not_count_at_the_mean_of_the_rest() -> None:
    logger = averages(sample_s=60.0)
    for minute in range(60):
        flag = "C" if minute < 10 else "N"
        logger.add(
            NOON + minute * 60_000, [*so2(100.0 if flag == "N" else 400.0, flag), Reading("a00000", {"Rtd": 200.0}, 2)]
        )
    ((_, (gas, flow)),) = only(logger.add(NOON + HOUR_MS, []), "hour")
    assert gas.values["Avg"] == 100.0 and gas.values["Max"] == 100.0
    assert gas.values["Cou"] == pytest.approx(60 * 60 * 100.0 * 200.0 * 1e-6)
    assert flow.values["Cou"] == pytest.approx(HOUR_MS / 1000 * 200.0)


@pytest.mark.parametrize("flag", ["N", "T", "F", "C"])
def test_a_minute_of_one_sample_says_that_sample_and_what_it_carried(flag: str) -> None:
    logger = averages(sample_s=60.0)
    logger.add(NOON, [*so2(50.0, flag), Reading("a00000", {"Rtd": 200.0}, 2)])
    ((_, (gas, flow)),) = only(logger.add(NOON + 60_000, []), "minute")
    total = {} if flag == "C" else {"Cou": 50.0 * 200.0 * 60 * 1e-6}
    digits = None if flag == "C" else 6
    assert gas == Reading("a21026", {"Avg": 50.0, "Min": 50.0, "Max": 50.0} | total, 2, flag, digits)
    assert flow.values["Cou"] == 12_000.0
