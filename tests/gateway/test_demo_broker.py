"""The demo's broker, as the demo uses it: a process of its own, with the MQTT 3.1.1 link as the reader."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from link_harness import DEADLINE_S, Taker, publish, running, seen

from gateway.config import Link as Settings
from gateway.config import Subscription
from gateway.demo.broker import EmbeddedBroker
from gateway.links.mqtt311 import Mqtt311Link


def link_to(port: int) -> Mqtt311Link:
    subscribe = (
        Subscription(topic="pollution/{site}/{device}/data"),
        Subscription(topic="camera/{site}/{camera}/frame"),
    )
    return Mqtt311Link(
        Settings(
            name="demo", protocol="mqtt311", url=f"mqtt://127.0.0.1:{port}", subscribe=subscribe, backoff_max_s=0.2
        )
    )


@asynccontextmanager
async def broker_process() -> AsyncIterator[tuple[asyncio.subprocess.Process, int]]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "gateway.demo.broker", "--port", "0", stdout=asyncio.subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        async with asyncio.timeout(DEADLINE_S):
            line = (await process.stdout.readline()).decode()
        yield process, int(line.rsplit(":", 1)[1])
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def test_a_thousand_messages_and_frames_pass_without_loss_and_in_order() -> None:
    readings = [("pollution/river/ww-01/data", b"%d" % number) for number in range(1_000)]
    frames = [("camera/river/gate/frame", b"%d " % number + bytes(60_000)) for number in range(50)]
    async with broker_process() as (_, port):
        taker, link = Taker(), link_to(port)
        async with running(link, taker):
            await asyncio.gather(publish(port, readings), publish(port, frames))
            await taker.until(1_050)
            await seen(lambda: link.status.acked == 1_050)
        arrived = [pair for batch in taker.batches for pair in zip(batch.topics, batch.payloads, strict=True)]
        assert [pair for pair in arrived if pair[0].startswith("pollution")] == readings
        assert [pair for pair in arrived if pair[0].startswith("camera")] == frames


async def test_it_ends_in_order_on_the_signals_of_a_terminal_and_of_a_supervisor() -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        async with broker_process() as (process, port), running(link_to(port), Taker()):
            process.send_signal(number)
            async with asyncio.timeout(DEADLINE_S):
                assert await process.wait() == 0


async def test_embedded_it_listens_on_a_free_port_and_can_be_started_again() -> None:
    for _ in range(2):
        async with EmbeddedBroker() as broker:
            taker = Taker()
            async with running(link_to(broker.port), taker):
                await publish(broker.port, [("pollution/a/b/data", b"x")])
                assert await taker.until(1) == [b"x"]
            assert broker.given_up == 0


async def test_a_message_nobody_acknowledged_in_time_is_counted_as_given_up() -> None:
    async with EmbeddedBroker() as broker:
        taker = Taker(acknowledge=False)
        async with running(link_to(broker.port), taker):
            await publish(broker.port, [("pollution/a/b/data", b"x")])
            await taker.until(1)
            await seen(lambda: broker.given_up == 1)  # amqtt waits 5 s
