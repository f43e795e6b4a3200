"""The words by which a store keeps a channel: they outlive the process, its numbers do not."""

from __future__ import annotations

from typing import NamedTuple

from gateway.channels import ChannelKey
from gateway.inventory import Inventory


class ChannelName(NamedTuple):
    """The natural key of a channel, which with a time is the identity of a point."""

    site: str
    device: str
    factor: str
    field: str
    period: str


def channel_name(inventory: Inventory, key: ChannelKey) -> ChannelName:
    """The natural key of a channel, by the ids of the inventory."""
    assert key.device >= 0, "a channel belongs to a device of the inventory"
    device = inventory.devices[key.device]
    return ChannelName(inventory.sites[device.site].id, device.id, key.factor, key.field, key.period)


def channel_unit(inventory: Inventory, key: ChannelKey) -> str:
    """The unit the inventory gives for the factor of a channel; empty where it names none."""
    factors = inventory.devices[key.device].factors
    return next((factor.unit for factor in factors if factor.code == key.factor), "")
