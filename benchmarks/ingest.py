"""Ingest at the broker's speed: publisher, real mosquitto and gateway on one machine, beside a null reader.

    python benchmarks/ingest.py [--qos 0|1] [--seconds 10] [--devices 1000] [--rounds 3] [--json FILE]

Each round runs the same stream twice: into `mosquitto_sub` writing to nowhere (the null reader: the most that this
machine's broker delivers to one client) and into the gateway with limits, journal and DuckDB on. What is counted for
the gateway is what it has journalled, acknowledged, decoded and checked; the CPU time also covers storing it all.
The median round is printed. Then, at half the gateway's rate, the time from publishing a reading over its limit to the
alert's arrival at an MQTT subscriber.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from random import Random

import aiomqtt
import psutil

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests"), str(ROOT / "benchmarks")]

from gateway_load import Run, config, into_gateway, inventory, peak_mb  # noqa: E402
from gateway_process import GatewayProcess  # noqa: E402
from servers import Mosquitto, free_port, program  # noqa: E402

from simulators.fast_publisher import Encoded, encode_chunks, publish_encoded  # noqa: E402

FACTORS = ("a21026", "a21002", "a34013", "a19001", "a01012")
START = 1_767_225_600_000


def payload(time_ms: int, values: list[float]) -> bytes:
    readings = ",".join(f'"{code}":{value}' for code, value in zip(FACTORS, values, strict=True))
    return f'{{"v":1,"time":{time_ms},"readings":{{{readings}}}}}'.ljust(200).encode()


def stream(count: int, devices: int, qos: int, start: int) -> list[Encoded]:
    """`count` messages of 200 bytes, every device in turn, no value over its limit; encoded ahead."""
    random = Random(7)
    shapes = [[round(random.uniform(10, 90), 3) for _ in FACTORS] for _ in range(997)]
    messages = (
        (f"pollution/bench/d{n % devices}/data", payload(start + 1000 * (n // devices), shapes[n % 997]))
        for n in range(count)
    )
    return list(encode_chunks(messages, qos))  # pyright: ignore[reportArgumentType]


async def into_null(broker: Mosquitto, chunks: list[Encoded], count: int, qos: int) -> Run:
    """The same stream into mosquitto_sub, which ends after `count` messages."""
    reader = await asyncio.create_subprocess_exec(
        *(program("mosquitto_sub", "mosquitto-clients"), "-h", broker.host, "-p", str(broker.port), "-V", "mqttv5"),
        *("-t", "pollution/+/+/data", "-q", str(qos), "-C", str(count), "-W", "60", "-x", "0"),
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
    return Run(count / seconds, used / count * 1e6, 0, 0)


async def latency(
    broker: Mosquitto, rate: float, devices: int, qos: int, seconds: float, start: int
) -> tuple[list[float], int]:
    """ms from publish to alert, at `rate` messages a second; and how many alerts should have come."""
    sent: dict[tuple[str, int], float] = {}
    taken: list[float] = []
    every = max(1, int(rate / 50))

    async def listen(client: aiomqtt.Client) -> None:
        async for message in client.messages:
            body = json.loads(bytes(message.payload))  # pyright: ignore[reportArgumentType]
            if body["step"] == "fired":
                key = (body["device"], round(time_of(body["at"]) * 1000))
                if key in sent:
                    taken.append((time.time() - sent.pop(key)) * 1000)

    async with aiomqtt.Client(broker.host, broker.port) as listener:
        await listener.subscribe("alerts/#", qos=1)
        listening = asyncio.create_task(listen(listener))
        background = asyncio.create_task(
            publish_encoded(
                *(broker.host, broker.port, iter(stream(int(rate * seconds), devices, qos, start)), qos),  # pyright: ignore[reportArgumentType]
                rate=rate,
                client_id="background",
            )
        )
        async with aiomqtt.Client(broker.host, broker.port) as probe:
            n = 0
            while not background.done():
                # Devices of their own, so that their readings are in order and each is over the limit only once.
                device = f"d{devices + n % 100}"
                at = start + 10_000_000 + n * 1000
                for shift, value in ((0, 150.0), (500, 10.0)):
                    if shift == 0:
                        sent[device, at] = time.time()
                    await probe.publish(
                        f"pollution/bench/{device}/data", payload(at + shift, [value] + [20.0] * 4), qos
                    )
                n += 1
                await asyncio.sleep(every / rate)
        await background
        await asyncio.sleep(2)
        listening.cancel()
    return taken, n


def time_of(text: str) -> float:
    from datetime import datetime

    return datetime.fromisoformat(text).timestamp()


async def main(arguments: argparse.Namespace) -> dict[str, float]:
    qos, devices = arguments.qos, arguments.devices
    folder = Path(tempfile.mkdtemp(prefix="bench-ingest-"))
    nulls: list[Run] = []
    gateways: list[Run] = []
    try:
        with Mosquitto(folder / "broker", autosave_changes=arguments.autosave) as broker:
            gateway = GatewayProcess(
                folder / "gateway", config(broker, free_port(), qos), inventory(devices + 100, FACTORS)
            )
            guess = 30_000 if qos else 80_000
            count = int(guess * arguments.seconds)
            start = START
            for n in range(arguments.rounds):
                chunks = await asyncio.to_thread(stream, count, devices, qos, start)
                start += 1000 * (count // devices + 1)
                nulls.append(await into_null(broker, chunks, count, qos))
                gateway.log_file.unlink(missing_ok=True)
                gateway.start()  # not while the null reader runs: the broker would deliver to both
                await asyncio.to_thread(gateway.wait_for, "link_up")
                await asyncio.sleep(0.5)
                gateways.append(await into_gateway(broker, gateway, chunks, count, qos))
                if n < arguments.rounds - 1:
                    await asyncio.to_thread(gateway.stop)
                    clear_session(broker)
                null, ours = nulls[-1], gateways[-1]
                print(
                    f"round {n + 1}: null reader {null.rate:8.0f}/s ({null.cpu_us:.1f} us CPU a message), "
                    f"gateway {ours.rate:8.0f}/s ({ours.cpu_us:.1f} us), ratio {ours.rate / null.rate:.2f}"
                    + (f", LOST BY THE BROKER {ours.lost}" if ours.lost else ""),
                    flush=True,
                )
            rate = statistics.median(run.rate for run in gateways) / 2
            times, sent = await latency(broker, rate, devices, qos, min(arguments.seconds, 10.0), start)
            peak = max(run.peak_mb for run in gateways)
            peak = max(peak, peak_mb(psutil.Process(gateway.pid)))
            await asyncio.to_thread(gateway.stop)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    if len(times) < sent:
        print(f"{sent - len(times)} of {sent} probes brought no alert")
    times.sort()
    return {
        "qos": qos,
        "null_rate": round(statistics.median(run.rate for run in nulls)),
        "gateway_rate": round(statistics.median(run.rate for run in gateways)),
        "ratio": round(statistics.median(g.rate / n.rate for g, n in zip(gateways, nulls, strict=True)), 3),
        "cpu_us_per_message": round(statistics.median(run.cpu_us for run in gateways), 2),
        "null_cpu_us_per_message": round(statistics.median(run.cpu_us for run in nulls), 2),
        "lost": sum(run.lost for run in gateways),
        "half_load_rate": round(rate),
        "p50_ms": round(times[len(times) // 2], 1),
        "p99_ms": round(times[int(len(times) * 0.99)], 1),
        "peak_mb": round(peak),
    }


def clear_session(broker: Mosquitto) -> None:
    """Forget the gateway's session, so that the null reader's messages are not queued for it."""
    subprocess.run(
        [
            *(program("mosquitto_sub", "mosquitto-clients"), "-h", broker.host, "-p", str(broker.port), "-V", "mqttv5"),
            *("-i", "bench", "-t", "nothing", "-W", "1", "-x", "0"),
        ],
        capture_output=True,
        check=False,
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--qos", type=int, choices=(0, 1), default=1)
    parser.add_argument("--seconds", type=float, default=10.0, help="length of a stream at the expected rate")
    parser.add_argument("--devices", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--autosave", type=int, default=None, help="broker: save after so many changes (default: not)")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    options = parser.parse_args()
    figures = asyncio.run(main(options))
    for name, figure in figures.items():
        print(f"{name:24} {figure}")
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1) + "\n", "utf-8")
