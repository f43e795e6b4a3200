"""The decoder: every message of a block ends as readings or dead, whatever its codec does, in journal order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest
import small_city
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs
from structlog.typing import EventDict

from gateway.channels import Channels
from gateway.codecs import make_codecs
from gateway.codecs.seam import Codec, CodecSettings, Sink
from gateway.config import Subscription
from gateway.decode import Decoder
from gateway.flags import NORMAL
from gateway.hj212.crc import crc16
from gateway.records import Block, Claim, Decoded
from gateway.topics import Router

RECEIVED = small_city.START + 1_000
POISON = b"poison"


class Numbers:
    """A codec of payloads that are numbers; on `POISON` it has a mistake and raises in the middle of its work."""

    def decode(self, rows: Sequence[int], devices: Sequence[int], sink: Sink) -> None:
        for row, device in zip(rows, devices, strict=True):
            payload = sink.block.payloads[row]
            sink.rows.append(row)
            sink.counts.append(1)
            sink.times.append(RECEIVED)
            sink.channels.append(0)
            sink.flags.append(NORMAL)
            if payload == POISON:
                raise KeyError("a mistake of the codec")
            sink.values.append(float(payload))
            sink.devices.add(device)


@pytest.fixture(autouse=True)
def log() -> Iterator[list[EventDict]]:
    """What was logged; a traceback printed for each poisoned message would take the time of a thousand of them."""
    with capture_logs() as events:
        yield events


def decoder(codecs: dict[str, Codec] | None = None) -> Decoder:
    """JSON on `json/`, HJ 212 on `hj212/`, either on `auto/`, for the devices of the small city."""
    inventory = small_city.inventory()
    subscriptions = [
        Subscription(topic="json/{site}/{device}", codec="json"),
        Subscription(topic="hj212/{site}/{device}", codec="hj212"),
        Subscription(topic="auto/{site}/{device}"),
        Subscription(topic="lines/{site}", codec="line"),
        Subscription(topic="frigate/{site}", codec="frigate"),
        Subscription(topic="frigate/{site}/{camera}", codec="frigate"),
    ]
    made = make_codecs(inventory, Channels(inventory), CodecSettings()) | (codecs or {})
    return Decoder(Router(subscriptions, inventory), made)


def block(*messages: tuple[str, bytes], first: int = 100) -> Block:
    return Block(first, RECEIVED, "city", [topic for topic, _ in messages], [payload for _, payload in messages])


def json_of(so2: float) -> bytes:
    return b'{"v":1,"time":%d,"readings":{"a21026":%r}}' % (small_city.START, so2)


def hj212_of(so2: float) -> bytes:
    segment = b"ST=31;CN=2011;PW=1;Flag=4;CP=&&DataTime=20260101080000;a21026-Rtd=%r&&" % so2
    return b"##%04d%b%04X\r\n" % (len(segment), segment, crc16(segment))


def values(decoded: Decoded) -> list[tuple[int, float]]:
    """(position, value) of each reading, in order."""
    return list(zip(decoded.readings.position.tolist(), decoded.readings.value.tolist(), strict=True))


def dead(decoded: Decoded) -> list[tuple[int, str]]:
    """(position, reason) of each dead letter, in order."""
    return [(letter.position, letter.reason) for letter in decoded.dead]


def test_a_block_of_one_codec_becomes_columns() -> None:
    decoded = decoder().decode(block(("json/plant/d0", json_of(1.5)), ("json/plant/d1", json_of(2.5))))
    assert (decoded.first, decoded.end, decoded.received) == (100, 102, RECEIVED)
    assert values(decoded) == [(100, 1.5), (101, 2.5)]
    assert decoded.readings.time.tolist() == [small_city.START] * 2
    assert decoded.devices == [0, 1]
    assert decoded.dead == []


@pytest.mark.parametrize("topic", ["json/plant", "json/plant/d0/more", "elsewhere", "", "JSON/plant/d0"])
def test_a_message_on_a_topic_of_no_template_is_buried_whole(topic: str) -> None:
    decoded = decoder().decode(block(("json/plant/d0", json_of(1.0)), (topic, b"what it was")))
    assert values(decoded) == [(100, 1.0)]
    (letter,) = decoded.dead
    assert (letter.position, letter.link, letter.received) == (101, "city", RECEIVED)
    assert (letter.topic, letter.payload, letter.reason) == (topic, b"what it was", "unknown_topic")
    assert repr(topic) in letter.detail


def test_a_block_of_unknown_topics_only_has_no_readings() -> None:
    decoded = decoder().decode(block(("a", b"1"), ("b", b"2")))
    assert len(decoded.readings) == 0
    assert dead(decoded) == [(100, "unknown_topic"), (101, "unknown_topic")]


def test_several_codecs_in_one_block_keep_the_journals_order() -> None:
    decoded = decoder().decode(
        block(
            ("json/plant/d0", json_of(1.0)),
            ("nowhere", b"x"),
            ("hj212/plant/d1", hj212_of(2.0)),
            ("auto/plant/d0", b"neither"),
            ("auto/plant/d0", hj212_of(3.0)),
            ("json/plant/d1", b"{"),
            ("auto/plant/d1", json_of(4.0)),
            ("json/plant/d0", json_of(5.0)),
        )
    )
    assert values(decoded) == [(100, 1.0), (102, 2.0), (104, 3.0), (106, 4.0), (107, 5.0)]
    assert dead(decoded) == [(101, "unknown_topic"), (103, "unknown_format"), (105, "bad_json")]
    assert decoded.devices == [0, 1]


@pytest.mark.parametrize("size", [1, 2, 3, 8, 33])
def test_a_codec_that_raises_on_one_message_buries_that_one_only(size: int, log: list[EventDict]) -> None:
    for bad in range(size):
        payloads = [b"%d" % row for row in range(size)]
        payloads[bad] = POISON
        decoded = decoder({"json": Numbers()}).decode(block(*(("json/plant/d0", each) for each in payloads)))
        assert values(decoded) == [(100 + row, float(row)) for row in range(size) if row != bad]
        assert dead(decoded) == [(100 + bad, "codec_error")]
        assert decoded.dead[0].payload == POISON
        told = log.pop()
        assert (told["event"], told["topic"], told["position"]) == ("codec_error", "json/plant/d0", 100 + bad)
        assert not log, "the trace is logged once, not at each halving"


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(["good", "poison", "hj212", "nowhere"]), min_size=1, max_size=40))
def test_every_message_ends_as_readings_or_dead_wherever_a_codec_fails(kinds: list[str]) -> None:
    made = {
        "good": ("json/plant/d0", b"7"),
        "poison": ("json/plant/d0", POISON),
        "hj212": ("hj212/plant/d1", hj212_of(7.0)),
        "nowhere": ("nowhere", b""),
    }
    decoded = decoder({"json": Numbers()}).decode(block(*(made[kind] for kind in kinds), first=0))
    assert values(decoded) == [(row, 7.0) for row, kind in enumerate(kinds) if kind in ("good", "hj212")]
    reasons = {"poison": "codec_error", "nowhere": "unknown_topic"}
    assert dead(decoded) == [(row, reasons[kind]) for row, kind in enumerate(kinds) if kind in reasons]


def test_a_topic_that_names_only_a_site_bounds_what_its_payloads_may_name() -> None:
    event = b'{"type":"new","after":{"camera":"yard","label":"car","frame_time":1767225600}}'
    decoded = decoder().decode(
        block(
            ("lines/plant", b"m,device=d1 a21026=1"),
            ("frigate/plant", event),
            ("lines/moon", b"m,device=d1 a21026=2"),
            ("frigate/moon", event),
            ("frigate/plant", event),
        )
    )
    assert values(decoded) == [(100, 1.0)]
    assert [(seen.row, seen.camera) for seen in decoded.detections] == [(1, 0), (4, 0)]
    assert dead(decoded) == [(102, "unknown_device"), (103, "unknown_camera")]
    assert (decoded.devices, decoded.cameras) == ([1], [0])


@pytest.mark.parametrize(
    ("topic", "payload"),
    [
        ("json/plant/ghost", b'{"v":1,"time":%d,"device":"d0","readings":{"a21026":1}}' % small_city.START),
        ("json/moon/d0", b'{"v":1,"time":%d,"device":"d0","readings":{"a21026":1}}' % small_city.START),
        ("auto/plant/ghost", b'[{"bn":"d0/","n":"a21026","v":1}]'),
        ("hj212/plant/ghost", hj212_of(1.0)),
    ],
)
def test_a_topic_of_nobody_of_ours_binds_too_whomever_the_payload_names(topic: str, payload: bytes) -> None:
    """Or a user who may write to his own topic only could write as any device."""
    decoded = decoder().decode(block((topic, payload)))
    assert values(decoded) == []
    assert dead(decoded) == [(100, "unknown_device")]
    assert decoded.strange == decoded.dead
    assert (decoded.devices, decoded.claims) == ([], [])


def test_who_names_another_than_its_topic_is_told_with_the_name_it_used() -> None:
    event = b'{"type":"new","after":{"camera":"roof","label":"car","frame_time":1767225600}}'
    decoded = decoder().decode(
        block(
            ("json/plant/d0", json_of(1.0)),
            ("json/plant/d0", json_of(1.0)[:-1] + b',"device":"d1"}'),
            ("frigate/plant/yard", event),
            ("json/plant/d1", b"{"),
        )
    )
    assert decoded.claims == [Claim(101, 0, False, "d1"), Claim(102, 0, True, "roof")]
    assert [letter.position for letter in decoded.strange] == [101, 102]
    assert (decoded.devices, decoded.cameras) == ([0, 1], [])
