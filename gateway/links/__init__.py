"""Links: connections that bring messages. A new protocol is one file here and one line in `open_link`."""

from __future__ import annotations

from gateway.config import Config
from gateway.config import Link as Settings
from gateway.links.hj212_login import listener_topics
from gateway.links.mqtt5 import Mqtt5Link
from gateway.links.mqtt311 import Mqtt311Link
from gateway.links.seam import Link, LinkStatus
from gateway.topics import Subscribed

__all__ = ["Link", "LinkStatus", "open_link", "templates_of"]


def open_link(settings: Settings) -> Link:
    """The link that the settings ask for, not yet connected."""
    return {"mqtt5": Mqtt5Link, "mqtt311": Mqtt311Link}[settings.protocol](settings)


def templates_of(config: Config) -> list[Subscribed]:
    """Topics of all that comes in, and their codecs; those of listeners first, so that no subscription takes them."""
    found: list[Subscribed] = []
    for listener in config.listeners:
        found += listener_topics(listener.name)
    for link in config.links:
        found += link.subscribe
    return found
