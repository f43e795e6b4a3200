"""What tests of links share: somebody to hand batches to, somebody to publish, and a wire that can be cut."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import ssl
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import asynccontextmanager

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from gateway.links.seam import Link
from gateway.records import Batch

DEADLINE_S = 20.0


class Taker:
    """Stands for ingest: keeps what it is handed; acknowledges if told to; takes nothing while `closed`."""

    def __init__(self, *, acknowledge: bool = True) -> None:
        self.batches: list[Batch] = []
        self.acknowledge = acknowledge
        self.open = asyncio.Event()
        self.open.set()
        self._news = asyncio.Condition()

    async def __call__(self, batch: Batch) -> None:
        await self.open.wait()
        self.batches.append(batch)
        if self.acknowledge:
            batch.ack()
        async with self._news:
            self._news.notify_all()

    @property
    def payloads(self) -> list[bytes]:
        return [payload for batch in self.batches for payload in batch.payloads]

    async def until(self, count: int) -> list[bytes]:
        """Payloads, once there are so many."""
        async with asyncio.timeout(DEADLINE_S), self._news:
            await self._news.wait_for(lambda: len(self.payloads) >= count)
        return self.payloads


@asynccontextmanager
async def running(link: Link, taker: Taker, *, connected: bool = True) -> AsyncIterator[asyncio.Task[None]]:
    """The link at work; cancelled and ended at the end. Waits for its first connection unless told otherwise."""
    task = asyncio.create_task(link.run(taker))
    try:
        if connected:
            await seen(lambda: link.status.connected or task.done())
        yield task
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def seen(condition: Callable[[], object]) -> None:
    """Return when the condition holds; fail after the deadline."""
    async with asyncio.timeout(DEADLINE_S):
        while not condition():
            await asyncio.sleep(0.005)


def publish(port: int, messages: Iterable[tuple[str, bytes]], qos: int = 1, **login: str) -> None:
    """Publish them all; returns when the broker has acknowledged them. Blocks: call it in a thread."""
    client = Client(CallbackAPIVersion.VERSION2)
    client.max_inflight_messages_set(1000)
    if login:
        client.username_pw_set(login["username"], login["password"])
    client.connect("127.0.0.1", port)
    client.loop_start()
    try:
        sent = [client.publish(topic, payload, qos) for topic, payload in messages]
        for info in sent:
            info.wait_for_publish(DEADLINE_S)
            assert info.is_published()
    finally:
        client.disconnect()
        client.loop_stop()


CONNACK = b"\x20\x02\x00\x00"


@asynccontextmanager
async def scripted(
    answers: Iterator[list[bytes]], tls: ssl.SSLContext | None = None, heard: list[bytes] | None = None
) -> AsyncIterator[str]:
    """A broker that gives each connection the next list of answers, one to each packet; yields its address.

    The bodies of the packets it gets are added to `heard`.
    """

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, OSError):
            for answer in itertools.chain(next(answers), itertools.repeat(b"")):
                head = await reader.readexactly(2)
                body = await reader.readexactly(head[1])  # what a client sends here is shorter than 128 bytes
                if heard is not None:
                    heard.append(body)
                writer.write(answer)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    try:
        yield f"mqtt{'s' if tls else ''}://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


class Wire:
    """A proxy before a broker. `cut` ends its connections without a word, as a pulled cable does in the end."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self.connections = 0

    @property
    def port(self) -> int:
        assert self._server is not None
        return self._server.sockets[0].getsockname()[1]

    async def __aenter__(self) -> Wire:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        self.cut()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def cut(self) -> None:
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        up, down = await asyncio.open_connection("127.0.0.1", self._target)
        self._writers |= {writer, down}
        for source, sink in ((reader, down), (up, writer)):
            task = asyncio.create_task(self._copy(source, sink))
            self._tasks.add(task)

    async def _copy(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await source.read(65_536):
                sink.write(data)
                await sink.drain()
        sink.transport.abort()
