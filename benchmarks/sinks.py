"""Where peers leave what they read: a database, or what stands in for a ThingsBoard platform. Both count it.

A ThingsBoard gateway sends telemetry on `v1/gateway/telemetry` as `{device: [{"ts": ms, "values": {key: value}}]}`.
Before it sends any, it asks for the limits of its session, and waits.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from pathlib import Path
from typing import Protocol, Self
from urllib.parse import urlencode

import aiomqtt
from json_stream import START
from servers import Mosquitto, VictoriaMetrics

PROBE = "probe"
"""The device whose readings show that a peer is up; they do not count as stored."""
SPAN_S = 30 * 86_400
"""Streams of all rounds begin and end within so long."""
LIMITS = {"maxPayloadSize": 65_536, "maxInflightMessages": 1_000, "rateLimits": {}, "gatewayRateLimits": {}}
"""What a platform of one's own answers: no limits of rate."""
ASKED = "v1/devices/me/rpc/request/"
READ_BYTES = 1 << 18


class Sink(Protocol):
    """Takes values and counts them."""

    moved: float
    """When it was given something last, by `time.perf_counter`."""

    @property
    def pid(self) -> int: ...

    @property
    def target(self) -> str:
        """What a peer needs to know of it."""
        ...

    def taken(self) -> int:
        """All values taken so far, those of the probe too; quick."""
        ...

    def stored(self) -> int:
        """Values that are there to be queried, without those of the probe."""
        ...


class Database:
    """VictoriaMetrics: it answers `/write`, and the `/api/v2/write` of influxdb-client, which InfluxDB 1.6 does not.

    Peers reach it through a forwarder that notes when they wrote last: its own counters move once a second.
    """

    def __init__(self, server: VictoriaMetrics) -> None:
        """`server` runs."""
        self._server = server
        self._queries = 0
        self.moved = 0.0

    async def __aenter__(self) -> Self:
        self._door = await asyncio.start_server(self._forward, self._server.host, 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._door.close()

    async def _forward(self, asked: asyncio.StreamReader, answered: asyncio.StreamWriter) -> None:
        answers, requests = await asyncio.open_connection(self._server.host, self._server.port)
        back = asyncio.create_task(_copy(answers, answered))
        with contextlib.suppress(ConnectionError):
            while data := await asked.read(READ_BYTES):
                self.moved = time.perf_counter()
                requests.write(data)
                await requests.drain()
        requests.close()
        await back

    @property
    def pid(self) -> int:
        return self._server.pid

    @property
    def target(self) -> str:
        host, port = self._door.sockets[0].getsockname()
        return f"http://{host}:{port}"

    def taken(self) -> int:
        lines = self._server.request("/metrics").decode().splitlines()
        return sum(int(line.split()[1]) for line in lines if line.startswith("vm_rows_inserted_total{"))

    def stored(self) -> int:
        self._server.flush()
        self._queries += 1
        # It remembers for ten seconds which series a selector found: no selector comes twice.
        selector = f'readings_value{{device!="{PROBE}",nothing!="{self._queries}"}}'
        query = f"sum(count_over_time({selector}[{SPAN_S}s]))"
        form = urlencode({"query": query, "time": START // 1000 + SPAN_S - 1, "nocache": 1})
        rows = json.loads(self._server.request("/api/v1/query", form.encode()))["data"]["result"]
        return int(rows[0]["value"][1]) if rows else 0


class Platform:
    """A broker of its own, the one answer that a ThingsBoard gateway waits for, and a count."""

    def __init__(self, folder: Path) -> None:
        self._broker = Mosquitto(folder, autosave_changes=None)
        self._probed = self._values = 0
        self.moved = 0.0

    async def __aenter__(self) -> Self:
        await asyncio.to_thread(self._broker.start)
        ready = asyncio.Event()
        self._serving = asyncio.create_task(self._serve(ready))
        await asyncio.wait_for(ready.wait(), 30)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._serving.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._serving
        await asyncio.to_thread(self._broker.close)

    @property
    def pid(self) -> int:
        return self._broker.pid

    @property
    def target(self) -> str:
        return str(self._broker.port)

    def taken(self) -> int:
        return self._probed + self._values

    def stored(self) -> int:
        return self._values

    async def _serve(self, ready: asyncio.Event) -> None:
        async with aiomqtt.Client(self._broker.host, self._broker.port) as client:
            await client.subscribe([(f"{ASKED}+", 1), ("v1/gateway/telemetry", 1)])
            ready.set()
            async for message in client.messages:
                body = json.loads(bytes(message.payload))  # pyright: ignore[reportArgumentType]
                if message.topic.value.startswith(ASKED):
                    number = message.topic.value.removeprefix(ASKED)
                    await client.publish(f"v1/devices/me/rpc/response/{number}", json.dumps(LIMITS), qos=1)
                    continue
                self.moved = time.perf_counter()
                for device, rows in body.items():
                    count = sum(len(row["values"]) for row in rows)
                    if device == PROBE:
                        self._probed += count
                    else:
                        self._values += count


async def _copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    """All that comes, to the end."""
    with contextlib.suppress(ConnectionError):
        while data := await source.read(READ_BYTES):
            target.write(data)
            await target.drain()
    target.close()
