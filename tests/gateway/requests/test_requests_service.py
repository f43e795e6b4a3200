"""Commands from end to end: the service, a real broker and a listener before it, simulated loggers behind them."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncGenerator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import httpx
import pytest
from gateway_process import GatewayProcess
from hj212_logger import Logger, Send, over_mqtt, over_tcp
from servers import Mosquitto, free_port
from typer.testing import CliRunner, Result

from gateway.cli import app
from gateway.config_file import load
from gateway.requests import gap_filler
from gateway.requests.ledger import RequestReader
from gateway.requests.records import Request
from gateway.service import Service
from gateway.service_views import api_server

MN = "010000A8900016F000169DC0"
PW = "654321"
KEYS = f'[devices.{MN}]\npassword = "{PW}"\n'
SO2 = "a21026-Avg={},a21026-Flag=N"
WAYS = ("tcp", "mqtt")
EDITIONS = ("2005", "2017", "2025")


def inventory(hj212: str) -> str:
    return f"""
[[sites]]
id = "plant"
name = {{ en = "Plant", zh = "电厂" }}
latitude = 32.99
longitude = 112.53

[[devices]]
id = "d0"
site = "plant"
mn = "{MN}"
name = {{ en = "d0", zh = "d0" }}
kind = "stack"
interval_s = 60
factors = [{{ code = "a21026", unit = "mg/m3", name = {{ en = "SO2", zh = "二氧化硫" }} }}]
hj212 = {{ {hj212} }}
"""


def settings(broker: Mosquitto, port: int = 0, tcp: int = 0) -> str:
    return f"""
silence_check_s = 0.1

[[links]]
name = "city"
url = "{broker.url}"
client_id = "gw"
backoff_max_s = 0.2
subscribe = [{{ topic = "pollution/{{site}}/{{device}}/data" }}]

[[listeners]]
name = "loggers"
port = {tcp}

[hj212]
keys_file = "keys.toml"
request_timeout_s = 1
request_retries = 2

[writer]
linger_ms = 20

[api]
console = false
port = {port}
"""


ALL = 'commands = ["time", "intervals", "history", "sample"]'


def write(folder: Path, broker: Mosquitto, hj212: str = ALL) -> Path:
    file = folder / "gateway.toml"
    file.write_text(f'data = "data"\ninventory = "inventory.toml"\n{settings(broker)}', "utf-8")
    (folder / "inventory.toml").write_text(inventory(hj212), "utf-8")
    write_keys(folder)
    return file


def write_keys(folder: Path) -> None:
    """The password of the logger, which the listener and every command need."""
    file = folder / "keys.toml"
    file.touch(0o600)
    file.write_text(KEYS, "utf-8")


def logger_of(edition: str = "2017", st: str = "31", deaf: int = 0, qn_rtn: str = "1", closes: bool = True) -> Logger:
    """The logger of the inventory."""
    return Logger(MN, edition, st, PW, deaf=deaf, qn_rtn=qn_rtn, closes=closes)


async def until(condition: Callable[[], object], seconds: float = 20) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)


@contextlib.asynccontextmanager
async def running(config: Path) -> AsyncGenerator[Service]:
    service = Service(*load(config), api_server)
    stop = asyncio.Event()
    task = asyncio.create_task(service.run(stop))
    try:
        await until(lambda: task.done() or all(link.status.connected for link in service.links))
        if task.done():
            task.result()
        yield service
    finally:
        stop.set()
        await task


@contextlib.asynccontextmanager
async def connected(way: str, logger: Logger, broker: Mosquitto, port: int) -> AsyncGenerator[Send]:
    """The logger, connected by TCP or MQTT."""
    if way == "tcp":
        async with over_tcp(logger, "127.0.0.1", port) as send:
            yield send
    else:
        topics = ("pollution/plant/d0/data", "pollution/plant/d0/reply")
        async with over_mqtt(logger, broker.host, broker.port, *topics) as send:
            yield send


@contextlib.asynccontextmanager
async def heard(way: str, logger: Logger, broker: Mosquitto, service: Service) -> AsyncGenerator[Send]:
    """As `connected`, from when the gateway has heard the logger."""
    async with connected(way, logger, broker, service.listeners[0].port) as send:
        await send(logger.data("2011", stamp(datetime.now(UTC)), "a21026-Rtd=1.5,a21026-Flag=N"))
        await until(lambda: service.pipeline.counts.messages > 0)
        yield send


def stamp(moment: datetime) -> str:
    """Local time of the site, as the logger writes it."""
    return f"{moment + timedelta(hours=8):%Y%m%d%H%M%S}"


def iso(moment: datetime) -> str:
    return moment.isoformat()


def this_hour() -> datetime:
    return datetime.now(UTC).replace(minute=0, second=0, microsecond=0)


async def send(config: Path, command: str, *options: str, wait: float = 20) -> Result:
    """`gateway send` as a user would call it, beside the running gateway."""
    arguments = ["send", "plant/d0", command, "--config", str(config), *options, "--wait", str(wait)]
    return await asyncio.to_thread(CliRunner().invoke, app, arguments)


def trail(result: Result) -> list[tuple[str, str]]:
    """State and reason of each step that was printed."""
    lines = [line.split() for line in result.output.splitlines()]
    return [(words[1], words[2]) for words in lines if words[0].endswith("Z")]


def hours(folder: Path) -> list[tuple[datetime, float]]:
    """Start and value of the hours in the store of a stopped gateway."""
    with duckdb.connect(str(folder / "data" / "readings.duckdb"), read_only=True) as connection:
        rows = connection.execute(
            "select epoch_ms(time), value from readings where period = 'hour' order by all"
        ).fetchall()
    return [(datetime.fromtimestamp(at / 1000, UTC), value) for at, value in rows]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("edition", EDITIONS)
async def test_the_clock_is_set_and_read(edition: str, way: str, mosquitto: Mosquitto, tmp_path: Path) -> None:
    config, logger = write(tmp_path, mosquitto), logger_of(edition)
    async with running(config) as service, heard(way, logger, mosquitto, service):
        set_ = await send(config, "set-time", "--time", "2026-05-01T16:00:00")
        assert (set_.exit_code, logger.clock) == (0, "20260501160000"), set_.output
        assert trail(set_) == [
            ("asked", "asked"),
            ("sent", "first_try"),
            ("accepted", "accepted"),
            ("done", "executed"),
        ]
        read = await send(config, "read-time")
        assert (read.exit_code, trail(read)[-2:]) == (0, [("accepted", "data"), ("done", "executed")]), read.output
        assert read.output.splitlines()[-1].endswith("SystemTime = 20260501160000")
        assert [(one.cn, one.st, one.pw) for one in logger.heard] == [
            ("1012", "31", PW),
            ("1011", "31", PW),
        ]


async def test_without_a_time_the_clock_is_set_to_now(mosquitto: Mosquitto, tmp_path: Path) -> None:
    config, logger = write(tmp_path, mosquitto), logger_of()
    async with running(config) as service, heard("tcp", logger, mosquitto, service):
        before = stamp(datetime.now(UTC))
        assert (await send(config, "set-time")).exit_code == 0
        assert before <= logger.clock <= stamp(datetime.now(UTC))


@pytest.mark.parametrize("way", WAYS)
async def test_intervals_are_set_and_read(way: str, mosquitto: Mosquitto, tmp_path: Path) -> None:
    config, logger = write(tmp_path, mosquitto), logger_of()
    async with running(config) as service, heard(way, logger, mosquitto, service):
        assert (await send(config, "set-interval", "--seconds", "60")).exit_code == 0
        assert (await send(config, "set-minute-interval", "--minutes", "5")).exit_code == 0
        assert (logger.realtime_s, logger.minute_min) == (60, 5)
        assert (await send(config, "read-interval")).output.splitlines()[-1].endswith("RtdInterval = 60")
        assert (await send(config, "read-minute-interval")).output.splitlines()[-1].endswith("MinInterval = 5")


async def test_a_sample_is_kept_and_its_bottle_told(mosquitto: Mosquitto, tmp_path: Path) -> None:
    config, logger = write(tmp_path, mosquitto), logger_of(st="32")
    async with running(config) as service, heard("tcp", logger, mosquitto, service):
        kept = await send(config, "keep-sample")
        assert (kept.exit_code, "VaseNo = 7" in kept.output) == (0, True), kept.output


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("edition", EDITIONS)
async def test_missing_hours_are_fetched_and_fill_the_gap(
    edition: str, way: str, mosquitto: Mosquitto, tmp_path: Path
) -> None:
    config, logger, last = write(tmp_path, mosquitto), logger_of(edition), this_hour()
    day = [last - timedelta(hours=n) for n in range(8, 0, -1)]
    logger.memory["2061"] = {stamp(hour): SO2.format(n) for n, hour in enumerate(day)}
    async with running(config) as service, heard(way, logger, mosquitto, service) as upload:
        for hour in (day[0], day[1], day[-1]):
            await upload(logger.data("2061", stamp(hour), logger.memory["2061"][stamp(hour)]))
        await until(lambda: len(service.checks.loggers.gaps(0)) == 1)
        options = ("--begin", iso(day[2]), "--end", iso(day[6]))
        fetched = await send(config, "fetch-hours", *options)
        assert (fetched.exit_code, fetched.output.split()[-2:]) == (0, ["5", "frames"]), fetched.output
        assert service.checks.loggers.gaps(0) == []
        (command,) = logger.heard
        separator = "," if edition == "2005" else ";"
        assert command.cp == f"BeginTime={stamp(day[2])}{separator}EndTime={stamp(day[6])}"
    assert hours(tmp_path) == [(hour, float(n)) for n, hour in enumerate(day)]


async def test_a_gap_is_filled_by_itself_where_the_inventory_says_so(
    mosquitto: Mosquitto, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gap_filler, "LOOK_EVERY_MS", 200)
    config, logger, last = write(tmp_path, mosquitto, ALL + ", fill_gaps = true"), logger_of(), this_hour()
    day = [last - timedelta(hours=n) for n in range(5, 0, -1)]
    logger.memory["2061"] = {stamp(hour): SO2.format(n) for n, hour in enumerate(day)}
    async with running(config) as service, heard("mqtt", logger, mosquitto, service) as upload:
        for hour in (day[0], day[-1]):
            await upload(logger.data("2061", stamp(hour), logger.memory["2061"][stamp(hour)]))
        await until(lambda: service.requests.steps["done", "executed"] == 1)
        assert service.checks.loggers.gaps(0) == []
        (request,) = kept(tmp_path)
        assert (request.asked_by, request.frames, request.command) == ("gap-filler", 3, "fetch-hours")
    assert hours(tmp_path) == [(hour, float(n)) for n, hour in enumerate(day)]


async def test_an_exceedance_in_history_that_was_asked_for_makes_one_alert_however_often_it_is_asked_for(
    mosquitto: Mosquitto, tmp_path: Path
) -> None:
    config, logger, last = write(tmp_path, mosquitto), logger_of(), this_hour()
    limit = 'limits = [{ id = "so2", factor = "a21026", field = "Avg", period = "hour", above = [50.0], hold_s = 0 }]'
    file = tmp_path / "inventory.toml"
    file.write_text(f"{file.read_text('utf-8')}{limit}\n", "utf-8")
    day = [last - timedelta(hours=n) for n in range(6, 0, -1)]
    values = (10, 10, 60, 70, 10, 10)
    logger.memory["2061"] = {stamp(hour): SO2.format(value) for hour, value in zip(day, values, strict=True)}
    async with running(config) as service, heard("tcp", logger, mosquitto, service) as upload:
        for hour in (day[0], day[-1]):
            await upload(logger.data("2061", stamp(hour), logger.memory["2061"][stamp(hour)]))
        for _ in range(2):
            fetched = await send(config, "fetch-hours", "--begin", iso(day[1]), "--end", iso(day[4]))
            assert fetched.exit_code == 0, fetched.output
        await until(lambda: service.checks.judged_late == 8)
        (alert,) = [each for each in service.ledger.alerts() if each.subject.family == "exceedance"]
        assert (alert.subject.rule, alert.state, alert.peak) == ("plant/d0/so2:late", "resolved", 70.0)
        assert (alert.since, alert.resolved) == tuple(round(day[n].timestamp() * 1000) for n in (2, 4))


async def test_hours_that_the_logger_does_not_have_are_a_failure_with_its_reason(
    mosquitto: Mosquitto, tmp_path: Path
) -> None:
    config, logger, last = write(tmp_path, mosquitto), logger_of(), this_hour()
    async with running(config) as service, heard("tcp", logger, mosquitto, service):
        fetched = await send(config, "fetch-hours", "--begin", iso(last - timedelta(hours=3)), "--end", iso(last))
        assert (fetched.exit_code, trail(fetched)[-1]) == (1, ("failed", "no_data")), fetched.output


@pytest.mark.parametrize(
    ("logger", "reason"),
    [
        (logger_of(qn_rtn="2"), "device_refuses"),
        (logger_of(qn_rtn="100"), "reason_unknown"),
        (logger_of(qn_rtn="3"), "password_wrong"),
    ],
    ids=["it refuses", "it refuses and does not say why", "it has another password meanwhile"],
)
async def test_a_refusal_is_told_with_the_loggers_reason(
    logger: Logger, reason: str, mosquitto: Mosquitto, tmp_path: Path
) -> None:
    config = write(tmp_path, mosquitto)
    async with running(config) as service, heard("tcp", logger, mosquitto, service):
        refused = await send(config, "set-interval", "--seconds", "60")
        assert (refused.exit_code, trail(refused)[-1]) == (1, ("refused", reason)), refused.output
        assert logger.realtime_s == 30


@pytest.mark.parametrize(
    ("hj212", "command", "reason"),
    [
        ("", "read-time", "not_allowed"),
        ('commands = ["history"]', "read-time", "not_allowed"),
        (ALL + ', edition = "2025"', "keep-sample", "not_in_edition"),
    ],
)
async def test_what_the_inventory_does_not_allow_is_never_sent_and_audited(
    hj212: str, command: str, reason: str, mosquitto: Mosquitto, tmp_path: Path
) -> None:
    config, logger = write(tmp_path, mosquitto, hj212), logger_of()
    async with running(config) as service, heard("tcp", logger, mosquitto, service):
        refused = await send(config, command)
        assert (refused.exit_code, trail(refused)) == (1, [("asked", "asked"), ("refused", reason)]), refused.output
        assert logger.heard == []
        (request,) = kept(tmp_path)
        assert request.asked_by.startswith("cli ")


@pytest.mark.parametrize("way", WAYS)
async def test_what_is_lost_is_sent_again_with_the_same_qn(way: str, mosquitto: Mosquitto, tmp_path: Path) -> None:
    config, logger = write(tmp_path, mosquitto), logger_of(deaf=2)
    async with running(config) as service, heard(way, logger, mosquitto, service):
        done = await send(config, "set-interval", "--seconds", "60")
        assert (done.exit_code, logger.realtime_s) == (0, 60), done.output
        assert [reason for _, reason in trail(done)] == [
            "asked",
            "first_try",
            "no_answer",
            "no_answer",
            "accepted",
            "executed",
        ]
        assert len({one.qn for one in logger.heard}) == 1
        assert len(logger.heard) == 3


async def test_a_logger_that_never_answers_times_out_after_the_last_try(mosquitto: Mosquitto, tmp_path: Path) -> None:
    config, logger = write(tmp_path, mosquitto), logger_of(deaf=99)
    async with running(config) as service, heard("tcp", logger, mosquitto, service):
        timed_out = await send(config, "read-interval")
        assert (timed_out.exit_code, trail(timed_out)[-1]) == (1, ("timed_out", "no_answer")), timed_out.output
        assert len(logger.heard) == 3
        assert len({one.qn for one in logger.heard}) == 1


async def test_a_logger_that_leaves_out_its_last_word_has_answered_all_the_same(
    mosquitto: Mosquitto, tmp_path: Path
) -> None:
    config, logger = write(tmp_path, mosquitto), logger_of(closes=False)
    async with running(config) as service, heard("tcp", logger, mosquitto, service):
        read = await send(config, "read-interval")
        assert (read.exit_code, trail(read)[-1]) == (0, ("done", "not_closed")), read.output
        assert len(logger.heard) == 1


async def test_a_command_over_the_api_is_followed_on_the_stream(mosquitto: Mosquitto, tmp_path: Path) -> None:
    config, logger = write(tmp_path, mosquitto), logger_of()
    async with (
        running(config) as service,
        heard("mqtt", logger, mosquitto, service),
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{service.port}", timeout=20) as http,
        http.stream("GET", "/api/v1/stream?kind=request") as stream,
    ):
        lines = aiter(stream.aiter_lines())
        assert await anext(lines) == ": welcome"
        body = {"command": "set-interval", "parameters": {"seconds": 90}}
        answer = await http.post("/api/v1/devices/plant/d0/requests", json=body)
        assert answer.status_code == 202
        told: list[dict[str, Any]] = []
        async with asyncio.timeout(20):
            while not told or told[-1]["state"] != "done":
                line = await anext(lines)
                if line.startswith("data: "):
                    told.append(json.loads(line.removeprefix("data: ")))
        assert [one["step"]["why"] for one in told] == ["asked", "first_try", "accepted", "executed"]
        whole = (await http.get(f"/api/v1/requests/{answer.json()['id']}")).json()
        assert whole["steps"] == [one["step"] for one in told]
        assert (whole["asked_by"], whole["tries"], logger.realtime_s) == ("api 127.0.0.1", 1, 90)


@pytest.mark.parametrize(
    "arguments", [["plant/d9", "read-time"], ["plant/d0", "dance"], ["plant/d0"], ["plant/d0", "set-interval"]]
)
def test_a_call_that_makes_no_sense_asks_for_nothing(
    arguments: list[str], mosquitto: Mosquitto, tmp_path: Path
) -> None:
    result = CliRunner().invoke(app, ["send", "--config", str(write(tmp_path, mosquitto)), *arguments])
    assert result.exit_code == 2
    assert not (tmp_path / "data").exists()


def test_the_commands_are_listed_with_their_parameters() -> None:
    listed = CliRunner().invoke(app, ["send", "--list"]).output
    assert "set-interval          1062" in listed
    assert "--seconds   RtdInterval: 30 to 3600 s" in listed


@pytest.mark.parametrize("way", WAYS)
async def test_after_kill_9_what_was_sent_is_sent_again_with_the_same_qn_and_done(
    way: str, mosquitto: Mosquitto, tmp_path: Path
) -> None:
    tcp = free_port()
    gateway = GatewayProcess(tmp_path, settings(mosquitto, free_port(), tcp), inventory(ALL))
    write_keys(tmp_path)
    config, logger = gateway.config_file, logger_of(deaf=1)
    hello = logger.data("2011", stamp(datetime.now(UTC)), "a21026-Rtd=1.5,a21026-Flag=N")
    try:
        gateway.start()
        await asyncio.to_thread(gateway.wait_for, "listener_up")
        async with connected(way, logger, mosquitto, tcp) as upload:
            await upload(hello)
            asked = await send(config, "set-interval", "--seconds", "60", wait=0)
            assert (asked.exit_code, trail(asked)) == (1, [("asked", "asked")])
            await until(lambda: len(logger.heard) == 1)
            gateway.kill9()
        gateway.log_file.unlink()
        (request,) = kept(tmp_path)
        assert (request.state, request.qn) == ("sent", logger.heard[0].qn)
        gateway.start()
        await asyncio.to_thread(gateway.wait_for, "listener_up")
        async with connected(way, logger, mosquitto, tcp) as upload:
            await upload(hello)
            await until(lambda: kept(tmp_path)[0].state == "done")
        with RequestReader(tmp_path / "data" / "state.sqlite") as reader:
            reasons = [step.why.value for _, step in reader.steps(request.id)]
        assert reasons == ["asked", "first_try", "resumed", "accepted", "executed"]
        assert ({one.qn for one in logger.heard}, logger.realtime_s) == ({request.qn}, 60)
        gateway.stop()
    finally:
        gateway.close()


def kept(folder: Path) -> list[Request]:
    """Requests in the ledger of a gateway."""
    with RequestReader(folder / "data" / "state.sqlite") as reader:
        return reader.requests()
