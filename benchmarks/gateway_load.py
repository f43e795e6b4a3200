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

import psutil
from gateway_process import GatewayProcess
from servers import Mosquitto

from simulators.fast_publisher import Encoded, publish_encoded

LIMIT = 100.0


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
client_id = "bench"
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
    cpu_us: float
    peak_mb: float
    lost: int


async def into_gateway(broker: Mosquitto, gateway: GatewayProcess, chunks: list[Encoded], count: int, qos: int) -> Run:
    """The stream into the gateway: rate until all is processed, CPU until all is stored."""
    process = psutil.Process(gateway.pid)
    before = sum(process.cpu_times()[:2])
    first = status(gateway)["totals"]["messages"]
    began = time.perf_counter()
    report = await publish_encoded(broker.host, broker.port, iter(chunks), qos)  # pyright: ignore[reportArgumentType]
    done, moved = first, time.perf_counter()
    while done < first + count and time.perf_counter() - moved < 5:
        now = (await asyncio.to_thread(status, gateway))["totals"]["messages"]
        if now > done:
            done, moved = now, time.perf_counter()
        await asyncio.sleep(0.02)
    seconds = moved - began
    while (await asyncio.to_thread(status, gateway))["about"]["store_behind"]:
        await asyncio.sleep(0.1)
    used = sum(process.cpu_times()[:2]) - before
    del report
    return Run((done - first) / seconds, used / count * 1e6, peak_mb(process), first + count - done)


def status(gateway: GatewayProcess) -> dict[str, dict[str, int]]:
    return json.loads(gateway.get("/api/v1/status"))


def peak_mb(process: psutil.Process) -> float:
    """High-water mark of the resident memory (Linux), of the process and its children."""
    total = 0
    for each in [process, *process.children(recursive=True)]:
        for line in Path(f"/proc/{each.pid}/status").read_text("ascii").splitlines():
            if line.startswith("VmHWM"):
                total += int(line.split()[1])
    return total / 1024
