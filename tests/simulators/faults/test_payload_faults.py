"""Payload faults are in the bytes, and the dead letters that the truth counts are those of a real receiver."""

from __future__ import annotations

import tomllib
from typing import Any

import numpy as np
import pytest
from faulty_plant import START, counts, read, scenario, sent, truth

from gateway.channels import Channels
from gateway.codecs import make_codecs
from gateway.codecs.seam import CodecSettings
from gateway.config import Subscription
from gateway.decode import Decoder
from gateway.inventory_file import read_inventory
from gateway.records import Block, Decoded
from gateway.topics import Router
from simulators.formats.hj212 import crc16
from simulators.inventory import toml
from simulators.records import Message

SPEAKERS = {"stack-1": "hj212", "json-1": "json", "pack-1": "senml"}
KINDS = [
    "truncated", "bad_crc", "not_a_number", "wrong_type", "unknown_field", "huge", "wrong_topic", "wrong_mn",
]  # fmt: skip


def received(messages: list[Message]) -> Decoded:
    """What the gateway makes of them."""
    inventory, mistakes, _ = read_inventory(tomllib.loads(toml(scenario())))
    assert inventory is not None, mistakes
    subscription = Subscription(topic="pollution/{site}/{device}/data")
    decoder = Decoder(Router([subscription], inventory), make_codecs(inventory, Channels(inventory), CodecSettings()))
    topics, payloads = [m.topic for m in messages], [m.payload for m in messages]
    return decoder.decode(Block(0, START, "link", topics, payloads))


@pytest.mark.parametrize("device", SPEAKERS)
def test_all_at_once_the_dead_letters_are_those_of_a_gateway_in_either_order(device: str) -> None:
    kinds = [kind for kind in KINDS if kind != "bad_crc" or SPEAKERS[device] == "hj212"]
    faults = [{"kind": kind, "device": device, "share": 0.5, "duration_s": 30.0} for kind in kinds]
    blanks = {"kind": "huge", "device": device, "share": 0.5, "duration_s": 30.0, "bytes": 2000}
    for order in (faults, faults[::-1]):
        plan = scenario(blanks, *order)
        told = counts(plan, device, 60.0)
        reasons = [letter.reason for letter in received(sent(plan, device, 60.0)).dead]
        assert told["dead_letters"] == {reason: reasons.count(reason) for reason in set(reasons)}


def test_the_oracle_hears_what_can_be_used_of_a_spoilt_message() -> None:
    rise = {"kind": "exceedance", "device": "stack-1", "factor": "a21026", "reach": 90.0}
    for kind, found in (("bad_crc", 0), ("not_a_number", 1), ("unknown_field", 1), ("wrong_topic", 0)):
        plan = scenario({"kind": kind, "device": "stack-1"}, incidents=(rise,))
        lines = truth(plan, 60.0)
        assert [line["kind"] for line in lines if line["layer"] == "expected"].count("exceedance") == found, kind


@pytest.mark.parametrize(
    ("kind", "device"),
    [(kind, device) for kind in KINDS for device, codec in SPEAKERS.items() if kind != "bad_crc" or codec == "hj212"],
)
def test_the_dead_letters_of_the_truth_are_those_of_a_gateway(kind: str, device: str) -> None:
    plan = scenario({"kind": kind, "device": device, "duration_s": 5.0})
    clean, faulty = sent(scenario(), device, 30.0), sent(plan, device, 30.0)
    changed = [row for row, (one, other) in enumerate(zip(clean, faulty, strict=True)) if one != other]
    assert [START + 20_000 <= message.due < START + 25_000 for message in clean] == [
        row in changed for row in range(len(clean))
    ]
    told = counts(plan, device, 30.0)
    decoded = received(faulty)
    reasons = [letter.reason for letter in decoded.dead]
    assert told["dead_letters"] == {reason: reasons.count(reason) for reason in set(reasons)}
    assert told["corrupted"] == {kind: len(changed)}
    assert {letter.position for letter in decoded.dead} <= set(changed)
    lost = {letter.position for letter in decoded.dead}
    assert [message.values for message in faulty] == [
        0 if row in lost else message.values for row, message in enumerate(clean)
    ]


def spoiled(kind: str, device: str, **keys: Any) -> tuple[Message, Message]:
    """A message and what becomes of it."""
    clean = sent(scenario(), device, 30.0)
    faulty = sent(scenario({"kind": kind, "device": device, **keys}), device, 30.0)
    return clean[-1], faulty[-1]


def test_a_truncated_message_is_the_beginning_of_what_was_sent() -> None:
    one, other = spoiled("truncated", "stack-1", keep=0.5)
    assert one.payload.startswith(other.payload) and len(other.payload) == round(len(one.payload) / 2)


def test_a_bad_crc_is_one_bit_and_the_data_are_whole() -> None:
    one, other = spoiled("bad_crc", "stack-1")
    assert other.payload[:-6] == one.payload[:-6] and len(other.payload) == len(one.payload)
    assert (int(other.payload[-6:-2], 16) ^ crc16(one.payload[6:-6])).bit_count() == 1


@pytest.mark.parametrize(("kind", "text"), [("not_a_number", b"NaN"), ("wrong_type", b"ERR")])
def test_what_is_no_number_stands_in_a_frame_that_is_right_otherwise(kind: str, text: bytes) -> None:
    one, other = spoiled(kind, "stack-1")
    assert b"a21026-Rtd=" + text in other.payload
    assert int(other.payload[-6:-2], 16) == crc16(other.payload[6:-6])
    decoded = received([other])
    assert not decoded.dead and np.isnan(decoded.readings.value).sum() == 1
    assert len(decoded.readings) == len(read(one).values)


def test_an_unknown_field_hinders_nobody() -> None:
    for device, known in (("stack-1", 11), ("json-1", 11), ("pack-1", 11)):
        _, other = spoiled("unknown_field", device)
        assert b"zz9999" in other.payload
        assert len(received([other]).readings) == known + 1


def test_a_huge_message_has_its_size_and_its_content() -> None:
    one, other = spoiled("huge", "json-1", bytes=2_000_000)
    assert len(other.payload) == 2_000_000 and other.payload.rstrip() == one.payload


def test_a_wrong_name_is_in_a_frame_that_is_right_otherwise() -> None:
    _, other = spoiled("wrong_mn", "stack-1", mn="AAAAA")
    assert b";MN=AAAAA;" in other.payload and int(other.payload[-6:-2], 16) == crc16(other.payload[6:-6])
    _, elsewhere = spoiled("wrong_topic", "json-1", suffix="-x")
    assert elsewhere.topic == "pollution/plant/json-1-x/data"


def test_a_share_is_spoiled_and_the_same_with_the_same_seed() -> None:
    plan = scenario({"kind": "truncated", "device": "json-1", "share": 0.5, "start_s": 0.0, "duration_s": 200.0})
    told = counts(plan, "json-1", 200.0)
    assert 70 < told["corrupted"]["truncated"] < 130
    assert sent(plan, "json-1", 50.0) == sent(plan, "json-1", 50.0) != sent(plan, "json-1", 50.0, seed=8)
