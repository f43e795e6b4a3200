"""Fixtures of the simulators' tests: a subscriber that keeps everything it is sent."""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

import pytest
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties


class Collector:
    """Subscribed to everything at QoS 1 over MQTT 5, with a session that outlives a restart of the broker."""

    def __init__(self, port: int) -> None:
        self.messages: list[MQTTMessage] = []
        self._port = port
        self._changed = threading.Condition()
        self._subscribed = threading.Event()
        self._client = Client(CallbackAPIVersion.VERSION2, client_id="collector", protocol=MQTTProtocolVersion.MQTTv5)
        self._client.reconnect_delay_set(1, 1)
        self._client.on_connect = lambda client, *_: client.subscribe("#", qos=1)
        self._client.on_subscribe = lambda *_: self._subscribed.set()
        self._client.on_message = self._on_message

    def _on_message(self, _client: Client, _userdata: Any, message: MQTTMessage) -> None:
        with self._changed:
            self.messages.append(message)
            self._changed.notify_all()

    def wait_for(self, met: Callable[[list[MQTTMessage]], bool], timeout: float = 30.0) -> None:
        """Wait until what has arrived meets the condition."""
        with self._changed:
            assert self._changed.wait_for(lambda: met(self.messages), timeout), f"{len(self.messages)} arrived"

    def __enter__(self) -> Self:
        properties = Properties(PacketTypes.CONNECT)
        properties.SessionExpiryInterval = 300
        self._client.connect("127.0.0.1", self._port, clean_start=False, properties=properties)
        self._client.loop_start()
        assert self._subscribed.wait(10), "the broker did not take the subscription"
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._client.disconnect()
        self._client.loop_stop()


@pytest.fixture
def collect() -> type[Collector]:
    """`with collect(port) as collector:` subscribes to everything on a broker."""
    return Collector
