"""The stream into a peer of `peers.py`: its rate until all is stored, its CPU, and what never got there."""

from __future__ import annotations

import asyncio
import os
import subprocess
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import aiomqtt
import psutil
from figures import Round
from gateway_load import cpu_s, peak_mb
from json_stream import FACTORS, after, payload, stream, topic
from peers import Peer
from servers import Mosquitto
from sinks import PROBE, Sink

from simulators.fast_publisher import publish_encoded

READY_S = 60.0
STILL_S = 5.0
"""A count that has not moved for so long has ended."""
QUIET_S = 1.5
"""The same where nothing is measured."""


async def into_peer(peer: Peer, folder: Path, broker: Mosquitto, sink: Sink, qos: int, start: int) -> Round:
    """Start the peer, wait until it has stored a reading of each device, give it its stream, and end it.

    The stream comes as fast as the broker takes it, from `start` on (ms UTC of the first reading). The rate is that
    until the last value is handed to the sink; what is not stored 5 s after the one before counts as lost. Raises
    RuntimeError, with the peer's log, where it stores nothing.
    """
    count, devices = peer.messages, peer.devices
    first = await asyncio.to_thread(stream, devices, devices, qos, start)
    chunks = await asyncio.to_thread(stream, count, devices, qos, after(start, devices, devices))
    async with _running(peer, folder, broker, sink, qos) as process:
        await _until_stored(process, folder, broker, sink, qos, start)
        await publish_encoded(broker.host, broker.port, iter(first), qos)  # pyright: ignore[reportArgumentType]
        await _still(sink.taken, sink.taken() + devices * len(FACTORS), QUIET_S)
        already, taken, used, sink_used = sink.stored(), sink.taken(), cpu_s(process), cpu_s(psutil.Process(sink.pid))
        began = time.perf_counter()
        await publish_encoded(broker.host, broker.port, iter(chunks), qos)  # pyright: ignore[reportArgumentType]
        await _still(sink.taken, taken + count * len(FACTORS), STILL_S)
        cpu, sink_cpu = cpu_s(process) - used, cpu_s(psutil.Process(sink.pid)) - sink_used
        peak = peak_mb(process)
    stored = (sink.stored() - already) / len(FACTORS)
    return Round(stored / (sink.moved - began), cpu / count * 1e6, sink_cpu / count * 1e6, peak, round(count - stored))


@asynccontextmanager
async def _running(peer: Peer, folder: Path, broker: Mosquitto, sink: Sink, qos: int) -> AsyncIterator[psutil.Process]:
    """The peer as a process, from here to the end of the block."""
    running = _start(peer, folder, broker, sink, qos)
    try:
        yield psutil.Process(running.pid)
    finally:
        running.terminate()
        try:
            await asyncio.to_thread(running.wait, 20)
        except subprocess.TimeoutExpired:
            running.kill()
            running.wait()


def _start(peer: Peer, folder: Path, broker: Mosquitto, sink: Sink, qos: int) -> subprocess.Popen[bytes]:
    folder.mkdir(parents=True, exist_ok=True)
    launch = peer.launch(folder, broker, qos, sink.target)
    environment = {**os.environ, **launch.environment}
    with (folder / "log").open("wb") as log:
        return subprocess.Popen(launch.arguments, stdout=log, stderr=log, cwd=folder, env=environment)


async def _until_stored(
    process: psutil.Process, folder: Path, broker: Mosquitto, sink: Sink, qos: int, start: int
) -> None:
    """Publish readings of the probe until one is stored, and wait until all of them are."""
    before, deadline = sink.taken(), time.monotonic() + READY_S
    async with aiomqtt.Client(broker.host, broker.port) as client:
        for number in range(int(READY_S * 10)):
            await client.publish(topic(PROBE), payload(start + number, [20.0] * len(FACTORS)), qos)
            await asyncio.sleep(0.1)
            if sink.taken() > before:
                break
            if not process.is_running() or process.status() == psutil.STATUS_ZOMBIE or time.monotonic() > deadline:
                raise RuntimeError(f"it stores nothing:\n{(folder / 'log').read_text('utf-8', 'replace')[-4000:]}")
    await _still(sink.taken, None, QUIET_S)


async def _still(count: Callable[[], int], wanted: int | None, seconds: float) -> None:
    """Wait until the count has come to `wanted`, or has not moved for so long."""
    last, moved = count(), time.monotonic()
    while (wanted is None or last < wanted) and time.monotonic() - moved < seconds:
        await asyncio.sleep(0.1)
        now = await asyncio.to_thread(count)
        if now > last:
            last, moved = now, time.monotonic()
