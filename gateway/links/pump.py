"""Pump: the network thread of an MQTT 3.1.1 link. It runs a paho client, and everything of that client runs in it.

One thread and no other touches the client, so an acknowledgement can never slip into a later connection. paho's own
thread is not used: it writes from whichever thread calls, reads on when nobody takes what it read, waits without
jitter, and watches its socket with `select`, which ends at file number 1023.
"""

from __future__ import annotations

import selectors
import ssl
import time
from collections import deque
from collections.abc import Callable

import structlog
from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage
from paho.mqtt.enums import MQTTErrorCode
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from gateway.config import Link as Settings
from gateway.errors import LinkError
from gateway.links import endings
from gateway.links.backoff import Backoff
from gateway.links.inbox import Inbox
from gateway.links.outbox import Outbox
from gateway.links.paho_client import PahoErrors, make_client
from gateway.links.probe import DEAF, Probe, Verdict, probe_topic
from gateway.links.seam import LinkStatus
from gateway.links.waker import Waker, watch
from gateway.topics import Template, format_topic

log = structlog.get_logger("gateway.links")

ANSWER_TIMEOUT_S = 10.0
"""From the open socket to the broker's answers to CONNECT and SUBSCRIBE."""
FAREWELL_TIMEOUT_S = 2.0
STEADY_S = 10.0
"""A connection that stood so long begins the back-off anew; two clients fighting for one client id do not."""
TICK_S = 1.0
"""How often keep-alive is looked at."""
READS = 500
"""Packets read before acknowledgements get their turn."""


class Pump:
    """Connects, reads into the inbox, acknowledges, reconnects. `run` is the thread; the rest says who may call."""

    def __init__(
        self,
        settings: Settings,
        password: str | None,
        context: ssl.SSLContext | None,
        inbox: Inbox,
        outbox: Outbox,
        status: LinkStatus,
        on_up: Callable[[bool, list[str]], None],
        on_down: Callable[[str], None],
    ) -> None:
        """`on_up` gets whether the broker had kept our session, and topics granted with a lower QoS than asked.

        `on_down` gets the reason, empty where it was `stop`. Both are called in the thread of `run`, which also
        counts `status.acked`, `status.stale_acks` and `status.sent`. Raises ValueError for a topic that is wrong.
        """
        self._settings = settings
        self._inbox = inbox
        self._outbox = outbox
        self._status = status
        self._on_up = on_up
        self._on_down = on_down
        self._will_topic = (
            format_topic(settings.will_topic, client_id=settings.client_id) if settings.will_topic else ""
        )
        self._topics = {Template.parse(each.topic).filter: each.topic for each in settings.subscribe}
        self._probe_topic = probe_topic(settings)
        self._probe = Probe(settings.probe_s)
        self._open = 0
        """Messages of this connection that were handed over and are not acknowledged."""
        self._password = password
        self._context = context
        self._waker = Waker()
        self._stopping = False
        self._closed = False
        self._connection = 0
        self._acks: deque[tuple[int, list[int]]] = deque()
        self._paho_errors = PahoErrors()
        self._fault = ""
        self._ending: ReasonCode | None = None
        self._session_present = False
        self._up_at: float | None = None
        self._messages = 0
        self._behind = False
        self._said_online = 0.0
        self._told_of_size = -1
        self._client = make_client(settings, password, context, self._will_topic, self._paho_errors)
        self._client.on_connect = self._connected
        self._client.on_disconnect = self._disconnected
        self._client.on_subscribe = self._subscribed
        self._client.on_message = self._received

    def acknowledge(self, connection: int, packet_ids: list[int]) -> None:
        """Send acknowledgements, if that connection still stands. For the thread that calls `close`."""
        self._acks.append((connection, packet_ids))
        if self._closed:
            self._send_acks()
        else:
            self._waker.wake()

    def wake(self) -> None:
        """The inbox has room again, or the outbox has messages. For any thread."""
        self._waker.wake()

    def stop(self) -> None:
        """Say goodbye and end `run`. For any thread."""
        self._stopping = True
        self._waker.wake()

    def run(self) -> None:
        """Keep the link up until `stop`. It returns at once, or after the connection attempt under way (seconds)."""
        backoff = Backoff(self._settings.backoff_max_s)
        while not self._stopping:
            if not self._inbox.room:  # nothing could be read, the broker's answers neither
                self._wait(TICK_S)
                continue
            self._on_down(self._attempt())
            if self._up_at is not None and time.monotonic() - self._up_at >= STEADY_S:
                backoff.reset()
            self._wait(backoff.next())

    def close(self) -> None:
        """Release what is left once `run` has ended; acknowledgements from now on are stale."""
        self._closed = True
        self._send_acks()
        self._waker.close()

    def _wait(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while not self._stopping and (left := end - time.monotonic()) > 0:
            self._send_acks()  # there is no connection: this counts them as stale
            self._waker.wait(left)

    def _attempt(self) -> str:
        """One connection, from its beginning to its end; returns why it ended, empty for `stop`."""
        settings = self._settings
        self._up_at = None
        self._fault = self._paho_errors.last = ""
        self._ending = None
        self._behind = False
        try:
            if self._probe.renew:
                self._forget_session()
            self._client.reconnect()
            self._serve()
        except LinkError as error:
            return str(error)
        except (OSError, ValueError, LookupError) as error:  # the latter: how paho ends on answers that are no MQTT
            return endings.unreachable(settings, error)
        finally:
            self._leave()
            self._probe.lost()
            self._open = 0
            self._connection += 1  # acknowledgements of this one are stale from here on
        return ""

    def _serve(self) -> None:
        """Move packets until `stop`. Raises `LinkError` when the connection ends or the broker refuses."""
        client, inbox = self._client, self._inbox
        deadline = time.monotonic() + ANSWER_TIMEOUT_S
        with selectors.DefaultSelector() as selector:
            selector.register(self._waker, selectors.EVENT_READ)
            watched = 0
            while (sock := client.socket()) is not None and not self._fault:
                if self._stopping:
                    return
                if self._up_at is None and not self._behind and time.monotonic() > deadline:
                    raise LinkError(f"the broker did not answer within {ANSWER_TIMEOUT_S:.0f} s")
                self._send_acks()
                if not (self._flushed() and self._publish_waiting()):
                    break
                wanted = selectors.EVENT_READ * inbox.room | selectors.EVENT_WRITE * client.want_write()
                watched = watch(selector, sock, watched, wanted)
                # TLS decrypts a record at a time: the rest of it waits in memory, where no selector sees it.
                readable = inbox.room and isinstance(sock, ssl.SSLSocket) and sock.pending() > 0
                for key, events in selector.select(0 if readable else TICK_S):
                    if key.fileobj is self._waker:
                        self._waker.clear()
                    elif events & selectors.EVENT_READ:
                        readable = True
                if readable:
                    self._read()
                self._keep_alive()
                self._look_after_probe()
        up = self._up_at is not None
        raise LinkError(self._fault or endings.lost(self._settings, self._ending, self._paho_errors.last, up=up))

    def _read(self) -> None:
        for _ in range(READS):
            if not self._inbox.room:
                return
            before = self._messages
            if self._client.loop_read() != MQTTErrorCode.MQTT_ERR_SUCCESS:
                return
            if self._messages == before:
                self._behind = False
                return

    def _keep_alive(self) -> None:
        """Let paho ping, unless what the broker answered may lie unread behind messages we have no room for.

        paho would take that for silence and hang up. While there is no room `online` is said again in place of a
        ping: the broker wants to hear something of us every 1.5 keep-alives.
        """
        if not self._inbox.room:
            self._behind = True
            if self._up_at is not None and time.monotonic() - self._said_online > self._settings.keepalive_s / 2:
                self._say("online")
        elif not self._behind:
            self._client.loop_misc()

    def _look_after_probe(self) -> None:
        """Publish to ourselves now and then. Raises `LinkError` where the session hears nothing."""
        probe = self._probe
        if not self._probe_topic or self._up_at is None:
            return
        if not self._inbox.room or self._open:
            probe.busy()
        elif probe.due():
            self._client.publish(self._probe_topic, b"1", qos=self._settings.qos)
        else:
            match probe.verdict():
                case Verdict.DEAF:
                    self._status.deaf += 1
                    raise LinkError(DEAF)
                case Verdict.UNHEARD:
                    log.warning("link_probe_unheard", link=self._settings.name, topic=self._probe_topic)
                case Verdict.FINE:
                    pass

    def _forget_session(self) -> None:
        """Connect once with a clean session, which ends the deaf one: what waited in it is gone."""
        log.error("link_session_renewed", link=self._settings.name, broker=self._settings.url)
        client = make_client(self._settings, self._password, self._context, "", self._paho_errors, clean=True)
        client.reconnect()
        end = time.monotonic() + ANSWER_TIMEOUT_S
        with selectors.DefaultSelector() as selector:
            watched = 0
            while (sock := client.socket()) is not None and not client.is_connected() and time.monotonic() < end:
                wanted = selectors.EVENT_READ | selectors.EVENT_WRITE * client.want_write()
                watched = watch(selector, sock, watched, wanted)
                for _, events in selector.select(TICK_S):
                    if events & selectors.EVENT_WRITE:
                        client.loop_write()
                    if events & selectors.EVENT_READ:
                        client.loop_read()
        client.disconnect()
        client.loop_write()
        if (sock := client.socket()) is not None:
            sock.close()

    def _send_acks(self) -> None:
        client, status = self._client, self._status
        while self._acks:
            connection, packet_ids = self._acks.popleft()
            if connection == self._connection and client.socket() is not None:
                for packet_id in packet_ids:
                    client.ack(packet_id, 1)
                self._open -= len(packet_ids)
                status.acked += len(packet_ids)
            else:
                status.stale_acks += len(packet_ids)

    def _flushed(self) -> bool:
        """Write what paho has queued, as far as the socket takes it; False where the connection broke."""
        return not self._client.want_write() or self._client.loop_write() == MQTTErrorCode.MQTT_ERR_SUCCESS

    def _publish_waiting(self) -> bool:
        """Send messages to devices, unless the broker reads too slowly; False where the connection broke."""
        client = self._client
        if self._up_at is None or client.want_write():
            return True
        for topic, payload in self._outbox.take():
            client.publish(topic, payload)
            self._status.sent += 1
        return self._flushed()

    def _say(self, state: str) -> None:
        self._said_online = time.monotonic()
        if self._will_topic:
            self._client.publish(self._will_topic, state, retain=True)

    def _leave(self) -> None:
        """End the connection politely where it still stands; `offline` is said only where it was `online`."""
        client = self._client
        if client.socket() is None:
            return
        self._send_acks()
        if self._up_at is not None:
            self._say("offline")
        client.disconnect()
        end = time.monotonic() + FAREWELL_TIMEOUT_S
        with selectors.DefaultSelector() as selector:
            watched = 0
            while (sock := client.socket()) is not None and (left := end - time.monotonic()) > 0:
                watched = watch(selector, sock, watched, selectors.EVENT_WRITE)
                if selector.select(left) and client.loop_write() != MQTTErrorCode.MQTT_ERR_SUCCESS:
                    break
        if (sock := client.socket()) is not None:
            sock.close()

    def _connected(
        self, client: Client, _userdata: object, flags: ConnectFlags, reason: ReasonCode, _properties: Properties | None
    ) -> None:
        if reason.is_failure:
            self._fault = endings.refused(self._settings, reason)
            return
        self._session_present = flags.session_present
        filters = [*self._topics, *([self._probe_topic] if self._probe_topic else [])]
        client.subscribe([(topic_filter, self._settings.qos) for topic_filter in filters])

    def _disconnected(
        self,
        _client: Client,
        _userdata: object,
        _flags: DisconnectFlags,
        reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        self._ending = reason

    def _subscribed(
        self, _client: Client, _userdata: object, _packet_id: int, reasons: list[ReasonCode], _properties: Properties
    ) -> None:
        topics = list(self._topics.values())
        if self._probe_topic and reasons[len(topics) :] and reasons[-1].is_failure:
            self._probe.forbidden()
            log.warning("link_probe_forbidden", link=self._settings.name, topic=self._probe_topic)
        reasons = reasons[: len(topics)]
        refused = [topic for topic, reason in zip(topics, reasons, strict=True) if reason.is_failure]
        if refused:
            self._fault = f"the broker refused the subscription {', '.join(refused)}"
            return
        lowered = [t for t, reason in zip(topics, reasons, strict=True) if reason.value < self._settings.qos]
        self._up_at = time.monotonic()
        self._say("online")
        self._probe.connected()
        self._on_up(self._session_present, lowered)

    def _received(self, _client: Client, _userdata: object, message: MQTTMessage) -> None:
        try:
            topic = message.topic
        except UnicodeDecodeError as error:  # a broker should not let it pass; it becomes a dead letter with this name
            topic = error.object.decode("utf-8", "backslashreplace")
        self._messages += 1
        if topic == self._probe_topic:
            self._probe.heard(own=True)
            if message.qos:
                self._client.ack(message.mid, 1)
            return
        self._probe.heard()
        size = len(topic) + len(message.payload)
        if size > self._settings.max_packet_bytes:
            self._leave_out(topic, size, message)
            return
        self._open += message.qos > 0
        self._inbox.put(topic, bytes(message.payload), self._connection, message.mid if message.qos else None)

    def _leave_out(self, topic: str, size: int, message: MQTTMessage) -> None:
        """MQTT 3.1.1 cannot tell the broker how much we take; what is not acknowledged would come at every connect."""
        self._status.oversized += 1
        if message.qos:
            self._client.ack(message.mid, message.qos)
            self._status.acked += 1
        if self._told_of_size != self._connection:
            self._told_of_size = self._connection
            most = self._settings.max_packet_bytes
            log.error("link_packets_too_large", link=self._settings.name, topic=topic, bytes=size, most=most)
