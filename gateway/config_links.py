"""Settings of where messages come from: brokers to connect to, and ports on which loggers are heard."""

from __future__ import annotations

from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from gateway.config_base import MIB, Identifier, Seconds, Secret, Section, ServerTls, Tls, address
from gateway.config_payloads import Subscription


class Broker(Section):
    """How to reach a broker; shared by links and by the publisher."""

    url: str = "mqtt://127.0.0.1:1883"
    """`mqtt://host:port`, or `mqtts://host:port` for TLS."""
    login: Secret = Secret()
    tls: Tls = Tls()

    @field_validator("url")
    @classmethod
    def _is_mqtt(cls, url: str) -> str:
        return address(url, "mqtt", "mqtts")

    @property
    def host(self) -> str:
        return urlsplit(self.url).hostname or "127.0.0.1"

    @property
    def port(self) -> int:
        parts = urlsplit(self.url)
        return parts.port or (8883 if parts.scheme == "mqtts" else 1883)

    @property
    def secure(self) -> bool:
        return urlsplit(self.url).scheme == "mqtts"


class Link(Broker):
    """One connection to a broker, with a persistent session."""

    name: Identifier
    """Names the link in the journal, in metrics and in the log."""
    protocol: Literal["mqtt5", "mqtt311"] = "mqtt5"
    client_id: Identifier = "pollution-gateway"
    """The broker keeps the session under this name: no two gateways may share one."""
    qos: Literal[0, 1] = 1
    """1: the broker keeps what we have not acknowledged. 0: what is sent while we are away is lost."""
    subscribe: Annotated[tuple[Subscription, ...], Field(min_length=1)] = (
        Subscription(topic="pollution/{site}/{device}/data"),
        Subscription(topic="camera/{site}/{camera}/frame", codec="jpeg"),
    )
    keepalive_s: Annotated[int, Field(ge=5, le=3600)] = 30
    session_expiry_s: Annotated[int, Field(ge=60)] = 7 * 86_400
    """How long the broker keeps messages for us while we are away (MQTT 5)."""
    read_interval_ms: Annotated[float, Field(ge=0, le=1000)] = 5.0
    """Pause between two reads of the socket: fewer, larger reads cost less."""
    max_batch_bytes: Annotated[int, Field(ge=64 * 1024)] = MIB
    receive_max: Annotated[int, Field(ge=1, le=65_535)] = 20_000
    """Unacknowledged messages the broker may send; bounds what a crash makes it send again."""
    max_packet_bytes: Annotated[int, Field(ge=1024)] = 8 * MIB
    """Largest message the broker may send us; a camera frame must fit."""
    backoff_max_s: Seconds = 30.0
    """Longest wait between two attempts to connect."""
    will_topic: str = "gateway/{client_id}/status"
    """Last will: `offline` here, retained; `online` while connected. Empty: none."""
    probe_topic: str = "gateway/{client_id}/probe"
    """Where the link publishes to itself, to tell a session that is connected and hears nothing. Empty: it does not."""
    probe_s: Annotated[float, Field(ge=1, le=3600)] = 30.0
    """Seconds between two probes; half of it without hearing anything is deaf."""
    reply_topic: str = "pollution/{site}/{device}/reply"
    """Where a device that speaks HJ 212 listens: replies to its frames and commands go here. Empty: none are sent."""


class Listener(Section):
    """A TCP port to which loggers connect and speak HJ 212 as the standard has it, without a broker."""

    name: Identifier
    """Names the listener in the journal, in metrics and in the log."""
    host: Annotated[str, Field(min_length=1)] = "127.0.0.1"
    """Address to listen on. HJ 212 sends passwords in the clear: other than loopback only within a closed network."""
    port: Annotated[int, Field(ge=0, le=65_535)] = 5212
    """0: a free one, named in the log."""
    tls: ServerTls | None = None
    """TLS 1.2 or newer; without it frames and their passwords go in the clear."""
    password_required: bool = True
    """Whether an MN without a password in `hj212.keys_file` is turned away; one with a password must always send it."""
    max_connections: Annotated[int, Field(ge=1, le=65_535)] = 4096
    """More are closed at once, and counted."""
    idle_s: Seconds = 1800.0
    """A connection that sends nothing for so long is closed."""
    login_s: Seconds = 30.0
    """A connection that has sent no frame of a known device for so long is closed."""
    max_pending_kib: Annotated[int, Field(ge=16)] = 256
    """Bytes of one connection that wait to be journalled; at this bound it is not read any further."""
    max_batch_bytes: Annotated[int, Field(ge=64 * 1024)] = MIB
    """Bytes of all connections that wait to be journalled; at this bound none is read any further."""
    max_stray_bytes: Annotated[int, Field(ge=1024)] = 64 * 1024
    """A connection that has sent so much that is no frame is closed."""
    read_interval_ms: Annotated[float, Field(ge=0, le=1000)] = 5.0
    """Pause between two batches: fewer, larger ones cost less."""
