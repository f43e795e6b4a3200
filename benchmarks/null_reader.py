"""The null reader: `mosquitto_sub` writing to nowhere, the most that this machine's broker delivers to one client."""

from __future__ import annotations

import asyncio
import subprocess
import time

import psutil
from figures import Round
from gateway_load import CLIENT_ID
from json_stream import TOPIC
from servers import Mosquitto, program

from simulators.fast_publisher import Encoded, publish_encoded


async def into_null(broker: Mosquitto, chunks: list[Encoded], count: int, qos: int) -> Round:
    """The stream into mosquitto_sub, which ends after `count` messages. Ends the benchmark where some are missing."""
    reader = await asyncio.create_subprocess_exec(
        *(program("mosquitto_sub", "mosquitto-clients"), "-h", broker.host, "-p", str(broker.port), "-V", "mqttv5"),
        *("-t", TOPIC, "-q", str(qos), "-C", str(count), "-W", "60", "-x", "0"),
        stdout=asyncio.subprocess.DEVNULL,
    )
    await asyncio.sleep(0.5)
    process = psutil.Process(reader.pid)
    began = time.perf_counter()
    publishing = asyncio.create_task(publish_encoded(broker.host, broker.port, iter(chunks), qos))  # pyright: ignore[reportArgumentType]
    used = 0.0
    while reader.returncode is None:
        try:
            used = sum(process.cpu_times()[:2])
        except psutil.Error:
            break
        await asyncio.sleep(0.05)
    code = await reader.wait()
    seconds = time.perf_counter() - began
    await publishing
    if code:
        raise SystemExit(f"mosquitto_sub ended with {code}: the broker dropped messages of the null reader")
    return Round(count / seconds, used / count * 1e6)


def clear_session(broker: Mosquitto) -> None:
    """Forget the gateway's session, so that messages for others are not queued for it."""
    subprocess.run(
        [
            *(program("mosquitto_sub", "mosquitto-clients"), "-h", broker.host, "-p", str(broker.port), "-V", "mqttv5"),
            *("-i", CLIENT_ID, "-t", "nothing", "-W", "1", "-x", "0"),
        ],
        capture_output=True,
        check=False,
    )
