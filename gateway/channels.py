"""Channels: the dense numbers of what is measured, one for each device, factor, field and period.

Numbers live as long as the process. What must outlive it (store, snapshots) names a channel by its key.
"""

from __future__ import annotations

from typing import NamedTuple

from gateway.inventory import Inventory

PERIODS = ("realtime", "minute", "hour", "day")
"""HJ 212 commands 2011, 2051, 2061 and 2031."""


class ChannelKey(NamedTuple):
    device: int
    factor: str
    field: str
    period: str


class ChannelsFull(Exception):
    """The bound on channels is reached; the message that asked for one more is a dead letter."""


class Channels:
    """Numbers keys as they come, bounded.

    The bound is there because factor codes come from outside: a broken logger must not fill the memory.
    """

    def __init__(self, inventory: Inventory, most: int = 1_000_000) -> None:
        self.keys: list[ChannelKey] = []
        self.inventory = inventory
        self.most = most
        self._numbers: dict[ChannelKey, int] = {}
        for rule in inventory.limits:
            self.number(ChannelKey(rule.device, rule.factor, rule.field, rule.period))

    def __len__(self) -> int:
        return len(self.keys)

    def number(self, key: ChannelKey) -> int:
        """The number of a key, given now if it is new.

        Raises `ChannelsFull` when a new key is over the bound.
        """
        number = self._numbers.get(key)
        if number is None:
            if len(self.keys) >= self.most:
                raise ChannelsFull(f"{self.most} channels are in use (decode.max_channels)")
            number = self._numbers[key] = len(self.keys)
            self.keys.append(key)
        return number

    def find(self, key: ChannelKey) -> int | None:
        """The number of a key, or None where it has none yet."""
        return self._numbers.get(key)
