"""Memory of a gateway with very many channels, all fed, limits, journal and DuckDB on: how much, and for what.

Resident memory of all its processes, read at four moments: with one device in the inventory (interpreter, libraries,
empty stores), with all devices, when each channel has had its first reading, and the peak under a stream as fast as the
broker takes it. The difference from one to the next is what the inventory, the channels and the load cost.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

import duckdb
import psutil
from alert_delay import PROBES, alert_delay
from gateway_load import config, into_gateway, inventory, peak_mb, resident_mb, started
from gateway_process import GatewayProcess
from json_stream import FACTORS, START, after, stream
from null_reader import clear_session
from servers import Mosquitto, free_port

TIMES = 10
"""Readings of each channel under load."""
DELAY_S = 6.0


async def memory(broker: Mosquitto, folder: Path, channels: int, qos: int, rate: float) -> dict[str, float]:
    """Measure with `channels` channels, of devices with five factors each; the folder is for the gateway's data.

    MB of all processes of the gateway: `base_mb`, and what each step adds (`inventory_mb`, `fed_mb`, `load_mb`);
    `peak_mb` is their sum. Then publish to alert at `rate` messages a second.
    """
    devices = channels // len(FACTORS)
    small = GatewayProcess(folder / "small", config(broker, free_port(), qos), inventory(1, FACTORS))
    base = await _resident(small)
    await asyncio.to_thread(small.stop)
    await asyncio.to_thread(clear_session, broker)
    gateway = GatewayProcess(folder / "large", config(broker, free_port(), qos), inventory(devices + PROBES, FACTORS))
    try:
        listed = await _resident(gateway)
        chunks = await asyncio.to_thread(stream, devices, devices, qos, START)
        first = await into_gateway(broker, gateway, chunks, devices, qos)
        fed = resident_mb(psutil.Process(gateway.pid))
        start = after(START, devices, devices)
        chunks = await asyncio.to_thread(stream, TIMES * devices, devices, qos, start)
        load = await into_gateway(broker, gateway, chunks, TIMES * devices, qos)
        peak = peak_mb(psutil.Process(gateway.pid))
        start = after(start, TIMES * devices, devices)
        delays = await alert_delay(broker, rate, devices, qos, DELAY_S, start)
        await asyncio.to_thread(gateway.stop)
        stored = stored_channels(gateway)
    finally:
        gateway.close()
    steps = {"base_mb": base, "inventory_mb": listed - base, "fed_mb": fed - listed, "load_mb": peak - fed}
    return {
        "channels": stored,
        **{name: round(value) for name, value in {**steps, "peak_mb": peak}.items()},
        "lost": first.lost + load.lost,
        **delays.figures(),
    }


def stored_channels(gateway: GatewayProcess) -> int:
    """Channels with readings in the store of a stopped gateway."""
    with duckdb.connect(str(gateway.data / "readings.duckdb"), read_only=True) as connection:
        found = connection.execute("select count(distinct channel) from points").fetchone()
    assert found is not None
    return int(found[0])


async def _resident(gateway: GatewayProcess) -> float:
    """Memory of it once it is up."""
    await started(gateway)
    return resident_mb(psutil.Process(gateway.pid))
