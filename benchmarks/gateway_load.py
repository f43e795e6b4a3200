"""One stream of messages through a real broker into a gateway process: its rate, its CPU and what was lost.

Shared by the benchmarks of ingest and of HJ 212, so that both measure the same thing.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import psutil
from gateway_process import GatewayProcess
from servers import Mosquitto

from simulators.fast_publisher import Encoded, publish_encoded

LIMIT = 100.0
CLIENT_ID = "bench"


def inventory(devices: int, codes: Sequence[str], mn: str = "") -> str:
    """One site, one type with a limit of two levels on each factor; `mn` with `{n}` in it gives each device its MN."""
    factors = ", ".join(f'{{ code = "{code}", unit = "mg/m3" }}' for code in codes)
    limits = ", ".join(
        f'{{ factor = "{code}", above = [{LIMIT}, {2 * LIMIT}], hold_s = 0, band = 0.05 }}' for code in codes
    )
    head = f"""
[[sites]]
id = "bench"
name = {{ en = "Bench", zh = "基准" }}
latitude = 33.0
longitude = 112.5

[types.stack]
kind = "stack"
interval_s = 1
silent_after_s = 86400
factors = [{factors}]
limits = [{limits}]
"""
    return head + "".join(
        f'\n[[devices]]\nid = "d{n}"\nsite = "bench"\ntype = "stack"\nname = {{ en = "Stack {n}", zh = "{n}号" }}\n'
        + (f'mn = "{mn.format(n=n)}"\n' if mn else "")
        for n in range(devices)
    )


def config(broker: Mosquitto, port: int, qos: int, codec: str = "json", more: str = "") -> str:
    """The gateway as shipped, but for addresses, the QoS and `more`."""
    return f"""
{more}
[[links]]
name = "bench"
url = "{broker.url}"
client_id = "{CLIENT_ID}"
qos = {qos}
subscribe = [{{ topic = "pollution/{{site}}/{{device}}/data", codec = "{codec}" }}]

[api]
console = false
port = {port}
"""


@dataclass
class Run:
    """One stream into one reader."""

    rate: float
    """Messages a second until all were processed: journalled, acknowledged, decoded and checked."""
    stored_rate: float
    """The same until all were stored."""
    cpu_us: float
    """CPU of all its processes a message, storing included."""
    peak_mb: float
    lost: int
    """Messages that did not arrive."""


async def into_gateway(broker: Mosquitto, gateway: GatewayProcess, chunks: list[Encoded], count: int, qos: int) -> Run:
    """The stream into the gateway: rate until all is processed, CPU until all is stored."""
    process = psutil.Process(gateway.pid)
    before = cpu_s(process)
    first = status(gateway)["totals"]["messages"]
    began = time.perf_counter()
    await publish_encoded(broker.host, broker.port, iter(chunks), qos)  # pyright: ignore[reportArgumentType]
    done, moved = first, time.perf_counter()
    while done < first + count and time.perf_counter() - moved < 5:
        now = (await asyncio.to_thread(status, gateway))["totals"]["messages"]
        if now > done:
            done, moved = now, time.perf_counter()
        await asyncio.sleep(0.02)
    seconds = moved - began
    while (await asyncio.to_thread(status, gateway))["about"]["store_behind"]:
        await asyncio.sleep(0.02)
    stored = time.perf_counter() - began
    used = cpu_s(process) - before
    return Run(
        (done - first) / seconds, (done - first) / stored, used / count * 1e6, peak_mb(process), first + count - done
    )


def status(gateway: GatewayProcess) -> dict[str, dict[str, int]]:
    return json.loads(gateway.get("/api/v1/status"))


async def started(gateway: GatewayProcess) -> None:
    """Start it and return when its link is up."""
    gateway.log_file.unlink(missing_ok=True)
    gateway.start()
    await asyncio.to_thread(gateway.wait_for, "link_up")
    await asyncio.sleep(0.5)


def stored_values(gateway: GatewayProcess) -> int:
    """Readings in the DuckDB store of a gateway that does not run; 0 where it never did."""
    file = gateway.data / "readings.duckdb"
    if not file.exists():
        return 0
    with duckdb.connect(str(file), read_only=True) as connection:
        found = connection.execute("select count(*) from points").fetchone()
    assert found is not None
    return int(found[0])


def cpu_s(process: psutil.Process) -> float:
    """CPU seconds of the process and its children so far."""
    return sum(sum(each.cpu_times()[:2]) for each in [process, *process.children(recursive=True)])


def peak_mb(process: psutil.Process) -> float:
    """High-water mark of the resident memory (Linux) of the process and its children, each at its own peak."""
    return _memory_mb(process, "VmHWM:")


def resident_mb(process: psutil.Process) -> float:
    """Resident memory (Linux) of the process and its children now."""
    return _memory_mb(process, "VmRSS:")


def _memory_mb(process: psutil.Process, line: str) -> float:
    total = 0
    for each in [process, *process.children(recursive=True)]:
        fields = Path(f"/proc/{each.pid}/status").read_text("ascii").split()
        total += int(fields[fields.index(line) + 1])
    return total / 1024
