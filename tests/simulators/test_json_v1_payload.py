"""JSON version 1 as the simulators write it."""

from __future__ import annotations

import json
from zoneinfo import ZoneInfo

from simulators.formats.json_v1 import payload
from simulators.records import Reading

READINGS = [Reading("a21026", {"Rtd": 35.2, "ZsRtd": 33.1}, 2), Reading("a19001", {"Rtd": 6.0}, 2, "C")]


def test_the_default_field_is_left_out_and_a_flag_makes_an_object() -> None:
    assert json.loads(payload(1_767_225_600_123, READINGS)) == {
        "v": 1,
        "time": 1_767_225_600_123,
        "readings": {"a21026": 35.2, "a21026-ZsRtd": 33.1, "a19001": {"value": 6.0, "flag": "C"}},
    }


def test_iso_times_carry_milliseconds_and_the_offset_of_the_site() -> None:
    message = json.loads(payload(1_767_225_600_123, READINGS, iso=ZoneInfo("Asia/Shanghai")))
    assert message["time"] == "2026-01-01T08:00:00.123+08:00"


def test_minute_data_says_so() -> None:
    message = json.loads(payload(0, [Reading("a21026", {"Avg": 1.0}, 2)], period="minute"))
    assert message["period"] == "minute"
    assert message["readings"] == {"a21026-Avg": 1.0}
