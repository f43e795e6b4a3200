"""What a broker passes on, written to a traffic file as it arrives."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import msgspec
from paho.mqtt.client import Client, ConnectFlags, MQTTMessage
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from simulators.broker import Broker
from simulators.clock import WallClock
from simulators.errors import BrokerError
from simulators.session import Protocol, client_of, hang_up, no_answer, on_unreached
from simulators.traffic import Arrival, TrafficWriter

SESSION_S: Final = 3600
"""How long the broker keeps what comes while the connection is away (MQTT 5)."""
LOOK_S: Final = 0.1
_MS: Final = re.compile(r"[0-9]{1,16}")


@dataclass(slots=True)
class Recorded:
    """What was written."""

    messages: int = 0
    bytes: int = 0


class Recorder:
    """One subscriber; what it writes is acknowledged after it is written."""

    def __init__(self, broker: Broker, protocol: Protocol, topics: Sequence[str], file: TrafficWriter) -> None:
        self._broker = broker
        self._topics = topics
        self._file = file
        self._clock = WallClock()
        self._trouble: Exception | None = None
        self._unreached: OSError | None = None
        """Why there was no connection the last time that one was tried."""
        self._subscribed = threading.Event()
        self.recorded = Recorded()
        self._client = client = client_of(broker, protocol, "recorder", clean=False)
        self._properties = None
        if protocol == "mqtt5":
            self._properties = Properties(PacketTypes.CONNECT)
            self._properties.SessionExpiryInterval = SESSION_S
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_message = self._on_message
        on_unreached(client, self._on_unreached)

    @property
    def ready(self) -> bool:
        """Whether the broker has taken the subscription."""
        return self._subscribed.is_set()

    def run(self, timeout_s: float, seconds: float | None, stop: threading.Event) -> None:
        """Record for `seconds`, or until `stop`. Raises `BrokerError` where there is no session within `timeout_s`,
        and what kept a message from being written."""
        self._client.connect_async(self._broker.host, self._broker.port, keepalive=30, properties=self._properties)
        self._client.loop_start()
        try:
            deadline = time.monotonic() + timeout_s
            while not self._subscribed.wait(LOOK_S) and not stop.is_set():
                if self._trouble is not None:
                    raise self._trouble
                if time.monotonic() > deadline:
                    raise no_answer(self._broker, timeout_s, self._unreached)
            end = None if seconds is None else time.monotonic() + seconds
            while not stop.is_set() and (end is None or time.monotonic() < end):
                if self._trouble is not None:
                    raise self._trouble
                stop.wait(LOOK_S if end is None else min(LOOK_S, max(0.0, end - time.monotonic())))
        finally:
            self._end()

    def _end(self) -> None:
        """Hang up, so that the broker keeps nothing for a session that nobody comes back to."""
        if self._properties is None:  # MQTT 3.1.1 cannot end it: it is left without subscriptions
            self._client.unsubscribe(list(self._topics))
            hang_up(self._client)
        else:
            over = Properties(PacketTypes.DISCONNECT)
            over.SessionExpiryInterval = 0
            hang_up(self._client, over)

    # In paho's network thread from here on.

    def _on_unreached(self, error: OSError) -> None:
        self._unreached = error

    def _on_connect(
        self, client: Client, userdata: object, flags: ConnectFlags, reason: ReasonCode, properties: Properties | None
    ) -> None:
        if reason.is_failure:
            self._trouble = BrokerError(f"{self._broker} refused the connection: {reason}")
        else:
            client.subscribe([(topic, 1) for topic in self._topics])

    def _on_subscribe(
        self, client: Client, userdata: object, mid: int, reasons: list[ReasonCode], properties: Properties | None
    ) -> None:
        for topic, reason in zip(self._topics, reasons, strict=False):
            if reason.is_failure:
                self._trouble = BrokerError(f"{self._broker} does not allow {topic}: {reason}")
                return
        self._subscribed.set()

    def _on_message(self, client: Client, userdata: object, message: MQTTMessage) -> None:
        arrival = Arrival(
            self._clock.now(), message.topic, bytes(message.payload), _captured(message), message.qos, message.retain
        )
        try:
            self._file.write(arrival)
        except (OSError, ValueError, msgspec.MsgspecError) as error:
            self._trouble = error
            return
        self.recorded.messages += 1
        self.recorded.bytes += len(message.payload)


def _captured(message: MQTTMessage) -> int | None:
    """The capture time of a frame, from its user property."""
    given: list[tuple[str, str]] = getattr(message.properties, "UserProperty", [])
    return next((int(value) for name, value in given if name == "captured" and _MS.fullmatch(value)), None)
