"""The MQTT 3.1.1 link when ingest takes nothing for a while: bounded memory, a connection that stays, nothing stuck."""

from __future__ import annotations

import asyncio
import ssl

from link_harness import CONNACK, Taker, publish, publish_packet, running, scripted, seen
from servers import Certificates, Mosquitto

from gateway.config import Link as Settings
from gateway.config import Subscription
from gateway.links.mqtt311 import Mqtt311Link

TOPIC = "a/x"
BOUND = 64 * 1024
SUBACK = b"\x90\x03\x00\x01\x01"
PINGRESP = b"\xd0\x00"


def settings(url: str, keepalive_s: int = 30, **more: object) -> Settings:
    checked = Settings.model_validate(
        {
            "name": "north",
            "protocol": "mqtt311",
            "url": url,
            "subscribe": [Subscription(topic="a/{site}")],
            "max_batch_bytes": BOUND,
            **more,
        }
    )
    return checked.model_copy(update={"keepalive_s": keepalive_s})  # shorter than a configuration may have it


async def test_a_take_that_blocks_stops_the_reading_and_bounds_every_batch(mosquitto: Mosquitto) -> None:
    size = 10_000
    taker = Taker()
    taker.open.clear()
    link = Mqtt311Link(settings(mosquitto.url))
    messages = [(TOPIC, b"%06d" % number + bytes(size - 6)) for number in range(1_000)]
    async with running(link, taker):
        await publish(mosquitto.port, messages)  # 10 MB, all of it taken by the broker
        await seen(lambda: link.status.received > 0)
        assert link.status.received <= BOUND / size + 1
        taker.open.set()
        assert await taker.until(1_000) == [payload for _, payload in messages]
    assert max(sum(map(len, batch.payloads)) for batch in taker.batches) < BOUND + size


async def test_a_message_larger_than_the_bound_passes_by_itself(mosquitto: Mosquitto) -> None:
    taker = Taker()
    frame = bytes(range(256)) * 4_096
    async with running(Mqtt311Link(settings(mosquitto.url)), taker):
        await publish(mosquitto.port, [(TOPIC, frame), (TOPIC, b""), (TOPIC, frame)])
        assert await taker.until(3) == [frame, b"", frame]


async def test_a_link_that_may_not_read_for_long_says_online_in_place_of_pings() -> None:
    """A broker ends a connection it has not heard of for 1.5 keep-alives; paho pings only where it may read."""
    flood = b"".join(publish_packet(TOPIC, bytes(BOUND)) for _ in range(3))
    taker = Taker()
    taker.open.clear()
    heard: list[bytes] = []
    async with (
        scripted(iter([[CONNACK, SUBACK + flood]]), heard=heard) as url,
        running(Mqtt311Link(settings(url, keepalive_s=1)), taker),
    ):
        await seen(lambda: sum(body.endswith(b"online") for body in heard) >= 3)


async def test_an_answer_to_a_ping_that_lies_behind_unread_messages_is_waited_for() -> None:
    flood = [b"%d" % number + bytes(BOUND) for number in range(3)]
    late = b"".join(publish_packet(TOPIC, payload) for payload in flood) + PINGRESP
    taker = Taker()
    taker.open.clear()
    async with scripted(iter([[CONNACK, SUBACK, late] + [PINGRESP] * 60])) as url:
        link = Mqtt311Link(settings(url, keepalive_s=1, will_topic=""))
        async with running(link, taker):
            await seen(lambda: link.status.received == 1)
            await asyncio.sleep(1.5)  # longer than paho waits for the answer
            taker.open.set()
            assert await taker.until(3) == flood
    assert link.status.last_error == ""


async def test_messages_that_share_a_tls_record_are_not_left_in_it(certificates: Certificates) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates.server_cert_file, certificates.server_key_file)
    small = [b"%d" % number for number in range(1_000)]
    flood = b"".join(publish_packet(TOPIC, payload) for payload in small)  # less than the 16 kB of a record
    taker = Taker()
    async with scripted(iter([[CONNACK, SUBACK + flood]]), context) as url:
        link = Mqtt311Link(settings(url, will_topic="", tls={"ca_file": certificates.ca_file}))
        async with running(link, taker):
            assert await taker.until(1_000) == small
