"""MQTT 5 on the `mqtt5` codec: the fast link. One read every few milliseconds, one PUBACK write a batch.

Measured (2 cores, mosquitto 2.0.11): read as it comes 11 us a message, one read every 5 ms 1.3 to 1.6 us.
The session is persistent: what is published while we are away, and what we did not acknowledge, comes again.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import time
from collections.abc import Callable, Sequence

import mqtt5
import numpy as np
import structlog

from gateway.clock import now_ms
from gateway.config import Link as Settings
from gateway.errors import LinkError
from gateway.links.allowed import warnings_of
from gateway.links.backoff import Backoff
from gateway.links.probe import DEAF, Probe, Verdict, probe_topic
from gateway.links.seam import LinkStatus, Take
from gateway.links.tls import ssl_context
from gateway.links.wire import Wire, payload_of, publish_head
from gateway.records import Batch
from gateway.topics import Template, format_topic

log = structlog.get_logger("gateway.links")

CONNECT_TIMEOUT_S = 10.0
STEADY_S = 10.0
"""A connection that stood so long begins the back-off anew; two clients fighting for one client id do not."""
GRANTED = (
    mqtt5.SubAckReasonCode.GRANTED_QOS_AT_MOST_ONCE,
    mqtt5.SubAckReasonCode.GRANTED_QOS_AT_LEAST_ONCE,
    mqtt5.SubAckReasonCode.GRANTED_QOS_EXACTLY_ONCE,
)
SEND_BUFFER = 1024 * 1024
"""Bytes that wait for the broker to read them; at this bound messages to devices are dropped."""
REFUSED = 0x80
"""Reason codes from here on are errors."""
CAPTURED = "captured"
"""MQTT 5 user property of a camera frame: when it was taken."""


class Mqtt5Link:
    """A connection to an MQTT 5 broker, kept up until cancelled."""

    def __init__(self, settings: Settings, clock: Callable[[], int] = now_ms) -> None:
        self._settings = settings
        self._clock = clock
        self._status = LinkStatus(since=clock())
        self._was_up = False
        self._told_of_size = False
        self._wire: Wire | None = None
        self._probe_topic = probe_topic(settings)
        self._probe = Probe(settings.probe_s)
        self._retains = True
        """Whether the broker keeps retained messages."""
        self._deaf = ""
        """Why the link ended a connection by itself; empty where it did not."""
        self._keep_alive_s = settings.keepalive_s
        self._taking = False
        """While a batch is handed over nothing is read."""
        self._open = 0
        """Messages of this connection that were handed over and are not acknowledged."""
        self._frames = any(subscription.codec == "jpeg" for subscription in settings.subscribe)
        self._will_topic = (
            format_topic(settings.will_topic, client_id=settings.client_id) if settings.will_topic else ""
        )

    @property
    def name(self) -> str:
        return self._settings.name

    @property
    def status(self) -> LinkStatus:
        return self._status

    async def run(self, take: Take) -> None:
        """Connect, read, hand batches over, reconnect; see `gateway.links.seam.Link`."""
        context = self._context()  # here too, so that files that are wrong end the start
        password = self._password()
        backoff = Backoff(self._settings.backoff_max_s)
        while True:
            self._deaf = ""
            self._told_of_size = False
            wire = Wire(self._settings.max_batch_bytes, self._settings.max_packet_bytes)
            try:
                context = self._context()  # certificates may have been renewed since
                async with asyncio.timeout(CONNECT_TIMEOUT_S):
                    await asyncio.get_running_loop().create_connection(
                        lambda wire=wire: wire, self._settings.host, self._settings.port, ssl=context
                    )
                    await self._open_session(wire, password)
                opened = time.monotonic()
                try:
                    await self._read(wire, take)
                finally:
                    if time.monotonic() - opened >= STEADY_S:
                        backoff.reset()
            except (OSError, ValueError, LinkError, TimeoutError) as error:
                reason = f"{type(error).__name__}: {error}" if str(error) else "no answer from the broker"
                self._down(self._deaf or reason)
            finally:
                self._leave(wire)
            await asyncio.sleep(backoff.next())

    def send(self, messages: Sequence[tuple[str, bytes]]) -> int:
        """See `gateway.links.seam.Link`; at QoS 0, all in one write."""
        wire = self._wire
        if wire is None or wire.transport.is_closing() or wire.transport.get_write_buffer_size() > SEND_BUFFER:
            self._status.unsent += len(messages)
            return 0
        publish = mqtt5.PublishPacket
        wire.transport.write(b"".join([publish(topic, payload).write() for topic, payload in messages]))
        self._status.sent += len(messages)
        return len(messages)

    async def _open_session(self, wire: Wire, password: bytes | None) -> None:
        """CONNECT with its answer, and SUBSCRIBE. Raises `LinkError` when the broker refuses.

        It does not tell the broker the largest packet we take. One that is told drops what is larger where nobody sees
        it, and mosquitto 2.0.11 counts each that it had queued as on its way for ever: after `receive_max` of them
        nothing comes any more. So they come, are left out and counted here.

        Messages of a session that went on may come before the SUBACK, so `_parse` takes that from among them.
        """
        settings = self._settings
        will = mqtt5.Will(self._will_topic, payload=b"offline", retain=self._retains) if self._will_topic else None
        wire.transport.write(
            mqtt5.ConnectPacket(
                settings.client_id,
                username=settings.login.username or None,
                password=password,
                clean_start=self._probe.renew,
                will=will,
                keep_alive=settings.keepalive_s,
                session_expiry_interval=settings.session_expiry_s,
                receive_max=settings.receive_max,
            ).write()
        )
        answer = await self._answer(wire)
        if not isinstance(answer, mqtt5.ConnAckPacket):
            raise LinkError(f"the broker answered CONNECT with {type(answer).__name__}")
        if answer.reason_code == mqtt5.ConnAckReasonCode.RETAIN_NOT_SUPPORTED:
            self._retains = False  # the next attempt asks for less
        if answer.reason_code != mqtt5.ConnAckReasonCode.SUCCESS:
            raise LinkError(f"the broker refused the connection: {_words(answer.reason_code.name, answer.reason_str)}")
        self._heed(answer)
        filters = [
            mqtt5.TopicFilter(
                Template.parse(subscription.topic).filter,
                max_qos=mqtt5.QoS(settings.qos),
                retain_handling=mqtt5.RetainHandling.SEND_IF_SUBSCRIPTION_NOT_EXISTS,
            )
            for subscription in settings.subscribe
        ]
        if self._probe_topic and self._probe.allowed:
            filters.append(mqtt5.TopicFilter(self._probe_topic, max_qos=mqtt5.QoS(settings.qos)))
        wire.transport.write(mqtt5.SubscribePacket(1, filters).write())
        if self._probe.renew:
            log.error(
                "link_session_renewed", link=self.name, broker=settings.url
            )  # what waited in the deaf one is gone
        elif self._was_up and not answer.session_present:
            log.error("link_session_lost", link=self.name, broker=settings.url)  # what was published meanwhile is gone

    def _heed(self, answer: mqtt5.ConnAckPacket) -> None:
        """Take up what the broker allows, and say what it does not."""
        self._retains = answer.retain_available
        self._keep_alive_s = answer.server_keep_alive or self._settings.keepalive_s
        warnings = warnings_of(self._settings, answer)
        for warning in warnings:
            if warning not in self._status.warnings:
                log.warning("link_broker_allows_less", link=self.name, broker=self._settings.url, warning=warning)
        self._status.warnings = warnings

    async def _answer(self, wire: Wire) -> mqtt5.Packet:
        """The next packet."""
        while True:
            wire.resume()
            await wire.readable()
            with contextlib.suppress(IndexError):
                packet, used = mqtt5.read(memoryview(wire.buffer)[: wire.filled])
                wire.consume(used)
                return packet

    async def _read(self, wire: Wire, take: Take) -> None:
        """Read, hand over, pause; returns only by an error."""
        interval = self._settings.read_interval_ms / 1000
        patience = self._keep_alive_s * 1.5
        alive = asyncio.create_task(self._keep_alive(wire), name=f"{self.name}-keepalive")
        probing = asyncio.create_task(self._probe_session(wire), name=f"{self.name}-probe")
        try:
            while True:
                began = time.monotonic()
                batch = self._parse(wire)  # first what came together with the CONNACK
                if batch is not None:
                    self._taking = True
                    await take(batch)
                    self._taking = False
                    self._probe.busy()
                await asyncio.sleep(max(0.0, interval - (time.monotonic() - began)))
                wire.resume()
                async with asyncio.timeout(patience):
                    await wire.readable()
        except TimeoutError:
            raise ConnectionError("the broker has fallen silent: no answer to PINGREQ") from None
        finally:
            self._taking = False
            alive.cancel()
            probing.cancel()

    async def _keep_alive(self, wire: Wire) -> None:
        ping = mqtt5.PingReqPacket().write()
        while True:
            await asyncio.sleep(self._keep_alive_s / 2)
            wire.transport.write(ping)

    async def _probe_session(self, wire: Wire) -> None:
        """Publish to ourselves now and then; end a connection that hears nothing."""
        if not self._probe_topic:
            return
        probe, number = self._probe, 0
        tick = min(1.0, self._settings.probe_s / 8)
        while True:
            await asyncio.sleep(tick)
            if self._taking or self._open:
                probe.busy()
            elif self._status.connected and probe.due():
                number += 1
                packet = mqtt5.PublishPacket(
                    self._probe_topic,
                    str(number).encode(),
                    qos=mqtt5.QoS(self._settings.qos),
                    packet_id=1 if self._settings.qos else None,  # one at a time
                )
                wire.transport.write(packet.write())
            else:
                match probe.verdict():
                    case Verdict.DEAF:
                        self._status.deaf += 1
                        self._deaf = DEAF
                        wire.transport.abort()
                        return
                    case Verdict.UNHEARD:
                        log.warning("link_probe_unheard", link=self.name, topic=self._probe_topic)
                    case Verdict.FINE:
                        pass

    def _parse(self, wire: Wire) -> Batch | None:
        """Every whole packet in the buffer. None where they hold no message.

        A broker should not let a topic or a property pass that is no UTF-8. Where it does, the message goes on under
        its topic with escapes, to end as a dead letter: the library gives up on it, and it would come at every connect.
        """
        topics: list[str] = []
        payloads: list[bytes] = []
        ids: list[int] = []
        captured: dict[int, str] = {}
        view = memoryview(wire.buffer)[: wire.filled]
        read, publish = mqtt5.read, mqtt5.PublishPacket
        at, end, frames, torn = 0, wire.filled, self._frames, False
        most = self._settings.max_packet_bytes
        try:
            while at < end:
                try:
                    packet, used = read(view[at:])
                except IndexError:
                    break  # the rest of a packet is still to come
                except BaseException as error:  # noqa: BLE001 (a panic of the library is no Exception)
                    _raise_others(error)
                    head = publish_head(view[at:])
                    topics.append(head.topic)
                    payloads.append(payload_of(view[at:], head))
                    ids += [head.packet_id] if head.packet_id is not None else []
                    at, torn = at + head.size, True
                    continue
                at += used
                if used > most:
                    wire.left_out.append(publish_head(view[at - used : at]))
                elif type(packet) is publish:
                    if packet.topic == self._probe_topic:
                        self._probe.heard(own=True)
                        self._acknowledge(wire, [] if packet.packet_id is None else [packet.packet_id], counted=False)
                        continue
                    if packet.packet_id is not None:
                        ids.append(packet.packet_id)
                    if frames:
                        for key, value in packet.user_properties:
                            if key == CAPTURED:
                                captured[len(topics)] = value
                    topics.append(packet.topic)
                    payloads.append(packet.payload)
                elif isinstance(packet, mqtt5.PubAckPacket):
                    if packet.reason_code.value >= REFUSED:
                        self._forbid_probe(packet.reason_code.name)
                elif isinstance(packet, mqtt5.SubAckPacket):
                    self._subscribed(packet, wire)
                elif isinstance(packet, mqtt5.DisconnectPacket):
                    raise LinkError(f"the broker ended it: {_words(packet.reason_code.name, packet.reason_str)}")
        finally:
            view.release()
        if torn:
            wire.renew()
        wire.consume(at)
        if wire.left_out:
            self._leave_out(wire)
        if not topics:
            return None
        self._probe.heard()
        self._status.received += len(topics)
        self._open += len(ids)
        return Batch(self.name, self._clock(), topics, payloads, captured, lambda: self._settle(wire, ids))

    def _settle(self, wire: Wire, ids: list[int]) -> None:
        """Acknowledge what was handed over."""
        if wire is self._wire:
            self._open -= len(ids)
        self._acknowledge(wire, ids)

    def _forbid_probe(self, reason: str) -> None:
        """The broker does not let us publish to ourselves: whether the session hears anything cannot be told."""
        self._probe.forbidden()
        log.warning("link_probe_forbidden", link=self.name, topic=self._probe_topic, reason=_words(reason, None))

    def _leave_out(self, wire: Wire) -> None:
        """Count what was too large and acknowledge it, or it would come again at every connect."""
        ids = [each.packet_id for each in wire.left_out if each.packet_id is not None]
        if not self._told_of_size:
            self._told_of_size = True
            each, most = wire.left_out[0], self._settings.max_packet_bytes
            log.error("link_packets_too_large", link=self.name, topic=each.topic, bytes=each.size, most=most)
        self._status.oversized += len(wire.left_out)
        wire.left_out.clear()
        self._acknowledge(wire, ids)

    def _acknowledge(self, wire: Wire, ids: list[int], *, counted: bool = True) -> None:
        if not ids:
            return
        if wire.transport.is_closing():
            self._status.stale_acks += len(ids)
            return
        packets = np.empty((len(ids), 4), np.uint8)
        numbers = np.array(ids, np.uint16)
        packets[:, 0], packets[:, 1] = 0x40, 2  # PUBACK, two bytes follow: the shortest form means success
        packets[:, 2], packets[:, 3] = numbers >> 8, numbers & 0xFF
        wire.transport.write(packets.tobytes())
        self._status.acked += len(ids) * counted

    def _leave(self, wire: Wire) -> None:
        """Say goodbye where there is somebody to say it to; the session stays."""
        self._probe.lost()
        self._wire = None
        with contextlib.suppress(AssertionError):
            if not wire.transport.is_closing():
                if self._status.connected and self._will_topic:
                    farewell = mqtt5.PublishPacket(self._will_topic, b"offline", retain=self._retains)
                    wire.transport.write(farewell.write())
                wire.transport.write(mqtt5.DisconnectPacket().write())
                wire.transport.close()
        if self._status.connected:
            self._status.connected, self._status.since = False, self._clock()

    def _subscribed(self, answer: mqtt5.SubAckPacket, wire: Wire) -> None:
        """The link is up once every subscription is granted. Raises `LinkError` for one that is not."""
        codes = list(answer.reason_codes)
        if len(codes) > len(self._settings.subscribe) and codes.pop() not in GRANTED:
            self._forbid_probe("the subscription is refused")
        for subscription, code in zip(self._settings.subscribe, codes, strict=True):
            if code not in GRANTED:
                raise LinkError(f"the broker refused the subscription {subscription.topic}: {_words(code.name, None)}")
            if code.value < self._settings.qos:
                log.error("link_qos_lowered", link=self.name, topic=subscription.topic, granted=code.value)
        if self._will_topic:
            online = mqtt5.PublishPacket(self._will_topic, b"online", retain=self._retains)
            wire.transport.write(online.write())
        status = self._status
        status.reconnects += self._was_up
        self._was_up = True
        self._wire, self._open = wire, 0
        self._probe.connected()
        status.connected, status.since = True, self._clock()
        log.info("link_up", link=self.name, broker=self._settings.url)

    def _context(self) -> ssl.SSLContext | None:
        """Raises `LinkError` where a file is missing or wrong."""
        return ssl_context(self._settings.tls) if self._settings.secure else None

    def _password(self) -> bytes | None:
        """Raises `LinkError` where its file or variable is missing."""
        try:
            password = self._settings.login.password
        except (OSError, KeyError) as error:
            raise LinkError(f"link {self.name}: the password cannot be read: {error}") from error
        return None if password is None else password.encode()

    def _down(self, reason: str) -> None:
        self._status.last_error = reason
        log.warning("link_down", link=self.name, broker=self._settings.url, reason=reason)


def _words(code: str, reason: str | None) -> str:
    return code.replace("_", " ").lower() + (f" ({reason})" if reason else "")


def _raise_others(error: BaseException) -> None:
    """Raise what is no fault of a packet that was read."""
    if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
        raise error
