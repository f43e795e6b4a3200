"""What tests of stores share: a small inventory, and readings by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from gateway.channels import ChannelKey, Channels
from gateway.flags import NORMAL
from gateway.inventory import Device, Factor, Inventory, Name, Site
from gateway.records import Readings

NAME = Name("a name", "名称")
Row = tuple[int, int, float]


def make_inventory() -> Inventory:
    """Two sites with four devices; the third and fourth device have ids that try to break out of a line."""
    sites = tuple(Site(id, NAME, 31.0, 121.0, ZoneInfo("Asia/Shanghai")) for id in ("harbour", "north, gate=1"))
    factors = (Factor("a21026", "mg/m3", NAME), Factor("w01018", "mg/L", NAME))
    ids = ((0, "stack-1"), (0, "drain-1"), (1, 'say "hi"\\'), (1, "a\nb,factor=x v=1"))
    devices = tuple(
        Device(id, site, NAME, f"MN{n}", "stack", 60_000, 180_000, factors) for n, (site, id) in enumerate(ids)
    )
    return Inventory(sites, devices, (), ())


def make_channels() -> Channels:
    """Channel 4 * device + k: factor a21026 (k < 2) or w01018, realtime Rtd (k even) or minute Avg."""
    channels = Channels(make_inventory())
    for device in range(4):
        for factor in ("a21026", "w01018"):
            channels.number(ChannelKey(device, factor, "Rtd", "realtime"))
            channels.number(ChannelKey(device, factor, "Avg", "minute"))
    return channels


def make_readings(rows: Iterable[Row], position: int = 0, flag: int = NORMAL) -> Readings:
    """Readings of (channel, time, value), each its own message from `position` on, received 250 ms after their time."""
    rows = list(rows)
    times = np.array([row[1] for row in rows], np.int64)
    return Readings(
        np.array([row[0] for row in rows], np.int32),
        times,
        times + 250,
        np.array([row[2] for row in rows], np.float64),
        np.full(len(rows), flag, np.uint8),
        np.arange(position, position + len(rows), dtype=np.int64),
        np.zeros(len(rows), np.uint8),
    )


@pytest.fixture
def channels() -> Channels:
    return make_channels()


@pytest.fixture(scope="session")
def readings_of() -> Callable[..., Readings]:
    return make_readings


@pytest.fixture(scope="session")
def new_channels() -> Callable[[], Channels]:
    """Channels as a new process would number them."""
    return make_channels
