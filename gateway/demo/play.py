"""The demo: embedded broker, simulators and gateway from one command, with nothing installed but Python packages."""

from __future__ import annotations

import asyncio
import time
from asyncio.subprocess import Process
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Final

from rich.console import Console

from gateway.config_file import load
from gateway.demo import children
from gateway.demo.screen import open_screen
from gateway.demo.summary import Sent, Summary, read_report, summarise
from gateway.errors import GatewayError
from gateway.service import Service
from gateway.service_views import api_server

SCENARIO: Final = "demo"
SETTLE_S: Final = 10.0
"""After the simulators have ended: how long messages under way may take to arrive."""

CONFIG: Final = """\
# Written by `gateway demo`; a file like this is what `gateway run` takes.
data = "."
inventory = "inventory.toml"

[[links]]
name = "demo"
url = "mqtt://127.0.0.1:{broker}"
protocol = "mqtt311"          # the embedded broker speaks no MQTT 5
client_id = "gateway-demo"
subscribe = [
    {{ topic = "pollution/{{site}}/{{device}}/data", codec = "auto" }},
    {{ topic = "camera/{{site}}/{{camera}}/frame", codec = "jpeg" }},
]

[store]
kind = "duckdb"

[api]
port = {port}
"""


async def play(folder: Path, seconds: float | None, port: int, seed: int, stop: asyncio.Event) -> Summary:
    """Run until `seconds` are over (None: for ever) or `stop` is set; return the accounts.

    `folder` takes everything: configuration, journal, store, logs. Raises `GatewayError`.
    """
    async with AsyncExitStack() as stack:
        broker = await children.start("gateway.demo.broker", "--port", "0", log=folder / "broker.log", pipe=True)
        stack.push_async_callback(children.stop, broker)
        broker_port = int((await children.first_line(broker, "the embedded broker")).rsplit(":", 1)[-1])
        await _write_inventory(folder)
        config_file = folder / "gateway.toml"
        config_file.write_text(CONFIG.format(broker=broker_port, port=port), "utf-8")
        service = Service(*load(config_file), api_server)
        end, started = asyncio.Event(), asyncio.Event()
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(service.run(end, started))
            await started.wait()
            while not all(link.status.connected for link in service.links):
                await asyncio.sleep(0.02)  # the session must be there before the first message is
            report = folder / "sent.json"
            fleet = await children.start(
                *("simulators", "run", SCENARIO, "--protocol", "mqtt311", "--seed", str(seed)),
                *("--broker", f"mqtt://127.0.0.1:{broker_port}"),
                *("--report", str(report), "--truth", str(folder / "truth.jsonl")),
                log=folder / "simulators.log",
            )
            stack.push_async_callback(children.stop, fleet)
            await _show(service, fleet, seconds, stop)
            await children.stop(fleet)
            sent = read_report(report)
            await _settle(service, sent)
            end.set()
            await running
    return summarise(service, sent)


async def _write_inventory(folder: Path) -> None:
    process = await children.start("simulators", "inventory", SCENARIO, log=folder / "simulators.log", pipe=True)
    text, _ = await process.communicate()
    if process.returncode != 0:
        raise GatewayError(f"the demo's scenario cannot be read; {folder / 'simulators.log'} says why")
    (folder / "inventory.toml").write_bytes(text)


async def _show(service: Service, fleet: Process, seconds: float | None, stop: asyncio.Event) -> None:
    """Update the screen every second until the end. Raises `GatewayError` where the simulators end before."""
    began = time.monotonic()
    screen = open_screen(service, f"http://127.0.0.1:{service.port}", Console())
    try:
        while not stop.is_set():
            passed = time.monotonic() - began
            if seconds is not None and passed >= seconds:
                break
            if fleet.returncode is not None:
                raise GatewayError("the simulators ended by themselves; simulators.log says why")
            screen.update(round(passed))
            wait = 1.0 if seconds is None else min(1.0, seconds - passed)
            try:
                await asyncio.wait_for(stop.wait(), max(wait, 0.01))
            except TimeoutError:
                continue
    finally:
        screen.close()


async def _settle(service: Service, sent: Sent) -> None:
    """Wait for what is still on its way through the broker; what has not come in time is told as lost."""
    deadline = time.monotonic() + SETTLE_S
    while time.monotonic() < deadline:
        if (
            service.pipeline.counts.messages >= sent.messages_sent
            and service.frames.counts.received >= sent.frames_sent
        ):
            return
        await asyncio.sleep(0.05)
