"""Nothing that a logger was told of is lost: 10 loggers over TCP, a gateway that is killed with -9 under their load.

A logger sends again what got no 9014, on a new connection; what got one it forgets. So a frame that was answered and
is not in the store would be missing at the end, and one that was stored twice would stand there twice.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import hj212_gateway
import pytest
from gateway_process import GatewayProcess
from servers import free_port
from tcp_logger import FLAGS, speak, upload

DEVICES = 10
FRAMES = 400
"""Of each device, one for each second."""
SEEDS = range(3)
EIGHT = datetime(2026, 1, 1, 8, tzinfo=UTC)
"""Local time, though the stamps carry no zone."""
EIGHT_MS = 1_767_225_600_000
EDITIONS = ("2005", "2017", "2025")

INVENTORY = hj212_gateway.INVENTORY + "".join(
    f'\n[[devices]]\nid = "d{n}"\nsite = "plant"\ntype = "stack"\nmn = "MN{n}"\n'
    f'name = {{ en = "Stack {n}", zh = "{n}号烟囱" }}\nhj212 = {{ edition = "{EDITIONS[n % 3]}" }}\n'
    for n in range(DEVICES)
)


def config(port: int) -> str:
    return f"""
[[listeners]]
name = "tcp"
port = {port}
password_required = false

[writer]
linger_ms = 50

[publish]
enabled = false

[api]
enabled = false
"""


def value(device: int, second: int) -> float:
    return float(device * FRAMES + second)


def frames(device: int) -> dict[str, bytes]:
    """QN to frame, of all that a device has to send."""
    edition = EDITIONS[device % 3]
    code = "02" if edition == "2005" else "a21026"
    found: dict[str, bytes] = {}
    for second in range(FRAMES):
        stamp = f"{EIGHT + timedelta(seconds=second):%Y%m%d%H%M%S}"
        cp = f"DataTime={stamp};{code}-Rtd={value(device, second)},{code}-Flag=N"
        found[f"{stamp}000"] = upload(f"MN{device}", f"{stamp}000", cp, flag=FLAGS[edition])
    return found


@pytest.mark.timeout(120)
@pytest.mark.parametrize("seed", SEEDS)
async def test_what_was_answered_is_stored_once_however_often_the_gateway_is_killed(seed: int, tmp_path: Path) -> None:
    random = Random(seed)
    port = free_port()
    gateway = GatewayProcess(tmp_path / "gateway", config(port), INVENTORY)
    gateway.start()
    kills = 0
    try:
        await asyncio.to_thread(gateway.wait_for, "listener_up")
        speaking = [asyncio.create_task(speak(port, frames(device), pause_s=0.05)) for device in range(DEVICES)]
        while not all(task.done() for task in speaking) and kills < 4:
            await asyncio.sleep(random.uniform(0.1, 0.6))
            await asyncio.to_thread(gateway.kill9)
            kills += 1
            gateway.log_file.unlink()
            gateway.start()
            if random.random() < 0.8:  # now and then it dies while starting
                await asyncio.to_thread(gateway.wait_for, "listener_up")
        lost = await asyncio.gather(*speaking)
        await asyncio.to_thread(gateway.wait_for, "listener_up")
        await asyncio.to_thread(gateway.stop)
    finally:
        gateway.close()
    assert kills >= 2
    assert sum(lost) >= DEVICES, "the kills met the loggers while they spoke"
    assert gateway.points() == sorted(
        (f"d{device}", "a21026", EIGHT_MS + 1000 * second, value(device, second))
        for device in range(DEVICES)
        for second in range(FRAMES)
    ), f"seed {seed}, {kills} kills"
