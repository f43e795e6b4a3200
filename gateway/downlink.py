"""The way down: frames to devices, over the link on which each was last heard.

A device may be heard over MQTT today and over TCP tomorrow; what is sent to it follows. Nothing is queued here: a
link that is down takes nothing, and the sender (a device that repeats, a request with its time-out) tries again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from gateway.config import Config
from gateway.inventory import Inventory
from gateway.links.hj212_login import device_topic
from gateway.links.seam import Link
from gateway.topics import format_topic


class Outlet(Protocol):
    """What the way down needs of a link."""

    def send(self, messages: Sequence[tuple[str, bytes]]) -> int:
        """Send (topic, payload) now; how many were handed to the network. The rest is dropped and counted there."""
        ...


@dataclass(frozen=True, slots=True)
class Way:
    """How devices are reached over one link."""

    outlet: Outlet
    topic: str
    """Template with `{site}` and `{device}`."""


def ways_of(links: Iterable[Link], config: Config) -> dict[str, Way]:
    """The way down over each link that has one, by its name."""
    topics = {each.name: each.reply_topic for each in config.links if each.reply_topic}
    topics |= {each.name: device_topic(each.name) for each in config.listeners}
    return {link.name: Way(link, topics[link.name]) for link in links if link.name in topics}


class Downlink:
    """Sends frames to devices; knows where each was last heard since the start. Lives in the ingest loop."""

    def __init__(self, inventory: Inventory, ways: Mapping[str, Way]) -> None:
        """`ways` by name of the link; a link that is not among them is for listening only."""
        self._ways = dict(ways)
        self._names = [(inventory.sites[device.site].id, device.id) for device in inventory.devices]
        self._topics: dict[str, dict[int, str]] = {name: {} for name in ways}
        self._last: dict[int, str] = {}

    def hear(self, link: str, devices: Iterable[int]) -> None:
        """Devices were heard over a link."""
        if link in self._ways:
            self._last.update(dict.fromkeys(devices, link))

    def send(self, device: int, frame: bytes) -> bool:
        """Send one frame to a device; False where there is nowhere to send it now."""
        link = self._last.get(device)
        return link is not None and self.send_over(link, [(device, frame)]) == 1

    def send_over(self, link: str, frames: Sequence[tuple[int, bytes]]) -> int:
        """Send (device, frame) over one link, in one call to it; how many were handed to the network."""
        way = self._ways.get(link)
        if way is None or not frames:
            return 0
        topics = self._topics[link]
        messages: list[tuple[str, bytes]] = []
        for device, frame in frames:
            topic = topics.get(device)
            if topic is None:
                site, name = self._names[device]
                topic = topics[device] = format_topic(way.topic, site=site, device=name)
            messages.append((topic, frame))
        return way.outlet.send(messages)
