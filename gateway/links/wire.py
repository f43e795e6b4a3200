"""The socket of the fast link: one large read at a time into one buffer, then a pause.

A broker writes each message by itself; reading as it comes costs a wake-up a message. Reading rarely lets the
kernel collect, so that hundreds of messages come out of one system call, and lets the broker join its writes.

A packet that is larger than allowed is not kept: its beginning tells whose it is, the rest is read and forgotten.
"""

from __future__ import annotations

import asyncio
from typing import Final, NamedTuple, cast

PUBLISH: Final = 3
"""MQTT 5, 2.1.2: type of the packet."""
LONGEST_HEAD: Final = 5 + 2 + 65_535 + 2
"""Bytes: type and length, a topic with its own length, and the packet identifier."""


class PublishHead(NamedTuple):
    """What stands at the beginning of a PUBLISH."""

    topic: str
    """What is no UTF-8 in it is escaped."""
    packet_id: int | None
    size: int
    """Bytes of the whole packet."""
    properties: int
    """Where its properties begin."""


def publish_head(buffer: bytes | bytearray | memoryview) -> PublishHead:
    """Read `LONGEST_HEAD` bytes of a PUBLISH, or all of it. Raises ConnectionError for another packet."""
    if buffer[0] >> 4 != PUBLISH:
        raise ConnectionError("the broker sends a packet that cannot be read, or of impossible size (max_packet_bytes)")
    length, begin = _number(buffer, 1)
    start = begin + 2
    end = start + int.from_bytes(buffer[begin:start])
    topic = bytes(buffer[start:end]).decode("utf-8", "backslashreplace")
    packet_id = int.from_bytes(buffer[end : end + 2]) if buffer[0] & 0x06 else None
    return PublishHead(topic, packet_id, begin + length, end if packet_id is None else end + 2)


def payload_of(packet: bytes | bytearray | memoryview, head: PublishHead) -> bytes:
    """The payload of a PUBLISH of MQTT 5, whatever its properties hold."""
    length, at = _number(packet, head.properties)
    return bytes(packet[at + length : head.size])


def _number(buffer: bytes | bytearray | memoryview, at: int) -> tuple[int, int]:
    """A variable byte integer (MQTT 5, 1.5.5), and where it ends."""
    value = 0
    for shift in range(0, 28, 7):
        value |= (buffer[at] & 0x7F) << shift
        at += 1
        if buffer[at - 1] < 0x80:
            break
    return value, at


class Wire(asyncio.BufferedProtocol):
    """Bytes of one connection. `filled` bytes of `buffer` wait to be parsed; reading is paused until `resume`."""

    def __init__(self, size: int, most: int) -> None:
        """`size`: bytes of one read. `most`: the largest packet, to which the buffer may grow."""
        self.left_out: list[PublishHead] = []
        """Messages larger than that which began since this was last emptied."""
        self._to_skip = 0
        self.buffer = bytearray(size)
        self.filled = 0
        self._most = max(most + 16, LONGEST_HEAD)
        self._transport: asyncio.Transport | None = None
        self._readable = asyncio.Event()
        self._fresh = False
        self._lost: Exception | None = None

    @property
    def transport(self) -> asyncio.Transport:
        """The connection; asserts that it was made."""
        assert self._transport is not None
        return self._transport

    async def readable(self) -> None:
        """Return when a read has come in. Raises ConnectionError when the connection is gone and all is read."""
        await self._readable.wait()
        if self._lost is not None and not self._fresh:
            raise self._lost
        self._fresh = False

    def resume(self) -> None:
        """Allow the next read."""
        if self._lost is None:
            self._readable.clear()
            self.transport.resume_reading()

    def consume(self, used: int) -> None:
        """Forget the first `used` bytes; what is left is the beginning of a packet."""
        rest = self.filled - used
        self.buffer[:rest] = self.buffer[used : self.filled]
        self.filled = rest
        if rest == len(self.buffer):
            if rest >= self._most:
                self._begin_to_skip()
                return
            self.buffer.extend(bytes(min(rest, self._most - rest)))

    def renew(self) -> None:
        """Go on with a buffer of its own: somebody may still hold a view of this one, which then could not grow."""
        self.buffer = bytearray(self.buffer)

    def _begin_to_skip(self) -> None:
        found = publish_head(self.buffer)
        self.left_out.append(found)
        self._to_skip = found.size - self.filled
        self.filled = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def get_buffer(self, sizehint: int) -> memoryview:
        return memoryview(self.buffer)[self.filled :]

    def buffer_updated(self, nbytes: int) -> None:
        self.filled += nbytes
        if self._to_skip:
            skipped = min(self._to_skip, nbytes)
            self._to_skip -= skipped
            self.filled -= skipped
            self.buffer[: self.filled] = self.buffer[skipped:nbytes]
        self._fresh = True
        self.transport.pause_reading()
        self._readable.set()

    def eof_received(self) -> bool:
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self._lost = exc if isinstance(exc, OSError) else ConnectionError("the broker closed the connection")
        self._readable.set()
