"""Packets larger than a link takes: counted and left out, never the end of a connection that then begins again."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Literal
from unittest.mock import Mock

import mqtt5
import pytest
from hypothesis import given
from hypothesis import settings as settings_of
from hypothesis import strategies as st
from link_harness import Taker, publish, running, seen
from servers import Mosquitto
from structlog.testing import capture_logs

from gateway.config import Link as Settings
from gateway.config import Subscription
from gateway.links import open_link
from gateway.links.wire import Wire, publish_head

Protocol = Literal["mqtt5", "mqtt311"]
TOPIC = "pollution/river/ww-01/data"
MOST = 4096
LARGE = [(TOPIC, b"x" * 10_000)] * 30
"""More of them than may be on their way at once."""
SMALL = [(TOPIC, b"%d" % number) for number in range(50)]


def settings(url: str, protocol: Protocol, **more: object) -> Settings:
    return Settings.model_validate(
        {
            "name": "north",
            "protocol": protocol,
            "url": url,
            "subscribe": [Subscription(topic="pollution/{site}/{device}/data")],
            "backoff_max_s": 0.3,
            "max_packet_bytes": MOST,
            "receive_max": 10,
            **more,
        }
    )


@pytest.mark.parametrize("protocol", ["mqtt5", "mqtt311"])
@pytest.mark.parametrize("qos", [0, 1])
async def test_what_is_too_large_is_left_out_and_the_connection_stands(
    mosquitto: Mosquitto, protocol: Protocol, qos: int
) -> None:
    taker = Taker()
    link = open_link(settings(mosquitto.url, protocol, qos=qos))
    async with running(link, taker):
        await publish(mosquitto.port, [*SMALL, *LARGE, *SMALL], qos)
        assert await taker.until(100) == [payload for _, payload in SMALL * 2]
        assert (link.status.connected, link.status.reconnects) == (True, 0)
        assert link.status.oversized == len(LARGE)


@pytest.mark.parametrize("protocol", ["mqtt5", "mqtt311"])
async def test_what_was_queued_while_we_were_away_and_is_too_large_now_does_not_come_again_and_again(
    mosquitto: Mosquitto, protocol: Protocol
) -> None:
    async with running(open_link(settings(mosquitto.url, protocol, max_packet_bytes=2**20)), Taker()):
        pass  # the broker has a session now
    await seen(lambda: "disconnected" in mosquitto.log())
    await publish(mosquitto.port, [*LARGE, *SMALL])
    taker = Taker()
    link = open_link(settings(mosquitto.url, protocol))
    with capture_logs() as log:
        async with running(link, taker):
            assert await taker.until(50) == [payload for _, payload in SMALL]
            await seen(lambda: link.status.acked >= 50)
            assert (link.status.oversized, link.status.reconnects) == (len(LARGE), 0)
    (said,) = [event for event in log if event["event"] == "link_packets_too_large"]
    assert (said["link"], said["topic"]) == ("north", TOPIC)

    # A client that comes back before the broker has read the end of its last connection takes that over, unread.
    await seen(lambda: mosquitto.log().count("pollution-gateway disconnected") == 2)
    again = Taker()
    link = open_link(settings(mosquitto.url, protocol, max_packet_bytes=2**20))
    async with running(link, again):
        await publish(mosquitto.port, [(TOPIC, b"last")])
        assert await again.until(1) == [b"last"], "what was too large is not kept by the broker either"


async def test_what_is_larger_than_the_buffer_is_read_and_forgotten(mosquitto: Mosquitto) -> None:
    taker = Taker()
    link = open_link(settings(mosquitto.url, "mqtt5", max_batch_bytes=65_536))
    async with running(link, taker):
        for size in (70_000, 200_000, 3_000_000):
            await publish(mosquitto.port, [SMALL[0], (TOPIC, b"y" * size), *SMALL])
        assert await taker.until(153) == [payload for _, payload in [SMALL[0], *SMALL] * 3]
        await seen(lambda: link.status.acked == 156)
        assert (link.status.oversized, link.status.reconnects) == (3, 0)


@given(st.integers(0, 3), st.text(max_size=40), st.integers(1, 65_535), st.integers(0, 3_000_000))
def test_the_beginning_of_a_packet_tells_whose_it_is(qos: int, topic: str, packet_id: int, length: int) -> None:
    name = topic.encode("utf-8", "replace")
    head = len(name).to_bytes(2) + name + (packet_id.to_bytes(2) if qos else b"")
    remaining, digits = len(head) + length, b""
    rest = remaining
    while rest or not digits:
        rest, digit = divmod(rest, 128)
        digits += bytes([digit | (0x80 if rest else 0)])
    begun = bytes([0x30 | qos << 1]) + digits + head
    expected = (name.decode(), packet_id if qos else None, 1 + len(digits) + remaining)
    assert publish_head(begun + b"payload")[:3] == expected


def test_no_other_packet_may_be_so_large() -> None:
    with pytest.raises(ConnectionError, match="impossible size"):
        publish_head(b"\x90\xff\xff\xff\x7f" + bytes(70_000))


@settings_of(max_examples=60, deadline=None)
@given(
    st.lists(st.sampled_from([10, 2_000, 65_500, 65_560, 90_000, 300_000]), min_size=1, max_size=8),
    st.integers(500, 70_000),
)
def test_whatever_the_reads_bring_packets_within_the_bound_come_whole(sizes: list[int], read: int) -> None:
    """Each packet: a PUBLISH of QoS 0 with a topic of one letter, its payload all of one byte."""
    wire = Wire(65_536, 65_536)
    transport = Mock(spec=asyncio.Transport)
    wire.connection_made(transport)
    stream = b"".join(mqtt5.PublishPacket("t", bytes([at]) * size).write() for at, size in enumerate(sizes))
    came: list[int] = []
    left_out = 0
    while stream or wire.filled:
        room = wire.get_buffer(-1)
        part, stream = stream[: min(read, len(room))], stream[min(read, len(room)) :]
        room[: len(part)] = part
        room.release()
        wire.buffer_updated(len(part))
        at = 0
        with contextlib.suppress(IndexError), memoryview(wire.buffer) as view:
            while at < wire.filled:
                packet, used = mqtt5.read(view[at : wire.filled])
                assert isinstance(packet, mqtt5.PublishPacket)
                came.append(len(packet.payload))
                at += used
        wire.consume(at)
        left_out += len(wire.left_out)
        wire.left_out.clear()
    assert left_out == sum(size > 65_536 for size in sizes)
    assert came == [size for size in sizes if size <= 65_536]
