"""Lines of the truth: one for each target of a fault, each with what a right receiver must find."""

from __future__ import annotations

import json
from typing import Any, get_args

import pytest
from faulty_plant import START, TABLES, scenario, truth
from pydantic import ValidationError

from simulators import library
from simulators.faults import Fault
from simulators.records import Happening
from simulators.truth import happenings

WINDOW = {"from_ms": START + 20_000, "to_ms": START + 40_000}
KINDS = {
    kind: model for model in get_args(get_args(Fault)[0]) for kind in get_args(model.model_fields["kind"].annotation)
}
NEEDS: dict[str, dict[str, Any]] = {
    "drift": {"span_per_hour": 0.1}, "bias": {"offset": 1.0}, "saturation": {"top": 30.0},
    "wrong_unit": {"says": "thousandfold"}, "clock_step": {"offset_s": 60.0},
    "clock_drift": {"seconds_per_hour": 12_000.0},
    "floor": {"level": 0.5}, "range_changed": {"top": 20.0, "step": 1.0}, "shared_series": {"source": "stack-2"},
    "delay": {"delay_s": 1.0}, "network_jitter": {"most_s": 1.0}, "clean_water": {"device": "water-1"},
    "clock_rewound": {"window_s": 5.0},
}  # fmt: skip


def lines(*faults: dict[str, Any], **more: Any) -> list[dict[str, Any]]:
    return [happening.record for happening in happenings(scenario(*faults, **more), START)]


@pytest.mark.parametrize("kind", KINDS)
def test_each_fault_is_told_with_its_layer_and_with_what_is_found_or_counted(kind: str) -> None:
    (line,) = lines({"kind": kind, "device": "stack-1", **NEEDS.get(kind, {})})
    assert line["kind"] == kind and line["layer"] in ("device", "fraud", "payload", "link")
    assert (line["start_ms"], line["end_ms"]) == (WINDOW["from_ms"], WINDOW["to_ms"])
    for expect in line.get("expect", []):
        assert expect.items() >= WINDOW.items()
        assert (expect["family"] == "fraud") == (line["layer"] == "fraud")
    if line["layer"] == "fraud":
        assert {expect["what"] for expect in line["expect"]} == {kind}
    by_silence = kind in ("dead", "reboot")  # their traces are lines of their own
    assert by_silence != bool(line.get("expect") or line.get("counts"))
    figures = {"lost", "late", "duplicated", "out_of_order", "corrupted", "dead_letters"}
    assert set(line.get("counts", [])) <= figures
    assert json.loads(json.dumps(line))["kind"] == kind


def test_a_fault_hits_what_its_patterns_name_and_each_has_a_line() -> None:
    told = lines({"kind": "dead", "device": "stack-*"}, {"kind": "loss", "site": "*", "device": "*-1"})
    assert [(line["kind"], line["site"], line["device"]) for line in told] == [
        ("dead", "plant", "stack-1"), ("dead", "plant", "stack-2"), ("loss", "plant", "stack-1"),
        ("loss", "plant", "json-1"), ("loss", "plant", "pack-1"), ("loss", "plant", "water-1"),
    ]  # fmt: skip
    (camera,) = lines({"kind": "loss", "camera": "y*"})
    assert (camera["site"], camera["camera"]) == ("plant", "yard") and "device" not in camera


def test_what_is_found_names_the_factors_that_are_hit() -> None:
    (line,) = lines({"kind": "stuck", "device": "json-1", "factors": ["a21026", "a21002"]})
    assert line["expect"] == [
        {"family": "data_quality", "what": "stuck", "factor": code, **WINDOW} for code in ("a21026", "a21002")
    ]
    (whole,) = lines({"kind": "dilution", "device": "json-1"})
    assert whole["expect"] == [{"family": "fraud", "what": "dilution", **WINDOW}]
    (capped,) = lines({"kind": "capped", "device": "json-1"})
    assert [expect["factor"] for expect in capped["expect"]] == ["a21026"]
    (forever,) = lines({"kind": "stuck", "device": "json-1", "factors": ["a21026"], "duration_s": None})
    assert forever["end_ms"] is None and forever["expect"][0]["to_ms"] is None


def test_a_clock_is_found_from_a_minute_on() -> None:
    step = {"kind": "clock_step", "device": "json-1"}
    drift = {"kind": "clock_drift", "device": "json-1", "seconds_per_hour": 100.0}
    for fault in ({**step, "offset_s": -59.0}, {**drift, "duration_s": 2000.0}):
        (line,) = lines(fault)
        assert "expect" not in line
    for fault in ({**step, "offset_s": -60.0}, {**drift, "duration_s": 2200.0}, {**drift, "duration_s": None}):
        (line,) = lines(fault)
        assert [(expect["family"], expect["what"]) for expect in line["expect"]] == [("data_quality", "clock")]


def test_what_cameras_show_is_expected_by_what_it_is() -> None:
    def found(name: str) -> dict[str, set[tuple[str, ...]]]:
        told: dict[str, set[tuple[str, ...]]] = {}
        plan = library.load(name)
        for happening in happenings(plan, START):
            if happening.due > START + 1_000_000:
                break
            expects: Any = happening.record.get("expect", [])
            told[str(happening.record["kind"])] = {
                tuple(value for key, value in each.items() if not key.endswith("_ms")) for each in expects
            }
        return told

    smoke = found("smoke")
    assert smoke["hidden_smoke"] == {("exceedance", "smoke"), ("fraud", "hidden_smoke", "stack-2")}
    assert smoke["smoke_with_dust"] == {("exceedance", "smoke")}
    tampering = found("tampering")
    for kind in ("cover", "blur", "freeze", "shift", "glare"):
        assert tampering[kind] == {("security", kind)}
    assert tampering["camera_clock"] == {("data_quality", "clock")}
    for kind in ("insects", "jitter", "fog", "cloud_shadow"):
        assert tampering[kind] == set()


def test_a_run_without_faults_expects_nothing_and_counts_everything() -> None:
    told = truth(scenario(), 60.0)
    assert [line["kind"] for line in told] == ["counts"] * (len(TABLES["devices"]) + 1)
    for line in told:
        assert line["sent"] == line["arrived"] > 50
        assert line["lost"] == line["duplicated"] == line["late"] == line["out_of_order"] == 0


@pytest.mark.parametrize(
    ("fault", "mistake"),
    [
        ({"kind": "stuck", "device": "stack-9"}, r"faults\.0 \(stuck\): no device or camera"),
        ({"kind": "stuck", "device": "json-1", "factors": ["w01018"]}, "device json-1 does not send 'w01018'"),
        ({"kind": "loss"}, "either `device` or `camera`"),
        ({"kind": "loss", "device": "json-1", "camera": "yard"}, "either `device` or `camera`"),
        ({"kind": "stuck", "camera": "yard"}, "device"),
        ({"kind": "drift", "device": "json-1"}, "`zero_per_hour` or `span_per_hour`"),
        ({"kind": "bias", "device": "json-1"}, "`offset` or `gain`"),
        ({"kind": "bad_crc", "device": "json-1"}, "speaks json, which has no CRC"),
        ({"kind": "capped", "device": "json-1", "factors": ["a21002"]}, "has no upper limit"),
        ({"kind": "wrong_unit", "device": "json-1", "says": "kelvin"}, "'a21026' is in mg/m3, so it has no kelvin"),
        ({"kind": "wrong_unit", "device": "water-1", "says": "ppm"}, "has no ppm"),
        ({"kind": "dilution", "device": "water-1"}, "measures no gas"),
        ({"kind": "clean_water", "device": "json-1"}, "measures no waste water"),
        ({"kind": "shared_series", "device": "stack-1", "source": "json-1"}, "no other device 'json-1' of its type"),
        ({"kind": "shared_series", "device": "stack-1", "source": "stack-1"}, "no other device 'stack-1' of its type"),
        ({"kind": "loss", "device": "json-1", "share": 0.0}, "share"),
        ({"kind": "duplicate", "device": "json-1", "copies": 11}, "copies"),
    ],
)
def test_what_does_not_fit_is_a_mistake_of_the_scenario(fault: dict[str, Any], mistake: str) -> None:
    with pytest.raises(ValidationError, match=mistake):
        scenario(fault)


def test_happenings_come_in_the_order_of_their_beginning_and_repeat() -> None:
    plan = scenario({"kind": "loss", "device": "json-1", "start_s": 5.0, "duration_s": 2.0, "every_s": 10.0})
    told: list[Happening] = []
    for happening in happenings(plan, START):
        told.append(happening)
        if len(told) == 4:
            break
    assert [happening.due - START for happening in told] == [5_000, 15_000, 25_000, 35_000]
