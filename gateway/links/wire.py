"""The socket of the fast link: one large read at a time into one buffer, then a pause.

A broker writes each message by itself; reading as it comes costs a wake-up a message. Reading rarely lets the
kernel collect, so that hundreds of messages come out of one system call, and lets the broker join its writes.
"""

from __future__ import annotations

import asyncio
from typing import cast


class Wire(asyncio.BufferedProtocol):
    """Bytes of one connection. `filled` bytes of `buffer` wait to be parsed; reading is paused until `resume`."""

    def __init__(self, size: int, most: int) -> None:
        """`size`: bytes of one read. `most`: the largest packet, to which the buffer may grow."""
        self.buffer = bytearray(size)
        self.filled = 0
        self._most = most + 16
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
                raise ConnectionError(f"a packet is larger than {self._most} bytes (max_packet_bytes)")
            self.buffer.extend(bytes(min(rest, self._most - rest)))

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def get_buffer(self, sizehint: int) -> memoryview:
        return memoryview(self.buffer)[self.filled :]

    def buffer_updated(self, nbytes: int) -> None:
        self.filled += nbytes
        self._fresh = True
        self.transport.pause_reading()
        self._readable.set()

    def eof_received(self) -> bool:
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self._lost = exc if isinstance(exc, OSError) else ConnectionError("the broker closed the connection")
        self._readable.set()
