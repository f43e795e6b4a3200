"""Regular data: which series of minute and hour data the inventory's devices have, for the detector of gaps."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final, NamedTuple

from detectors.readings.gaps import GapRules
from gateway.inventory import Inventory

PERIODS: Final = ("minute", "hour")
"""Series number: twice the device, plus the place in this."""
HOUR_MS: Final = 3_600_000
LOOK_BACK_MS: Final = (7 * 24 * HOUR_MS, 31 * 24 * HOUR_MS)
"""How far back minute and hour data are missed: what loggers keep and a centre may ask for."""
_OFFSETS_OF: Final = datetime(2026, 1, 1, tzinfo=UTC)


class Gap(NamedTuple):
    """Data that are missing."""

    period: str
    """`minute` or `hour`."""
    start: int
    """ms UTC, start of the first missing period."""
    end: int
    """ms UTC, end of the last one: exclusive."""


def rules_of(inventory: Inventory) -> GapRules:
    """Intervals and grids of all series; periods begin at the full hour of the site's clock."""
    interval: list[int] = []
    phase: list[int] = []
    for device in inventory.devices:
        offset = inventory.sites[device.site].zone.utcoffset(_OFFSETS_OF.replace(tzinfo=None))
        behind = 0 if offset is None else -round(offset.total_seconds() * 1000)
        for each in (device.hj212.minute, HOUR_MS):
            interval.append(each)
            phase.append(behind % each)
    return GapRules.of(interval, list(LOOK_BACK_MS) * len(inventory.devices), phase)
