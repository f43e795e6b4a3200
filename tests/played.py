"""What arrives of a scenario, as one stream: of all its devices and cameras, or of one device."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from simulators.device_chain import device_items
from simulators.fleet import Fleet, Item
from simulators.loggers.control import Control
from simulators.records import Message, Parcel
from simulators.scenario import Scenario
from simulators.settings import Device


def stream(
    scenario: Scenario,
    seed: int,
    start: int,
    seconds: float | None = None,
    controls: Mapping[str, Control] = MappingProxyType({}),
) -> Iterator[Item]:
    """Everything that arrives from `start` (ms UTC) on, what happens, and at the end what is expected of it."""
    fleet = Fleet(scenario, seed, start, controls)
    yield from fleet.items(seconds)
    if seconds is not None:
        yield from fleet.last(start + round(seconds * 1000))


def device_messages(
    scenario: Scenario, device: Device, seed: int, start: int, control: Control | None = None
) -> Iterator[Message]:
    """What arrives of one device from `start` (ms UTC) on, in order of arrival; endless, unless silenced for good.

    `control`: what a centre may change meanwhile; without commands the same arrives with it and without.
    """
    for item in device_items(scenario, device, seed, start, control):
        if isinstance(item, Parcel) and isinstance(item.item, Message) and not item.lost:
            yield item.item
