"""One logger's connection: bytes in, frames out, each with the topic of the device that it is of.

A connection may carry several devices (a concentrator), where each has a password of its own or the inventory says who
carries whom: each MN logs in by its first frame. What is no frame is handed on too, so that it becomes a dead letter
and not nothing.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Final, Protocol, cast

from gateway.hj212.cut import Cut, Stray
from gateway.hj212.header import Header, read_header
from gateway.hj212.reader import decode_text
from gateway.links.hj212_login import Admission, Door, head_of
from gateway.links.hj212_reads import Reads

HEADS: Final = 64
"""Headers that a connection remembers; at the bound all are forgotten and judged again."""
HEAD_BYTES: Final = 256
"""Longest header that is remembered. With the number above: 16 KiB a connection at most."""
REFUSALS_MOST: Final = 100
"""Senders turned away on a connection that carries a device; then it is closed. Else the first one closes it."""
LINE_END_S: Final = 0.1
"""How long a frame waits for its line end; the answer to a logger that sends none is so much later."""
SEND_BUFFER: Final = 64 * 1024
"""Bytes that wait for the logger to read them; at this bound what is sent to it is dropped."""


@dataclass(slots=True)
class ListenerCounts:
    """What became of connections. Run from the start of the process."""

    accepted: int = 0
    logins: int = 0
    refused: Counter[str] = field(default_factory=Counter[str])
    """Frames of senders turned away, by reason: `unknown_mn`, `foreign_mn`, `password_wrong`, `password_missing`."""
    closed: Counter[str] = field(default_factory=Counter[str])
    """Connections ended from this side, by reason: `idle`, `no_login`, `strays`, `taken_over`, `too_many`, and the
    reasons above."""
    bytes: int = 0
    """Read from all connections."""


class Listening(Protocol):
    """What a connection needs of its listener."""

    door: Door
    counts: ListenerCounts

    def opened(self, connection: Connection) -> None: ...

    def put(self, connection: Connection, topics: list[str], payloads: list[bytes]) -> None: ...

    def logged_in(self, connection: Connection, topic: str, header: Header) -> None: ...

    def refused(self, connection: Connection, admission: Admission, header: Header) -> bool:
        """Count and log it; whether the sender may be told."""
        ...

    def lost(self, connection: Connection) -> None: ...


class Connection(asyncio.Protocol):
    """Cuts what one socket brings, and answers for who sent it."""

    def __init__(self, listener: Listening, max_stray_bytes: int) -> None:
        self._listener = listener
        self._max_stray_bytes = max_stray_bytes
        self._reads = Reads()
        self._transport: asyncio.Transport | None = None
        self._heads: dict[bytes, str] = {}
        self._strays = 0
        self._refusals = 0
        self._away = ""
        self._first: Admission | None = None
        """Of the device that came first of those that are logged in."""
        self.devices: set[str] = set()
        """Topics of the devices that are logged in."""
        self.pending = 0
        """Bytes that wait to be journalled."""
        self.paused = False
        self.opened_at = self.heard_at = time.monotonic()
        self.peer = "?"
        self.ending = ""
        """Why it was closed from this side; empty while it is open, and where the logger closed it."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        peer: object = transport.get_extra_info("peername")
        self.peer = str(cast("tuple[object, ...]", peer)[0]) if isinstance(peer, tuple) and peer else "?"
        self._listener.opened(self)

    def data_received(self, data: bytes) -> None:
        self.heard_at = time.monotonic()
        self._listener.counts.bytes += len(data)
        self._hand_over(self._reads.feed(data))
        if self._reads.waiting:
            asyncio.get_running_loop().call_later(LINE_END_S, self._give_up)
        if self._strays > self._max_stray_bytes:
            self.close("strays")

    def eof_received(self) -> bool:
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self._hand_over(self._reads.finish())
        self._listener.lost(self)

    def _give_up(self) -> None:
        self._hand_over(self._reads.give_up())

    def send(self, data: bytes) -> bool:
        """Write now; False where the connection is closing or its other end does not read."""
        transport = self._transport
        if transport is None or transport.is_closing() or transport.get_write_buffer_size() > SEND_BUFFER:
            return False
        transport.write(data)
        return True

    def pause(self) -> None:
        """Read nothing until `resume`."""
        if not self.paused and self._transport is not None and not self._transport.is_closing():
            self.paused = True
            self._transport.pause_reading()

    def resume(self) -> None:
        """Read again; the time that it was not read does not count as silence of the logger."""
        if self.paused and self._transport is not None:
            self.paused = False
            self.heard_at = time.monotonic()
            if not self._transport.is_closing():
                self._transport.resume_reading()

    def log_out(self, topic: str) -> None:
        """Its device has come by another connection; one that carries no other is closed."""
        self.devices.discard(topic)
        self._heads.clear()
        if not self.devices:
            self.close("taken_over")

    def close(self, why: str, *, at_once: bool = True) -> None:
        """End it from this side: at once, or when all that was sent is written, which a dead wire never lets happen."""
        transport = self._transport
        if transport is None or self.ending:
            return
        self.ending = why
        if at_once:
            transport.abort()
        else:
            transport.close()

    def _hand_over(self, pieces: list[Cut | Stray]) -> None:
        if not pieces:
            return
        topics: list[str] = []
        for piece in pieces:
            if isinstance(piece, Cut):
                topics.append(self._topic(piece.segment))
            else:
                self._strays += len(piece.raw)
                topics.append(self._own_topic())
        self._listener.put(self, topics, [piece.raw for piece in pieces])

    def _topic(self, segment: bytes) -> str:
        """The topic of a frame. The part of the header behind QN is the same in most frames, so it is looked up."""
        whole = head_of(segment)
        head = whole[whole.find(b";") + 1 :] if whole[:3] == b"QN=" else whole
        topic = self._heads.get(head)
        return self._log_in(head, read_header(decode_text(whole)[0])) if topic is None else topic

    def _log_in(self, head: bytes, header: Header) -> str:
        if not header.mn and self.devices:
            return self._own_topic()
        if self._away:  # what stands behind that in the same read is no new attempt
            return self._away
        door, first = self._listener.door, self._first
        admission = door.admit(header) if first is None else door.admit_beside(first, header)
        if admission.refusal:
            self._turn_away(admission, header)
            return admission.topic
        if len(self._heads) >= HEADS:
            self._heads.clear()
        if len(head) <= HEAD_BYTES:
            self._heads[head] = admission.topic
        if admission.topic not in self.devices and not self.ending:
            self.devices.add(admission.topic)
            self._first = first or admission
            self._listener.logged_in(self, admission.topic, header)
        return admission.topic

    def _turn_away(self, admission: Admission, header: Header) -> None:
        self._refusals += 1
        told = self._listener.refused(self, admission, header)
        if told and admission.told is not None and (frame := self._listener.door.answer(header, admission.told)):
            self.send(frame)
        if admission.refusal != "unknown_mn" and (not self.devices or self._refusals >= REFUSALS_MOST):
            self._away = admission.topic
            self.close(admission.refusal, at_once=False)

    def _own_topic(self) -> str:
        """Of what names nobody: that of the only device on this connection, else nobody's."""
        return next(iter(self.devices)) if len(self.devices) == 1 else self._listener.door.stranger
