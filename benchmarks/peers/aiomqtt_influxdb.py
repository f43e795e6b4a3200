"""The straightforward way with aiomqtt and influxdb-client: one callback a message, one point a value.

    python aiomqtt_influxdb.py HOST PORT TOPIC QOS DATABASE_URL

What one writes first, from the two libraries' own examples: `json.loads`, each value against its limits, a `Point`, and
the client's batching writer with its default batch of 1,000. It holds no journal: aiomqtt acknowledges what it has
received, not what is stored.
"""

from __future__ import annotations

import asyncio
import json
import sys

import aiomqtt
from influxdb_client import InfluxDBClient, Point, WriteOptions, WritePrecision

LIMITS = dict.fromkeys(("a21026", "a21002", "a34013", "a19001", "a01012"), (100.0, 200.0))
FLUSH_MS = 200
"""The default is 1,000 ms: too much of a run that lasts seconds."""


async def main(host: str, port: str, topic: str, qos: str, url: str) -> None:
    options = WriteOptions(batch_size=1_000, flush_interval=FLUSH_MS)
    with InfluxDBClient(url, token="none", org="bench") as database, database.write_api(options) as writer:
        over: dict[tuple[str, str], int] = {}

        async with aiomqtt.Client(host, int(port), identifier="peer", protocol=aiomqtt.ProtocolVersion.V5) as client:

            async def on_message(message: aiomqtt.Message) -> None:
                _, site, device, _ = message.topic.value.split("/")
                body = json.loads(message.payload)
                for factor, value in body["readings"].items():
                    level = sum(value > limit for limit in LIMITS[factor])
                    if level != over.get((device, factor), 0):
                        over[device, factor] = level
                        alert = {"device": device, "factor": factor, "level": level, "value": value}
                        await client.publish(f"alerts/{site}/{device}/{factor}", json.dumps(alert), qos=1)
                    point = Point("readings").tag("site", site).tag("device", device).tag("factor", factor)
                    point = point.field("value", value).time(body["time"], WritePrecision.MS)
                    writer.write("bench", record=point, write_precision=WritePrecision.MS)

            await client.subscribe(topic, qos=int(qos))
            async for message in client.messages:
                await on_message(message)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
