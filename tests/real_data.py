"""Real input through a real gateway: frames and pictures that others recorded, and what became of each of them.

Shared by `benchmarks/real_input.py` and `tests/gateway/test_real_input.py`. The gateway runs as a process of its own,
everything reaches it over the broker, and every figure comes from outside of it: its metrics, what it publishes, and
what is in its store, its ledger and its evidence folder when it has stopped.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import aiomqtt
import duckdb
import psutil
from gateway_process import GatewayProcess
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from prometheus_client.parser import text_string_to_metric_families
from servers import Mosquitto, free_port

from gateway.alerts.ledger import Ledger
from gateway.records import DeadLetter

VECTORS = Path("domain/hj212_vectors.jsonl")
HIGHWAY = Path("data/video/cdnet_highway/highway")
"""Below the folder of outside data. The highway's pictures are `input/in000001.jpg` and on."""
ROAD = ((0.42, 0.30), (0.80, 0.30), (0.74, 1.0), (0.03, 1.0))
"""The near half of the highway's road."""
ROAD_SHARE = 0.01
SITE, CAMERA, ZONE = "field", "highway", "road"
FRAME_TOPIC = f"camera/{SITE}/{CAMERA}/frame"
SETTLE_S = 30.0
POLL_S = 0.02

BadCrc = Literal["dead_letter", "accept"]
Figures = dict[str, float]
"""Metrics by name; where there is a label, by name, blank, value of the label."""


@dataclass(frozen=True)
class Vector:
    """One HJ 212 frame as somebody logged it, and what the file says of it."""

    frame: bytes
    source: str
    cn: str
    crc_ok: bool
    length_ok: bool

    @property
    def mn(self) -> str:
        return self.frame.split(b"MN=", 1)[1].split(b";", 1)[0].decode()


def read_vectors(data: Path) -> list[Vector]:
    """The frames of the file, in its order."""
    lines = (data / VECTORS).read_text("utf-8").splitlines()
    rows = [json.loads(line) for line in lines if line.strip()]
    return [Vector(r["frame"].encode(), r["source"], r["cn"], r["crc_ok"], r["length_ok"]) for r in rows]


def inventory(vectors: Sequence[Vector]) -> str:
    """One site with a device for each MN of the frames, its id the MN, and a camera with one zone."""
    corners = ", ".join(f"[{x}, {y}]" for x, y in ROAD)
    head = f"""
[[sites]]
id = "{SITE}"
name = {{ en = "Field", zh = "现场" }}
latitude = 33.0
longitude = 112.5

[types.logger]
kind = "logger"
interval_s = 60
silent_after_s = 86400

[[cameras]]
id = "{CAMERA}"
site = "{SITE}"
name = {{ en = "Highway", zh = "公路" }}
silent_after_s = 86400

[[cameras.zones]]
id = "{ZONE}"
name = {{ en = "Road", zh = "路面" }}
polygon = [{corners}]
share = {ROAD_SHARE}
"""
    return head + "".join(
        f'\n[[devices]]\nid = "{mn}"\nsite = "{SITE}"\ntype = "logger"\nmn = "{mn}"\n'
        for mn in sorted({vector.mn for vector in vectors})
    )


def gateway_for(
    broker: Mosquitto, folder: Path, vectors: Sequence[Vector], bad_crc: BadCrc = "dead_letter"
) -> GatewayProcess:
    """A gateway for the data, not yet started. The name of its folder is its session's on the broker."""
    config = f"""
[[links]]
name = "real"
url = "{broker.url}"
client_id = "{folder.name}"
subscribe = [
    {{ topic = "pollution/{{site}}/{{device}}/data", codec = "hj212" }},
    {{ topic = "camera/{{site}}/{{camera}}/frame", codec = "jpeg" }},
]

[hj212]
quarantine = {["crc_wrong", "crc_modbus"] if bad_crc == "dead_letter" else []}

[writer]
linger_ms = 100

[api]
console = false
port = {free_port()}
"""
    return GatewayProcess(folder, config, inventory(vectors))


@asynccontextmanager
async def running(gateway: GatewayProcess) -> AsyncGenerator[None]:
    """Started and connected inside; stopped in order afterwards, and ended whatever happens."""
    try:
        await asyncio.to_thread(gateway.start)
        await asyncio.to_thread(gateway.wait_for, "link_up")
        yield
        await asyncio.to_thread(gateway.stop)
    finally:
        gateway.close()


async def figures_of(gateway: GatewayProcess) -> Figures:
    text = (await asyncio.to_thread(gateway.get, "/metrics")).decode()
    samples = (sample for family in text_string_to_metric_families(text) for sample in family.samples)
    return {" ".join((sample.name, *sample.labels.values())): sample.value for sample in samples}


def labelled(figures: Figures, name: str) -> Counter[str]:
    """The counts of one metric by its label."""
    return Counter({key.removeprefix(f"{name} "): int(n) for key, n in figures.items() if key.startswith(f"{name} ")})


async def until(gateway: GatewayProcess, settled: Callable[[Figures], bool]) -> Figures:
    """The figures once they are settled, or where they stand still when the time is up: the caller compares."""
    deadline = time.monotonic() + SETTLE_S
    while not settled(figures := await figures_of(gateway)) and time.monotonic() < deadline:
        await asyncio.sleep(POLL_S)
    return figures


@dataclass(frozen=True)
class Outcome:
    """What became of one HJ 212 frame."""

    vector: Vector
    readings: int
    """Readings decoded."""
    stored: int
    """Rows in the store that carry the frame's journal position. The other readings were stored before: the same
    device, factor, field and time."""
    alive: int
    letters: tuple[DeadLetter, ...]

    @property
    def ends(self) -> int:
        """In how many ways it ended: exactly one, or the frame is lost or counted twice."""
        return bool(self.readings) + bool(self.alive) + bool(self.letters)

    @property
    def verdict(self) -> str:
        if self.letters:
            return "dead: " + "; ".join(f"{letter.reason} ({letter.detail})" for letter in self.letters)
        if self.alive:
            return "alive"
        before = self.readings - self.stored
        return f"stored {self.stored} readings" + (f", {before} were stored before" if before else "")


async def play_vectors(gateway: GatewayProcess, broker: Mosquitto, vectors: Sequence[Vector]) -> list[Outcome]:
    """Publish the frames one by one into a gateway without data, so that frame n has journal position n."""
    decoded: list[tuple[int, int]] = []
    async with running(gateway), aiomqtt.Client(broker.host, broker.port) as logger:
        before = await figures_of(gateway)
        for n, vector in enumerate(vectors):
            await logger.publish(f"pollution/{SITE}/{vector.mn}/data", vector.frame, qos=1)
            await until(gateway, lambda now, n=n: now["gateway_pipeline_position"] > n)
            after = await figures_of(gateway)  # the position is the last to move: these are whole
            decoded.append(
                (
                    int(after["gateway_readings_total"] - before["gateway_readings_total"]),
                    int(after["gateway_alive_messages_total"] - before["gateway_alive_messages_total"]),
                )
            )
            before = after
    with duckdb.connect(str(gateway.data / "readings.duckdb"), read_only=True) as store:
        stored = dict(store.execute("select position, count(*) from points group by position").fetchall())
    with Ledger.reader(gateway.data / "state.sqlite") as ledger:
        kept = [letter.letter for letter in ledger.dead_letters(limit=10_000)]
    letters = [tuple(letter for letter in kept if letter.position == n) for n in range(len(vectors))]
    assert sum(map(len, letters)) == len(kept) and set(stored) <= set(range(len(vectors))), "all are of these frames"
    return [
        Outcome(vector, readings, stored.get(n, 0), alive, letters[n])
        for n, (vector, (readings, alive)) in enumerate(zip(vectors, decoded, strict=True))
    ]


@dataclass
class ClipRun:
    """What became of the pictures of one clip. Times are ms UTC."""

    start: int
    fps: float
    published: int
    seconds: float = 0.0
    """It took to publish them."""
    received: int = 0
    analysed: int = 0
    dropped: Counter[str] = field(default_factory=Counter[str])
    refused: Counter[str] = field(default_factory=Counter[str])
    """No pictures at all: dead letters by reason, never offered to a worker."""
    steps: Counter[str] = field(default_factory=Counter[str])
    """Of security alerts, as the gateway counted them."""
    alerts: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    """Every message on `alerts/...`."""
    detections: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    """Every message on `detections/...`."""
    delays: list[int] = field(default_factory=list[int])
    """From the capture time of a picture to its detection at the subscriber."""
    detections_sent: int = 0
    detections_dropped: int = 0
    worker_cpu_s: float = 0.0
    gateway_cpu_s: float = 0.0
    """Of the main process."""

    def captured(self, number: int) -> int:
        """When picture `number`, from 0, was due."""
        return self.start + round(number * 1000 / self.fps)

    def number(self, captured: int) -> int:
        """The picture that was due at a time; raises ValueError where none was."""
        number = round((captured - self.start) * self.fps / 1000)
        if not 0 <= number < self.published or self.captured(number) != captured:
            raise ValueError(f"no picture was published with the capture time {captured}")
        return number

    @property
    def lost(self) -> int:
        """Pictures that nobody knows of. 0, or the gateway loses silently."""
        return self.published - self.received - self.refused.total()

    @property
    def unsettled(self) -> int:
        """Pictures received and neither analysed nor dropped with a reason. 0."""
        return self.received - self.analysed - self.dropped.total()


async def play_clip(gateway: GatewayProcess, broker: Mosquitto, pictures: Sequence[bytes], fps: float) -> ClipRun:
    """Publish pictures as a camera would, in real time, and follow them to alerts and detections on MQTT."""
    async with running(gateway), aiomqtt.Client(broker.host, broker.port) as listener:
        await listener.subscribe([("alerts/#", 1), ("detections/#", 0)])
        process, worker = _processes(gateway)
        before = _cpu_s(process), _cpu_s(worker)
        run = ClipRun(round(time.time() * 1000), fps, len(pictures))
        listening = asyncio.create_task(_listen(listener, run))
        run.seconds = await _publish(broker, pictures, run)

        def settled(figures: Figures) -> bool:
            _take(figures, run)
            steps = sum(labelled(figures, "gateway_alert_steps_total").values())
            return (
                not run.lost
                and not run.unsettled
                and len(run.alerts) == steps == figures["gateway_alerts_published_total"]
                and len(run.detections) == run.detections_sent
            )

        await until(gateway, settled)
        run.gateway_cpu_s, run.worker_cpu_s = _cpu_s(process) - before[0], _cpu_s(worker) - before[1]
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)
    return run


async def _publish(broker: Mosquitto, pictures: Sequence[bytes], run: ClipRun) -> float:
    """Each at its time, none skipped. Returns the seconds it took."""
    loop = asyncio.get_running_loop()
    async with aiomqtt.Client(broker.host, broker.port, protocol=aiomqtt.ProtocolVersion.V5) as camera:
        began = loop.time() - (time.time() * 1000 - run.start) / 1000
        for number, picture in enumerate(pictures):
            await asyncio.sleep(began + number / run.fps - loop.time())
            properties = Properties(PacketTypes.PUBLISH)
            properties.UserProperty = ("captured", str(run.captured(number)))
            await camera.publish(FRAME_TOPIC, picture, qos=1, properties=properties)
        return loop.time() - began


async def _listen(client: aiomqtt.Client, run: ClipRun) -> None:
    async for message in client.messages:
        assert isinstance(message.payload, bytes)
        body: dict[str, Any] = json.loads(message.payload)
        if message.topic.matches("detections/#"):
            run.detections.append(body)
            run.delays.append(round(time.time() * 1000) - ms_of(body["captured"]))
        else:
            run.alerts.append(body)


def _take(figures: Figures, run: ClipRun) -> None:
    run.received = int(figures["gateway_frames_received_total"])
    run.analysed = int(figures["gateway_frames_analysed_total"])
    run.dropped = labelled(figures, "gateway_frames_dropped_total")
    dead = labelled(figures, "gateway_dead_letters_total")
    run.refused = Counter({reason: n for reason, n in dead.items() if reason not in run.dropped})
    steps = labelled(figures, "gateway_alert_steps_total")
    run.steps = Counter({key.split()[1]: n for key, n in steps.items() if key.startswith("security ")})
    run.detections_sent = int(figures["gateway_detections_published_total"])
    run.detections_dropped = int(figures["gateway_detections_dropped_total"])


def _processes(gateway: GatewayProcess) -> tuple[psutil.Process, psutil.Process]:
    """The gateway and its frame worker."""
    process = psutil.Process(gateway.pid)
    (worker,) = (child for child in process.children() if "spawn_main" in " ".join(child.cmdline()))
    return process, worker


def _cpu_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.user + times.system


def ms_of(stamp: str) -> int:
    """A time of a published message as ms UTC.

    >>> ms_of("1970-01-01T00:00:01.002Z")
    1002
    """
    return round(datetime.fromisoformat(stamp).timestamp() * 1000)


def pictures_of(data: Path, first: int = 1, most: int | None = None) -> list[bytes]:
    """The highway's pictures from number `first` (from 1) on, as their bytes."""
    files = sorted((data / HIGHWAY / "input").glob("*.jpg"))[first - 1 :]
    return [file.read_bytes() for file in files[:most]]
