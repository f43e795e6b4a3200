"""Rows: readings of one message, possibly of several devices and times, written to the sink together or not at all."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final, NamedTuple

from gateway.channels import ChannelKey, Channels, ChannelsFull
from gateway.codecs.cache import Cache
from gateway.codecs.seam import CodecSettings, Sink
from gateway.codecs.units_declared import DeclaredUnits
from gateway.inventory import Inventory
from gateway.names import default_field, split_name
from gateway.reasons import BadPayload, Reason, shown

REMEMBERED_CHANNELS: Final = 500_000
"""10,000 devices with 50 names each."""


class Row(NamedTuple):
    """One reading as a payload has it."""

    device: int
    name: str
    """`factor` or `factor-Field`."""
    period: str
    time: int
    value: float
    """NaN where it is missing."""
    flag: int
    unit: str | None
    """As declared; None or empty where none is."""
    timed: bool = True
    """Whether the time is the device's own; else it is that of the receipt, or relative to it."""


class RowWriter:
    """Writes rows to sinks. The channel of a name is looked up once for each device and period."""

    def __init__(
        self, inventory: Inventory, channels: Channels, settings: CodecSettings, *, senml: bool = False
    ) -> None:
        """`senml`: units are names of SenML's registry."""
        self._channels = channels
        self._most = settings.decode.max_factors
        self._units = DeclaredUnits(inventory)
        self._senml = senml
        self._known: Cache[tuple[int, str, str], tuple[int, str, str]] = Cache(REMEMBERED_CHANNELS)

    def write(self, sink: Sink, row: int, rows: Sequence[Row]) -> None:
        """Add the readings of message `row`. Raises `BadPayload`, and then nothing was added."""
        if len(rows) > self._most:
            raise BadPayload(Reason.TOO_MANY_FACTORS, f"{len(rows)} readings; {self._most} are allowed")
        known = self._known
        channels: list[int] = []
        values: list[float] = []
        times: list[int] = []
        counts: list[int] = []
        untimed: list[int] = []
        for device, name, period, time, value, _, unit, timed in rows:
            found = known.get((device, name, period))
            if found is None:
                found = self._look_up(device, name, period)
            channel, factor, field = found
            if unit:
                value = self._units.value(device, factor, field, value, unit, shown(name), senml=self._senml)
            if math.isinf(value):
                raise BadPayload(Reason.BAD_VALUE, f"{shown(name)} is {value}; expected a finite number")
            channels.append(channel)
            values.append(value)
            if times and times[-1] == time:
                counts[-1] += 1
            else:
                if not timed:
                    untimed.append(len(sink.rows) + len(times))
                times.append(time)
                counts.append(1)
        sink.untimed += untimed
        sink.rows += [row] * len(times)
        sink.counts += counts
        sink.times += times
        sink.channels += channels
        sink.values += values
        sink.flags += [each.flag for each in rows]
        sink.devices.update([each.device for each in rows])

    def _look_up(self, device: int, name: str, period: str) -> tuple[int, str, str]:
        parts = split_name(name, default_field(period))
        if parts is None:
            raise BadPayload(Reason.BAD_FACTOR, f"the name {shown(name)} is no factor or factor-Field")
        try:
            channel = self._channels.number(ChannelKey(device, *parts, period))
        except ChannelsFull as full:
            raise BadPayload(Reason.CHANNELS_FULL, str(full)) from None
        found = (channel, *parts)
        self._known.keep((device, name, period), found)
        return found
