"""What a device tells of minutes, hours and days fits what it told of the moments in them, in the bytes."""

from __future__ import annotations

import itertools
import re
from collections import defaultdict
from typing import Any

import pytest
from played import device_messages

from simulators import library
from simulators.device_chain import DeviceChain
from simulators.records import Message, Report
from simulators.scenario import Scenario
from simulators.truth import happenings

START = 1_767_196_800_000
"""2026-01-01, 00:00 in China."""
FAILING = library.load("removal-failure")
HOURS = 6


def of(scenario: Scenario, device: str, **simulate: Any) -> Scenario:
    """The scenario with one of its devices alone, with these settings besides."""
    kept = [each.model_dump(exclude_unset=True) for each in scenario.devices if each.id == device]
    kept[0]["simulate"] = kept[0].get("simulate", {}) | simulate
    about = [each for each in scenario.model_dump(exclude_unset=True)["incidents"] if each.get("device") == device]
    return Scenario.model_validate({**scenario.model_dump(exclude_unset=True), "devices": kept, "incidents": about})


def reports(scenario: Scenario, seconds: float) -> dict[str, list[Report]]:
    told: dict[str, list[Report]] = defaultdict(list)
    for time, said in DeviceChain(scenario, scenario.devices[0], 1, START).said():
        if time >= START + seconds * 1000:
            return told
        for report in said:
            told[report.period].append(report)
    raise AssertionError("the device fell silent")


@pytest.fixture(scope="module")
def told() -> dict[str, list[Report]]:
    """Some hours of a stack whose desulphurisation fails and whose analysers are calibrated."""
    return reports(of(FAILING, "stack-1"), HOURS * 3600 + 10)


def test_every_period_is_told_once_in_order_at_its_start(told: dict[str, list[Report]]) -> None:
    for period, length in (("minute", 60_000), ("hour", 3_600_000)):
        stamps = [report.stamp for report in told[period]]
        assert stamps == [START + n * length for n in range(HOURS * 3_600_000 // length)]
        assert all(length <= report.time - report.stamp < length + 10_000 for report in told[period])


def test_a_minute_is_the_mean_of_its_samples_that_count(told: dict[str, list[Report]]) -> None:
    samples = iter(told["realtime"])
    inside = itertools.groupby(samples, key=lambda report: report.stamp // 60_000 * 60_000)
    for (minute, group), report in zip(inside, told["minute"], strict=False):
        assert report.stamp == minute
        parts = list(group)
        for number, reading in enumerate(report.readings):
            counting = [p.readings[number] for p in parts if p.readings[number].flag in "NT"]
            if len(counting) < 12:
                assert reading.flag == "C"
                continue
            assert reading.flag in "NT"
            for field, name in (("Rtd", "Avg"), ("ZsRtd", "ZsAvg")):
                if field in counting[0].values:
                    mean = sum(each.values[field] for each in counting) / len(counting)
                    assert reading.values[name] == pytest.approx(mean, abs=0.51 * 10**-reading.decimals)


def test_an_hour_is_the_mean_of_its_minutes_that_count_and_the_sum_of_what_they_carried(told: dict[str, list[Report]]):
    for report in told["hour"]:
        parts = [each for each in told["minute"] if report.stamp <= each.stamp < report.stamp + 3_600_000]
        assert len(parts) == 60
        flow = next(n for n, reading in enumerate(report.readings) if reading.code == "a00000")
        for number, reading in enumerate(report.readings):
            counting = [p.readings[number] for p in parts if p.readings[number].flag in "NT"]
            assert len(counting) >= 45 and reading.flag == "N"
            mean = sum(each.values["Avg"] for each in counting) / len(counting)
            assert reading.values["Avg"] == pytest.approx(mean, abs=0.51 * 10**-reading.decimals)
            assert reading.values["Max"] == max(each.values["Max"] for each in counting)
            if "Cou" in reading.values:
                carried = sum(each.values["Cou"] for each in counting)
                volume = report.readings[flow].values["Cou"]
                known = sum(p.readings[flow].values["Cou"] for p in parts if p.readings[number].flag in "NT")
                assert reading.values["Cou"] == pytest.approx(carried * volume / known, abs=2e-6)


def test_mass_is_concentration_times_flow(told: dict[str, list[Report]]) -> None:
    for report in told["hour"][2:]:
        by_code = {reading.code: reading.values for reading in report.readings}
        for code in ("a21026", "a21002", "a34013"):
            kilograms = by_code[code]["Avg"] * by_code["a00000"]["Cou"] * 1e-6
            assert by_code[code]["Cou"] == pytest.approx(kilograms, rel=0.02)


def test_calibration_is_in_the_bytes_at_the_told_time(told: dict[str, list[Report]]) -> None:
    scenario = of(FAILING, "stack-1")
    told_of = [h.record for h in itertools.islice(happenings(scenario, START), 3)]
    calibration = next(record for record in told_of if record["kind"] == "calibration")
    assert calibration["layer"] == "operation"
    begin, end = int(str(calibration["start_ms"])), int(str(calibration["end_ms"]))
    messages = device_messages(scenario, scenario.devices[0], 1, START)
    flags: list[tuple[int, bytes, bytes]] = []
    for message in itertools.takewhile(lambda m: m.due < end + 120_000, messages):
        if b"CN=2011" in message.payload:
            found = {code: re.search(code + rb"-Flag=(\w)", message.payload) for code in (b"a21026", b"a34013")}
            so2, dust = (match[1] if match else b"" for match in found.values())
            flags.append((message.due, so2, dust))
    assert {so2 for due, so2, _ in flags if begin <= due < end} == {b"C"}
    assert {so2 for due, so2, _ in flags if due < begin or due >= end} == {b"N"}
    assert {dust for _, _, dust in flags} == {b"N"}


def test_a_day_is_told_after_midnight_also_when_time_is_compressed() -> None:
    types = {name: kind.model_copy(update={"interval_s": 60.0}) for name, kind in FAILING.types.items()}
    scenario = of(FAILING, "stack-2", minute=False).model_copy(update={"types": types})
    told = reports(scenario, 86_400 + 120)
    assert "minute" not in told and len(told["hour"]) == 24
    (day,) = told["day"]
    assert day.stamp == START
    for number, reading in enumerate(day.readings):
        parts = [hour.readings[number] for hour in told["hour"]]
        counting = [part for part in parts if part.flag in "NT"]
        assert len(counting) >= 20 and reading.flag == "N"
        mean = sum(part.values["Avg"] for part in counting) / len(counting)
        assert reading.values["Avg"] == pytest.approx(mean, abs=0.51 * 10**-reading.decimals)
        if "Cou" in reading.values and len(counting) == 24:
            assert reading.values["Cou"] == pytest.approx(sum(part.values["Cou"] for part in parts), abs=1e-3)


def test_messages_of_one_moment_have_numbers_of_their_own_and_come_shortest_period_first() -> None:
    scenario = of(FAILING, "stack-2")
    numbers: list[bytes] = []
    commands: dict[int, list[bytes]] = defaultdict(list)
    for message in device_messages(scenario, scenario.devices[0], 1, START):
        if message.due > START + 3_700_000:
            break
        assert isinstance(message, Message)
        head = re.search(rb"QN=(\d+);ST=31;CN=(\d+)", message.payload)
        assert head is not None
        numbers.append(head[1])
        commands[message.due // 1000].append(head[2])
    assert len(set(numbers)) == len(numbers)
    assert [b"2011", b"2051", b"2061"] in commands.values()
