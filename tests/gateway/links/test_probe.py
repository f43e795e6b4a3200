"""A session that is connected and deaf is found and renewed; one that is busy or may not be probed is not."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Any, Literal

import aiomqtt
import pytest
import structlog
from servers import Mosquitto, StartMosquitto

from gateway.config import Link as Settings
from gateway.links import open_link
from gateway.links.probe import Probe, Verdict
from gateway.links.seam import Link
from gateway.records import Batch

Protocol = Literal["mqtt5", "mqtt311"]
PROTOCOLS: tuple[Protocol, ...] = ("mqtt5", "mqtt311")


class Proxy:
    """Between a client and its broker; while `deaf` it keeps every PUBLISH from the client and passes all else."""

    def __init__(self, broker: Mosquitto) -> None:
        self.deaf = False
        self.port = 0
        self._broker = broker

    async def __aenter__(self) -> Proxy:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()

    async def _serve(self, client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        broker, to_broker = await asyncio.open_connection(self._broker.host, self._broker.port)
        up = asyncio.create_task(self._pass(client, to_broker))
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            while True:
                packet = await _packet(broker)
                if not (self.deaf and packet[0] >> 4 == 3):
                    to_client.write(packet)
        up.cancel()
        to_client.close()
        to_broker.close()

    @staticmethod
    async def _pass(source: asyncio.StreamReader, to: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await source.read(65_536):
                to.write(data)
        to.close()


async def _packet(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readexactly(2)
    while head[-1] >= 0x80:
        head += await reader.readexactly(1)
    length = sum((byte & 0x7F) << 7 * n for n, byte in enumerate(head[1:]))
    return head + await reader.readexactly(length)


@asynccontextmanager
async def running(
    url: str, protocol: Protocol, take: Callable[[Batch], Any] | None = None, **more: Any
) -> AsyncGenerator[tuple[Link, list[str]]]:
    """A link that acknowledges what it takes; the topics it took."""
    taken: list[str] = []

    async def keep(batch: Batch) -> None:
        if take is not None:
            await take(batch)
        taken.extend(batch.topics)
        batch.ack()

    settings = Settings(name="city", url=url, protocol=protocol, client_id="gw", backoff_max_s=0.2, **more)
    link = open_link(settings)
    task = asyncio.create_task(link.run(keep))
    try:
        await until(lambda: link.status.connected)
        yield link, taken
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def until(met: Callable[[], object], seconds: float = 30.0) -> None:
    async with asyncio.timeout(seconds):
        while not met():
            await asyncio.sleep(0.02)


async def publish(broker: Mosquitto, *payloads: bytes) -> None:
    async with aiomqtt.Client(broker.host, broker.port) as client:
        for payload in payloads:
            await client.publish("pollution/plant/d1/data", payload, qos=1)


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_a_deaf_session_is_reconnected_and_if_need_be_renewed(mosquitto: Mosquitto, protocol: Protocol) -> None:
    url = "mqtt://127.0.0.1"
    async with Proxy(mosquitto) as proxy, running(f"{url}:{proxy.port}", protocol, probe_s=1) as (link, taken):
        await publish(mosquitto, b"1")
        await until(lambda: len(taken) == 1)
        await asyncio.sleep(2.2)  # probes have come back
        assert link.status.deaf == 0
        with structlog.testing.capture_logs() as logs:
            proxy.deaf = True
            await until(lambda: any(entry["event"] == "link_session_renewed" for entry in logs))
            assert link.status.deaf >= 2
            assert "hears nothing" in link.status.last_error
            proxy.deaf = False
            await asyncio.sleep(1.5)
        await until(lambda: link.status.connected)
        await publish(mosquitto, b"2")
        await until(lambda: len(taken) >= 2)
        assert set(taken) == {"pollution/plant/d1/data"}, "probes are nobody's message"
        assert link.status.received == len(taken)


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_a_broker_that_does_not_let_the_probe_through_is_not_taken_for_deaf(
    start_mosquitto: StartMosquitto, tmp_path: Any, protocol: Protocol
) -> None:
    acl = tmp_path / "acl"
    acl.write_text("topic readwrite pollution/#\ntopic readwrite gateway/+/status\n")
    broker = start_mosquitto(options=[f"acl_file {acl}"])
    async with running(broker.url, protocol, probe_s=1) as (link, taken):
        await asyncio.sleep(4)
        assert (link.status.deaf, link.status.reconnects, link.status.connected) == (0, 0, True)
        await publish(broker, b"1")
        await until(lambda: len(taken) == 1)


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_a_link_that_waits_for_ingest_is_not_deaf(mosquitto: Mosquitto, protocol: Protocol) -> None:
    async def slowly(_: Batch) -> None:
        await asyncio.sleep(1.6)  # longer than the patience with a probe

    async with running(mosquitto.url, protocol, slowly, probe_s=1) as (link, taken):
        await asyncio.sleep(1.5)
        for n in range(5):
            await publish(mosquitto, *(b"%d" % k for k in range(20 * n, 20 * n + 20)))
            await asyncio.sleep(0.3)
        await until(lambda: len(taken) == 100)
        assert (link.status.deaf, link.status.reconnects) == (0, 0)


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_probe_is_sent_again_once_it_came_back_and_is_deaf_once_it_does_not() -> None:
    clock = Clock()
    probe = Probe(10.0, clock)
    probe.connected()
    assert not probe.due()
    clock.now += 1
    assert probe.due()
    assert not probe.due(), "one at a time"
    probe.heard(own=True)
    clock.now += 9
    assert not probe.due()
    clock.now += 1
    assert probe.due()
    clock.now += 4
    probe.heard()  # a message: the probe may wait behind others
    clock.now += 4
    assert probe.verdict() is Verdict.FINE
    clock.now += 2
    assert probe.verdict() is Verdict.DEAF
    assert probe.deaf_in_a_row == 1 and not probe.renew
    probe.connected()
    clock.now += 1
    assert probe.due()
    clock.now += 6
    assert probe.verdict() is Verdict.DEAF
    assert probe.renew
    probe.connected()
    assert not probe.renew, "the new session gets its own chances"


def test_a_probe_that_never_came_back_is_given_up() -> None:
    clock = Clock()
    probe = Probe(10.0, clock)
    probe.connected()
    clock.now += 1
    assert probe.due()
    clock.now += 100
    assert probe.verdict() is Verdict.UNHEARD
    assert probe.verdict() is Verdict.FINE, "told once"
    assert not probe.allowed and not probe.due()


def test_a_broker_that_hangs_up_on_probes_gets_no_more() -> None:
    clock = Clock()
    probe = Probe(10.0, clock)
    for _ in range(2):
        assert probe.allowed
        probe.connected()
        clock.now += 1
        assert probe.due()
        probe.lost()
    assert not probe.allowed


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_a_full_window_that_ingest_does_not_acknowledge_is_not_deafness(
    start_mosquitto: StartMosquitto, protocol: Protocol
) -> None:
    """As while the disk is full: the probe waits behind messages that the broker may not send."""
    broker = start_mosquitto(max_inflight_messages=5)
    held: list[Batch] = []
    settings = Settings(
        name="city", url=broker.url, protocol=protocol, client_id="gw", backoff_max_s=0.2, probe_s=1, receive_max=5
    )
    link = open_link(settings)

    async def hold(batch: Batch) -> None:
        held.append(batch)

    task = asyncio.create_task(link.run(hold))
    try:
        await until(lambda: link.status.connected)
        await asyncio.sleep(2.5)  # a probe has come back
        await publish(broker, *(b"%d" % n for n in range(30)))
        await asyncio.sleep(4)
        assert sum(len(batch.topics) for batch in held) == 5
        assert (link.status.deaf, link.status.reconnects) == (0, 0)
        acknowledged = 0
        while sum(len(batch.topics) for batch in held) < 30:
            await until(lambda done=acknowledged: len(held) > done)
            held[acknowledged].ack()
            acknowledged += 1
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
