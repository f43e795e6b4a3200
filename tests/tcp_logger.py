"""A logger at the other end of a TCP connection: what it sends, in each edition, and what it hears."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager

from gateway.hj212.build import make_frame
from gateway.hj212.cut import Cut
from gateway.hj212.stream import StreamCutter

DEADLINE_S = 20.0
DATA_TIME = "20260101080000"
FLAGS = {"2005": 1, "2017": 5, "2025": 9}
"""Flag of each edition with a reply wanted."""
WINDOW = 20
"""Frames that a logger sends before it waits for answers."""


def upload(
    mn: str,
    qn: str,
    cp: str = f"DataTime={DATA_TIME};a21026-Rtd=1.0,a21026-Flag=N",
    *,
    cn: str = "2011",
    pw: str = "123456",
    flag: int = 5,
    st: str = "31",
) -> bytes:
    """One frame of a logger; without QN where it is empty."""
    head = f"QN={qn};" if qn else ""
    return make_frame(f"{head}ST={st};CN={cn};PW={pw};MN={mn};Flag={flag};CP=&&{cp}&&".encode())


class TcpLogger:
    """One connection to a listener."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self._cutter = StreamCutter()
        self._heard: list[str] = []

    async def send(self, *frames: bytes) -> None:
        self.writer.write(b"".join(frames))
        await self.writer.drain()

    async def replies(self, count: int) -> list[str]:
        """The data segments of the next replies. Raises ConnectionError where the connection ends before."""
        async with asyncio.timeout(DEADLINE_S):
            while len(self._heard) < count:
                data = await self.reader.read(65_536)
                if not data:
                    raise ConnectionError(f"closed after {self._heard}")
                pieces = self._cutter.feed(data)
                assert all(isinstance(piece, Cut) for piece in pieces), pieces
                self._heard += [piece.segment.decode() for piece in pieces if isinstance(piece, Cut)]
        found, self._heard = self._heard[:count], self._heard[count:]
        return found

    async def closed(self) -> bytes:
        """What still comes, until the gateway closes the connection."""
        async with asyncio.timeout(DEADLINE_S):
            with contextlib.suppress(ConnectionError):
                return await self.reader.read()
            return b""


@asynccontextmanager
async def logger(port: int) -> AsyncGenerator[TcpLogger]:
    """A logger that is connected."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield TcpLogger(reader, writer)
    finally:
        writer.close()


def answered(replies: Sequence[str]) -> list[tuple[str, str]]:
    """(CN, QN) of replies, QN from the header or, in 2005, from CP."""
    found: list[tuple[str, str]] = []
    for reply in replies:
        fields = dict(item.split("=", 1) for item in reply.replace("CP=&&", ";").rstrip("&").split(";") if "=" in item)
        found.append((fields["CN"], fields["QN"]))
    return found


async def speak(port: int, frames: Mapping[str, bytes], *, pause_s: float) -> int:
    """Send every frame (by its QN) until it is answered; how often the connection was lost meanwhile.

    `pause_s` between two windows makes the load last, so that it is met by the kills.
    """
    waiting = dict(frames)
    lost = 0
    while waiting:
        with contextlib.suppress(OSError, TimeoutError):
            async with logger(port) as one:
                while waiting:
                    sent = dict(list(waiting.items())[:WINDOW])
                    await one.send(*sent.values())
                    for _ in sent:
                        ((cn, qn),) = answered(await one.replies(1))
                        assert cn == "9014"
                        del waiting[qn]
                    await asyncio.sleep(pause_s)
        lost += bool(waiting)
        await asyncio.sleep(0.02)
    return lost
