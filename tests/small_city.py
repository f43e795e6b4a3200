"""A small inventory for tests of the service's middle, and messages for it."""

from __future__ import annotations

import json
from zoneinfo import ZoneInfo

from gateway.inventory import Camera, Device, Factor, Inventory, LimitRule, Name, Site, Zone

SO2 = Factor("a21026", "mg/m3", Name("SO2", "二氧化硫"))
NOX = Factor("a21002", "mg/m3", Name("NOx", "氮氧化物"))
START = 1_767_225_600_000
"""2026-01-01T00:00:00Z."""


def inventory(devices: int = 2, hold: int = 10_000) -> Inventory:
    """One site, monitors `d0`, `d1`, ... with SO2 limits at 35 and 70 mg/m3, and one camera."""
    site = Site("plant", Name("Plant", "电厂"), 32.99, 112.53, ZoneInfo("Asia/Shanghai"))
    monitors = tuple(
        Device(f"d{n}", 0, Name(f"Stack {n}", f"{n}号烟囱"), "", "stack", 1_000, 60_000, (SO2, NOX))
        for n in range(devices)
    )
    limits = tuple(
        LimitRule(f"d{n}/so2", n, "a21026", "Rtd", "realtime", "above", (35.0, 70.0), hold, 0.1) for n in range(devices)
    )
    gate = Zone("gate", Name("Gate", "大门"), ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)), 0.01, 500, 2_000)
    camera = Camera("yard", 0, Name("Yard", "院子"), (gate,), 60_000)
    return Inventory((site,), monitors, (camera,), limits)


def message(device: int, second: float, so2: float, nox: float = 10.0) -> tuple[str, bytes]:
    """Topic and JSON payload of one message, `second` after START."""
    time = START + round(second * 1000)
    body = {"v": 1, "time": time, "readings": {"a21026": so2, "a21002": nox}}
    return f"pollution/plant/d{device}/data", json.dumps(body).encode()
