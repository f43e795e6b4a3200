"""A very fast MQTT 5 publisher for load tests: packets encoded ahead, many joined into one write.

Messages become `Encoded` chunks, one blob of PUBLISH packets each. At QoS 0 a slice of the blob goes to the socket
as it is. At QoS 1 numpy writes the packet ids into a copy of the slice, and acknowledgements are read in large
chunks and resolved as columns. So the publisher costs next to nothing beside the broker it loads.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, Literal

import mqtt5

from simulators.broker import Broker
from simulators.errors import BrokerError
from simulators.fast_connection import Connection
from simulators.wire import Encoded, Flight, encode

__all__ = ["Encoded", "PublishReport", "Publishing", "encode", "encode_chunks", "publish_all", "publish_encoded"]

CHUNK: Final = 2_000
"""Messages encoded at a time: some milliseconds of work."""
BURST: Final = 500
"""Messages in one write, about 100 KB of small ones."""
GATHER_S: Final = 0.003
"""With a large window: pause after the first acknowledgement, so that one read finds many."""
TICK_S: Final = 0.002
"""With a wanted rate: pause between two writes."""
LARGE_WINDOW: Final = 1_000
BACKOFF_S: Final = (0.05, 2.0)
AWAY_S: Final = 60.0
"""How long a broker that was there is tried again."""
PROOF_S: Final = 1.0
"""At QoS 0: between two pings, whose answers tell what the broker has read."""


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

    With `reconnect` a connection that broke is made again and what was not acknowledged is sent again, with the same
    packet ids, marked as duplicates where the broker still has the session. Raises `BrokerError` where it breaks
    without that, where there is none at the start, and where it is away for `AWAY_S`.
    """
    publishing = Publishing(Broker(host, port), iter(chunks), qos, rate, window, client_id=client_id, seconds=seconds)
    await publishing.run(reconnect=reconnect)
    return publishing.report()


class Publishing:
    """One job of publishing, over as many connections as it takes; see `publish_encoded`."""

    def __init__(
        self,
        broker: Broker,
        chunks: Iterator[Encoded],
        qos: Literal[0, 1],
        rate: float | None = None,
        window: int = 5_000,
        *,
        client_id: str = "load",
        seconds: float | None = None,
    ) -> None:
        self._broker, self._client_id = broker, client_id
        self._chunks, self._qos, self._rate, self._seconds = chunks, qos, rate, seconds
        self._wanted_window = window
        self._flight = Flight()
        self._current: Encoded | None = None
        self._place = 0
        """Messages of `_current` that are sent."""
        self._sent = 0
        self._resent = 0
        self._lost = 0
        self._proven = 0
        """Of those sent at QoS 0: known to have been read by the broker, or counted as lost."""
        self._pinged: deque[int] = deque()
        """Messages that were sent when each ping was that is not answered."""
        self._pinged_at = 0.0
        self._again: deque[bytes] = deque()
        self._finished = False
        self._connected = False
        self._started: float | None = None
        self._ended = 0.0

    def report(self) -> PublishReport:
        """What has been published so far."""
        ended = self._ended or time.perf_counter()
        begun = self._started if self._started is not None else ended
        return PublishReport(
            self._sent, self._flight.acked, ended - begun, self._flight.refused, self._resent, self._lost
        )

    def finish(self) -> None:
        """Begin no further message."""
        self._finished = True

    async def run(self, *, reconnect: bool) -> None:
        """Publish it all. Raises `BrokerError`."""
        backoff = BACKOFF_S[0]
        gone: float | None = None
        while True:
            before = self._progress
            try:
                await self._over_one_connection()
                return
            except OSError as error:
                self._ended = time.perf_counter()
                self._lost += self._sent - self._proven if self._qos == 0 else 0
                self._proven = self._sent
                if self._progress > before:
                    backoff, gone = BACKOFF_S[0], None
                gone = gone or time.monotonic()
                if not reconnect or not self._connected or time.monotonic() - gone > AWAY_S:
                    raise BrokerError(f"{self._broker}: {str(error) or 'no answer'}") from error
                await asyncio.sleep(backoff)
                backoff = min(2 * backoff, BACKOFF_S[1])

    @property
    def _progress(self) -> int:
        return self._sent + self._flight.acked

    async def _over_one_connection(self) -> None:
        """Connect, publish what is left, disconnect. Raises OSError when the connection breaks."""
        connection = Connection(self._broker, self._client_id, self._flight)
        try:
            answer = await connection.open(clean_start=not self._connected)
            self._again = deque(self._flight.rewind(duplicate=answer.session_present))
            self._pinged.clear()
            self._connected = True
            if self._started is None:
                self._started = time.perf_counter()
            await self._publish(connection, max(1, min(self._wanted_window, answer.receive_max)))
            if self._qos == 0:
                await self._ping(connection)
                while self._pinged:
                    await connection.ready()
                    self._read(connection)
            self._ended = time.perf_counter()
            await connection.write(mqtt5.DisconnectPacket().write())
        finally:
            connection.close()

    async def _publish(self, connection: Connection, window: int) -> None:
        while True:
            self._read(connection)
            room = window - self._flight.open if self._qos else BURST
            if self._again and room > 0:
                burst = [self._again.popleft() for _ in range(min(room, len(self._again), BURST))]
                self._flight.open += len(burst)
                self._resent += len(burst)
                await connection.write(b"".join(burst))
                continue
            if not self._again:
                wanted = min(room, self._due(), BURST)
                if wanted > 0 and not self._finished:
                    await self._send(connection, wanted)
                    await asyncio.sleep(0 if self._rate is None else TICK_S)
                    continue
                if self._finished and not self._flight.open:
                    return
            if self._flight.open and (room <= 0 or self._finished):
                await connection.ready()
                if window >= LARGE_WINDOW:
                    await asyncio.sleep(GATHER_S)
            else:  # ahead of the wanted rate
                await asyncio.sleep(TICK_S)

    def _due(self) -> int:
        """How many messages the wanted rate allows now: the first at once, each other one interval later."""
        elapsed = time.perf_counter() - (self._started or 0.0)
        if self._seconds is not None and elapsed >= self._seconds:
            self._finished = True
        return BURST if self._rate is None else int(elapsed * self._rate) + 1 - self._sent

    async def _send(self, connection: Connection, most: int) -> None:
        """Send up to `most` of the next messages."""
        if self._current is None or self._place == len(self._current):
            self._current, self._place = next(self._chunks, None), 0
            if self._current is None:
                self._finished = True
                return
        first, last = self._place, min(self._place + most, len(self._current))
        if self._qos:
            last = first + self._flight.free(last - first)
            if last == first:  # the next packet ids are still in use
                await asyncio.sleep(GATHER_S)
                return
            data = self._flight.take(self._current, first, last)
        else:
            data = self._current.slice(first, last)
        self._place = last
        self._sent += last - first
        await connection.write(data)
        if self._qos == 0 and time.perf_counter() - self._pinged_at > PROOF_S:
            await self._ping(connection)

    async def _ping(self, connection: Connection) -> None:
        self._pinged_at = time.perf_counter()
        self._pinged.append(self._sent)
        await connection.write(mqtt5.PingReqPacket().write())

    def _read(self, connection: Connection) -> None:
        connection.read()
        for _ in range(min(connection.take_pings(), len(self._pinged))):
            self._proven = self._pinged.popleft()
