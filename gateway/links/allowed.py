"""What a broker allows, as far as its answer to CONNECT tells (MQTT 5, 3.2.2.3), held against what we were told to ask.

Queue limits are not among it: a broker that drops what it cannot keep for us says nothing (docs/deploy.md).
"""

from __future__ import annotations

import mqtt5

from gateway.config import Link as Settings


def warnings_of(settings: Settings, answer: mqtt5.ConnAckPacket) -> list[str]:
    """What of the configuration the broker does not allow, each with its consequence; empty where all is well."""
    said: list[str] = []
    if answer.max_qos.value < settings.qos:
        said.append(
            f"the broker allows QoS {answer.max_qos.value} at most, links.qos is {settings.qos}: "
            "what is sent while the gateway is away is lost"
        )
    expiry = answer.session_expiry_interval
    if expiry is not None and expiry < settings.session_expiry_s:
        said.append(
            f"the broker keeps the session for {expiry} s, links.session_expiry_s is {settings.session_expiry_s}: "
            "after a longer absence what was sent meanwhile is lost"
        )
    if not answer.retain_available:
        said.append("the broker keeps no retained messages: whoever comes later does not see the gateway's status")
    if not answer.wildcard_subscription_available:
        said.append("the broker allows no wildcards: subscriptions with {site} or {device} will be refused")
    most = answer.max_packet_size
    frames = any(subscription.codec == "jpeg" for subscription in settings.subscribe)
    if most is not None and frames and most < settings.max_packet_bytes:
        said.append(
            f"the broker passes packets of {most} bytes at most, "
            f"links.max_packet_bytes is {settings.max_packet_bytes}: larger camera frames do not arrive"
        )
    if answer.assigned_client_id and answer.assigned_client_id != settings.client_id:
        said.append(
            f"the broker calls us {answer.assigned_client_id!r} and not {settings.client_id!r}: "
            "the session does not outlive the connection"
        )
    return said
