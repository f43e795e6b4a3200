"""Last will and status: others see on the broker whether the gateway is there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiomqtt
from link_harness import DEADLINE_S, Taker, Wire, running
from servers import Mosquitto

from gateway.config import Link as Settings
from gateway.config import Subscription
from gateway.links.mqtt311 import Mqtt311Link

STATUS = "gateway/plant-7/status"


def settings(port: int, **more: object) -> Settings:
    return Settings.model_validate(
        {
            "name": "north",
            "protocol": "mqtt311",
            "client_id": "plant-7",
            "url": f"mqtt://127.0.0.1:{port}",
            "subscribe": [Subscription(topic="a/{site}")],
            "backoff_max_s": 0.1,
            **more,
        }
    )


class Watcher:
    def __init__(self, messages: AsyncIterator[aiomqtt.Message]) -> None:
        self._messages = messages

    async def next(self) -> tuple[object, bool]:
        """The next status and whether it is a retained one from before."""
        async with asyncio.timeout(DEADLINE_S):
            message = await anext(self._messages)
        return message.payload, message.retain


@asynccontextmanager
async def watching(port: int) -> AsyncIterator[Watcher]:
    async with aiomqtt.Client("127.0.0.1", port) as client:
        await client.subscribe(STATUS)
        yield Watcher(aiter(client.messages))


async def test_online_while_connected_and_offline_after_a_clean_end(mosquitto: Mosquitto) -> None:
    async with watching(mosquitto.port) as watcher:
        async with running(Mqtt311Link(settings(mosquitto.port)), Taker()):
            assert await watcher.next() == (b"online", False)
        assert await watcher.next() == (b"offline", False)
    async with watching(mosquitto.port) as later:
        assert await later.next() == (b"offline", True)


async def test_the_broker_says_offline_when_the_wire_is_cut_and_the_link_online_when_it_is_back(
    mosquitto: Mosquitto,
) -> None:
    async with watching(mosquitto.port) as watcher, Wire(mosquitto.port) as wire:
        link = Mqtt311Link(settings(wire.port))
        async with running(link, Taker()):
            assert await watcher.next() == (b"online", False)
            wire.cut()
            assert await watcher.next() == (b"offline", False)
            assert await watcher.next() == (b"online", False)
    assert link.status.reconnects == 1


async def test_without_a_topic_there_is_no_will(mosquitto: Mosquitto) -> None:
    async with aiomqtt.Client("127.0.0.1", mosquitto.port) as client:
        await client.subscribe("#")
        async with running(Mqtt311Link(settings(mosquitto.port, will_topic="")), Taker()):
            pass
        await client.publish("the/end")
        async with asyncio.timeout(DEADLINE_S):
            assert str((await anext(aiter(client.messages))).topic) == "the/end"
