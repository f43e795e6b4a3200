"""The network half of a publisher: paho's thread reports what happened into a queue, and does nothing else."""

from __future__ import annotations

import queue
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Final, cast

from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage
from paho.mqtt.enums import MQTTErrorCode
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from simulators.broker import Broker
from simulators.session import Protocol, client_of, hang_up, on_unreached

KEEP_ALIVE_S: Final = 30
TOPICS_AT_ONCE: Final = 100
"""Topics in one SUBSCRIBE."""


@dataclass(frozen=True, slots=True)
class Takes:
    """What a broker takes, as its CONNACK says (MQTT 5); over MQTT 3.1.1 it does not say."""

    receive_max: int = 65_535
    packet_most: int | None = None
    """Bytes of a packet."""
    retain: bool = True

    def why_not(self, topic: str, payload: bytes, retain: bool = False, properties: Properties | None = None) -> str:
        """Why it would break the connection over a message, as it must (MQTT 5, 3.2.2.3); empty where it takes it."""
        if retain and not self.retain:
            return "keeps no retained messages"
        if self.packet_most is not None and _packet_bytes(topic, payload, properties) > self.packet_most:
            return f"takes no packets over {self.packet_most:,} bytes"
        return ""


@dataclass(frozen=True, slots=True)
class Up:
    takes: Takes


@dataclass(frozen=True, slots=True)
class Refused:
    reason: str


@dataclass(frozen=True, slots=True)
class Unreached:
    error: OSError


@dataclass(frozen=True, slots=True)
class Down:
    connection: int
    reason: str


@dataclass(frozen=True, slots=True)
class Heard:
    topic: str
    payload: bytes


@dataclass(frozen=True, slots=True)
class Published:
    mid: int
    refused: bool


Event = Up | Refused | Unreached | Down | Heard | Published


@dataclass(slots=True)
class Network:
    """A connection that is kept up for ever once it is begun; what becomes of it stands in `events`."""

    broker: Broker
    protocol: Protocol
    window: int
    """Most unacknowledged messages at QoS 1 that it keeps on their way."""
    listens: Collection[str]
    """Topics it is subscribed to; what is retained on them is passed over."""
    events: queue.SimpleQueue[Event] = field(default_factory=lambda: queue.SimpleQueue[Event]())
    connection: int = 0
    """Counts connections; written by the network thread alone."""
    _client: Client = field(init=False)

    def __post_init__(self) -> None:
        self._client = client = client_of(self.broker, self.protocol, "simulators")
        client.max_inflight_messages_set(self.window)
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_publish = self._on_publish
        client.on_message = self._on_message
        on_unreached(client, lambda error: self.events.put(Unreached(error)))

    def begin(self) -> None:
        self._client.connect_async(self.broker.host, self.broker.port, keepalive=KEEP_ALIVE_S)
        self._client.loop_start()

    def end(self) -> None:
        hang_up(self._client)

    def reading(self, topic: str, payload: bytes, retain: bool) -> int | None:
        """Publish at QoS 1; without a connection it is kept and sent when there is one. The packet id, or None where
        nothing more can be kept."""
        info = self._client.publish(topic, payload, qos=1, retain=retain)
        taken = info.rc in (MQTTErrorCode.MQTT_ERR_SUCCESS, MQTTErrorCode.MQTT_ERR_NO_CONN)
        return info.mid if taken else None

    def frame(self, topic: str, payload: bytes, properties: Properties | None) -> int | None:
        """Publish at QoS 0. The packet id, or None without a connection."""
        info = self._client.publish(topic, payload, qos=0, properties=properties)
        return info.mid if info.rc == MQTTErrorCode.MQTT_ERR_SUCCESS else None

    def captured(self, time: int | None) -> Properties | None:
        """The properties of a frame that was taken at `time` (ms UTC)."""
        if self.protocol != "mqtt5" or time is None:
            return None
        properties = Properties(PacketTypes.PUBLISH)
        properties.UserProperty = ("captured", str(time))
        return properties

    # In paho's network thread from here on: report and nothing else.

    def _on_connect(
        self, client: Client, userdata: object, flags: ConnectFlags, reason: ReasonCode, properties: Properties | None
    ) -> None:
        if reason.is_failure:
            self.events.put(Refused(str(reason)))
            return
        if getattr(properties, "MaximumQoS", 1) < 1:
            self.events.put(Refused("it takes QoS 0 only, and readings go out at QoS 1"))
            return
        self.connection += 1
        topics = list(self.listens)
        for first in range(0, len(topics), TOPICS_AT_ONCE):
            client.subscribe([(topic, 1) for topic in topics[first : first + TOPICS_AT_ONCE]])
        takes = Takes(
            getattr(properties, "ReceiveMaximum", 65_535),
            getattr(properties, "MaximumPacketSize", None),
            bool(getattr(properties, "RetainAvailable", 1)),
        )
        self.events.put(Up(takes))

    def _on_disconnect(
        self,
        client: Client,
        userdata: object,
        flags: DisconnectFlags,
        reason: ReasonCode,
        properties: Properties | None,
    ) -> None:
        self.events.put(Down(self.connection, str(reason)))

    def _on_message(self, client: Client, userdata: object, message: MQTTMessage) -> None:
        if message.topic in self.listens and not message.retain:
            self.events.put(Heard(message.topic, bytes(message.payload)))

    def _on_publish(
        self, client: Client, userdata: object, mid: int, reason: ReasonCode, properties: Properties | None
    ) -> None:
        self.events.put(Published(mid, reason.is_failure))


def _packet_bytes(topic: str, payload: bytes, properties: Properties | None) -> int:
    """Length of a PUBLISH packet of MQTT 5, with a packet id."""
    told = 1 if properties is None else len(cast(bytes, properties.pack()))
    rest = 2 + len(topic.encode()) + 2 + told + len(payload)
    return 1 + (1 if rest < 1 << 7 else 2 if rest < 1 << 14 else 3 if rest < 1 << 21 else 4) + rest
