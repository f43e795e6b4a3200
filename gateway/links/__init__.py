"""Links: connections that bring messages. A new protocol is one file here and one line in `open_link`."""

from __future__ import annotations

from gateway.config import Link as Settings
from gateway.links.mqtt5 import Mqtt5Link
from gateway.links.mqtt311 import Mqtt311Link
from gateway.links.seam import Link, LinkStatus

__all__ = ["Link", "LinkStatus", "open_link"]


def open_link(settings: Settings) -> Link:
    """The link that the settings ask for, not yet connected."""
    return {"mqtt5": Mqtt5Link, "mqtt311": Mqtt311Link}[settings.protocol](settings)
