"""Endings: why an MQTT 3.1.1 connection ended or never came to be, as one sentence for a person.

It never holds a password, and never needs one: what is wrong with a login is told by the user's name.
"""

from __future__ import annotations

import ssl

from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.reasoncodes import ReasonCode

from gateway.config import Link as Settings

LOGIN_REFUSED = ("Bad user name or password", "Not authorized")
PROTOCOL_ERROR = ReasonCode(PacketTypes.DISCONNECT, "Protocol error")
KEEP_ALIVE_TIMEOUT = ReasonCode(PacketTypes.DISCONNECT, "Keep alive timeout")


def refused(settings: Settings, reason: ReasonCode) -> str:
    """The broker's answer to CONNECT was no."""
    words = f"the broker refused the connection: {str(reason).lower()}"
    if str(reason) not in LOGIN_REFUSED:
        return words
    user = settings.login.username
    return f"{words} for {f'user {user}' if user else 'a client without user'} (see the login of this link)"


def unreachable(settings: Settings, error: Exception) -> str:
    """No connection came to be."""
    where = f"{settings.host}:{settings.port}"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"TLS with {where} failed: the broker's certificate is not trusted ({error.verify_message})"
    if isinstance(error, ssl.SSLError):
        return f"TLS with {where} failed: {(error.reason or str(error)).replace('_', ' ').lower()}"
    if isinstance(error, OSError):
        return f"{where} cannot be reached: {error.strerror or error}"
    return f"{where} does not speak MQTT 3.1.1: {error}"


def lost(settings: Settings, reason: ReasonCode | None, paho: str, *, up: bool) -> str:
    """A connection ended that nobody meant to end; `up` tells whether it had come as far as its subscriptions."""
    detail = f" ({paho})" if paho else ""
    if reason == PROTOCOL_ERROR:
        return f"the broker does not speak MQTT 3.1.1{detail}"
    if reason == KEEP_ALIVE_TIMEOUT:
        return f"the broker has fallen silent: no answer to PINGREQ within {settings.keepalive_s} s"
    if up:
        return f"the broker closed the connection{detail}"
    hint = (
        "; if it wants a certificate of ours, set tls.cert_file"
        if settings.secure and not settings.tls.cert_file
        else ""
    )
    return f"the broker closed the connection before it was ready{detail}{hint}"
