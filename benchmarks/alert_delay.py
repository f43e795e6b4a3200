"""From publishing a reading over its limit to its alert at a subscriber, while a stream keeps the gateway busy."""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import dataclass
from datetime import datetime

import aiomqtt
from json_stream import FACTORS, payload, stream, topic
from servers import Mosquitto

from simulators.fast_publisher import publish_encoded

PROBES = 100
"""Devices after those of the stream: their readings are in order, and each is over the limit only once."""
PROBES_A_S = 50
LAST_S = 2.0
"""For the alerts that are still on their way at the end."""


@dataclass(frozen=True)
class Delays:
    """What the probes found."""

    ms: list[float]
    """Ascending."""
    missing: int
    """Probes that brought no alert."""

    def figures(self) -> dict[str, float]:
        p50, p99 = (self.ms[int((len(self.ms) - 1) * share)] for share in (0.5, 0.99))
        return {"probes": len(self.ms), "p50_ms": round(p50, 1), "p99_ms": round(p99, 1), "no_alert": self.missing}


async def alert_delay(broker: Mosquitto, rate: float, devices: int, qos: int, seconds: float, start: int) -> Delays:
    """Publish at `rate` messages a second from `start` on (ms UTC of the first reading), with probes in between.

    The inventory has the `devices` of the stream and `PROBES` more. Raises RuntimeError where no alert came at all.
    """
    chunks = await asyncio.to_thread(stream, int(rate * seconds), devices, qos, start)
    sent: dict[tuple[str, int], float] = {}
    taken: list[float] = []

    async def listen(client: aiomqtt.Client) -> None:
        async for message in client.messages:
            now = time.time()
            body = json.loads(bytes(message.payload))  # pyright: ignore[reportArgumentType]
            key = (body["device"], round(datetime.fromisoformat(body["at"]).timestamp() * 1000))
            if body["step"] == "fired" and key in sent:
                taken.append((now - sent.pop(key)) * 1000)

    async with aiomqtt.Client(broker.host, broker.port) as listener, aiomqtt.Client(broker.host, broker.port) as probe:
        await listener.subscribe("alerts/#", qos=1)
        listening = asyncio.create_task(listen(listener))
        background = asyncio.create_task(
            publish_encoded(broker.host, broker.port, iter(chunks), qos, rate=rate, client_id="background")  # pyright: ignore[reportArgumentType]
        )
        n = 0
        while not background.done():
            device, at = f"d{devices + n % PROBES}", start + 10_000_000 + n * 1000
            sent[device, at] = time.time()
            for shift, value in ((0, 150.0), (500, 10.0)):
                await probe.publish(topic(device), payload(at + shift, [value] + [20.0] * (len(FACTORS) - 1)), qos)
            n += 1
            await asyncio.sleep(1 / PROBES_A_S)
        await background
        deadline = time.monotonic() + LAST_S
        while sent and time.monotonic() < deadline:
            await asyncio.sleep(0.05)
        listening.cancel()
    if not taken:
        raise RuntimeError("no probe brought an alert")
    return Delays(sorted(taken), len(sent))
