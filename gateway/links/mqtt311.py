"""MQTT 3.1.1 on paho-mqtt with manual acknowledgement: for brokers that do not speak MQTT 5.

A thread (`gateway.links.pump`) holds the connection and gathers messages; the event loop takes all that has
gathered every few milliseconds. The session is persistent: what is published while we are away, and what we did
not acknowledge, comes again. MQTT 3.1.1 has no way to say how many or how large messages a client takes. What is larger
than `max_packet_bytes` is left out, but paho has it in memory first: set `max_inflight_messages` and `max_packet_size`
(or `message_size_limit`) at the broker.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import structlog

from gateway.clock import now_ms
from gateway.config import Link as Settings
from gateway.errors import LinkError
from gateway.links.inbox import Gathered, Inbox
from gateway.links.outbox import Outbox
from gateway.links.pump import Pump
from gateway.links.seam import LinkStatus, Take
from gateway.links.tls import ssl_context
from gateway.records import Batch

log = structlog.get_logger("gateway.links")


class Mqtt311Link:
    """A connection to an MQTT 3.1.1 broker, kept up until cancelled."""

    def __init__(self, settings: Settings, clock: Callable[[], int] = now_ms) -> None:
        self._settings = settings
        self._clock = clock
        self._status = LinkStatus(since=clock())
        self._was_up = False
        self._pump: Pump | None = None
        self._outbox = Outbox()

    @property
    def name(self) -> str:
        return self._settings.name

    @property
    def status(self) -> LinkStatus:
        return self._status

    async def run(self, take: Take) -> None:
        """Connect, read, hand batches over, reconnect; see `gateway.links.seam.Link`.

        Cancelled, it publishes `offline`, disconnects and returns when its thread has ended: at once, or after
        the connection attempt under way (at most some seconds). Raises `LinkError` and what `take` raises.
        """
        context = ssl_context(self._settings.tls) if self._settings.secure else None
        loop = asyncio.get_running_loop()
        inbox = Inbox(loop, self._settings.max_batch_bytes, lambda: pump.wake())
        pump = self._pump = self._make_pump(inbox, context, loop)
        with ThreadPoolExecutor(1, f"link-{self.name}") as threads:
            network = loop.run_in_executor(threads, pump.run)
            handing = asyncio.create_task(self._hand_over(inbox, pump, take), name=f"{self.name}-hand-over")
            try:
                await asyncio.wait({network, handing}, return_when=asyncio.FIRST_COMPLETED)
                if handing.done():
                    handing.result()
            finally:
                self._pump = None
                handing.cancel()
                pump.stop()
                await asyncio.gather(handing, return_exceptions=True)
                await network
                pump.close()

    def send(self, messages: Sequence[tuple[str, bytes]]) -> int:
        """See `gateway.links.seam.Link`; at QoS 0, by way of the network thread."""
        taken = 0
        if self._pump is not None and self._status.connected:
            taken = self._outbox.put(messages)
            self._pump.wake()
        self._status.unsent += len(messages) - taken
        return taken

    def _make_pump(self, inbox: Inbox, context: ssl.SSLContext | None, loop: asyncio.AbstractEventLoop) -> Pump:
        try:
            return Pump(
                self._settings,
                self._settings.login.password,
                context,
                inbox,
                self._outbox,
                self._status,
                on_up=lambda present, lowered: loop.call_soon_threadsafe(self._up, present, lowered) and None,
                on_down=lambda reason: loop.call_soon_threadsafe(self._down, reason) and None,
            )
        except OSError as error:
            raise LinkError(f"link {self.name}: login.password_file cannot be read: {error}") from error
        except KeyError as error:
            raise LinkError(f"link {self.name}: login.password_env names {error}, which is not set") from error
        except ValueError as error:
            raise LinkError(f"link {self.name}: {error}") from error

    async def _hand_over(self, inbox: Inbox, pump: Pump, take: Take) -> None:
        interval = self._settings.read_interval_ms / 1000
        while True:
            gathered = await inbox.take()
            self._status.received += len(gathered.topics)
            await take(self._batch(gathered, pump))
            await asyncio.sleep(interval)

    def _batch(self, gathered: Gathered, pump: Pump) -> Batch:
        def ack() -> None:
            for connection, packet_ids in gathered.unacked.items():
                pump.acknowledge(connection, packet_ids)

        return Batch(self.name, self._clock(), gathered.topics, gathered.payloads, {}, ack)

    def _up(self, session_present: bool, lowered: list[str]) -> None:
        status = self._status
        status.reconnects += self._was_up
        if self._was_up and not session_present:
            log.error("link_session_lost", link=self.name, broker=self._settings.url)
        if lowered:
            log.error("link_qos_lowered", link=self.name, broker=self._settings.url, topics=lowered)
        self._was_up = True
        status.connected, status.since = True, self._clock()
        log.info("link_up", link=self.name, broker=self._settings.url, session_present=session_present)

    def _down(self, reason: str) -> None:
        status = self._status
        if status.connected:
            status.connected, status.since = False, self._clock()
        status.unsent += self._outbox.clear()
        if reason:
            status.last_error = reason
            log.warning("link_down", link=self.name, broker=self._settings.url, reason=reason)
        else:
            log.info("link_stopped", link=self.name, broker=self._settings.url)
