"""Mapped JSON: a vendor's message read by what the configuration says of it, and what becomes a dead letter."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.codecs.mapped import LONGEST_MESSAGE
from gateway.codecs.seam import at_site
from gateway.config import JsonMapping

RECEIVED = 1_772_323_205_000  # of the test's block
NOON = 1_772_337_600_000
FLAT = {"readings": "data.*", "factor": "@key"}
LIST = {"readings": "list[*]", "factor": "n", "value": "v"}


def mapping(**keys: Any) -> JsonMapping:
    return JsonMapping.model_validate({"name": "x", **keys})


def read(run: Any, keys: dict[str, Any], message: Any, **more: Any) -> Any:
    return run("mapped", json.dumps(message).encode(), mapping=mapping(**keys), **more)


CASES: list[tuple[str, dict[str, Any], Any, list[tuple[str, float | None, str]]]] = [
    (
        "keys are factors",
        FLAT,
        {"data": {"a21026": 35.2, "x-Max": 1}},
        [("a21026-Rtd", 35.2, "N"), ("x-Max", 1.0, "N")],
    ),
    ("numbers in quotes", FLAT, {"data": {"x": " 4.10 ", "y": "-1e3"}}, [("x-Rtd", 4.1, "N"), ("y-Rtd", -1000.0, "N")]),
    ("truths and nulls", FLAT, {"data": {"x": True, "y": None}}, [("x-Rtd", 1.0, "N"), ("y-Rtd", None, "N")]),
    (
        "objects by key, with a unit",
        FLAT | {"value": "val", "unit": "u"},
        {"data": {"a21026": {"val": 1000, "u": "ug/m3"}, "a34013": {"val": 1, "u": None}}},
        [("a21026-Rtd", 1.0, "N"), ("a34013-Rtd", 1.0, "N")],
    ),
    (
        "an array of readings",
        LIST,
        {"list": [{"n": "x", "v": 1}, {"n": "y", "v": 2}]},
        [("x-Rtd", 1, "N"), ("y-Rtd", 2, "N")],
    ),
    ("an array at the top", LIST | {"readings": "[*]"}, [{"n": "x", "v": 1}], [("x-Rtd", 1.0, "N")]),
    ("a number as name", LIST, {"list": [{"n": 7, "v": 1}]}, [("7-Rtd", 1.0, "N")]),
    ("one reading a message", {"factor": "n", "value": "v"}, {"n": "x", "v": 1}, [("x-Rtd", 1.0, "N")]),
    ("a constant factor", {"factor": "=a21026", "value": "v"}, {"v": 1}, [("a21026-Rtd", 1.0, "N")]),
    ("a constant unit", {"factor": "=a21026", "value": "v", "unit": "=g/m3"}, {"v": 1}, [("a21026-Rtd", 1000.0, "N")]),
    ("a constant flag", {"factor": "=x", "value": "v", "flag": "=M"}, {"v": 1}, [("x-Rtd", 1.0, "M")]),
    ("a constant period", {"factor": "=x", "value": "v", "period": "=hour"}, {"v": 1}, [("x-Avg", 1.0, "N")]),
    (
        "translated names",
        FLAT | {"factors": {"SO2": "a21026", "Dust avg": "a34013-Avg"}},
        {"data": {"SO2": 1, "Dust avg": 2, "door": "open", "serial": [1]}},
        [("a21026-Rtd", 1.0, "N"), ("a34013-Avg", 2.0, "N")],
    ),
    (
        "flags of the vendor",
        LIST | {"flag": "q", "flags": {"ok": "N", "1": "D"}},
        {"list": [{"n": "x", "v": 1, "q": "ok"}, {"n": "x", "v": 1, "q": 1}, {"n": "x", "v": 1, "q": "odd"}]},
        [("x-Rtd", 1.0, "N"), ("x-Rtd", 1.0, "D"), ("x-Rtd", 1.0, "?")],
    ),
    (
        "flags of HJ 212",
        LIST | {"flag": "q"},
        {"list": [{"n": "x", "v": 1, "q": "St"}, {"n": "x", "v": 1}]},
        [("x-Rtd", 1.0, "St"), ("x-Rtd", 1.0, "N")],
    ),
    (
        "stations with values under their names",
        {"readings": "*.values.*", "factor": "@key", "device": "^^@key"},
        {"stack": {"values": {"x": 1}}, "010000A8900016F000169DC0": {"values": {"y": 2}}},
        [("x-Rtd", 1.0, "N"), ("y-Rtd", 2.0, "N")],
    ),
]


@pytest.mark.parametrize(("keys", "message", "values"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_a_message_is_read_by_its_mapping(run: Any, keys: dict[str, Any], message: Any, values: Any) -> None:
    got = read(run, keys, message)
    assert (got.values, got.dead, got.times) == (values, [], {RECEIVED})


@pytest.mark.parametrize(
    ("form", "pattern", "time", "ms"),
    [
        ("iso", "", "2026-03-01T04:00:00Z", NOON),
        ("iso", "", "2026-03-01T12:00:00", NOON),
        ("epoch_s", "", 1772337600, NOON),
        ("epoch_s", "", 1772337600.25, NOON + 250),
        ("epoch_s", "", "1772337600", NOON),
        ("epoch_ms", "", NOON + 7, NOON + 7),
        ("epoch_ms", "", str(NOON), NOON),
        ("pattern", "%d/%m/%Y %H:%M:%S", "01/03/2026 12:00:00", NOON),
        ("pattern", "%Y%m%d%H%M", "202603011200", NOON),
        ("pattern", "%Y-%m-%d %H:%M %z", "2026-03-01 05:00 +0100", NOON),
    ],
)
def test_the_time_is_read_in_its_format(run: Any, form: str, pattern: str, time: Any, ms: int) -> None:
    keys = FLAT | {"time": "$.ts", "time_format": form, "time_pattern": pattern}
    assert read(run, keys, {"ts": time, "data": {"x": 1, "y": 2}}).times == {ms}


def test_each_reading_may_have_a_time_of_its_own(run: Any) -> None:
    keys = LIST | {"time": "t", "time_format": "epoch_ms"}
    got = read(run, keys, {"list": [{"n": "x", "v": 1, "t": NOON}, {"n": "x", "v": 2, "t": NOON + 60_000}]})
    assert [(row[4], row[5]) for row in got.readings] == [(NOON, 1.0), (NOON + 60_000, 2.0)]


@pytest.mark.parametrize(
    ("number", "name", "device"), [(0, "stack", 0), (-1, "stack", 0), (-1, "BERLIN-1", 2), (at_site(1), "pond", 2)]
)
def test_the_device_is_the_one_that_topic_and_path_agree_on(run: Any, number: int, name: str, device: int) -> None:
    got = read(run, FLAT | {"device": "$.id"}, {"id": name, "data": {"x": 1}}, device=number)
    assert got.readings[0][0] == device


def test_a_message_with_none_of_the_names_is_a_sign_of_life(run: Any) -> None:
    keys = FLAT | {"factors": {"SO2": "a21026"}, "device": "$.id"}
    got = read(run, keys, {"id": "stack", "data": {"door": "open"}})
    assert (got.sink.alive_only, got.sink.devices) == (1, {0})
    assert read(run, keys, {"id": "pond", "data": {}}).reasons == ["device_mismatch"]


NEED = FLAT | {"device": "$.id", "time": "$.ts", "period": "$.p"}
GOOD = {"id": "stack", "ts": "2026-03-01T04:00:00Z", "data": {"x": 1}}
BAD: list[tuple[str, dict[str, Any], Any, str, str]] = [
    ("no device", NEED, GOOD | {"id": None}, "missing_field", "device ('$.id') is missing"),
    ("a device that is no text", NEED, GOOD | {"id": [1]}, "bad_field", "device ('$.id') is [1]"),
    ("another device", NEED, GOOD | {"id": "pond"}, "device_mismatch", "names 'stack'"),
    ("no time", NEED, {"id": "stack", "data": {"x": 1}}, "missing_field", "time ('$.ts') is missing"),
    ("no date", NEED, GOOD | {"ts": "soon"}, "bad_time", "time ('$.ts') 'soon' is no ISO 8601"),
    ("a number for a date", NEED, GOOD | {"ts": 5}, "bad_time", "5 is no text"),
    ("a text for seconds", NEED | {"time_format": "epoch_s"}, GOOD | {"ts": "x"}, "bad_time", "is no number"),
    ("a truth for seconds", NEED | {"time_format": "epoch_s"}, GOOD | {"ts": True}, "bad_time", "True is no number"),
    (
        "seconds for milliseconds",
        NEED | {"time_format": "epoch_ms"},
        GOOD | {"ts": NOON // 1000},
        "bad_time",
        "seconds",
    ),
    ("seconds beyond all", NEED | {"time_format": "epoch_s"}, GOOD | {"ts": 1e300}, "bad_time", "between the years"),
    (
        "another form",
        NEED | {"time_format": "pattern", "time_pattern": "%Y%m%d%H%M"},
        GOOD,
        "bad_time",
        "is not of the form %Y%m%d%H%M",
    ),
    ("a period that is none", NEED, GOOD | {"p": "week"}, "bad_period", "'week'"),
    ("a value that is text", FLAT, {"data": {"x": "high"}}, "bad_value", "'x' is 'high'"),
    ("a value that is an object", FLAT, {"data": {"x": {}}}, "bad_value", "'x' is {}"),
    ("a value of 400 digits", FLAT, {"data": {"x": 10**400}}, "bad_value", "beyond all numbers"),
    ("no value", LIST, {"list": [{"n": "x"}]}, "missing_field", "'x' has no value"),
    ("no factor", LIST, {"list": [{"v": 1}]}, "missing_field", "factor ('n') is missing"),
    ("a name that is none", LIST, {"list": [{"n": "a b", "v": 1}]}, "bad_factor", "'a b'"),
    ("an unknown unit", FLAT | {"unit": "=furlong"}, {"data": {"a21026": 1}}, "unit_mismatch", "'mg/m3'"),
    ("ppm without a reference", FLAT | {"unit": "=ppm"}, {"data": {"a21026": 1}}, "unit_mismatch", "reference_c"),
    ("a unit that is a list", LIST | {"unit": "u"}, {"list": [{"n": "x", "v": 1, "u": []}]}, "bad_field", "unit ('u')"),
    ("too many", FLAT, {"data": {f"x{n}": n for n in range(2001)}}, "too_many_factors", "2001"),
]


@pytest.mark.parametrize(("keys", "message", "reason", "detail"), [c[1:] for c in BAD], ids=[c[0] for c in BAD])
def test_a_message_that_does_not_fit_is_one_dead_letter(
    run: Any, keys: Any, message: Any, reason: str, detail: str
) -> None:
    got = read(run, keys, message)
    (letter,) = got.dead
    assert got.readings == [], "a message is taken whole or not at all"
    assert letter.reason == reason
    assert detail in letter.detail
    assert len(letter.detail) < 400


@pytest.mark.parametrize(
    ("payload", "reason"),
    [(b"", "bad_json"), (b"{", "bad_json"), (b"[" * 50_000, "bad_json"), (b" " * (LONGEST_MESSAGE + 1), "too_long")],
)
def test_what_is_no_json_is_a_dead_letter(run: Any, payload: bytes, reason: str) -> None:
    assert run("mapped", payload, mapping=mapping(**FLAT)).reasons == [reason]


names = st.from_regex(r"[a-z][0-9a-z]{1,5}(-[A-Z][a-z]{1,4})?", fullmatch=True)
numbers = st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(10**15), 10**15)


@settings(max_examples=80, deadline=None)
@given(st.lists(st.tuples(names, numbers, st.integers(946_684_800_000, 4_133_980_799_999)), min_size=1, max_size=6))
def test_what_is_written_is_read(run: Any, written: list[tuple[str, float, int]]) -> None:
    keys = {"readings": "$.a[0].*", "factor": "n", "value": "r.v", "time": "^@key"}
    rows = {str(at): {"n": name, "r": {"v": value}, "t": ms} for at, (name, value, ms) in enumerate(written)}
    keys |= {"time": "t", "time_format": "epoch_ms"}
    got = read(run, keys, {"a": [rows]}).readings
    assert [(row[1], row[5], row[4]) for row in got] == [(name.partition("-")[0], v, ms) for name, v, ms in written]


wild = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["data", "list", "n", "v", "id", "ts", "p", "u"]), inner)
    ),
    max_leaves=10,
)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.binary(max_size=60) | wild.map(lambda made: json.dumps(made).encode()), max_size=5),
    st.sampled_from([FLAT, LIST | {"unit": "u", "flag": "p"}, NEED, NEED | {"time_format": "epoch_s"}]),
)
def test_whatever_comes_nothing_is_raised_and_nothing_lost(run: Any, payloads: list[bytes], keys: Any) -> None:
    run("mapped", *payloads, mapping=mapping(**keys))
