"""JSON version 1: what is read, and what becomes a dead letter with which reason."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.channels import PERIODS
from gateway.codecs.json_v1 import LONGEST_MESSAGE

NOON = 1_772_337_600_000  # 2026-03-01T04:00:00Z


def message(**fields: Any) -> bytes:
    return json.dumps({"v": 1, "time": NOON, "readings": {"a21026": 35.2}} | fields).encode()


def test_a_flat_message_is_readings_of_the_topics_device(run: Any) -> None:
    got = run("json", message(readings={"a21026": 35.2, "a34013-Max": 4}), device=1)
    assert got.readings == [
        (1, "a21026", "Rtd", "realtime", NOON, 35.2, "N"),
        (1, "a34013", "Max", "realtime", NOON, 4.0, "N"),
    ]
    assert got.sink.devices == {1}
    assert got.sink.readings().position.tolist() == [1000, 1000]


def test_a_declared_unit_is_converted_to_the_inventorys(run: Any) -> None:
    readings = {"a21026": {"value": 35200, "unit": "µg/m³"}, "a34013-Max": {"value": None, "unit": "g/m3"}}
    assert run("json", message(readings=readings)).values == [("a21026-Rtd", 35.2, "N"), ("a34013-Max", None, "N")]


def test_a_value_that_its_unit_makes_infinite_is_refused(run: Any) -> None:
    got = run("json", message(readings={"a21026": {"value": 1e308, "unit": "t/m3"}}))
    assert got.reasons == ["bad_value"]


def test_a_reading_written_out_carries_unit_and_flag(run: Any) -> None:
    readings = {
        "a21026-Avg": {"value": 35.0, "unit": "mg/m3", "flag": "D"},
        "a34013": {"value": None, "flag": "St"},
        "a19001": None,
        "a01012": {"value": 20, "unit": None, "flag": ""},
        "a21026-Cou": {"value": 3, "unit": "kg"},
        "private": {"value": 1, "unit": "furlong", "flag": "zz", "more": [1]},
    }
    assert run("json", message(readings=readings)).values == [
        ("a21026-Avg", 35.0, "D"),
        ("a34013-Rtd", None, "St"),
        ("a19001-Rtd", None, "N"),
        ("a01012-Rtd", 20.0, "N"),
        ("a21026-Cou", 3.0, "N"),
        ("private-Rtd", 1.0, "?"),
    ]


@pytest.mark.parametrize(("period", "field"), [("realtime", "Rtd"), ("minute", "Avg"), ("hour", "Avg"), ("day", "Avg")])
def test_a_bare_factor_is_the_first_field_of_its_period(run: Any, period: str, field: str) -> None:
    (row,) = run("json", message(period=period)).readings
    assert row[1:4] == ("a21026", field, period)


@pytest.mark.parametrize(
    ("time", "device", "ms"),
    [
        (NOON, 0, NOON),
        ("2026-03-01T04:00:00Z", 0, NOON),
        ("2026-03-01T04:00:00.123456Z", 0, NOON + 123),
        ("2026-03-01T12:00:00+08:00", 2, NOON),
        ("2026-03-01T12:00:00", 0, NOON),
        ("2026-03-01 12:00", 0, NOON),
        ("20260301T120000", 0, NOON),
        ("2026-03-01", 0, NOON - 12 * 3_600_000),
        ("2026-03-01T05:00:00", 2, NOON),
        ("2026-07-01T06:00:00", 2, 1_782_878_400_000),
        ("2025-10-26T02:30:00", 2, 1_761_438_600_000),  # occurs twice: the first
    ],
)
def test_a_stamp_without_a_zone_is_local_time_of_the_site(run: Any, time: int | str, device: int, ms: int) -> None:
    assert run("json", message(time=time), device=device).times == {ms}


def test_no_readings_is_a_sign_of_life(run: Any) -> None:
    got = run("json", message(readings={}))
    assert (got.sink.alive_only, got.sink.devices, got.dead) == (1, {0}, [])


@pytest.mark.parametrize(
    ("topic", "named", "device"),
    [(0, "stack", 0), (0, "010000A8900016F000169DC0", 0), (2, "pond", 2), (-1, "stack", 0), (-1, "BERLIN-1", 2)],
)
def test_the_payload_may_name_its_device_by_id_or_mn(run: Any, topic: int, named: str, device: int) -> None:
    assert run("json", message(device=named), device=topic).readings[0][0] == device


def test_unknown_members_are_ignored_and_a_byte_order_mark_is_not_json(run: Any) -> None:
    got = run("json", message(site="x", extra={"a": [1]}), b"\xef\xbb\xbf" + message())
    assert (len(got.readings), got.reasons) == (1, ["bad_json"])


BAD: list[tuple[str, bytes, str, str]] = [
    ("nothing", b"", "bad_json", "empty"),
    ("no JSON", b"{", "bad_json", "not JSON"),
    ("an array", b"[1]", "bad_json", "expected an object"),
    ("no UTF-8", b'{"v":1,"\xff":2}', "bad_json", "utf-8"),
    ("a pit of brackets", b'{"x":' + b"[" * 20_000 + b"]" * 20_000 + b"}", "bad_json", "recursion"),
    ("too long", message(pad="x" * LONGEST_MESSAGE), "too_long", "bytes"),
    ("no version", b'{"time":1,"readings":{}}', "missing_field", "v is missing"),
    ("no time", b'{"v":1,"readings":{}}', "missing_field", "time is missing"),
    ("no readings", b'{"v":1,"time":1}', "missing_field", "readings is missing"),
    ("version 2", message(v=2), "unsupported_version", "v is 2"),
    ("version true", message(v=True), "unsupported_version", "v is True"),
    ("version 1.0", message(v=1.0), "unsupported_version", "v is 1.0"),
    ("time of seconds", message(time=NOON // 1000), "bad_time", "looks like seconds"),
    ("time before 2000", message(time=946_684_799_999), "bad_time", "between the years"),
    ("time after 2100", message(time="2101-01-01T00:00:00Z"), "bad_time", "between the years"),
    ("time huge", message(time=10**30), "bad_time", "time 1000"),
    ("time a float", message(time=NOON + 0.5), "bad_time", "time is"),
    ("time null", message(time=None), "bad_time", "time is None"),
    ("time true", message(time=True), "bad_time", "time is True"),
    ("time no date", message(time="yesterday"), "bad_time", "ISO 8601"),
    ("time of digits", message(time="202603011203040"), "bad_time", "ISO 8601"),
    ("time on 30 February", message(time="2026-02-30T00:00:00Z"), "bad_time", "ISO 8601"),
    ("time at the edge of the calendar", message(time="0001-01-01T00:00:00+23:59"), "bad_time", "time '0001"),
    ("period", message(period="week"), "bad_period", "period is 'week'"),
    ("period a list", message(period=["day"]), "bad_period", "period is ['day']"),
    ("device a number", message(device=7), "bad_field", "device is 7"),
    ("device of another", message(device="pond"), "device_mismatch", "topic names 'stack'"),
    ("readings a list", message(readings=[1]), "bad_field", "readings is [1]"),
    ("value a bool", message(readings={"a": 1, "b": True}), "bad_value", "readings.b is True"),
    ("value a string", message(readings={"b": "1"}), "bad_value", "readings.b is '1'"),
    ("value a list", message(readings={"b": [1]}), "bad_value", "readings.b is [1]"),
    ("value NaN", message(readings={"b": math.nan}), "bad_value", "readings.b is nan"),
    ("value Infinity", message(readings={"b": -math.inf}), "bad_value", "readings.b is -inf"),
    ("value beyond doubles", b'{"v":1,"time":1,"readings":{"b":1e999}}', "bad_value", "readings.b is inf"),
    ("value of 400 digits", message(readings={"b": 10**400}), "bad_value", "readings.b is 1000"),
    ("inner value a bool", message(readings={"b": {"value": False}}), "bad_value", "readings.b.value is False"),
    ("no inner value", message(readings={"b": {"vaule": 1}}), "bad_value", "readings.b is an object without value"),
    ("unit a number", message(readings={"b": {"value": 1, "unit": 2}}), "bad_field", "readings.b.unit is 2"),
    ("flag null", message(readings={"b": {"value": 1, "flag": None}}), "bad_field", "readings.b.flag is None"),
    ("other unit", message(readings={"a21026": {"value": 1, "unit": "ppm"}}), "unit_mismatch", "'ppm'"),
    (
        "other unit, corrected value",
        message(readings={"a21026-ZsAvg": {"value": 1, "unit": "kPa"}}),
        "unit_mismatch",
        "readings.a21026-ZsAvg: unit 'kPa' is a pressure, the inventory's 'mg/m3' a concentration",
    ),
    ("empty name", message(readings={"": 1}), "bad_factor", "name ''"),
    ("no field after the dash", message(readings={"a-": 1}), "bad_factor", "name 'a-'"),
    ("no factor before it", message(readings={"-Rtd": 1}), "bad_factor", "name '-Rtd'"),
    ("blank in a name", message(readings={"a b": 1}), "bad_factor", "name 'a b'"),
    ("line end in a name", message(readings={"a\n": 1}), "bad_factor", "name 'a"),
    ("long name", message(readings={"a" * 65: 1}), "bad_factor", "name 'aaa"),
    ("too many", message(readings={f"a{n}": n for n in range(2001)}), "too_many_factors", "2001 entries"),
]


@pytest.mark.parametrize(("payload", "reason", "detail"), [case[1:] for case in BAD], ids=[case[0] for case in BAD])
def test_a_bad_message_is_a_dead_letter_that_names_the_field(
    run: Any, payload: bytes, reason: str, detail: str
) -> None:
    good = message()
    got = run("json", good, payload, good)
    (letter,) = got.dead
    assert (letter.reason, letter.position, letter.payload, letter.topic) == (reason, 1001, payload, "t/1")
    assert detail in letter.detail
    assert len(letter.detail) < 300
    assert len(got.readings) == 2, "its neighbours are read"
    assert got.sink.devices == {0}


@pytest.mark.parametrize(
    ("fields", "detail"),
    [
        ({}, "neither topic nor payload names a device"),
        ({"device": "ghost"}, "'ghost' is no id"),
        ({"device": "pond"}, "more than one site"),
    ],
)
def test_a_device_that_cannot_be_told_is_unknown(run: Any, fields: dict[str, str], detail: str) -> None:
    got = run("json", message(**fields), device=-1, unknown_devices="accept")
    assert got.reasons == ["unknown_device"]
    assert detail in got.dead[0].detail
    assert got.sink.devices == set()


def test_a_message_of_another_device_is_no_sign_of_life_of_the_topics(run: Any) -> None:
    assert run("json", message(device="pond")).sink.devices == set()


def test_a_channel_too_many_is_a_dead_letter_and_known_ones_go_on(run: Any) -> None:
    got = run("json", message(), message(readings={"b": 1}), message(), max_channels=1)
    assert (got.reasons, len(got.readings)) == (["channels_full"], 2)
    assert "decode.max_channels" in got.dead[0].detail


names = st.from_regex(r"[a-z][0-9a-z]{1,5}(-[A-Z][a-z]{1,4})?", fullmatch=True)
numbers = st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(10**15), 10**15)
written_out = st.fixed_dictionaries(
    {"value": st.none() | numbers}, optional={"flag": st.sampled_from(["N", "D", "St", ""]), "unit": st.none()}
)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.dictionaries(names, st.one_of(numbers, st.none(), written_out), min_size=1, max_size=8),
            st.sampled_from(PERIODS),
            st.integers(946_684_800_000, 4_133_980_799_999),
            st.integers(0, 2),
        ),
        min_size=1,
        max_size=6,
    )
)
def test_what_is_written_is_read(run: Any, written: list[tuple[dict[str, Any], str, int, int]]) -> None:
    payloads = [message(readings=r, period=p, time=t) for r, p, t, _ in written]
    expected = [
        (
            device,
            name.partition("-")[0],
            name.partition("-")[2] or ("Rtd" if period == "realtime" else "Avg"),
            period,
            time,
        )
        + ((reading["value"], reading.get("flag") or "N") if isinstance(reading, dict) else (reading, "N"))
        for readings, period, time, device in written
        for name, reading in readings.items()
    ]
    got = run("json", *payloads, devices=[device for *_, device in written])
    assert got.readings == expected


values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["value", "unit", "flag", "x"]), inner),
    max_leaves=6,
)
near_misses = st.fixed_dictionaries(
    {},
    optional={
        "v": st.just(1) | values,
        "time": st.just(NOON) | values,
        "readings": st.dictionaries(st.text(max_size=4), values, max_size=4) | values,
        "device": st.just("stack") | values,
        "period": st.just("hour") | values,
    },
)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.binary(max_size=60) | near_misses.map(lambda made: json.dumps(made).encode()), max_size=5))
def test_whatever_comes_nothing_is_raised_and_nothing_lost(run: Any, payloads: list[bytes]) -> None:
    run("json", *payloads)
