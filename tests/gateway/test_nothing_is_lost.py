"""Nothing is lost: 20,000 messages at QoS 1 through a real mosquitto, and whatever is killed or taken away meanwhile.

Every run is compared with the truth (what was published) and with an undisturbed run (the alerts' histories).
"""

from __future__ import annotations

import asyncio
import json
import math
import urllib.parse
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
from gateway_process import GatewayProcess
from servers import Influxd, Mosquitto, StartMosquitto

from gateway.alerts.ledger import Ledger
from simulators.fast_publisher import PublishReport, publish_all

MESSAGES = 20_000
DEVICES = 50
FACTORS = ("a21026", "a21002", "a34013", "a19001", "a01012")
START = 1_767_225_600_000
SEEDS = [(0, 1), (2, 3), (4, 5), (6, 7), (8, 9)]
"""Ten runs of each kind, two at a time, each with a broker and a gateway of its own: a run mostly waits."""
RATE = 6_000
History = list[tuple[str, str, int, int, float]]

INVENTORY = (
    """
[[sites]]
id = "plant"
name = { en = "Plant", zh = "电厂" }
latitude = 32.99
longitude = 112.53

[types.stack]
kind = "stack"
interval_s = 1
silent_after_s = 86400
factors = ["""
    + ", ".join(f'{{ code = "{code}", unit = "mg/m3" }}' for code in FACTORS)
    + """]
limits = [{ factor = "a21026", above = [80.0, 95.0], hold_s = 3, band = 0.1 }]
"""
    + "".join(
        f'\n[[devices]]\nid = "d{n}"\nsite = "plant"\ntype = "stack"\nname = {{ en = "Stack {n}", zh = "{n}号烟囱" }}\n'
        for n in range(DEVICES)
    )
)


def config(broker: Mosquitto, store: str = '[store]\nkind = "duckdb"') -> str:
    return f"""
[[links]]
name = "city"
url = "{broker.url}"
client_id = "gw"
backoff_max_s = 0.5
subscribe = [{{ topic = "pollution/{{site}}/{{device}}/data", codec = "json" }}]

{store}

[writer]
linger_ms = 100
backoff_max_s = 1

[publish]
enabled = false

[api]
enabled = false
"""


def value(device: int, round_: int, factor: int) -> float:
    """Slow waves, each device in its own phase, whose tops are exceedances of a few seconds."""
    return round(50 + 49 * math.sin(round_ / 9 + device + factor * 2), 2)


def messages() -> Iterator[tuple[str, bytes]]:
    """In rounds: every device once a second."""
    for n in range(MESSAGES):
        round_, device = divmod(n, DEVICES)
        readings = {code: value(device, round_, k) for k, code in enumerate(FACTORS)}
        body = {"v": 1, "time": START + 1000 * round_, "readings": readings}
        yield f"pollution/plant/d{device}/data", json.dumps(body).encode()


def truth() -> list[tuple[str, str, int, float]]:
    return sorted(
        (f"d{device}", code, START + 1000 * round_, value(device, round_, k))
        for n in range(MESSAGES)
        for round_, device in [divmod(n, DEVICES)]
        for k, code in enumerate(FACTORS)
    )


async def publish(broker: Mosquitto) -> PublishReport:
    return await publish_all(broker.host, broker.port, messages(), qos=1, rate=RATE, reconnect=True)


async def nothing_comes_any_more(gateway: GatewayProcess) -> None:
    """Wait until the gateway's position stands still: it commits every second while there is anything to take."""
    before, still = -1, 0
    async with asyncio.timeout(60):
        while still < 3:
            await asyncio.sleep(0.5)
            with Ledger.reader(gateway.data / "state.sqlite") as ledger:
                position = ledger.position()
            before, still = position, still + 1 if position == before and position >= MESSAGES else 0


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> History:
    """The alerts' histories of a run in which nothing happens."""
    folder = tmp_path_factory.mktemp("undisturbed")
    with Mosquitto(folder / "broker") as broker:
        gateway = GatewayProcess(folder / "gateway", config(broker), INVENTORY)
        gateway.start()
        try:
            gateway.wait_for("link_up")
            asyncio.run(publish(broker))
            asyncio.run(nothing_comes_any_more(gateway))
            gateway.stop()
        finally:
            gateway.close()
    assert gateway.points() == truth()
    history = gateway.alert_history()
    assert len({step[0] for step in history}) > 100, "there are alerts to compare"
    return history


@pytest.mark.timeout(120)
@pytest.mark.parametrize("seeds", SEEDS)
async def test_the_gateway_is_killed(
    seeds: tuple[int, ...], start_mosquitto: StartMosquitto, tmp_path: Path, undisturbed: History
) -> None:
    async with asyncio.TaskGroup() as runs:
        for seed in seeds:
            runs.create_task(kill_the_gateway(seed, start_mosquitto(), tmp_path / f"gateway-{seed}", undisturbed))


async def kill_the_gateway(seed: int, broker: Mosquitto, folder: Path, undisturbed: History) -> None:
    random = Random(seed)
    gateway = GatewayProcess(folder, config(broker), INVENTORY)
    gateway.start()
    try:
        await asyncio.to_thread(gateway.wait_for, "link_up")
        publishing = asyncio.create_task(publish(broker))
        kills = 0
        while not publishing.done() or kills < 2:
            await asyncio.sleep(random.uniform(0.2, 1.5))
            await asyncio.to_thread(gateway.kill9)
            kills += 1
            gateway.log_file.unlink()
            gateway.start()
            if random.random() < 0.8:  # now and then it dies while starting
                await asyncio.to_thread(gateway.wait_for, "link_up")
        report = await publishing
        assert report.acked == MESSAGES
        await asyncio.to_thread(gateway.wait_for, "link_up")
        await nothing_comes_any_more(gateway)
        await asyncio.to_thread(gateway.stop)
    finally:
        gateway.close()
    assert gateway.points() == truth(), f"seed {seed}, {kills} kills"
    assert gateway.alert_history() == undisturbed, f"seed {seed}, {kills} kills"


@pytest.mark.timeout(120)
@pytest.mark.parametrize("seeds", SEEDS)
async def test_the_broker_is_restarted(
    seeds: tuple[int, ...], start_mosquitto: StartMosquitto, tmp_path: Path, undisturbed: History
) -> None:
    async with asyncio.TaskGroup() as runs:
        for seed in seeds:
            runs.create_task(restart_the_broker(seed, start_mosquitto(), tmp_path / f"gateway-{seed}", undisturbed))


async def restart_the_broker(seed: int, broker: Mosquitto, folder: Path, undisturbed: History) -> None:
    random = Random(seed)
    gateway = GatewayProcess(folder, config(broker), INVENTORY)
    gateway.start()
    try:
        await asyncio.to_thread(gateway.wait_for, "link_up")
        publishing = asyncio.create_task(publish(broker))
        restarts = 0
        while not publishing.done() or restarts < 1:
            await asyncio.sleep(random.uniform(0.3, 1.2))
            await asyncio.to_thread(broker.restart)
            restarts += 1
        report = await publishing
        assert report.acked == MESSAGES
        await nothing_comes_any_more(gateway)
        await asyncio.to_thread(gateway.stop)
    finally:
        gateway.close()
    assert gateway.points() == truth(), f"seed {seed}, {restarts} restarts"
    assert gateway.alert_history() == undisturbed, f"seed {seed}, {restarts} restarts"


@pytest.mark.timeout(150)
async def test_the_database_is_away_for_30_seconds(
    mosquitto: Mosquitto, influxd: Influxd, tmp_path: Path, undisturbed: History
) -> None:
    store = f'[store]\nkind = "influxdb1"\nurl = "http://127.0.0.1:{influxd.port}"\ndatabase = "pollution"'
    gateway = GatewayProcess(tmp_path / "gateway", config(mosquitto, store), INVENTORY)
    gateway.start()
    try:
        gateway.wait_for("link_up")
        publishing = asyncio.create_task(publish(mosquitto))
        await asyncio.sleep(1)
        await asyncio.to_thread(influxd.stop)
        report = await publishing
        assert report.acked == MESSAGES
        await nothing_comes_any_more(gateway)
        assert gateway.alert_history() == undisturbed, "alerts do not wait for the database"
        await asyncio.sleep(28)
        await asyncio.to_thread(influxd.start)
        await asyncio.to_thread(gateway.wait_for, "store_back")
        await asyncio.to_thread(gateway.stop)
    finally:
        gateway.close()
    assert influx_points(influxd) == truth()


def influx_points(server: Influxd) -> list[tuple[str, str, int, float]]:
    query = urllib.parse.quote("select rtd from realtime group by device, factor")
    answer = json.loads(server.request(f"/query?db=pollution&epoch=ms&q={query}"))
    return sorted(
        (series["tags"]["device"], series["tags"]["factor"], time, rtd)
        for series in answer["results"][0]["series"]
        for time, rtd in series["values"]
    )
