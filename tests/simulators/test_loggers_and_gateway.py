"""Simulated loggers before the whole gateway, over TCP and MQTT: nothing is lost, gaps are filled, clocks are set."""

from __future__ import annotations

import asyncio
import contextlib
import re
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import duckdb
from hj212_gateway import running
from played import stream
from servers import Mosquitto, free_port
from typer.testing import CliRunner, Result

from gateway.cli import app
from simulators import inventory, library
from simulators.broker import Broker
from simulators.clock import WallClock
from simulators.live import Ways, play_live
from simulators.loggers.frames import read
from simulators.records import Happening, Message
from simulators.scenario import Scenario

SPEED = 60
AHEAD_MS = 7_200_000
SCENARIO = """
about = "three loggers of one plant"

[[sites]]
id = "plant"
name = { en = "Plant", zh = "电厂" }
latitude = 33.0
longitude = 112.5

[types.stack]
kind = "stack"
interval_s = 3
silent_after_s = 86400
factors = [{ code = "a21026", unit = "mg/m3", name = { en = "SO2", zh = "二氧化硫" } }]
hj212 = { minute_s = 60, commands = ["time", "intervals", "history"] }
simulate = { codec = "hj212", minute = true, password = "sim212" }

[[devices]]
id = "tcp"
site = "plant"
type = "stack"
mn = "010000A8900016F000169DC0"
name = { en = "tcp", zh = "tcp" }
simulate = { carrier = "tcp", wants_reply = true }

[[devices]]
id = "wrong-clock"
site = "plant"
type = "stack"
mn = "88888880000001"
name = { en = "clock", zh = "clock" }
simulate = { carrier = "tcp", wants_reply = true, edition = "2005" }

[[devices]]
id = "mqtt"
site = "plant"
type = "stack"
mn = "010000A8900016F000169DC1"
name = { en = "mqtt", zh = "mqtt" }
simulate = { edition = "2025", sm4_key = "000102030405060708090A0B0C0D0E0F" }

[[faults]]
kind = "clock_step"
site = "plant"
device = "wrong-clock"
offset_s = 7200
start_s = 0
"""
CONFIG = """
data = "data"
inventory = "inventory.toml"
silence_check_s = 0.1

[[links]]
name = "city"
url = "{url}"
client_id = "{client}"
subscribe = [{{ topic = "pollution/{{site}}/{{device}}/data" }}]

[[listeners]]
name = "loggers"
port = {port}

[hj212]
keys_file = "keys.toml"
request_timeout_s = 2

[writer]
linger_ms = 20

[publish]
enabled = false

[api]
console = false
port = 0
"""


class Fleet:
    """The scenario in a thread of its own."""

    def __init__(self, plan: Scenario, ways: Ways, start: int) -> None:
        self.clock = WallClock(SPEED, start)
        self.truth: list[dict[str, object]] = []
        self.figures: dict[str, object] = {}
        self.said: list[str] = []
        self.stop = threading.Event()

        def run() -> None:
            note: Callable[[Happening], None] = lambda happening: self.truth.append(happening.record)  # noqa: E731
            self.figures = play_live(plan, "test", 1, ways, self.clock, self.stop, truth=note, tell=self.said.append)

        self.thread = threading.Thread(target=run)
        self.thread.start()


@contextlib.contextmanager
def fleet_of(plan: Scenario, ways: Ways, start: int) -> Iterator[Fleet]:
    fleet = Fleet(plan, ways, start)
    try:
        yield fleet
    finally:
        fleet.stop.set()
        fleet.thread.join(30)


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(40):
        while not condition():
            await asyncio.sleep(0.02)


async def send(config: Path, device: str, command: str, *options: str) -> Result:
    arguments = ["send", f"plant/{device}", command, "--config", str(config), *options, "--wait", "20"]
    return await asyncio.to_thread(CliRunner().invoke, app, arguments)


def iso(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat()


def ms(stamp: str, plan: Scenario) -> int:
    """ms UTC of a stamp in local time."""
    return round(datetime.strptime(stamp, "%Y%m%d%H%M%S").replace(tzinfo=plan.sites[0].zone).timestamp() * 1000)


Point = tuple[str, int, float]
"""Field, ms UTC and value."""


def expected(plan: Scenario, start: int, device: str, cn: str, until: int) -> list[Point]:
    """All that the scenario says of a device with a command, whichever way it went, of the time up to `until`."""
    readable = [d.model_copy(update={"simulate": d.simulate.model_copy(update={"sm4_key": ""})}) for d in plan.devices]
    points: list[Point] = []
    for item in stream(plan.model_copy(update={"devices": tuple(readable)}), 1, start, (until - start) / 1000 + 120):
        if isinstance(item, Message) and item.topic == f"pollution/plant/{device}/data":
            heard = read(item.payload)
            assert heard is not None
            if heard.cn == cn:
                at = ms(heard.items["DataTime"], plan)
                values = {name.partition("-")[2]: text for name, text in heard.items.items() if "-" in name}
                points += [(field, at, float(text)) for field, text in values.items() if field != "Flag"]
    return sorted(point for point in points if point[1] <= until)


def stored(folder: Path, device: str, period: str) -> list[Point]:
    with duckdb.connect(str(folder / "data" / "readings.duckdb"), read_only=True) as connection:
        return connection.execute(
            "select field, epoch_ms(time), value from readings where device = ? and period = ? order by all",
            [device, period],
        ).fetchall()


async def test_loggers_keep_what_is_not_answered_history_fills_the_gap_and_a_clock_is_set(
    mosquitto: Mosquitto, tmp_path: Path
) -> None:
    (tmp_path / "s.toml").write_text(SCENARIO, "utf-8")
    plan = library.load(str(tmp_path / "s.toml"))
    (tmp_path / "inventory.toml").write_text(inventory.toml(plan), "utf-8")
    inventory.write_keys(plan, tmp_path / "keys.toml")
    config, port = tmp_path / "gateway.toml", free_port()
    start = int(time.time() - 3600) // 60 * 60_000

    config.write_text(CONFIG.format(url=mosquitto.url, client="first", port=port), "utf-8")
    async with contextlib.AsyncExitStack() as first:
        await first.enter_async_context(running(config))
        with fleet_of(plan, Ways(Broker.of(mosquitto.url), ("127.0.0.1", port)), start) as fleet:
            await until(lambda: fleet.clock.now() > start + 130_000)
            await first.aclose()
            await until(lambda: fleet.clock.now() > start + 250_000)

            # Another session: what was published meanwhile is lost to it.
            config.write_text(CONFIG.format(url=mosquitto.url, client="second", port=port), "utf-8")
            async with running(config) as service:
                number = service.inventory.mn_numbers["010000A8900016F000169DC1"]
                await until(lambda: service.checks.loggers.gaps(number))
                fetched = await send(
                    config, "mqtt", "fetch-minutes", "--begin", iso(start), "--end", iso(start + AHEAD_MS)
                )
                assert fetched.exit_code == 0, fetched.output
                assert service.checks.loggers.gaps(number) == []

                right = fleet.clock.now()
                set_ = await send(config, "wrong-clock", "set-time", "--time", iso(right))
                assert set_.exit_code == 0, set_.output
                told = await send(config, "wrong-clock", "read-time")
                assert told.exit_code == 0, told.output
                # The gateway runs in this process, so lines of its log may be among the output.
                stamp = re.findall(r"(?m)SystemTime\W+(\d{14})", told.output)[-1]
                shown = ms(stamp, plan)
                assert right - 1_000 <= shown < right + AHEAD_MS / 2, "it was two hours ahead before"
                (truth,) = [line for line in fleet.truth if line["layer"] == "command"]
                assert (truth["kind"], truth["device"]) == ("set_time", "wrong-clock")

                fleet.stop.set()
                await until(lambda: not fleet.thread.is_alive())
    assert (fleet.figures["messages_failed"], fleet.figures["commands"]) == (0, 3)
    for device, period, cn in (("tcp", "realtime", "2011"), ("tcp", "minute", "2051"), ("mqtt", "minute", "2051")):
        found = stored(tmp_path, device, period)
        last = max(at for _, at, _ in found)
        assert last > start + 240_000
        assert found == expected(plan, start, device, cn, last), (device, period)
