"""JSON version 1 as the simulators write it."""

from __future__ import annotations

import json
from zoneinfo import ZoneInfo

from simulators.formats.json_v1 import Writer
from simulators.records import Reading, Report

TIME = 1_767_225_600_123
READINGS = [Reading("a21026", {"Rtd": 35.2, "ZsRtd": 33.1}, 2), Reading("a19001", {"Rtd": 6.0}, 2, "C")]


def test_the_default_field_is_left_out_and_a_flag_makes_an_object() -> None:
    ((payload, _),) = Writer().packets(Report(TIME + 7, TIME, "realtime", READINGS))
    assert json.loads(payload) == {
        "v": 1,
        "time": TIME,
        "readings": {"a21026": 35.2, "a21026-ZsRtd": 33.1, "a19001": {"value": 6.0, "flag": "C"}},
    }


def test_iso_times_carry_milliseconds_and_the_offset_of_the_site() -> None:
    ((payload, _),) = Writer(ZoneInfo("Asia/Shanghai")).packets(Report(TIME, TIME, "realtime", READINGS))
    assert json.loads(payload)["time"] == "2026-01-01T08:00:00.123+08:00"


def test_other_periods_say_so() -> None:
    ((payload, _),) = Writer().packets(Report(60_000, 0, "minute", [Reading("a21026", {"Avg": 1.0}, 2)]))
    assert json.loads(payload) == {"v": 1, "time": 0, "period": "minute", "readings": {"a21026-Avg": 1.0}}
