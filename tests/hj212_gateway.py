"""A gateway for loggers of each edition, run in this process: its files, itself, and what it has stored."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Sequence
from pathlib import Path

import duckdb
from link_harness import seen
from tcp_logger import FLAGS, upload

from gateway.config_file import load
from gateway.hj212.crc import crc16
from gateway.hj212.sm4 import seal_segment
from gateway.service import Service
from gateway.service_views import api_server

EIGHT = 1_767_225_600_000
"""2026-01-01 08:00 in Shanghai, ms UTC."""
KEY = bytes(range(16))
MN = {"2005": "88888880000001", "2017": "010000A8900016F000169DC0", "2025": "010000A8900016F000169DC1"}
DEVICES = tuple(zip(("d2005", "d2017", "d2025"), MN.values(), strict=True))
CONFIG = """
data = "data"
inventory = "inventory.toml"
silence_check_s = 0.1

[hj212]
keys_file = "keys.toml"

[writer]
linger_ms = 20

[publish]
enabled = false

[api]
console = false
port = 0
"""
INVENTORY = """
[[sites]]
id = "plant"
name = { en = "Plant", zh = "电厂" }
latitude = 32.99
longitude = 112.53

[types.stack]
kind = "stack"
interval_s = 1
silent_after_s = 86400
factors = [{ code = "a21026", unit = "mg/m3" }]
"""


def write(folder: Path, source: str, devices: Sequence[tuple[str, str]] = DEVICES) -> Path:
    """The files of a gateway for devices (id, MN), all of password 123456; returns its configuration.

    `source`: its links or listeners, and other tables.
    """
    file = folder / "gateway.toml"
    file.write_text(CONFIG + source, "utf-8")
    entries = [
        f'\n[[devices]]\nid = "{name}"\nsite = "plant"\ntype = "stack"\nmn = "{mn}"\n'
        f'name = {{ en = "{name}", zh = "{name}" }}\n'
        for name, mn in devices
    ]
    (folder / "inventory.toml").write_text(INVENTORY + "".join(entries), "utf-8")
    key = f'keys = [{{ from = 2025-12-01T00:00:00+08:00, key = "{KEY.hex()}" }}]'
    secrets = [f'[devices.{mn}]\npassword = "123456"\n{key if mn == MN["2025"] else ""}\n' for _, mn in devices]
    keys = folder / "keys.toml"
    keys.write_text("\n".join(secrets), "utf-8")
    keys.chmod(0o600)
    return file


@contextlib.asynccontextmanager
async def running(config: Path) -> AsyncGenerator[Service]:
    """The gateway in this process, from when it hears loggers; stopped in order at the end."""
    service = Service(*load(config), api_server)
    stop, started = asyncio.Event(), asyncio.Event()
    task = asyncio.create_task(service.run(stop, started))
    try:
        await seen(lambda: task.done() or (started.is_set() and service.links[0].status.connected))
        if task.done():
            task.result()
        yield service
    finally:
        stop.set()
        await task


def points(folder: Path) -> list[tuple[str, int, float]]:
    """(device, seconds after eight, value) of every point in the store of a stopped gateway."""
    with duckdb.connect(str(folder / "data" / "readings.duckdb"), read_only=True) as connection:
        rows = connection.execute("select device, epoch_ms(time), value from readings order by all").fetchall()
    return [(name, (at - EIGHT) // 1000, value) for name, at, value in rows]


def frame(edition: str, second: int, value: float, **changes: str) -> bytes:
    """A real-time frame of a device of this edition, a reply wanted."""
    stamp = f"202601010800{second:02}"
    code = "02" if edition == "2005" else "a21026"
    cp = f"DataTime={stamp};{code}-Rtd={value},{code}-Flag=N"
    return upload(MN[edition], f"{stamp}000", cp, flag=FLAGS[edition], **changes)


def encrypted(plain: bytes) -> bytes:
    """The frame as 2025 sends it: the CRC is that of the plain segment."""
    segment = plain[6:-6]
    return b"##%04d%b%04X\r\n" % (len(segment), seal_segment(segment, KEY), crc16(segment))
