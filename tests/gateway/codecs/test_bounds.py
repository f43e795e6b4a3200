"""Bounds that every codec of readings keeps: bytes, factors, depth, numbers. What is beyond is a dead letter, whole."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest

from gateway.codecs.hj212 import LONGEST_PAYLOAD
from gateway.config import MIB, JsonMapping

MAPPING = JsonMapping.model_validate({"name": "own", "readings": "r.*", "factor": "@key", "value": ""})
CODECS = ["json", "hj212", "senml", "line", "mapped", "auto"]
DEEP = 100_000


def settings(codec: str) -> dict[str, Any]:
    return {"mapping": MAPPING} if codec == "mapped" else {}


def payload(codec: str, frame: Any, values: dict[str, str]) -> bytes:
    """A message of these factors; numbers are written as they are given."""
    pairs = ",".join(f'"{name}":{value}' for name, value in values.items())
    match codec:
        case "json" | "auto":
            return f'{{"v":1,"time":1772337600000,"readings":{{{pairs}}}}}'.encode()
        case "mapped":
            return f'{{"r":{{{pairs}}}}}'.encode()
        case "senml":
            return ("[" + ",".join(f'{{"n":"{name}","v":{value}}}' for name, value in values.items()) + "]").encode()
        case "line":
            return ("m " + ",".join(f"{name}={value}" for name, value in values.items())).encode()
        case _:
            items = ";".join(f"{name}-Rtd={value}" for name, value in values.items())
            return frame(f"DataTime=20260301120000;{items}")


@pytest.mark.parametrize("codec", CODECS)
def test_one_factor_too_many_is_a_dead_letter_and_the_most_are_not(run: Any, frame: Any, codec: str) -> None:
    for count, reasons in ((50, []), (51, ["too_many_factors"])):
        sent = payload(codec, frame, {f"a{n}": "1" for n in range(count)})
        got = run(codec, sent, max_factors=50, quarantine=(), **settings(codec))
        assert got.reasons == reasons
        assert len(got.values) == (count if not reasons else 0)
        assert all(letter.payload == sent for letter in got.dead)


@pytest.mark.parametrize("codec", CODECS)
def test_one_byte_too_many_is_a_dead_letter(run: Any, frame: Any, codec: str) -> None:
    most = LONGEST_PAYLOAD if codec == "hj212" else MIB
    sent = payload(codec, frame, {"a21026": "1"})
    got = run(codec, sent + b" " * (most + 1 - len(sent)), quarantine=(), **settings(codec))
    assert got.reasons == ["too_long"]


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("written", ["1e400", "-1e400", "9" * 400, "1e999999999", "NaN", "Infinity", "0x10", "1_0"])
def test_no_number_beyond_doubles_becomes_a_value(run: Any, frame: Any, codec: str, written: str) -> None:
    got = run(codec, payload(codec, frame, {"a21026": written}), quarantine=(), **settings(codec))
    assert [value for _, value, _ in got.values if value is not None and not math.isnan(value)] == []
    assert got.dead or got.values


@pytest.mark.parametrize("codec", [*CODECS, "frigate", "onvif"])
@pytest.mark.parametrize("opening", ["[", '{"a":', '[{"a":', '{"v":1,"time":1,"readings":{"a":[', '{"r":{"a":{"a":'])
def test_no_depth_of_nesting_breaks_a_codec(run: Any, codec: str, opening: str) -> None:
    for sent in (opening * DEEP, opening * DEEP + "1"):
        got = run(codec, sent.encode()[: MIB - 1], topic="onvif-ej/x", **settings(codec))
        assert len(got.dead) >= 1
        assert len(got.dead[0].detail) < 500


def test_a_sentence_is_short_whatever_it_quotes(run: Any) -> None:
    for message in (
        {"v": 1, "time": "t" * 100_000, "readings": {}},
        {"v": 1, "time": 1_772_337_600_000, "device": "d" * 100_000, "readings": {}},
        {"v": 1, "time": 1_772_337_600_000, "readings": {"n" * 100_000: 1}},
        {"v": 1, "time": 1_772_337_600_000, "period": "p" * 100_000, "readings": {}},
        {"v": 1, "time": 1_772_337_600_000, "readings": {"a21026": {"value": 1, "unit": "u" * 100_000}}},
        {"v": "v" * 100_000, "time": 1_772_337_600_000, "readings": {}},
        {"v": 1, "time": 1_772_337_600_000, "readings": {"n" * 100_000: {"value": "x" * 100_000}}},
    ):
        (letter,) = run("json", json.dumps(message).encode()).dead
        assert len(letter.detail) < 500, letter.detail[:200]


@pytest.mark.parametrize("name", ["a21026", "a21026-Odd"])
@pytest.mark.parametrize("unit", ["", '"u":"mg/m3",', '"u":"g/m3",'])
def test_no_sum_of_base_and_value_becomes_infinite(run: Any, name: str, unit: str) -> None:
    """Also where the unit's conversion is what goes beyond all numbers."""
    for value, base in (("1e308", "1.7e308"), ("-1.7e308", "-1e308")):
        pack = f'[{{"bv":{base},"n":"{name}",{unit}"v":{value}}}]'
        assert run("senml", pack.encode()).reasons == ["bad_value"], pack
