"""One MQTT session over paho: made, kept up, and ended in bounded time whatever the broker does."""

from __future__ import annotations

import contextlib
import socket
import ssl
import sys
import time
import uuid
from collections.abc import Callable
from typing import Final, Literal, cast

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.properties import Properties

from simulators.broker import Broker
from simulators.errors import BrokerError

Protocol = Literal["mqtt5", "mqtt311"]

BACKOFF_S: Final = (1, 30)
GOODBYE_S: Final = 1.0
"""How long a DISCONNECT may take; a broker that takes nothing any more is left without."""
_LOOK_S: Final = 0.005


def client_of(broker: Broker, protocol: Protocol, name: str, *, clean: bool = True) -> Client:
    """A client that logs in as the broker's address says and connects again with back-off.

    `name`: what its identifier begins with. `clean`: whether MQTT 3.1.1 begins without what an earlier session left.
    """
    five = protocol == "mqtt5"
    client = Client(
        CallbackAPIVersion.VERSION2,
        client_id=f"{name}-{uuid.uuid4().hex[:12]}",
        protocol=MQTTProtocolVersion.MQTTv5 if five else MQTTProtocolVersion.MQTTv311,
        clean_session=None if five else clean,
    )
    client.reconnect_delay_set(*BACKOFF_S)
    if broker.username:
        client.username_pw_set(broker.username, broker.password)
    if broker.secure:
        client.tls_set_context(ssl.create_default_context())  # pyright: ignore[reportUnknownMemberType]
    return client


def on_unreached(client: Client, told: Callable[[OSError], None]) -> None:
    """Have `told` called, in the network thread, with what kept each connection from being made."""

    def failed(_client: Client, _userdata: object) -> None:
        error = sys.exc_info()[1]  # paho calls this from where it has caught the error, and does not pass it on
        if isinstance(error, OSError):
            told(error)

    client.on_connect_fail = failed


def no_answer(broker: Broker, timeout_s: float, reason: OSError | str | None) -> BrokerError:
    """What to raise where there is no session after `timeout_s`, or never will be."""
    if isinstance(reason, ssl.SSLCertVerificationError):
        return BrokerError(f"{broker}: its certificate is not trusted: {reason.verify_message}")
    why = f" ({reason})" if reason else ""
    return BrokerError(f"{broker} does not answer after {timeout_s:g} s{why}; is a broker running there?")


def hang_up(client: Client, properties: Properties | None = None) -> None:
    """Disconnect and end the network thread."""
    client.disconnect(properties=properties)
    deadline = time.monotonic() + GOODBYE_S
    while client.socket() is not None and time.monotonic() < deadline:
        time.sleep(_LOOK_S)
    left = cast(socket.socket | None, client.socket())
    if left is not None:
        with contextlib.suppress(OSError):
            left.shutdown(socket.SHUT_RDWR)  # wakes the thread, which else would wait for the broker to take more
    client.loop_stop()
