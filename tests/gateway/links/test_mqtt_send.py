"""What a link sends to devices, on a real mosquitto, for both protocols: replies and commands of HJ 212."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator

import aiomqtt
import pytest
from link_harness import Taker, running, seen
from servers import Mosquitto, StartMosquitto

from gateway.config import Link as Settings
from gateway.config import Subscription
from gateway.links import open_link
from gateway.links.outbox import MOST, Outbox

PROTOCOLS = ["mqtt5", "mqtt311"]
READINGS = (Subscription(topic="pollution/{site}/{device}/data", codec="hj212"),)


def settings(broker: Mosquitto, protocol: str) -> Settings:
    values = {"name": "city", "url": broker.url, "client_id": "gw", "subscribe": READINGS, "backoff_max_s": 0.3}
    return Settings.model_validate(values | {"protocol": protocol})


@contextlib.asynccontextmanager
async def subscriber(broker: Mosquitto) -> AsyncGenerator[aiomqtt.Client]:
    async with aiomqtt.Client(broker.host, broker.port) as client:
        await client.subscribe("pollution/+/+/reply")
        yield client


async def heard(client: aiomqtt.Client, count: int) -> list[tuple[str, bytes]]:
    found: list[tuple[str, bytes]] = []
    async with asyncio.timeout(20):
        while len(found) < count:
            message = await anext(client.messages)
            assert isinstance(message.payload, bytes)
            found.append((str(message.topic), message.payload))
    return found


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_messages_arrive_each_on_its_topic_in_order(mosquitto: Mosquitto, protocol: str) -> None:
    link = open_link(settings(mosquitto, protocol))
    messages = [(f"pollution/plant/d{n % 7}/reply", b"%d" % n) for n in range(2_000)]
    async with running(link, Taker()), subscriber(mosquitto) as client:
        assert link.send(messages) == len(messages)
        found = await heard(client, len(messages))
    for device in range(7):
        topic = f"pollution/plant/d{device}/reply"
        assert [one for one in found if one[0] == topic] == [one for one in messages if one[0] == topic]
    assert (link.status.sent, link.status.unsent) == (2_000, 0)


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_what_is_sent_while_the_link_is_down_is_dropped_and_counted(
    start_mosquitto: StartMosquitto, protocol: str
) -> None:
    broker = start_mosquitto()
    link = open_link(settings(broker, protocol))
    assert link.send([("pollution/plant/d0/reply", b"before")]) == 0
    async with running(link, Taker()):
        await asyncio.to_thread(broker.stop)
        await seen(lambda: not link.status.connected)
        assert link.send([("pollution/plant/d0/reply", b"down")] * 3) == 0
        await asyncio.to_thread(broker.start)
        await seen(lambda: link.status.connected)
        async with subscriber(broker) as client:
            assert link.send([("pollution/plant/d0/reply", b"up again")]) == 1
            assert await heard(client, 1) == [("pollution/plant/d0/reply", b"up again")]
    assert (link.status.sent, link.status.unsent) == (1, 4)


def test_an_outbox_takes_what_it_has_room_for_and_gives_it_once() -> None:
    outbox = Outbox()
    messages = [("topic", b"%d" % n) for n in range(MOST + 5)]
    assert outbox.put(messages[:3]) == 3
    assert outbox.put(messages[3:]) == MOST - 3
    assert list(outbox.take()) == messages[:MOST]
    assert outbox.put(messages[:2]) == 2
    assert outbox.clear() == 2
    assert list(outbox.take()) == []
