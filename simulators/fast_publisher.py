"""A very fast MQTT 5 publisher for load tests: packets encoded ahead, many joined into one write.

Messages become `Encoded` chunks, one blob of PUBLISH packets each. At QoS 0 a slice of the blob goes to the socket
as it is. At QoS 1 numpy writes the packet ids into a copy of the slice, and acknowledgements are read in large
chunks and resolved as columns. So the publisher costs next to nothing beside the broker it loads.
"""

from __future__ import annotations

import asyncio
import socket
import time
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, Literal

import mqtt5

from simulators.errors import BrokerError
from simulators.wire import Encoded, Flight, encode, read_acks

__all__ = ["Encoded", "PublishReport", "encode", "encode_chunks", "publish_all", "publish_encoded"]

CHUNK: Final = 2_000
"""Messages encoded at a time: some milliseconds of work."""
BURST: Final = 500
"""Messages in one write, about 100 KB of small ones."""
READ_BYTES: Final = 1 << 18
GATHER_S: Final = 0.003
"""With a large window: pause after the first acknowledgement, so that one read finds many."""
TICK_S: Final = 0.002
"""With a wanted rate: pause between two writes."""
LARGE_WINDOW: Final = 1_000
SESSION_S: Final = 300
BACKOFF_S: Final = (0.05, 2.0)
ANSWER_S: Final = 30.0
"""How long the broker may say nothing to a CONNECT, a ping or an unacknowledged message before it counts as gone."""


@dataclass(frozen=True, slots=True)
class PublishReport:
    """What was published, and how long it took until the broker had taken it all."""

    sent: int
    """Messages, each once."""
    acked: int
    """Of those, acknowledged with success (QoS 1)."""
    seconds: float
    refused: int = 0
    """Acknowledged with an error (QoS 1)."""
    resent: int = 0
    """Sent once more after a reconnect (QoS 1)."""
    lost: int = 0
    """Written to a connection that then broke before the broker was known to have read them (QoS 0)."""


async def publish_all(
    host: str,
    port: int,
    messages: Iterable[tuple[str, bytes]],
    qos: Literal[0, 1],
    rate: float | None = None,
    window: int = 5_000,
    *,
    reconnect: bool = False,
    client_id: str = "load",
    seconds: float | None = None,
) -> PublishReport:
    """Publish (topic, payload) messages; see `publish_encoded`. They are encoded on the way, about 3 us each."""
    chunks = encode_chunks(messages, qos)
    return await publish_encoded(
        host, port, chunks, qos, rate, window, reconnect=reconnect, client_id=client_id, seconds=seconds
    )


def encode_chunks(messages: Iterable[tuple[str, bytes]], qos: Literal[0, 1], size: int = CHUNK) -> Iterator[Encoded]:
    """Encode messages lazily, `size` at a time."""
    part: list[tuple[str, bytes]] = []
    for message in messages:
        part.append(message)
        if len(part) == size:
            yield encode(part, qos)
            part = []
    if part:
        yield encode(part, qos)


async def publish_encoded(
    host: str,
    port: int,
    chunks: Iterable[Encoded],
    qos: Literal[0, 1],
    rate: float | None = None,
    window: int = 5_000,
    *,
    reconnect: bool = False,
    client_id: str = "load",
    seconds: float | None = None,
) -> PublishReport:
    """Publish encoded messages in order and return when the broker has taken them all.

    `rate`: messages a second, None for as fast as the broker takes them. `window`: unacknowledged messages at
    QoS 1, at most the broker's receive maximum. `seconds`: begin no message after so long. QoS 0 ends with a ping,
    whose answer tells that the broker has read everything before it.

    With `reconnect` a broken connection is made again and what was not acknowledged is sent again, with the same
    packet ids, marked as duplicates where the broker still has the session; without it, it raises `BrokerError`.
    """
    publishing = _Publishing(host, port, iter(chunks), qos, rate, window, client_id, seconds)
    backoff = BACKOFF_S[0]
    while True:
        before = publishing.progress
        try:
            await publishing.run()
            return publishing.report()
        except OSError as error:
            if not reconnect:
                raise BrokerError(f"{host}:{port}: {error}") from error
            backoff = BACKOFF_S[0] if publishing.progress > before else min(2 * backoff, BACKOFF_S[1])
            publishing.lost_connection()
            await asyncio.sleep(backoff)


class _Publishing:
    """One job of publishing, over as many connections as it takes."""

    def __init__(
        self,
        host: str,
        port: int,
        chunks: Iterator[Encoded],
        qos: Literal[0, 1],
        rate: float | None,
        window: int,
        client_id: str,
        seconds: float | None,
    ) -> None:
        self.host, self.port, self.client_id = host, port, client_id
        self.chunks, self.qos, self.rate, self.seconds = chunks, qos, rate, seconds
        self.wanted_window = window
        self.flight = Flight()
        self.current: Encoded | None = None
        self.place = 0
        """Messages of `current` that are sent."""
        self.sent = 0
        self.resent = 0
        self.lost = 0
        self.unproven = 0
        """QoS 0 messages written to this connection."""
        self.again: deque[bytes] = deque()
        self.finished = False
        self.connected = False
        self.inbox = bytearray()
        self.pings = 0
        self.started: float | None = None
        self.ended = 0.0

    @property
    def progress(self) -> int:
        return self.sent + self.flight.acked

    def report(self) -> PublishReport:
        begun = self.started if self.started is not None else self.ended
        return PublishReport(
            self.sent, self.flight.acked, self.ended - begun, self.flight.refused, self.resent, self.lost
        )

    def lost_connection(self) -> None:
        self.lost += self.unproven
        self.unproven = 0

    async def run(self) -> None:
        """Connect, publish what is left, disconnect. Raises OSError when the connection breaks."""
        loop = asyncio.get_running_loop()
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as sock:
            sock.setblocking(False)
            async with asyncio.timeout(ANSWER_S):
                address = (await loop.getaddrinfo(self.host, self.port, family=socket.AF_INET))[0][4]
                await loop.sock_connect(sock, address)
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                window = await self._greet(loop, sock)
            if self.started is None:
                self.started = time.perf_counter()
            await self._publish(sock, window)
            if self.qos == 0:
                await self._write(sock, mqtt5.PingReqPacket().write())
                async with asyncio.timeout(ANSWER_S):
                    while not self.pings:
                        await _ready(sock)
                        self._read(sock)
            self.ended = time.perf_counter()
            self.unproven = 0
            await self._write(sock, mqtt5.DisconnectPacket().write())

    async def _greet(self, loop: asyncio.AbstractEventLoop, sock: socket.socket) -> int:
        """Open the session and return the window; queue again what an earlier connection left unacknowledged."""
        hello = mqtt5.ConnectPacket(
            self.client_id, clean_start=not self.connected, session_expiry_interval=SESSION_S, keep_alive=0
        )
        await loop.sock_sendall(sock, hello.write())
        self.inbox.clear()
        self.pings = 0
        while True:
            data = await loop.sock_recv(sock, READ_BYTES)
            if not data:
                raise ConnectionResetError("closed by the broker instead of a CONNACK")
            self.inbox += data
            try:
                answer, size = mqtt5.read(memoryview(bytes(self.inbox)))
            except IndexError:  # not whole yet
                continue
            break
        del self.inbox[:size]
        if not isinstance(answer, mqtt5.ConnAckPacket):
            raise ConnectionResetError("something else than a CONNACK")
        if answer.reason_code != mqtt5.ConnAckReasonCode.SUCCESS:
            raise BrokerError(f"{self.host}:{self.port} refused the connection: {answer.reason_code.name}")
        self.again = deque(self.flight.rewind(duplicate=answer.session_present))
        self.connected = True
        return max(1, min(self.wanted_window, answer.receive_max))

    async def _publish(self, sock: socket.socket, window: int) -> None:
        while True:
            self._read(sock)
            room = window - self.flight.open if self.qos else BURST
            if self.again and room > 0:
                burst = [self.again.popleft() for _ in range(min(room, len(self.again), BURST))]
                self.flight.open += len(burst)
                self.resent += len(burst)
                await self._write(sock, b"".join(burst))
                continue
            if not self.again:
                wanted = min(room, self._due(), BURST)
                if wanted > 0 and not self.finished:
                    await self._send(sock, wanted)
                    await asyncio.sleep(0 if self.rate is None else TICK_S)
                    continue
                if self.finished and not self.flight.open:
                    return
            if self.flight.open and (room <= 0 or self.finished):
                async with asyncio.timeout(ANSWER_S):
                    await _ready(sock)
                if window >= LARGE_WINDOW:
                    await asyncio.sleep(GATHER_S)
            else:  # ahead of the wanted rate
                await asyncio.sleep(TICK_S)

    def _due(self) -> int:
        """How many messages the wanted rate allows now."""
        elapsed = time.perf_counter() - (self.started or 0.0)
        if self.seconds is not None and elapsed >= self.seconds:
            self.finished = True
        return BURST if self.rate is None else int(elapsed * self.rate) - self.sent

    async def _send(self, sock: socket.socket, most: int) -> None:
        """Send up to `most` of the next messages."""
        if self.current is None or self.place == len(self.current):
            self.current, self.place = next(self.chunks, None), 0
            if self.current is None:
                self.finished = True
                return
        first, last = self.place, min(self.place + most, len(self.current))
        if self.qos:
            last = first + self.flight.free(last - first)
            if last == first:  # the next packet ids are still in use
                await asyncio.sleep(GATHER_S)
                return
            data = self.flight.take(self.current, first, last)
        else:
            data = self.current.slice(first, last)
            self.unproven += last - first
        self.place = last
        self.sent += last - first
        await self._write(sock, data)

    async def _write(self, sock: socket.socket, data: bytes | memoryview) -> None:
        """Write it all, taking in acknowledgements meanwhile, so that neither side waits for the other."""
        view = memoryview(data)
        while view:
            try:
                view = view[sock.send(view) :]
            except BlockingIOError:
                async with asyncio.timeout(ANSWER_S):
                    await _ready(sock, write=True)
                self._read(sock)

    def _read(self, sock: socket.socket) -> None:
        """Take in what has arrived; returns at once when nothing has."""
        try:
            data = sock.recv(READ_BYTES)
        except BlockingIOError:
            return
        if not data:
            raise ConnectionResetError("closed by the broker")
        self.inbox += data
        acks = read_acks(self.inbox)
        del self.inbox[: acks.size]
        self.pings += acks.pings
        self.flight.acknowledge(acks.ids, acks.refused)
        if acks.disconnected:
            raise ConnectionResetError("the broker sent DISCONNECT")


async def _ready(sock: socket.socket, *, write: bool = False) -> None:
    """Wait until there is something to read, or, if asked, until something can be written."""
    loop = asyncio.get_running_loop()
    ready: asyncio.Future[None] = loop.create_future()

    def wake() -> None:
        if not ready.done():
            ready.set_result(None)

    loop.add_reader(sock, wake)
    if write:
        loop.add_writer(sock, wake)
    try:
        await ready
    finally:
        loop.remove_reader(sock)
        if write:
            loop.remove_writer(sock)
