"""What tests of links share: somebody to hand batches to, somebody to publish, and a wire that can be cut."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import ssl
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager

from gateway.links.seam import Link
from gateway.records import Batch

DEADLINE_S = 20.0


class Taker:
    """Stands for ingest: keeps what it is handed; acknowledges if told to; takes nothing while `closed`."""

    def __init__(self, *, acknowledge: bool = True) -> None:
        self.batches: list[Batch] = []
        self.count = 0
        self.acknowledge = acknowledge
        self.open = asyncio.Event()
        self.open.set()
        self._news = asyncio.Condition()

    async def __call__(self, batch: Batch) -> None:
        await self.open.wait()
        self.batches.append(batch)
        self.count += len(batch.payloads)
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
            await self._news.wait_for(lambda: self.count >= count)
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


async def publish(
    port: int, messages: Sequence[tuple[str, bytes]], qos: int = 1, username: str = "", password: str = ""
) -> None:
    """Publish at most 65,535 messages as fast as the broker takes them; return when it has acknowledged all."""
    login = _string(username) + _string(password) if username else b""
    flags = b"\xc2" if username else b"\x02"
    connect = _packet(0x10, _string("MQTT") + b"\x04" + flags + b"\x00\x3c" + _string("") + login)
    async with asyncio.timeout(DEADLINE_S * 2):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            writer.write(connect)
            assert await reader.readexactly(4) == CONNACK
            acknowledged = asyncio.create_task(reader.readexactly(4 * len(messages) * qos))
            for number, (topic, payload) in enumerate(messages, 1):
                writer.write(publish_packet(topic, payload, number if qos else None))
                if number % 100 == 0:
                    await writer.drain()
            await acknowledged
            writer.write(b"\xe0\x00")  # DISCONNECT
            await writer.drain()
        finally:
            writer.close()


def publish_packet(topic: str, payload: bytes, packet_id: int | None = None) -> bytes:
    """PUBLISH of QoS 1, or of QoS 0 where there is no packet identifier (MQTT 3.1.1, 3.3)."""
    number = b"" if packet_id is None else packet_id.to_bytes(2, "big")
    return _packet(0x30 if packet_id is None else 0x32, _string(topic) + number + payload)


def _string(text: str) -> bytes:
    return len(text.encode()).to_bytes(2, "big") + text.encode()


def _packet(kind: int, body: bytes) -> bytes:
    length, rest = bytearray(), len(body)
    while rest >= 128:
        length.append(rest % 128 | 128)
        rest //= 128
    return bytes([kind, *length, rest]) + body


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
