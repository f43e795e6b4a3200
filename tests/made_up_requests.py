"""An inventory of loggers, frames as the codec gives them, and requests of each kind."""

from __future__ import annotations

from dataclasses import replace
from zoneinfo import ZoneInfo

from detectors.records import NEVER
from gateway.hj212.editions import RULES, Edition
from gateway.inventory import Device, Hj212Device, Inventory, Name, Site
from gateway.records import FrameHead, LoggerFrame
from gateway.requests.catalogue import COMMANDS
from gateway.requests.records import Request

NOW = 1_785_549_600_000
"""2026-08-01T02:00:00Z, 10:00 in Shanghai."""
HOUR = 3_600_000
SHANGHAI = ZoneInfo("Asia/Shanghai")
ALL = frozenset(("time", "intervals", "history", "sample"))
SPAN = {"begin": NOW - 3 * HOUR, "end": NOW - HOUR}


def inventory(*loggers: Hj212Device) -> Inventory:
    """One site with a device `d0`, `d1`, ... for each, which may all be sent everything unless they say otherwise."""
    site = Site("plant", Name("Plant", "电厂"), 32.99, 112.53, SHANGHAI)
    settings = loggers or (Hj212Device(commands=ALL),)
    devices = tuple(
        Device(f"d{n}", 0, Name(f"d{n}", f"d{n}"), f"8888888000000{n}", "stack", 1_000, 60_000, (), each)
        for n, each in enumerate(settings)
    )
    return Inventory((site,), devices, (), ())


def frame(
    cn: str,
    qn: str = "",
    *items: tuple[str, str],
    device: int = 0,
    time: int = NEVER,
    edition: str = "2017",
    taken: bool = True,
) -> LoggerFrame:
    """One frame of a device, as the codec records it."""
    st = "91" if cn.startswith("901") else "32"
    flag = RULES[Edition(edition)].version << 2
    head = FrameHead(device, edition, st, cn, f"8888888000000{device}", flag, 0, 0, False, 0)
    return LoggerFrame(0, head, qn.encode(), time, 0, 0, taken, items)


def asked(command: str = "set-interval", id: str = "r-1", device: str = "d0", **parameters: int | str) -> Request:
    """A request that was asked at NOW."""
    given = parameters or ({"seconds": 60} if command == "set-interval" else {})
    return replace(
        Request(id, "plant", device, command, COMMANDS[command].cn, dict(given), NOW, "cli alice"), changed=NOW
    )
