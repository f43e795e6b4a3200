"""SenML packs as the simulators write them."""

from __future__ import annotations

import json

from simulators.formats.senml import Writer
from simulators.records import Reading, Report

WRITER = Writer("air-1", {"a01001": "C", "a99999": "furlong"})


def test_a_pack_has_base_name_and_time_once_and_units_where_there_are_names_for_them() -> None:
    readings = [Reading("a01001", {"Rtd": 20.1}, 1), Reading("a99999", {"Rtd": 3.0, "ZsRtd": 4.0}, 1)]
    ((payload, _),) = WRITER.packets(Report(1_767_225_600_500, 1_767_225_600_123, "realtime", readings))
    assert json.loads(payload) == [
        {"bn": "air-1/", "bt": 1_767_225_600.123, "n": "a01001", "u": "Cel", "v": 20.1},
        {"n": "a99999", "v": 3.0},
        {"n": "a99999-ZsRtd", "v": 4.0},
    ]


def test_what_senml_cannot_say_is_not_sent() -> None:
    fault = [Reading("a01001", {"Rtd": 20.1}, 1, "D")]
    assert WRITER.packets(Report(0, 0, "realtime", fault)) == []
    assert WRITER.packets(Report(0, 0, "minute", [Reading("a01001", {"Avg": 20.1}, 1)])) == []
