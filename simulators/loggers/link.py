"""One logger's own connection to the centre, as HJ 212 has it over TCP.

The first frame logs in with MN and PW; 2005 sends a 9021 before. What asks for an answer is sent one at a time: without
a 9014 within OverTime it is sent again with the same QN, ReCount times, then the connection is given up and made anew.
What is not answered stays at the head of what waits, so nothing is forgotten but what the memory cannot hold.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import deque
from dataclasses import dataclass, field
from typing import Final, Protocol, cast

from simulators.formats.hj212 import Writer
from simulators.formats.hj212.editions import REPLY
from simulators.loggers.control import Control
from simulators.loggers.frames import Cutter, read

BACKOFF_S: Final = (1.0, 30.0)
CONNECT_S: Final = 10.0
BREAK_LOOK_S: Final = 0.05
"""How often a logger whose connection a fault may take away looks whether it has."""
HEARTBEAT_S: Final = 60.0
"""2025: after so long without a word a 9015 says that the logger is there."""
ANSWERS: Final = frozenset(("9011", "9013", "9014"))
ACCEPTED: Final = "1"


@dataclass(frozen=True, slots=True)
class Kept:
    """A frame that waits to be sent."""

    frame: bytes
    values: int = 0
    answer: bool = False
    """Said because the centre asked; else it is a message of the scenario."""


@dataclass(slots=True)
class LinkCounts:
    """What became of the frames of all loggers; written by the thread of their connections alone."""

    values: int = 0
    """Numbers in the messages that were sent."""
    sent: int = 0
    """Messages that were answered, or taken by the socket where they ask for no answer."""
    answers: int = 0
    """Frames that the centre had asked for, likewise."""
    resent: int = 0
    refused: int = 0
    """Turned away by the centre with a 9011."""
    overwritten: int = 0
    """Pushed out of a memory that was full, oldest first."""
    connects: int = 0
    online: int = 0
    settled: int = 0
    """Frames of any kind that wait no more."""
    parked: int = 0
    """Frames that wait for a connection."""


class Centre(Protocol):
    """What a link needs of the carrier."""

    host: str
    port: int
    counts: LinkCounts

    def now(self) -> int:
        """ms UTC, of the scenario."""
        ...

    def command(self, key: str, frame: bytes) -> None:
        """A frame that is no answer has come for a logger."""
        ...


@dataclass(slots=True, eq=False)
class Link(asyncio.Protocol):
    """One logger: kept connected from `start` to `stop`."""

    key: str
    writer: Writer
    control: Control
    centre: Centre
    most: int
    """Frames it remembers while there is no connection."""
    jitter: random.Random
    _waiting: deque[Kept] = field(default_factory=deque[Kept])
    _transport: asyncio.Transport | None = None
    _cutter: Cutter = field(default_factory=Cutter)
    _asked: str = ""
    """QN of the message at the head, while it waits for its answer."""
    _going: bool = False
    """The message at the head waits for no answer, but the socket has not taken all of it yet."""
    _tries: int = 0
    _timer: asyncio.TimerHandle | None = None
    _beat: asyncio.TimerHandle | None = None
    _writable: bool = True
    _closing: bool = False
    _backoff: float = field(default_factory=lambda: BACKOFF_S[0])
    _up_since: float = 0.0
    _task: asyncio.Task[None] | None = None
    _breaking: asyncio.Task[None] | None = None

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    @property
    def messages_waiting(self) -> int:
        return sum(not kept.answer for kept in self._waiting)

    def start(self, delay_s: float) -> None:
        loop = asyncio.get_running_loop()
        self._task = loop.create_task(self._connect(delay_s))
        if self.control.breaks and self._breaking is None:
            self._breaking = loop.create_task(self._break())

    def stop(self) -> None:
        self._closing = True
        for task in (self._task, self._breaking):
            if task is not None:
                task.cancel()
        if self._transport is not None:
            self._transport.close()

    def put(self, kept: Kept) -> None:
        """Send it when those before it are; the oldest gives way where the memory is full."""
        self._waiting.append(kept)
        counts = self.centre.counts
        if self._transport is None:
            counts.parked += 1
        if len(self._waiting) > self.most:
            # The message that waits for its answer stays: its answer would be taken for that of another.
            at = 1 if self._asked or self._going else 0
            oldest = self._waiting[at]
            del self._waiting[at]
            counts.overwritten += not oldest.answer
            counts.settled += 1
            if self._transport is None:
                counts.parked -= 1
        self._send()

    def at_once(self, frame: bytes) -> None:
        """Send an answer before all that waits; without a connection it is of no use any more."""
        if self._transport is not None:
            self._write(frame)
            self.centre.counts.answers += 1
        self.centre.counts.settled += 1

    async def _connect(self, delay_s: float) -> None:
        await asyncio.sleep(delay_s)
        loop = asyncio.get_running_loop()
        while not self._closing:
            if self.control.away(self.centre.now()):
                await asyncio.sleep(BREAK_LOOK_S)
                continue
            try:
                async with asyncio.timeout(CONNECT_S):
                    await loop.create_connection(lambda: self, self.centre.host, self.centre.port)
                return
            except OSError:
                await asyncio.sleep(self._backoff * self.jitter.uniform(0.5, 1.0))
                self._backoff = min(2 * self._backoff, BACKOFF_S[1])

    async def _break(self) -> None:
        """Hang up, without a goodbye, whenever a fault of the scenario takes the connection away."""
        while True:
            await asyncio.sleep(BREAK_LOOK_S)
            if self._transport is not None and self.control.away(self.centre.now()):
                self._backoff = BACKOFF_S[0]  # what is to come back comes back
                self._transport.abort()

    # What asyncio calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._transport.set_write_buffer_limits(0)
        self._cutter = Cutter()
        self._writable = True
        self._up_since = time.monotonic()
        counts = self.centre.counts
        counts.connects += 1
        counts.online += 1
        counts.parked -= len(self._waiting)
        if self.writer.edition == "2005":
            self._write(self.writer.upload("9021", "", self.control.number(self.centre.now()), wants_reply=True))
        self._keep_alive()
        self._send()

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self._forget_timers()
        self._asked, self._going, self._tries = "", False, 0
        counts = self.centre.counts
        counts.online -= 1
        counts.parked += len(self._waiting)
        if time.monotonic() - self._up_since > BACKOFF_S[1]:
            self._backoff = BACKOFF_S[0]
        if not self._closing:
            wait = self._backoff * self.jitter.uniform(0.5, 1.0)
            self._backoff = min(2 * self._backoff, BACKOFF_S[1])
            self.start(wait)

    def data_received(self, data: bytes) -> None:
        for frame in self._cutter.feed(data):
            heard = read(frame)
            if heard is None or heard.cn == "9022":
                continue
            if heard.cn not in ANSWERS:
                self.centre.command(self.key, frame)
            elif self._asked and heard.qn == self._asked and heard.crc_right:
                self._backoff = BACKOFF_S[0]
                refused = heard.cn == "9011" and heard.items.get("QnRtn") != ACCEPTED
                self._settle(refused=refused)
        self._send()

    def pause_writing(self) -> None:
        self._writable = False

    def resume_writing(self) -> None:
        self._writable = True
        if self._going:
            self._going = False
            self._settle(refused=False)
        self._send()

    # Sending.

    def _send(self) -> None:
        """Write what may go: all up to the first message that waits for its answer."""
        while self._waiting and not self._asked and self._writable and self._transport is not None:
            kept = self._waiting[0]
            heard = read(kept.frame)
            self._write(kept.frame)
            # A frame that a fault has spoilt is never answered: nobody waits for it.
            if heard is not None and heard.flag & REPLY and heard.qn:
                self._asked, self._tries = heard.qn, 0
                self._wait()
            elif self._writable:
                self._settle(refused=False)
            else:
                self._going = True

    def _settle(self, *, refused: bool) -> None:
        kept = self._waiting.popleft()
        self._asked = ""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        counts = self.centre.counts
        counts.settled += 1
        if kept.answer:
            counts.answers += 1
        elif refused:
            counts.refused += 1
        else:
            counts.sent += 1
            counts.values += kept.values

    def _wait(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(self.control.overtime_s, self._overdue)

    def _overdue(self) -> None:
        self._timer = None
        if self._transport is None:
            return
        if self._tries >= self.control.recount:
            self._transport.abort()
            return
        self._tries += 1
        self.centre.counts.resent += 1
        self._write(self._waiting[0].frame)
        self._wait()

    def _write(self, frame: bytes) -> None:
        assert self._transport is not None
        self._transport.write(frame)

    def _keep_alive(self) -> None:
        if self.writer.edition == "2025":
            self._beat = asyncio.get_running_loop().call_later(HEARTBEAT_S, self._say_alive)

    def _say_alive(self) -> None:
        if self._transport is not None:
            if not self._waiting:
                self._write(self.writer.upload("9015", "", self.control.number(self.centre.now())))
            self._keep_alive()

    def _forget_timers(self) -> None:
        for timer in (self._timer, self._beat):
            if timer is not None:
                timer.cancel()
        self._timer = self._beat = None
