"""HJ 212 over TCP: a port to which loggers connect, as a link. Half of it is in `gateway.links.hj212_connection`.

Connections cut what they read into frames and put them here; every few milliseconds all that has gathered becomes one
batch, so that 2,000 loggers share one sync of the journal. What waits to be journalled is bounded, for each connection
and for all: at a bound they are not read, and TCP holds the loggers back. TCP has no acknowledgement of ours: a logger
knows that a frame is kept by its 9014, which `gateway.replies` sends after the sync.
"""

from __future__ import annotations

import asyncio
import resource
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

import structlog

from gateway.clock import now_ms
from gateway.config import Listener as Settings
from gateway.errors import LinkError
from gateway.hj212.header import Header
from gateway.hj212.keys import KeyRing
from gateway.inventory import Inventory
from gateway.links.hj212_connection import Connection, ListenerCounts
from gateway.links.hj212_login import Admission, Door
from gateway.links.seam import LinkStatus, Take
from gateway.links.tls import server_context
from gateway.reasons import shown
from gateway.records import Batch

log = structlog.get_logger("gateway.links")

HANDSHAKE_S = 10.0
"""How long a logger may take over TLS before it has said anything."""
BACKLOG: Final = 2048
"""Connections that the kernel holds until they are accepted: after a power cut all loggers come at once."""
SWEEP_S: Final = 1.0
"""How often idle connections are looked for."""
FRAME_BYTES: Final = 200
"""What a frame costs beside its bytes: an object, its place in lists."""
LOGGED: Final = 20
"""Lines about single connections between two sweeps; more are counted and told of in one line."""
FILES: Final = 256
"""Open files that everything but the connections of listeners needs."""


class Hj212TcpLink:
    """A listening port, kept open until cancelled."""

    def __init__(
        self,
        settings: Settings,
        inventory: Inventory,
        keys: KeyRing,
        *,
        reply: bool = True,
        clock: Callable[[], int] = now_ms,
    ) -> None:
        """`reply`: whether a sender that is turned away is told why (`hj212.reply`)."""
        self._settings = settings
        self._reply = reply
        self._clock = clock
        self._status = LinkStatus(since=clock())
        self._connections: set[Connection] = set()
        self._paused: set[Connection] = set()
        self._owners: dict[str, Connection] = {}
        self._topics: list[str] = []
        self._payloads: list[bytes] = []
        self._parts: dict[Connection, int] = {}
        self._pending = 0
        self._full = False
        self._something = asyncio.Event()
        self._lines = 0
        self.door = Door(settings.name, inventory, keys, password_required=settings.password_required)
        self.counts = ListenerCounts()
        self.port = settings.port
        """Where it listens, once it does."""

    @property
    def name(self) -> str:
        return self._settings.name

    @property
    def status(self) -> LinkStatus:
        return self._status

    @property
    def connections(self) -> int:
        """How many are open."""
        return len(self._connections)

    @property
    def paused(self) -> int:
        """How many are held back because too much waits."""
        return len(self._paused)

    @property
    def pending(self) -> int:
        """Bytes that wait to be journalled."""
        return self._pending

    async def run(self, take: Take) -> None:
        """Listen, gather, hand batches over; until cancelled. Raises `LinkError` where the port cannot be had."""
        settings = self._settings
        _allow_files(settings.max_connections)
        context = server_context(settings.tls) if settings.tls is not None else None
        try:
            server = await asyncio.get_running_loop().create_server(
                lambda: Connection(self, settings.max_stray_bytes),
                settings.host,
                settings.port,
                backlog=BACKLOG,
                ssl=context,
                ssl_handshake_timeout=HANDSHAKE_S if context is not None else None,
            )
        except OSError as error:
            reason = f"listener {self.name}: cannot listen on {settings.host}:{settings.port}: {error.strerror}"
            raise LinkError(reason) from error
        self.port = server.sockets[0].getsockname()[1]
        self._status.connected, self._status.since = True, self._clock()
        log.info("listener_up", listener=self.name, host=settings.host, port=self.port)
        sweeping = asyncio.create_task(self._sweep(), name=f"{self.name}-sweep")
        try:
            await self._hand_over(take)
        finally:
            sweeping.cancel()
            server.close()
            for connection in list(self._connections):
                connection.close("stopping", at_once=False)
            self._status.connected, self._status.since = False, self._clock()

    def send(self, messages: Sequence[tuple[str, bytes]]) -> int:
        """See `gateway.links.seam.Link`: on the connection by which the device of the topic was last heard."""
        parts: dict[Connection, list[bytes]] = {}
        for topic, payload in messages:
            connection = self._owners.get(topic)
            if connection is not None:
                parts.setdefault(connection, []).append(payload)
        sent = sum(len(frames) for connection, frames in parts.items() if connection.send(b"".join(frames)))
        self._status.sent += sent
        self._status.unsent += len(messages) - sent
        return sent

    async def _hand_over(self, take: Take) -> None:
        interval = self._settings.read_interval_ms / 1000
        while True:
            await self._something.wait()
            self._something.clear()
            topics, self._topics = self._topics, []
            payloads, self._payloads = self._payloads, []
            parts, self._parts = self._parts, {}
            self._status.received += len(topics)
            await take(Batch(self.name, self._clock(), topics, payloads, {}, partial(self._acked, len(topics))))
            self._make_room(parts)
            await asyncio.sleep(interval)

    def _acked(self, frames: int) -> None:
        self._status.acked += frames

    def _make_room(self, parts: dict[Connection, int]) -> None:
        """What was taken waits no more: read again where there is room now."""
        for connection, size in parts.items():
            connection.pending -= size
            self._pending -= size
        if self._pending >= self._settings.max_batch_bytes:
            return
        self._full = False
        most = self._settings.max_pending_kib * 1024
        for connection in [each for each in self._paused if each.pending < most]:
            self._paused.discard(connection)
            connection.resume()

    async def _sweep(self) -> None:
        """Close connections that say nothing, or nothing of a device of ours."""
        settings = self._settings
        while True:
            await asyncio.sleep(min(SWEEP_S, settings.idle_s / 2, settings.login_s / 2))
            now = time.monotonic()
            for connection in list(self._connections):
                if connection.paused:
                    continue
                if now - connection.heard_at >= settings.idle_s:
                    connection.close("idle")
                elif not connection.devices and now - connection.opened_at >= settings.login_s:
                    connection.close("no_login")
            if self._lines > LOGGED:
                log.warning("listener_lines_left_out", listener=self.name, lines=self._lines - LOGGED)
            self._lines = 0

    # What connections call.

    def opened(self, connection: Connection) -> None:
        """A connection stands; one too many is closed."""
        self.counts.accepted += 1
        self._connections.add(connection)
        if len(self._connections) > self._settings.max_connections:
            connection.close("too_many")
        elif self._full:
            self._pause(connection)

    def put(self, connection: Connection, topics: list[str], payloads: list[bytes]) -> None:
        """Frames for the next batch; at a bound their connection, or all, are read no further."""
        settings = self._settings
        self._topics += topics
        self._payloads += payloads
        size = sum(map(len, payloads)) + FRAME_BYTES * len(payloads)
        self._parts[connection] = self._parts.get(connection, 0) + size
        connection.pending += size
        self._pending += size
        self._something.set()
        if self._pending >= settings.max_batch_bytes and not self._full:
            self._full = True
            for each in self._connections:
                self._pause(each)
        elif connection.pending >= settings.max_pending_kib * 1024:
            self._pause(connection)

    def logged_in(self, connection: Connection, topic: str, header: Header) -> None:
        """A device came by this connection; one that it had before is of no use any more."""
        self.counts.logins += 1
        older = self._owners.get(topic)
        self._owners[topic] = connection
        self._tell("logger_logged_in", connection, topic=topic, mn=header.mn)
        if older is not None and older is not connection:
            older.log_out(topic)

    def refused(self, connection: Connection, admission: Admission, header: Header) -> bool:
        """A sender was turned away; whether it may be told."""
        self.counts.refused[admission.refusal] += 1
        self._tell("logger_refused", connection, reason=admission.refusal, mn=shown(header.mn))
        return self._reply

    def lost(self, connection: Connection) -> None:
        """A connection has ended, from whichever side."""
        self._connections.discard(connection)
        self._paused.discard(connection)
        for topic in connection.devices:
            if self._owners.get(topic) is connection:
                del self._owners[topic]
        if connection.ending:
            self.counts.closed[connection.ending] += 1
            if connection.ending != "stopping":
                self._tell("logger_closed", connection, reason=connection.ending)

    def _pause(self, connection: Connection) -> None:
        connection.pause()
        self._paused.add(connection)

    def _tell(self, event: str, connection: Connection, **what: str) -> None:
        self._lines += 1
        if self._lines <= LOGGED:
            log.info(event, listener=self.name, peer=connection.peer, **what)


def _allow_files(connections: int) -> None:
    """Let the process open so many more files, as far as the system allows it to."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = max(soft, connections + FILES)
    allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if allowed > soft:
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    if allowed < wanted:
        log.warning("listener_files_few", allowed=allowed, wanted=wanted)
