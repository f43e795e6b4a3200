"""What may be asked, and how it is written in each edition."""

from __future__ import annotations

import pytest
from made_up_requests import HOUR, NOW, SHANGHAI, SPAN

from gateway.hj212.editions import Edition
from gateway.requests.catalogue import COMMANDS, GROUPS, WrongParameter, check, content, lacking, number
from gateway.requests.records import Parameters

DAY = 24 * HOUR


def test_the_groups_are_those_that_an_inventory_can_allow() -> None:
    assert GROUPS == ("time", "intervals", "history", "sample")


@pytest.mark.parametrize(
    ("command", "parameters", "edition", "expected"),
    [
        ("read-time", {}, "2005", ""),
        ("read-time", {"pol_id": "w01018"}, "2017", "PolId=w01018"),
        ("set-time", {}, "2017", "SystemTime=20260801100000"),
        ("set-time", {"time": NOW + HOUR}, "2005", "SystemTime=20260801110000"),
        ("set-time", {"time": NOW + HOUR, "pol_id": "w01018"}, "2025", "PolId=w01018;SystemTime=20260801110000"),
        ("read-interval", {}, "2017", ""),
        ("set-interval", {"seconds": 30}, "2005", "RtdInterval=30"),
        ("read-minute-interval", {}, "2017", ""),
        ("set-minute-interval", {"minutes": 10}, "2025", "MinInterval=10"),
        ("fetch-minutes", SPAN, "2005", "BeginTime=20260801070000,EndTime=20260801090000"),
        ("fetch-hours", SPAN, "2017", "BeginTime=20260801070000;EndTime=20260801090000"),
        ("fetch-days", SPAN, "2025", "BeginTime=20260801070000;EndTime=20260801090000"),
        ("fetch-realtime", SPAN, "2025", "BeginTime=20260801070000;EndTime=20260801090000"),
        ("keep-sample", {}, "2017", ""),
        ("keep-sample", {"vase": 3}, "2017", "VaseNo=3"),
    ],
)
def test_a_command_is_written_as_its_edition_has_it(
    command: str, parameters: Parameters, edition: str, expected: str
) -> None:
    one = COMMANDS[command]
    checked = check(one, parameters)
    assert lacking(one, checked, Edition(edition)) == ""
    assert content(one, checked, Edition(edition), SHANGHAI, NOW) == expected


def test_a_device_that_stamps_ends_is_asked_for_ends_and_its_clock_is_set_right_all_the_same() -> None:
    hours = content(COMMANDS["fetch-hours"], SPAN, Edition.E2017, SHANGHAI, NOW, HOUR)
    assert hours == "BeginTime=20260801080000;EndTime=20260801100000"
    assert content(COMMANDS["set-time"], {}, Edition.E2017, SHANGHAI, NOW, HOUR) == "SystemTime=20260801100000"


@pytest.mark.parametrize(
    ("command", "given", "parameter", "told"),
    [
        ("set-interval", {}, "seconds", "needs seconds"),
        ("set-interval", {"seconds": 29}, "seconds", "30 to 3600 s"),
        ("set-interval", {"seconds": 3601}, "seconds", "30 to 3600 s"),
        ("set-interval", {"seconds": True}, "seconds", "a whole number"),
        ("set-minute-interval", {"minutes": 7}, "minutes", "one of 1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30 min"),
        ("read-interval", {"seconds": 60}, "seconds", "has no parameter"),
        ("read-time", {"pol_id": "a21026;PW=1"}, "pol_id", "a factor code"),
        ("read-time", {"pol_id": 5}, "pol_id", "a factor code"),
        ("set-time", {"time": 1_000}, "time", "between the years 2000 and 2100"),
        ("set-time", {"time": "now"}, "time", "a whole number"),
        ("fetch-hours", {"begin": NOW}, "end", "needs end"),
        ("fetch-hours", {"begin": NOW, "end": NOW - 1}, "end", "not be before begin"),
        ("fetch-minutes", {"begin": NOW - 32 * DAY, "end": NOW}, "end", "at most 31 days"),
        ("keep-sample", {"vase": 100}, "vase", "1 to 99"),
    ],
)
def test_a_parameter_out_of_bounds_is_named(command: str, given: Parameters, parameter: str, told: str) -> None:
    with pytest.raises(WrongParameter, match=told) as wrong:
        check(COMMANDS[command], given)
    assert wrong.value.parameter == parameter


@pytest.mark.parametrize(
    ("command", "parameters", "edition", "told"),
    [
        ("keep-sample", {}, "2025", "2025 keeps samples with 3022"),
        ("keep-sample", {}, "2005", "HJ 212-2005 has no 3015"),
        ("read-minute-interval", {}, "2005", "HJ 212-2005 has no 1063"),
        ("set-minute-interval", {"minutes": 10}, "2005", "HJ 212-2005 has no 1064"),
        ("fetch-realtime", SPAN, "2017", "HJ 212-2017 has no 2011"),
        ("read-time", {"pol_id": "w01018"}, "2005", "HJ 212-2005 has no PolId in 1011"),
    ],
)
def test_what_an_edition_cannot_say_has_a_reason(command: str, parameters: Parameters, edition: str, told: str) -> None:
    assert told in lacking(COMMANDS[command], parameters, Edition(edition))


def test_a_qn_is_local_time_with_milliseconds() -> None:
    assert number(NOW + 7, SHANGHAI) == "20260801100000007"
