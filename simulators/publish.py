"""Publishing the fleet: readings at QoS 1, frames at QoS 0, over MQTT 5 or 3.1.1, with nothing dropped silently.

paho's network thread only reports what happened, into a queue; all books are kept by the caller's thread in `pump`.
A message counts as sent when the broker has acknowledged it (QoS 1) or the socket has taken it (QoS 0).
"""

from __future__ import annotations

import queue
import ssl
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from simulators.broker import Broker
from simulators.errors import BrokerError
from simulators.loggers.answers import Answer
from simulators.records import Message, Picture, Shot

Protocol = Literal["mqtt5", "mqtt311"]

WINDOW: Final = 200
"""Readings handed to the network and not yet acknowledged; less where the broker says so (receive maximum)."""
BACKLOG: Final = 10_000
"""Readings kept while the broker is away, some minutes of a fleet of 25 messages a second. Then the fleet waits."""
FRAMES_WAITING: Final = 40
"""Frames the network has not taken yet; more would only make them old."""
AWAY_S: Final = 2.0
"""How long the end of a run waits for a broker that is away."""
BACKOFF_S: Final = (1, 30)
TOPICS_AT_ONCE: Final = 100
"""Topics in one SUBSCRIBE."""


@dataclass(slots=True)
class Counts:
    """What became of everything that was to be published."""

    readings_sent: int = 0
    messages_sent: int = 0
    messages_failed: int = 0
    frames_sent: int = 0
    frames_failed: int = 0
    messages_resent: int = 0
    """Said again by loggers on their own connections, for want of an answer."""
    messages_refused: int = 0
    """Of those that failed: turned away by the centre (9011)."""
    messages_overwritten: int = 0
    """Of those that failed: pushed out of the memory of a logger that was away for long."""
    answers_sent: int = 0
    """Frames that the centre had asked for: 9011, data of the past, 9012."""
    connects: int = 0
    """Connections that loggers have made."""


@dataclass(frozen=True, slots=True)
class _Up:
    receive_max: int


@dataclass(frozen=True, slots=True)
class _Refused:
    reason: str


@dataclass(frozen=True, slots=True)
class _Down:
    connection: int


@dataclass(frozen=True, slots=True)
class _Heard:
    topic: str
    payload: bytes


@dataclass(frozen=True, slots=True)
class _Answer:
    """A frame that the centre has asked for."""

    topic: str
    payload: bytes
    retain: bool = False


@dataclass(frozen=True, slots=True)
class _Published:
    mid: int
    refused: bool


def _say_nothing(_: str) -> None:
    """The default of `Publisher.tell`."""


def _do_nothing(_key: str, _frame: bytes) -> Sequence[Answer]:
    """The default of `Publisher.hear`."""
    return ()


@dataclass(slots=True)
class Publisher:
    """One connection to a broker, from `connect` to `close`; all methods belong to one thread."""

    broker: Broker
    protocol: Protocol = "mqtt5"
    tell: Callable[[str], None] = _say_nothing
    """Told, in a sentence, when the connection is lost and when it is back."""
    hear: Callable[[str, bytes], Sequence[Answer]] = _do_nothing
    """What answers a frame from the centre to a device (`site/device`)."""
    ears: Mapping[str, tuple[str, str]] = field(default_factory=dict[str, tuple[str, str]])
    """Reply topics to the device that listens there and the topic on which it answers."""
    counts: Counts = field(default_factory=Counts)
    online: bool = False
    _backlog: deque[Message | _Answer] = field(default_factory=deque[Message | _Answer])
    _readings: dict[int, Message | _Answer] = field(default_factory=dict[int, Message | _Answer])
    """Handed to paho, by packet id."""
    _frames: dict[int, int] = field(default_factory=dict[int, int])
    """Packet id to the number of the connection it was handed to."""
    _events: queue.SimpleQueue[_Up | _Refused | _Down | _Heard | _Published] = field(
        default_factory=queue.SimpleQueue[_Up | _Refused | _Down | _Heard | _Published]
    )
    _window: int = WINDOW
    _was_online: bool = False
    _closing: bool = False
    _connection: int = 0
    """Counts connections; written by the network thread alone."""
    _client: Client = field(init=False)

    def __post_init__(self) -> None:
        five = self.protocol == "mqtt5"
        self._client = client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=f"simulators-{uuid.uuid4().hex[:12]}",
            protocol=MQTTProtocolVersion.MQTTv5 if five else MQTTProtocolVersion.MQTTv311,
        )
        client.max_inflight_messages_set(WINDOW)
        client.reconnect_delay_set(*BACKOFF_S)
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_publish = self._on_publish
        client.on_message = self._on_message
        if self.broker.username:
            client.username_pw_set(self.broker.username, self.broker.password)
        if self.broker.secure:
            client.tls_set_context(ssl.create_default_context())  # pyright: ignore[reportUnknownMemberType]

    def connect(self, timeout_s: float, stop: threading.Event) -> None:
        """Connect, trying again with back-off until `timeout_s` is over. Raises `BrokerError`.

        After that the connection is kept up for ever. Returns early, not connected, when `stop` is set.
        """
        self._client.connect_async(self.broker.host, self.broker.port, keepalive=30)
        self._client.loop_start()
        deadline = time.monotonic() + timeout_s
        while not stop.is_set():
            refusals = self.pump()
            if self.online:
                return
            if refusals:
                self.close(0)
                raise BrokerError(f"{self.broker} refused the connection: {refusals[0]}")
            if time.monotonic() > deadline:
                self.close(0)
                raise BrokerError(f"{self.broker} does not answer after {timeout_s:g} s; is a broker running there?")
            stop.wait(0.02)

    @property
    def full(self) -> bool:
        """Whether the backlog has reached its bound: whoever makes readings has to wait."""
        return len(self._backlog) >= BACKLOG

    @property
    def frames_full(self) -> bool:
        """Whether one more frame would fail."""
        return not self.online or len(self._frames) >= FRAMES_WAITING

    @property
    def outstanding(self) -> int:
        """Messages and frames whose fate is not known yet."""
        return len(self._backlog) + len(self._readings) + len(self._frames)

    def reading(self, message: Message) -> None:
        """Publish at QoS 1, now or as soon as it goes."""
        self._backlog.append(message)
        self.pump()

    def frame(self, shot: Shot | Picture) -> None:
        """Publish at QoS 0. Without a connection, or behind too many others, it fails: a late frame helps nobody."""
        self.pump()
        if self.frames_full:
            self.counts.frames_failed += 1
            return
        properties = None
        if self.protocol == "mqtt5" and shot.captured is not None:
            properties = Properties(PacketTypes.PUBLISH)
            properties.UserProperty = ("captured", str(shot.captured))
        connection = self._connection
        info = self._client.publish(shot.topic, shot.jpeg(), qos=0, properties=properties)
        if info.rc == MQTTErrorCode.MQTT_ERR_SUCCESS:
            self._frames[info.mid] = connection
        else:
            self.counts.frames_failed += 1

    def pump(self) -> list[str]:
        """Take note of what the network did and hand over what fits; returns the reasons of refused connections."""
        refusals: list[str] = []
        while True:
            try:
                event = self._events.get_nowait()
            except queue.Empty:
                break
            match event:
                case _Up():
                    if self._was_online:
                        self.tell(f"{self.broker} is back, {len(self._backlog) + len(self._readings)} messages wait")
                    self.online = self._was_online = True
                    self._window = min(WINDOW, event.receive_max)
                case _Refused():
                    refusals.append(event.reason)
                case _Down():
                    if self.online and not self._closing:
                        self.tell(f"connection to {self.broker} lost, trying again; readings wait, frames do not")
                    self.online = False
                    lost = [mid for mid, connection in self._frames.items() if connection <= event.connection]
                    for mid in lost:
                        del self._frames[mid]
                    self.counts.frames_failed += len(lost)
                case _Heard():
                    self._answer(event)
                case _Published():
                    self._settle(event)
        while self._backlog and len(self._readings) < self._window:
            message = self._backlog[0]
            info = self._client.publish(message.topic, message.payload, qos=1, retain=message.retain)
            # Without a connection paho keeps it and sends it when there is one; a full queue keeps nothing.
            if info.rc not in (MQTTErrorCode.MQTT_ERR_SUCCESS, MQTTErrorCode.MQTT_ERR_NO_CONN):
                break
            self._backlog.popleft()
            self._readings[info.mid] = message
        return refusals

    def close(self, timeout_s: float = 10.0) -> None:
        """Wait for what is outstanding, then disconnect; what the broker never acknowledged counts as failed."""
        self.pump()
        deadline = time.monotonic() + (timeout_s if self.online else min(timeout_s, AWAY_S))
        while self.outstanding and time.monotonic() < deadline:
            time.sleep(0.005)
            self.pump()
        self._closing = True
        self._client.disconnect()
        self._client.loop_stop()
        self.pump()
        left = [*self._readings.values(), *self._backlog]
        self.counts.messages_failed += sum(isinstance(message, Message) for message in left)
        self.counts.frames_failed += len(self._frames)
        for kept in (self._readings, self._backlog, self._frames):
            kept.clear()

    def _answer(self, event: _Heard) -> None:
        """Answers go before the messages that wait, data that were asked for behind them."""
        key, topic = self.ears[event.topic]
        for answer in self.hear(key, event.payload):
            put = self._backlog.appendleft if answer.at_once else self._backlog.append
            put(_Answer(topic, answer.frame))

    def _settle(self, event: _Published) -> None:
        message = self._readings.pop(event.mid, None)
        if isinstance(message, _Answer):
            self.counts.answers_sent += not event.refused
        elif message is not None:
            if event.refused:
                self.counts.messages_failed += 1
            else:
                self.counts.messages_sent += 1
                self.counts.readings_sent += message.values
        elif self._frames.pop(event.mid, None) is not None:
            self.counts.frames_sent += 1

    # In paho's network thread from here on: report and nothing else.

    def _on_connect(
        self, client: Client, userdata: object, flags: ConnectFlags, reason: ReasonCode, properties: Properties | None
    ) -> None:
        if reason.is_failure:
            self._events.put(_Refused(str(reason)))
            return
        self._connection += 1
        topics = list(self.ears)
        for first in range(0, len(topics), TOPICS_AT_ONCE):
            client.subscribe([(topic, 1) for topic in topics[first : first + TOPICS_AT_ONCE]])
        self._events.put(_Up(getattr(properties, "ReceiveMaximum", 65_535)))

    def _on_disconnect(
        self,
        client: Client,
        userdata: object,
        flags: DisconnectFlags,
        reason: ReasonCode,
        properties: Properties | None,
    ) -> None:
        self._events.put(_Down(self._connection))

    def _on_message(self, client: Client, userdata: object, message: MQTTMessage) -> None:
        if message.topic in self.ears and not message.retain:
            self._events.put(_Heard(message.topic, bytes(message.payload)))

    def _on_publish(
        self, client: Client, userdata: object, mid: int, reason: ReasonCode, properties: Properties | None
    ) -> None:
        self._events.put(_Published(mid, reason.is_failure))
