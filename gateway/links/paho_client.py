"""The paho client, set up so that a thread of ours can drive it: nothing is sent, retried or acknowledged by itself."""

from __future__ import annotations

import logging
import ssl

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from gateway.config import Link as Settings

CONNECT_TIMEOUT_S = 5.0


def make_client(
    settings: Settings,
    password: str | None,
    context: ssl.SSLContext | None,
    will_topic: str,
    errors: PahoErrors,
    *,
    clean: bool = False,
) -> Client:
    """A client with a persistent session, or with `clean` one that ends it.

    `reconnect`, `loop_read`, `loop_write` and `loop_misc` are left to call.
    """
    client = Client(
        CallbackAPIVersion.VERSION2,
        client_id=settings.client_id,
        clean_session=clean,
        protocol=MQTTProtocolVersion.MQTTv311,
        reconnect_on_failure=False,  # else it falls back to MQTT 3.1 by itself
        manual_ack=True,
    )
    client.connect_timeout = CONNECT_TIMEOUT_S
    if context is not None:
        client.tls_set_context(context)  # pyright: ignore[reportUnknownMemberType]
    if settings.login.username:
        client.username_pw_set(settings.login.username, password)
    if will_topic:
        client.will_set(will_topic, b"offline", retain=True)
    # Its presence makes paho queue what it sends, for `loop_write`, in place of one system call inside each.
    client.on_socket_register_write = lambda _client, _userdata, _socket: None
    client.enable_logger(errors.logger)
    client.connect_async(settings.host, settings.port, settings.keepalive_s)
    return client


class PahoErrors(logging.Handler):
    """Keeps the last error that paho logs: it knows more than the return codes do. Nothing else is formatted."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.last = ""
        self.logger = logging.Logger("gateway.links.paho", logging.ERROR)  # not in the tree of loggers
        self.logger.addHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        self.last = record.getMessage()
