"""SenML (RFC 8428): what records resolve to, whose they are, and which packs are dead letters."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.codecs.seam import at_site
from gateway.codecs.senml import LONGEST_MESSAGE, RELATIVE_BELOW, device_and_factor

RECEIVED = 1_772_323_205_000  # of the test's block
NOON = 1_772_337_600_000


def pack(*records: dict[str, Any]) -> bytes:
    return json.dumps(records).encode()


def test_base_fields_hold_until_the_next_of_their_kind(run: Any) -> None:
    got = run(
        "senml",
        pack(
            {"bn": "stack/a", "bt": 1772337600, "bv": 100, "bu": "mg/m3", "n": "21026", "v": 1},
            {"n": "34013", "t": 2, "v": -3.5},
            {"bn": "pond/", "bv": 0, "bt": 1772337610, "bu": "ug/m3", "n": "a21026", "v": 500},
            {"n": "a34013", "u": "g/m3", "v": 0.002},
        ),
        device=-1,
        devices=[at_site(0)],
    )
    assert got.readings == [
        (0, "a21026", "Rtd", "realtime", NOON, 101.0, "N"),
        (0, "a34013", "Rtd", "realtime", NOON + 2000, 96.5, "N"),
        (1, "a21026", "Rtd", "realtime", NOON + 10_000, 0.5, "N"),
        (1, "a34013", "Rtd", "realtime", NOON + 10_000, 2.0, "N"),
    ]
    assert got.sink.devices == {0, 1}


def test_base_fields_may_stand_in_a_record_of_their_own(run: Any) -> None:
    assert run("senml", pack({"bn": "stack/", "bu": "ug/m3"}, {"n": "a21026", "v": 1000})).values == [
        ("a21026-Rtd", 1.0, "N")
    ]


@pytest.mark.parametrize(
    ("fields", "ms"),
    [
        ({}, RECEIVED),
        ({"t": 0}, RECEIVED),
        ({"t": -5}, RECEIVED - 5000),
        ({"t": 1.5}, RECEIVED + 1500),
        ({"bt": -60, "t": 10}, RECEIVED - 50_000),
        ({"t": 1772337600}, NOON),
        ({"bt": 1772337600.25, "t": -0.125}, NOON + 125),
        ({"bt": 1772337600, "t": -RELATIVE_BELOW}, NOON - RELATIVE_BELOW * 1000),
    ],
)
def test_a_time_below_2_to_the_28_is_relative_to_when_it_was_received(run: Any, fields: Any, ms: int) -> None:
    assert run("senml", pack({"n": "a21026", "v": 1} | fields)).times == {ms}


@pytest.mark.parametrize(
    ("record", "values"),
    [
        ({"n": "x", "v": 3}, [("x-Rtd", 3.0, "N")]),
        ({"n": "x-Avg", "v": 3}, [("x-Avg", 3.0, "N")]),
        ({"n": "x", "vb": True}, [("x-Rtd", 1.0, "N")]),
        ({"n": "x", "vb": False}, [("x-Rtd", 0.0, "N")]),
        ({"n": "x", "s": 4, "bs": 10}, [("x-Sum", 14.0, "N")]),
        ({"n": "x", "v": 1, "s": 4}, [("x-Rtd", 1.0, "N"), ("x-Sum", 4.0, "N")]),
        ({"n": "x", "v": 1, "ut": 60, "vendor": {"a": 1}}, [("x-Rtd", 1.0, "N")]),
        ({"n": "x", "v": 1, "bver": 10}, [("x-Rtd", 1.0, "N")]),
        ({"n": "x", "v": 1, "bver": 26}, [("x-Rtd", 1.0, "N")]),
    ],
)
def test_values_truths_and_sums_are_readings(run: Any, record: Any, values: Any) -> None:
    assert run("senml", pack(record)).values == values


def test_texts_beside_numbers_are_not_stored(run: Any) -> None:
    got = run("senml", pack({"n": "fw", "vs": "1.2"}, {"n": "raw", "vd": "aGk"}, {"n": "x", "v": 1}))
    assert (got.values, got.dead) == ([("x-Rtd", 1.0, "N")], [])


def test_a_pack_of_nothing_is_a_sign_of_life(run: Any) -> None:
    got = run("senml", b"[]", pack({"bn": "stack/"}))
    assert (got.sink.alive_only, got.sink.devices) == (2, {0})


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a21026", (None, "a21026")),
        ("ww-01/a21026-Avg", ("ww-01", "a21026-Avg")),
        ("LD130133000015:w01018", ("LD130133000015", "w01018")),
        ("urn:dev:mac:0024befffe804ff1/temp", ("0024befffe804ff1", "temp")),
        ("urn:dev:ow:10e2073a01080063:voltage", ("10e2073a01080063", "voltage")),
        ("urn:dev:ow:10e2073a01080063", ("", "10e2073a01080063")),
        ("river/ww-01/x", ("river/ww-01", "x")),
        ("/x", ("", "x")),
    ],
)
def test_device_and_factor_are_what_stands_before_and_after_the_last_separator(name: str, expected: Any) -> None:
    assert device_and_factor(name) == expected


@pytest.mark.parametrize(
    ("number", "name", "device"),
    [
        (0, "a21026", 0),
        (0, "stack/a21026", 0),
        (0, "010000A8900016F000169DC0:a21026", 0),
        (-1, "stack/a21026", 0),
        (-1, "BERLIN-1/a21026", 2),
        (-1, "urn:dev:mac:0024befffe804ff1/a01001", 3),
        (at_site(0), "pond/a21026", 1),
        (at_site(1), "pond/a21026", 2),
        (at_site(1), "BERLIN-1/a21026", 2),
    ],
)
def test_a_record_is_of_the_device_that_topic_and_name_agree_on(run: Any, number: int, name: str, device: int) -> None:
    assert run("senml", pack({"n": name, "v": 1}), device=number).readings[0][0] == device


BAD: list[tuple[str, int, bytes, str, str]] = [
    ("nothing", 0, b"", "bad_json", "empty"),
    ("no JSON", 0, b"[{", "bad_json", "not JSON"),
    ("an object", 0, b'{"n":"x","v":1}', "bad_field", "Expected `array`"),
    ("a record that is none", 0, b"[1]", "bad_field", "$[0]"),
    ("a value that is text", 0, pack({"n": "x", "v": "1"}), "bad_field", "$[0].v"),
    ("NaN", 0, b'[{"n":"x","v":NaN}]', "bad_json", "not JSON"),
    ("beyond doubles", 0, b'[{"n":"x","v":1e999}]', "bad_field", "out of range"),
    ("a pit of brackets", 0, b'[{"x":' + b"[" * 20_000 + b"]" * 20_000 + b"}]", "bad_json", "recursion"),
    ("too long", 0, b" " * (LONGEST_MESSAGE + 1), "too_long", "bytes"),
    (
        "a field to be understood",
        0,
        pack({"n": "x", "v": 1}, {"n": "y", "v": 1, "crit_": 0}),
        "not_understood",
        "crit_",
    ),
    ("the same, escaped", 0, b'[{"n":"x","v":1,"crit\\u005f":0}]', "not_understood", "crit_"),
    ("no value", 0, pack({"n": "x"}), "missing_field", "record 0 has none of v, vb, vs, vd and s"),
    ("text only", 0, pack({"n": "x", "vs": "on"}), "text_value", "no number"),
    ("a later version", 0, pack({"bver": 11, "n": "x", "v": 1}), "unsupported_version", "bver of record 0 is 11"),
    ("two versions", 0, pack({"n": "x", "v": 1}, {"bver": 9, "n": "x", "v": 1}), "unsupported_version", "record 1"),
    ("time before 2000", 0, pack({"n": "x", "v": 1, "t": RELATIVE_BELOW}), "bad_time", "between the years"),
    ("time in milliseconds", 0, pack({"n": "x", "v": 1, "t": NOON}), "bad_time", "between the years"),
    ("time beyond all", 0, pack({"n": "x", "v": 1, "t": -1e300}), "bad_time", "between the years"),
    ("no name", 0, pack({"v": 1}), "bad_factor", "no factor"),
    ("a device without a factor", 0, pack({"n": "stack/", "v": 1}), "bad_factor", "no factor"),
    ("a name with a blank", 0, pack({"n": "a b", "v": 1}), "bad_factor", "'a b'"),
    ("another device", 0, pack({"n": "pond/x", "v": 1}), "device_mismatch", "the topic names 'stack'"),
    ("an unknown device under a topic's", 0, pack({"n": "ghost/x", "v": 1}), "device_mismatch", "'ghost'"),
    ("no device at all", -1, pack({"n": "x", "v": 1}), "unknown_device", "neither topic nor payload"),
    ("an unknown device", -1, pack({"n": "ghost/x", "v": 1}), "unknown_device", "'ghost'"),
    ("an id of two sites", -1, pack({"n": "pond/x", "v": 1}), "unknown_device", "more than one site"),
    ("a device of another site", at_site(1), pack({"n": "stack/x", "v": 1}), "unknown_device", "site 'berlin'"),
    ("an MN of another site", at_site(0), pack({"n": "BERLIN-1/x", "v": 1}), "unknown_device", "site 'north'"),
    (
        "a site that is not ours",
        at_site(2),
        pack({"n": "stack/x", "v": 1}),
        "unknown_device",
        "those the topic names",
    ),
    ("an empty device", -1, pack({"n": "/x", "v": 1}), "unknown_device", "''"),
    ("coulomb for Celsius", 3, pack({"n": "a01001", "v": 1, "u": "C"}), "unit_mismatch", "coulomb"),
    ("an unknown unit", 0, pack({"n": "a21026", "v": 1, "u": "furlong"}), "unit_mismatch", "'mg/m3'"),
    ("infinite by its base", 0, pack({"bv": 1.7e308, "n": "x", "v": 1.7e308}), "bad_value", "finite"),
    ("too many", 0, pack(*({"n": f"x{n}", "v": 1} for n in range(2001))), "too_many_factors", "2001"),
]


@pytest.mark.parametrize(("number", "payload", "reason", "detail"), [c[1:] for c in BAD], ids=[c[0] for c in BAD])
def test_a_bad_pack_is_a_dead_letter_and_its_neighbours_are_read(
    run: Any, number: int, payload: bytes, reason: str, detail: str
) -> None:
    good = pack({"n": "stack/a21026", "v": 1})
    got = run("senml", good, payload, good, devices=[0, number, 0])
    (letter,) = got.dead
    assert (letter.reason, letter.position, letter.payload) == (reason, 1001, payload)
    assert detail in letter.detail
    assert len(letter.detail) < 400
    assert len(got.readings) == 2
    assert got.sink.devices == ({0} if number < 0 or number == 0 else {0, number})


def test_ozone_in_ppb_is_converted_at_the_reference_the_inventory_states(run: Any) -> None:
    ((_, value, _),) = run("senml", pack({"n": "met/a05024", "u": "ppm", "v": 0.05}), device=3).values
    assert value == pytest.approx(98.09, abs=0.01)


records = st.lists(
    st.fixed_dictionaries(
        {"n": st.sampled_from(["x", "y-Avg", "z"]), "v": st.floats(-1e9, 1e9)},
        optional={"bv": st.floats(-1e9, 1e9), "t": st.integers(-1000, 1000), "bt": st.sampled_from([0, 1772337600])},
    ),
    min_size=1,
    max_size=6,
)


@settings(max_examples=80, deadline=None)
@given(records)
def test_records_resolve_as_the_rfc_says(run: Any, written: list[dict[str, Any]]) -> None:
    expected: list[tuple[str, float, int]] = []
    base: dict[str, float] = {"bv": 0.0, "bt": 0}
    for record in written:
        base |= {key: record[key] for key in base if key in record}
        time = base["bt"] + record.get("t", 0)
        ms = round(time * 1000) + (RECEIVED if time < RELATIVE_BELOW else 0)
        expected.append((record["n"].partition("-")[0], record["v"] + base["bv"], ms))
    got = run("senml", pack(*written)).readings
    assert [(row[1], row[5], row[4]) for row in got] == expected


wild = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["n", "v", "x_"]), inner),
    max_leaves=6,
)
labels = ["bn", "bt", "bu", "bv", "bs", "bver", "n", "u", "v", "vs", "vb", "vd", "s", "t", "ut", "x_"]
near_misses = st.lists(st.dictionaries(st.sampled_from(labels), wild, max_size=6), max_size=4)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.binary(max_size=60) | near_misses.map(lambda made: json.dumps(made).encode()), max_size=5))
def test_whatever_comes_nothing_is_raised_and_nothing_lost(run: Any, payloads: list[bytes]) -> None:
    run("senml", *payloads)
