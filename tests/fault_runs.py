"""Fault runs: a gateway, its broker or its database killed with -9 again and again under load, and what became of it.

A run is reckoned from three things that do not trust each other: what was published and acknowledged to the publisher,
what the gateway's journal holds (it acknowledges nothing else), and what is in the store. So a message that a killed
broker had taken but never passed on is told apart from one that the gateway lost. A seed is a plan of kills.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
import time
import urllib.parse
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Literal

import fault_city as city
from gateway_process import GatewayProcess
from servers import Influxd, Mosquitto, Server, free_port
from tcp_logger import speak

from gateway.alerts.ledger import Ledger
from gateway.journal import format as blocks
from gateway.journal.segments import list_segments
from simulators.fast_publisher import publish_all

Kind = Literal["gateway", "broker", "database"]
LinkKind = Literal["mqtt5", "mqtt311", "hj212"]
KINDS: tuple[Kind, ...] = ("gateway", "broker", "database")
MESSAGES = 12_000
RATE = 6_000
QUIET_S = 1.5
"""The gateway's position has stood still for so long: nothing comes any more."""
History = list[tuple[str, str, int, int, float]]
_DEADLINE_S = 90.0


@dataclass(frozen=True)
class Outcome:
    """What became of one run."""

    kind: Kind
    seed: int
    link: LinkKind
    kills: int
    published: int
    """Messages acknowledged to whoever sent them."""
    lost: int
    """Messages that the gateway had taken, or that no broker can have lost, and that the store has not, whole."""
    duplicated: int
    """Points in the store beyond the first of an instant."""
    broker_lost: int
    """Messages that the broker had acknowledged and never passed on: its own loss."""
    differs: bool
    """Whether the alerts' histories are not those of an undisturbed run on the same messages."""
    seconds: float

    @property
    def bad(self) -> bool:
        return bool(self.lost or self.duplicated or self.differs)


def link_of(kind: Kind, seed: int) -> LinkKind:
    """Each link comes under each fault that it can meet."""
    links: tuple[LinkKind, ...] = ("mqtt5", "mqtt311") if kind == "broker" else ("mqtt5", "mqtt311", "hj212")
    return links[seed % len(links)]


async def undisturbed(folder: Path, link: LinkKind) -> History:
    """The alerts' histories of a run in which nothing happens."""
    outcome, history = await _run("gateway", 0, link, folder, kills=False)
    assert not outcome.lost and not outcome.duplicated, f"an undisturbed run: {outcome}"
    assert len({step[0] for step in history}) > 20, "there are alerts to compare"
    return history


async def run(kind: Kind, seed: int, folder: Path, calm: History, link: LinkKind | None = None) -> Outcome:
    """One run. `calm`: the histories of `undisturbed` for its link."""
    outcome, history = await _run(kind, seed, link or link_of(kind, seed), folder, kills=True)
    if outcome.broker_lost:
        calm = await _judged_again(folder)
    return replace(outcome, differs=history != calm)


async def _run(kind: Kind, seed: int, link: LinkKind, folder: Path, *, kills: bool) -> tuple[Outcome, History]:
    began = time.monotonic()
    random = Random(f"{kind}/{seed}")
    folder.mkdir(parents=True)
    port = free_port()
    with contextlib.ExitStack() as servers:
        broker = None if link == "hj212" else servers.enter_context(Mosquitto(folder / "broker"))
        influxd = servers.enter_context(Influxd(folder / "influxd")) if kind == "database" else None
        store = '[store]\nkind = "duckdb"'
        if influxd is not None:
            influxd.create_database()
            store = f'[store]\nkind = "influxdb1"\nurl = "http://127.0.0.1:{influxd.port}"\ndatabase = "pollution"'
        source = city.listener(port) if broker is None else city.link(broker.url, link)
        gateway = GatewayProcess(folder / "gateway", city.config(source, store), city.inventory())
        gateway.start()
        up = "listener_up" if broker is None else "link_up"
        try:
            await asyncio.to_thread(gateway.wait_for, up)
            load = asyncio.create_task(publish(broker) if broker is not None else _speak_all(port))
            count = 0
            if kills:
                count = await _kill(_victim(kind, gateway, broker, influxd, up, random), load, random)
            published = await load
            if not gateway.running:
                gateway.start()
            await asyncio.to_thread(gateway.wait_for, up)
            await settled(gateway)
            await asyncio.to_thread(gateway.stop)
        finally:
            gateway.close()
        stored = influx_points(influxd) if influxd is not None else gateway.points()
    outcome = Outcome(kind, seed, link, count, published, 0, 0, 0, False, 0.0)
    return _reckoned(outcome, gateway, stored, began), gateway.alert_history()


def _reckoned(outcome: Outcome, gateway: GatewayProcess, stored: list[city.Point], began: float) -> Outcome:
    kept = set(stored)
    duplicated = len(stored) - len({point[:3] for point in stored})
    if outcome.link == "hj212":
        lost, broker_lost = len(city.logger_points() - kept), 0
        assert kept <= city.logger_points(), "the store has what nobody sent"
    else:
        topics, payloads = _journalled(gateway)
        taken = set(zip(topics, payloads, strict=True))
        truth = set(city.messages(MESSAGES))
        assert taken <= truth, "the journal has what nobody sent"
        assert kept <= city.points_of([payload for _, payload in truth], [topic for topic, _ in truth])
        unheard = truth - taken
        broker_lost = len(unheard) if outcome.kind == "broker" else 0
        lost = 0 if outcome.kind == "broker" else len(unheard)
        for topic, payload in taken:
            lost += not city.points_of([payload], [topic]) <= kept
    return replace(outcome, lost=lost, duplicated=duplicated, broker_lost=broker_lost, seconds=time.monotonic() - began)


Victim = Callable[[], Awaitable[None]]


def _victim(
    kind: Kind,
    gateway: GatewayProcess,
    broker: Server | None,
    influxd: Server | None,
    up: str,
    random: Random,
) -> Victim:
    """Kills once and starts again."""

    async def kill_gateway() -> None:
        await asyncio.to_thread(gateway.kill9)
        gateway.log_file.unlink()
        await asyncio.sleep(random.choice((0.0, 0.0, 0.3)))
        gateway.start()
        if random.random() < 0.8:  # now and then it dies while starting
            await asyncio.to_thread(gateway.wait_for, up)

    async def kill_server() -> None:
        server = broker if kind == "broker" else influxd
        assert server is not None
        await asyncio.to_thread(server.kill9)
        await asyncio.sleep(random.uniform(0.0, 0.6))
        await asyncio.to_thread(server.start)

    return kill_gateway if kind == "gateway" else kill_server


async def _kill(victim: Victim, load: asyncio.Task[int], random: Random) -> int:
    """Kill until the load is over, at least twice, at most six times."""
    count = 0
    while count < 2 or (not load.done() and count < 6):
        await asyncio.sleep(random.uniform(0.1, 0.9))
        await victim()
        count += 1
    return count


async def publish(broker: Mosquitto) -> int:
    """Publish the load; how many messages the broker acknowledged, which is all of them."""
    report = await publish_all(
        broker.host, broker.port, city.messages(MESSAGES), qos=1, rate=RATE, reconnect=True, client_id="city"
    )
    assert report.acked == MESSAGES
    return report.acked


async def _speak_all(port: int) -> int:
    """All loggers send every frame until it is answered; how many there were."""
    said = [city.frames(device) for device in range(city.LOGGERS)]
    await asyncio.gather(*(speak(port, frames, pause_s=0.08) for frames in said))
    return sum(map(len, said))


async def settled(gateway: GatewayProcess) -> None:
    """Return when the gateway's position stands still: it commits every second while there is anything to take."""
    before, since = -1, time.monotonic()
    async with asyncio.timeout(_DEADLINE_S):
        while time.monotonic() - since < QUIET_S or before <= 0:
            await asyncio.sleep(0.25)
            with Ledger.reader(gateway.data / "state.sqlite") as ledger:
                position = ledger.position()
            if position != before:
                before, since = position, time.monotonic()


def _journalled(gateway: GatewayProcess) -> tuple[list[str], list[bytes]]:
    """Topics and payloads of all that the journal holds: far from its bound, that is all that it ever held."""
    topics: list[str] = []
    payloads: list[bytes] = []
    segments = list_segments(gateway.data / "journal")
    assert segments and segments[0].first == 0, "the journal was cut: its bound is too small for this"
    for segment in segments:
        data, at = memoryview(segment.path.read_bytes()), 0
        while at < len(data):
            found = blocks.decode(data, at)
            assert found is not None, f"{segment.path}: damage at {at}"
            block, at = found
            topics += block.topics
            payloads += block.payloads
    return topics, payloads


async def _judged_again(folder: Path) -> History:
    """The alerts' histories of a fresh gateway that reads the same journal from its beginning, undisturbed."""
    source = city.link(f"mqtt://127.0.0.1:{free_port()}")  # where nobody is: all it has is the journal
    gateway = GatewayProcess(folder / "again", city.config(source), city.inventory())
    shutil.copytree(folder / "gateway" / "data" / "journal", gateway.data / "journal")
    gateway.start()
    try:
        await asyncio.to_thread(gateway.wait_for, "recovered")
        await asyncio.to_thread(gateway.stop)
    finally:
        gateway.close()
    return gateway.alert_history()


def influx_points(server: Influxd) -> list[city.Point]:
    """All points of the database."""
    query = urllib.parse.quote("select rtd from realtime group by device, factor")
    answer = json.loads(server.request(f"/query?db=pollution&epoch=ms&q={query}"))
    return [
        (series["tags"]["device"], series["tags"]["factor"], at, number)
        for series in answer["results"][0]["series"]
        for at, number in series["values"]
    ]
