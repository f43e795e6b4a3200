"""The service from end to end: a real broker before it, a real database behind it, its API and commands beside it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import subprocess
import sys
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any, Literal

import aiomqtt
import duckdb
import httpx
import link_harness
import pytest
from gateway_process import GatewayProcess
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from servers import Influxd, Mosquitto, free_port
from typer.testing import CliRunner

from gateway import service as service_module
from gateway import watch as watch_module
from gateway.alerts.records import Alert, Family
from gateway.cli import app
from gateway.clock import now_ms
from gateway.config_file import load
from gateway.errors import GatewayError, JournalError
from gateway.hj212.crc import crc16
from gateway.records import Batch, Block
from gateway.service import Service
from gateway.service_views import api_server
from simulators.fast_publisher import publish_all

START = 1_767_225_600_000
"""2026-01-01T00:00:00Z, 08:00 in Shanghai."""
Protocol = Literal["mqtt5", "mqtt311"]
PROTOCOLS: tuple[Protocol, ...] = ("mqtt5", "mqtt311")
MN = "010000A8900016F000169DC0"

INVENTORY = """
[[sites]]
id = "plant"
name = { en = "Plant", zh = "电厂" }
latitude = 32.99
longitude = 112.53

[types.stack]
kind = "stack"
interval_s = 1
silent_after_s = 86400
factors = [{ code = "a21026", unit = "mg/m3", name = { en = "SO2", zh = "二氧化硫" } }]
limits = [{ factor = "a21026", above = [35.0, 70.0], hold_s = 10, band = 0.1 }]
"""


def device(id: str, more: str = "") -> str:
    return (
        f'\n[[devices]]\nid = "{id}"\nsite = "plant"\ntype = "stack"\nname = {{ en = "{id}", zh = "{id}" }}\n{more}\n'
    )


DEVICES = device("d0") + device("d1", f'mn = "{MN}"')
HASTY = device("d0", "silent_after_s = 1") + device("mute", "silent_after_s = 1")
"""Two that are expected to speak at least once a second."""


def settings(broker: Mosquitto, protocol: Protocol = "mqtt5", tables: str = "", port: int = 0) -> str:
    """A configuration without data folder and inventory; API without page."""
    return f"""
silence_check_s = 0.1

[[links]]
name = "city"
url = "{broker.url}"
protocol = "{protocol}"
client_id = "gw"
backoff_max_s = 0.2
subscribe = [{{ topic = "pollution/{{site}}/{{device}}/data" }}]

[writer]
linger_ms = 20
backoff_max_s = 0.2

[api]
console = false
port = {port}

{tables}
"""


def write(folder: Path, config: str, devices: str = DEVICES) -> Path:
    """The files of a gateway; returns its configuration."""
    file = folder / "gateway.toml"
    file.write_text(f'data = "data"\ninventory = "inventory.toml"\n{config}', "utf-8")
    (folder / "inventory.toml").write_text(INVENTORY + devices, "utf-8")
    return file


async def until(condition: Callable[[], object], seconds: float = 20) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)


@contextlib.asynccontextmanager
async def running(config: Path, *, connected: bool = True) -> AsyncGenerator[Service]:
    """The gateway in this process, from when it takes messages; stopped in order at the end."""
    service = Service(*load(config), api_server)
    stop, started = asyncio.Event(), asyncio.Event()
    task = asyncio.create_task(service.run(stop, started))
    try:
        await until(lambda: task.done() or started.is_set())
        if connected:
            await until(lambda: task.done() or all(link.status.connected for link in service.links))
        if task.done():
            task.result()
        yield service
    finally:
        stop.set()
        await task


def reading(second: float, so2: float, **more: float) -> bytes:
    time = START + round(1000 * second)
    return json.dumps({"v": 1, "time": time, "readings": {"a21026": so2} | more}).encode()


async def publish(broker: Mosquitto, messages: Sequence[tuple[str, bytes]], protocol: Protocol = "mqtt5") -> None:
    """At QoS 1; returns when the broker has taken them."""
    if protocol == "mqtt5":
        report = await publish_all(broker.host, broker.port, messages, qos=1)
        assert report.acked == len(messages)
    else:
        await link_harness.publish(broker.port, messages)


def points(folder: Path) -> list[tuple[str, float, float]]:
    """(device, second, value) of every point in the DuckDB store of a stopped gateway, in that order."""
    with duckdb.connect(str(folder / "data" / "readings.duckdb"), read_only=True) as connection:
        rows = connection.execute("select device, epoch_ms(time), value from readings order by all").fetchall()
    return [(name, (at - START) / 1000, value) for name, at, value in rows]


async def command(*arguments: str | Path) -> str:
    """What a command of ours prints."""
    result = await asyncio.to_thread(CliRunner().invoke, app, [*map(str, arguments)])
    assert result.exit_code == 0, result.output
    return result.output


def firing(service: Service, family: Family) -> list[Alert]:
    return [alert for alert in service.ledger.open_alerts() if alert.subject.family is family]


# ---------------------------------------------------------------- a reading becomes an alert


async def _heard(messages: AsyncIterator[aiomqtt.Message], count: int) -> list[tuple[str, dict[str, Any]]]:
    """Topic and object of the next messages."""
    found: list[tuple[str, dict[str, Any]]] = []
    async with asyncio.timeout(20):
        while len(found) < count:
            message = await anext(messages)
            assert isinstance(message.payload, bytes)
            found.append((str(message.topic), json.loads(message.payload)))
    return found


async def _events(lines: AsyncIterator[str], count: int) -> list[dict[str, Any]]:
    """Objects of the next server-sent events."""
    found: list[dict[str, Any]] = []
    async with asyncio.timeout(20):
        while len(found) < count:
            line = await anext(lines)
            if line.startswith("data: "):
                found.append(json.loads(line.removeprefix("data: ")))
    return found


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_a_reading_over_its_limit_is_an_alert_on_every_way_out_and_its_end_too(
    protocol: Protocol, mosquitto: Mosquitto, tmp_path: Path
) -> None:
    config = write(tmp_path, settings(mosquitto, protocol))
    async with (
        running(config) as service,
        aiomqtt.Client(mosquitto.host, mosquitto.port) as listener,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{service.port}", timeout=20) as http,
        http.stream("GET", "/api/v1/stream?kind=alert") as stream,
    ):
        await listener.subscribe("alerts/#", qos=1)
        lines = aiter(stream.aiter_lines())
        assert await anext(lines) == ": welcome"
        over = [("pollution/plant/d0/data", reading(second, 50 + second)) for second in range(12)]
        await publish(mosquitto, over, protocol)

        told = await _heard(listener.messages, 2)
        topics, steps = [topic for topic, _ in told], [step for _, step in told]
        assert [(step["step"], step["position"], step["value"]) for step in steps] == [
            ("pending", 0, 50),
            ("fired", 10, 60),
        ]
        fired = steps[1]
        assert set(topics) == {f"alerts/plant/{fired['id']}"}
        assert (fired["family"], fired["device"], fired["factor"]) == ("exceedance", "d0", "a21026")
        assert (fired["limit"], fired["unit"], fired["level"]) == (35.0, "mg/m3", 1)
        assert (fired["since"], fired["fired"]) == ("2026-01-01T00:00:00.000Z", "2026-01-01T00:00:10.000Z")
        assert "SO2" in fired["text"]["en"]
        assert "二氧化硫" in fired["text"]["zh"]
        assert await _events(lines, 2) == steps

        (open_alert,) = (await http.get("/api/v1/alerts", params={"state": "firing"})).json()
        assert open_alert["id"] == fired["id"]
        assert open_alert["evidence"] == ["journal:0", "journal:10"]
        (block,) = service.journal.reader(10).read(1)
        assert block.payloads[10 - block.first] == over[10][1], "the position leads to the very message"

        await publish(mosquitto, [("pollution/plant/d0/data", reading(20, 10))], protocol)
        ((_, resolved),) = await _heard(listener.messages, 1)
        assert (resolved["step"], resolved["state"], resolved["position"]) == ("resolved", "resolved", 12)
        assert await _events(lines, 1) == [resolved]
        assert (await http.get("/api/v1/alerts", params={"state": "firing"})).json() == []
        whole = (await http.get(f"/api/v1/alerts/{fired['id']}")).json()
        assert [step["step"] for step in whole["history"]] == ["pending", "fired", "resolved"]
        assert whole["evidence"] == ["journal:0", "journal:10", "journal:12"]
        assert whole["history"] == [*steps, resolved]
    assert points(tmp_path) == [*(("d0", second, 50 + second) for second in range(12)), ("d0", 20, 10)]


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_hj212_and_json_come_on_one_topic(protocol: Protocol, mosquitto: Mosquitto, tmp_path: Path) -> None:
    config = write(tmp_path, settings(mosquitto, protocol))
    segment = f"ST=31;CN=2011;PW=1;MN={MN};Flag=4;CP=&&DataTime=20260101080001;a21026-Rtd=2.5,a21026-Flag=N&&".encode()
    frame = b"##%04d%b%04X\r\n" % (len(segment), segment, crc16(segment))
    async with running(config) as service:
        await publish(
            mosquitto,
            [
                ("pollution/plant/d0/data", reading(0, 1.5)),
                ("pollution/plant/d1/data", frame),
                ("pollution/plant/d1/data", reading(2, 3.5)),
            ],
            protocol,
        )
        await until(lambda: service.pipeline.counts.messages == 3)
        assert service.pipeline.counts.dead == {}
    assert points(tmp_path) == [("d0", 0, 1.5), ("d1", 1, 2.5), ("d1", 2, 3.5)]


OTHERS = """subscribe = [
    { topic = "senml/{site}", codec = "senml" },
    { topic = "lines/{site}", codec = "line", line = { precision = "ms", factor = "measurement" } },
    { topic = "vendor/{site}/{device}", codec = "mapped", mapping = "vendor-x" },
    { topic = "frigate/{site}/events", codec = "frigate" },
    { topic = "{site}/{camera}/onvif-ej/#", codec = "onvif" },
]"""
VENDOR = """
[[mappings]]
name = "vendor-x"
readings = "data.*"
factor = "@key"
factors = { SO2 = "a21026" }
unit = "=ug/m3"
time = "$.ts"
time_format = "epoch_ms"
"""
YARD = """
[[cameras]]
id = "yard"
site = "plant"
silent_after_s = 86400
"""


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_payloads_of_others_end_in_the_store_and_events_of_cameras_on_every_way_out(
    protocol: Protocol, mosquitto: Mosquitto, tmp_path: Path
) -> None:
    plain = 'subscribe = [{ topic = "pollution/{site}/{device}/data" }]'
    config = settings(mosquitto, protocol, VENDOR)
    assert plain in config
    event = {"camera": "yard", "label": "car", "score": 0.5, "frame_time": START / 1000, "box": [1, 2, 4, 6]}
    crossed = b'{"UtcTime":"2026-01-01T00:00:01Z","Source":{"Rule":"fence"},"Data":{"ObjectId":"15"}}'
    messages = [
        ("senml/plant", b'[{"bn":"d0/","bt":1767225600,"n":"a21026","u":"ug/m3","v":1500}]'),
        ("lines/plant", b"a21026,device=d1 value=2.5 %d\nbad line\n" % (START + 1000)),
        ("vendor/plant/d1", b'{"ts":%d,"data":{"SO2":3500,"door":"open"}}' % (START + 2000)),
        ("frigate/plant/events", json.dumps({"type": "new", "after": event}).encode()),
        ("plant/yard/onvif-ej/RuleEngine/LineDetector/Crossed/&1/2/fence", crossed),
        ("plant/yard/onvif-ej/RuleEngine/LineDetector/Crossed/&1/2/fence", crossed),
    ]
    file = write(tmp_path, config.replace(plain, OTHERS), DEVICES + YARD)
    async with (
        running(file) as service,
        aiomqtt.Client(mosquitto.host, mosquitto.port) as listener,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{service.port}", timeout=20) as http,
        http.stream("GET", "/api/v1/stream?kind=detection") as stream,
    ):
        await listener.subscribe("detections/#", qos=1)
        lines = aiter(stream.aiter_lines())
        assert await anext(lines) == ": welcome"
        await publish(mosquitto, messages, protocol)
        told = await _heard(listener.messages, 2)
        assert [topic for topic, _ in told] == ["detections/plant/yard"] * 2
        assert [(one["kind"], one["boxes"][0]["label"]) for _, one in told] == [
            ("object", "car"),
            ("event", "LineDetector/Crossed"),
        ]
        assert await _events(lines, 2) == [one for _, one in told]
        assert (await http.get("/api/v1/detections")).json() == [one for _, one in reversed(told)], "each once"
        await until(lambda: service.pipeline.counts.messages == len(messages))
        assert service.pipeline.counts.dead == {"bad_line": 1}
    assert points(tmp_path) == [("d0", 0, 1.5), ("d1", 1, 2.5), ("d1", 2, 3.5)]


async def test_what_a_logger_told_and_how_it_keeps_to_the_standard_is_had_from_the_api(
    mosquitto: Mosquitto, tmp_path: Path
) -> None:
    config = write(tmp_path, settings(mosquitto))

    def frame(cn: str, cp: str, qn: str = "QN=20260101080000123;") -> bytes:
        segment = f"{qn}ST=31;CN={cn};PW=123456;MN={MN};Flag=4;CP=&&{cp}&&".encode()
        return b"##%04d%b%04X\r\n" % (len(segment), segment, crc16(segment))

    data = frame("2011", "DataTime=20260101080001;a21026-Rtd=2.5,a21026-Flag=N", qn="")
    start = frame("2081", "DataTime=20260101080000;RestartTime=20260101075900")
    async with (
        running(config) as service,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{service.port}", timeout=10) as http,
        http.stream("GET", "/api/v1/stream?kind=device_event") as stream,
    ):
        lines = aiter(stream.aiter_lines())
        assert await anext(lines) == ": welcome"
        await publish(mosquitto, [("pollution/plant/d1/data", each) for each in (data, start, data)])
        (told,) = await _events(lines, 1)
        assert (told["device"], told["cn"]) == ("d1", "2081")
        assert told["items"] == [{"name": "RestartTime", "text": "20260101075900"}]
        await until(lambda: service.pipeline.counts.messages == 3)
        found = (await http.get("/api/v1/devices/plant/d1/protocol")).json()
        assert [event["cn"] for event in found["events"]] == ["2081"]
        assert (found["frames"], found["repeats"], found["last"]["link"]) == (3, 1, "city")
        counted = {each["word"]: each["frames"] for each in found["verdicts"]}
        assert counted == {"qn_missing": 2, "repeated": 1}
        assert [each["device"] for each in (await http.get("/api/v1/protocol")).json()] == ["d1"]
        metrics = (await http.get("/metrics")).text
        assert 'gateway_hj212_verdicts_total{verdict="qn_missing"} 2.0' in metrics
        assert "gateway_hj212_repeats_total 1.0" in metrics
    assert points(tmp_path) == [("d1", 1, 2.5)]


# ---------------------------------------------------------------- what cannot be used


async def test_what_cannot_be_used_is_listed_and_gets_another_chance_when_the_inventory_has_grown(
    mosquitto: Mosquitto, tmp_path: Path
) -> None:
    config = write(tmp_path, settings(mosquitto))
    # An earlier configuration subscribed to more: the broker keeps that in the session.
    kept = Properties(PacketTypes.CONNECT)
    kept.SessionExpiryInterval = 600
    v5 = aiomqtt.ProtocolVersion.V5
    async with aiomqtt.Client(
        mosquitto.host, mosquitto.port, identifier="gw", protocol=v5, clean_start=False, properties=kept
    ) as earlier:
        await earlier.subscribe("elsewhere/#", qos=1)
    stranger = ("pollution/plant/d9/data", reading(3, 7.5))
    async with running(config) as service:
        await publish(
            mosquitto, [("elsewhere/x", b"hello"), stranger, ("pollution/plant/d0/data", b"\x00garbage\x1b[2J")]
        )
        await until(lambda: service.ledger.counts().dead_letters_kept == 3)
        listed = (await command("deadletters", "list", config)).splitlines()
        assert [line.split()[2:] for line in listed[0:6:2]] == [
            ["unknown_format", "pollution/plant/d0/data"],
            ["unknown_device", "pollution/plant/d9/data"],
            ["unknown_topic", "elsewhere/x"],
        ]
        assert listed[-1].endswith("unknown_device 1, unknown_format 1, unknown_topic 1")
    assert points(tmp_path) == []

    write(tmp_path, settings(mosquitto), DEVICES + device("d9"))
    async with running(config) as service:
        assert await command("deadletters", "replay", config, "--reason", "unknown_device") == "1 marked for replay\n"
        assert await command("deadletters", "replay", config, "--reason", "unknown_format") == "1 marked for replay\n"
        await until(lambda: service.ledger.counts().replays_waiting == 0)
        await until(lambda: service.ledger.counts().dead_letters_kept == 4)
        listing = await command("deadletters", "list", config)
        assert listing.count("[replayed]") == 2
        assert listing.splitlines()[-1].endswith("unknown_device 1, unknown_format 2, unknown_topic 1"), (
            "what fails again is a new letter"
        )
    assert points(tmp_path) == [("d9", 3, 7.5)]


async def test_rows_of_another_type_than_the_databases_are_dead_letters_and_the_others_are_stored(
    mosquitto: Mosquitto, influxd: Influxd, tmp_path: Path
) -> None:
    influxd.request("/write?db=pollution&precision=ms", f'realtime,site=x zsrtd="text" {START}'.encode())
    store = f'[store]\nkind = "influxdb1"\nurl = "{influxd.url}"\ndatabase = "pollution"'
    config = write(tmp_path, settings(mosquitto, tables=store))
    messages = [
        ("pollution/plant/d0/data", reading(second, second, **{"a21026-ZsRtd": second + 0.5})) for second in range(20)
    ]
    async with running(config) as service:
        await publish(mosquitto, messages)
        await until(lambda: service.writer.rejected == 20)
        await until(lambda: service.ledger.counts().dead_letters.get("store_rejected") == 20)
        await publish(mosquitto, [("pollution/plant/d0/data", reading(30, 30))])
        await until(lambda: service.writer.rows == 21)
        letter = json.loads((await command("deadletters", "list", config, "--json")).splitlines()[-1])
        assert (letter["topic"], letter["link"], letter["position"]) == ("store/influxdb1", "store", 0)
        assert "field type conflict" in letter["detail"]
        shown = await command("deadletters", "show", config, str(letter["id"]), "--raw")
        assert shown.startswith("realtime,site=plant,device=d0,factor=a21026 zsrtd=0.5,")
        assert await command("deadletters", "replay", config, "--reason", "store_rejected") == "0 marked for replay\n"
    query = "select count(rtd) from realtime where device='d0'".replace(" ", "+")
    answer = json.loads(influxd.request(f"/query?db=pollution&q={query}"))
    assert answer["results"][0]["series"][0]["values"] == [["1970-01-01T00:00:00Z", 21]]


# ---------------------------------------------------------------- silence, and times in which nobody listens


async def test_a_device_that_never_spoke_is_silent_and_its_first_word_ends_it(
    mosquitto: Mosquitto, tmp_path: Path
) -> None:
    config = write(tmp_path, settings(mosquitto), device("d0") + device("mute", "silent_after_s = 1"))
    async with running(config) as service:
        await until(lambda: firing(service, Family.DATA_QUALITY))
        (alert,) = firing(service, Family.DATA_QUALITY)
        assert (alert.subject.id, alert.subject.rule) == ("mute", "silence")
        assert alert.since == service.links[0].status.since, "counted from when the gateway began to listen"
        await publish(mosquitto, [("pollution/plant/mute/data", b"garbage is a sign of life too")])
        await until(lambda: service.ledger.alerts()[0].resolved)


async def test_silence_is_not_judged_while_the_broker_is_away(mosquitto: Mosquitto, tmp_path: Path) -> None:
    config = write(tmp_path, settings(mosquitto), HASTY)
    mosquitto.stop()
    async with running(config, connected=False) as service:
        began = now_ms()
        await until(lambda: now_ms() - began > 2_500)
        assert firing(service, Family.DATA_QUALITY) == [], "two and a half times as long as they may be silent"
        mosquitto.start()
        await until(lambda: len(firing(service, Family.DATA_QUALITY)) == 2)
        back = service.links[0].status.since
        assert all(alert.since >= back for alert in firing(service, Family.DATA_QUALITY))


async def test_silence_is_counted_anew_when_the_journal_has_refused_for_a_while(
    mosquitto: Mosquitto, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = write(tmp_path, settings(mosquitto), HASTY)

    async def refuse(batches: Sequence[Batch]) -> list[Block]:
        raise JournalError("the disk is full")

    async with running(config) as service:
        with monkeypatch.context() as patch:
            patch.setattr(service.journal, "append", refuse)
            await publish(mosquitto, [("pollution/plant/d0/data", reading(0, 1)), ("pollution/plant/mute/data", b"x")])
            await until(lambda: service.ingest.refused)
            began = now_ms()
            await until(lambda: firing(service, Family.GATEWAY_HEALTH))
            assert {alert.subject.id for alert in firing(service, Family.GATEWAY_HEALTH)} == {"journal_refuses"}
            await until(lambda: now_ms() - began > 2_000)
            assert firing(service, Family.DATA_QUALITY) == []
            back = now_ms()
        await until(lambda: not firing(service, Family.GATEWAY_HEALTH))
        await until(lambda: len(firing(service, Family.DATA_QUALITY)) == 2)
        assert all(alert.since >= back - 100 for alert in firing(service, Family.DATA_QUALITY)), "the check's interval"


async def test_silence_is_counted_anew_when_everything_stood_still(
    mosquitto: Mosquitto, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when the machine was asleep: what was sent meanwhile is still on its way."""
    monkeypatch.setattr(watch_module, "STALL_MS", 500)
    config = write(tmp_path, settings(mosquitto), HASTY)
    async with running(config) as service:
        time.sleep(1.5)  # the loop is to stand still
        awake = now_ms()
        await until(lambda: len(firing(service, Family.DATA_QUALITY)) == 2)
        assert all(alert.since >= awake for alert in firing(service, Family.DATA_QUALITY))


async def test_a_waiting_replay_holds_up_neither_the_watch_nor_the_room_it_needs(
    mosquitto: Mosquitto, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A journal at its bound takes no replayed letter; the watch must go on to release what readers have done with."""
    monkeypatch.setattr(service_module, "REPLAY_EVERY_S", 0.02)
    config = write(tmp_path, settings(mosquitto))

    async def refuse(batches: Sequence[Batch]) -> list[Block]:
        raise JournalError("full")

    async with running(config) as service:
        await publish(mosquitto, [("pollution/plant/d0/data", b"garbage")])
        await until(lambda: service.ledger.counts().dead_letters_kept == 1)
        released: list[int] = []
        with monkeypatch.context() as patch:
            patch.setattr(service.journal, "append", refuse)
            assert await command("deadletters", "replay", config, "--all") == "1 marked for replay\n"
            await until(lambda: service.ingest.refused)
            patch.setattr(service.journal, "release", lambda position, **_: released.append(position))
            await until(lambda: len(released) >= 3)
        await until(lambda: service.ledger.counts().replays_waiting == 0)


async def test_a_ledger_that_refuses_for_a_while_ends_nothing_and_costs_no_step(
    mosquitto: Mosquitto, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = write(tmp_path, settings(mosquitto))

    def refuse(*_: object) -> None:
        raise GatewayError("the disk is full")

    async with (
        running(config) as service,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{service.port}", timeout=20) as http,
    ):
        with monkeypatch.context() as patch:
            for way in ("commit", "outbox", "outbox_done", "take_replays", "add_detections"):
                patch.setattr(service.ledger, way, refuse)
            service.publisher.notify()
            await publish(mosquitto, [("pollution/plant/d0/data", reading(second, 50)) for second in range(12)])
            await until(lambda: service.pipeline.refused)
            assert (await http.get("/readyz")).json()["reasons"] == {"ledger": "the disk is full"}
        await until(lambda: service.publisher.alerts_published == 4)  # two of them tell that the ledger refused
        assert (await http.get("/readyz")).status_code == 200
        (alert,) = firing(service, Family.EXCEEDANCE)
        assert [step.step.value for step in service.ledger.history(alert.id)] == ["pending", "fired"]


async def test_readyz_says_what_is_missing_while_the_broker_is_away(mosquitto: Mosquitto, tmp_path: Path) -> None:
    config = write(tmp_path, settings(mosquitto))
    mosquitto.stop()
    async with (
        running(config, connected=False) as service,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{service.port}", timeout=20) as http,
    ):
        link = service.links[0].status
        await until(lambda: link.last_error)
        answer = await http.get("/readyz")
        assert answer.status_code == 503
        assert answer.json()["status"] == "not_ready"
        assert list(answer.json()["reasons"]) == ["link city"]
        assert "refused" in answer.json()["reasons"]["link city"].lower()
        assert (await http.get("/healthz")).status_code == 200
        mosquitto.start()
        await until(lambda: link.connected)
        assert (await http.get("/readyz")).json() == {"status": "ready", "reasons": {}}
        mosquitto.kill9()
        await until(lambda: not link.connected)
        assert (await http.get("/readyz")).status_code == 503


# ---------------------------------------------------------------- as a process


async def test_sigterm_in_the_middle_loses_nothing_and_the_next_start_does_nothing_twice(
    mosquitto: Mosquitto, tmp_path: Path
) -> None:
    count = 6_000
    gateway = GatewayProcess(tmp_path / "gateway", settings(mosquitto, port=free_port()), INVENTORY + DEVICES)
    gateway.start()
    try:
        await asyncio.to_thread(gateway.wait_for, "link_up")
        messages = [(f"pollution/plant/d{n % 2}/data", reading(n // 2, 60 * (n // 40 % 2))) for n in range(count)]
        publishing = asyncio.create_task(
            publish_all(mosquitto.host, mosquitto.port, messages, qos=1, rate=3_000, window=200)
        )
        await until(lambda: _metric(gateway, "gateway_messages_total") >= 500)
        assert not publishing.done()
        await asyncio.to_thread(gateway.stop)  # asserts status 0
        first = gateway.log()
        assert "stopped_before_all_was_stored" not in first
        assert "Traceback" not in first
        gateway.log_file.unlink()
        gateway.start()
        assert (await publishing).acked == count
        await asyncio.to_thread(gateway.wait_for, "link_up")
        await until(lambda: _metric(gateway, "gateway_store_position") >= count)
        assert _metric(gateway, "gateway_replayed_messages_total") == 0
        assert _metric(gateway, "gateway_store_duplicates_total") == 0
        assert _metric(gateway, "gateway_readings_not_judged_total") == 0
        assert _metric(gateway, "gateway_journal_end_position") == count, "no message came twice"
        await asyncio.to_thread(gateway.stop)
    finally:
        gateway.close()
    assert len(gateway.points()) == count
    steps = [step for _, step, _, _, _ in gateway.alert_history()]
    expected = 2 * count // 80  # each of two devices is over its limit for 20 s of every 40, at the end too
    assert [steps.count(step) for step in ("pending", "fired", "resolved")] == [expected, expected, expected - 2]


def _metric(gateway: GatewayProcess, name: str) -> float:
    """The sum of a metric over its labels."""
    lines = gateway.get("/metrics").decode().splitlines()
    return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith((f"{name} ", f"{name}{{")))


def refused(config: Path) -> str:
    """What a gateway says that ends at once with status 1."""
    run = [sys.executable, "-m", "gateway", "run", str(config), "--log-format", "json"]
    done = subprocess.run(run, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr


STORES = {
    "duckdb": ("", "readings.duckdb cannot be opened; only one process may have it open at a time"),
    "influxdb1": ('[store]\nkind = "influxdb1"\ndatabase = "pollution"', "another gateway is using this journal"),
}
"""A store's table, and what stops a second gateway: the embedded store's lock, else the journal's."""


@pytest.mark.parametrize("store", STORES)
async def test_a_second_gateway_on_one_data_folder_is_refused_and_harms_nothing(
    store: str, mosquitto: Mosquitto, tmp_path: Path
) -> None:
    table, reason = STORES[store]
    config = write(tmp_path, settings(mosquitto, tables=table))
    async with running(config) as service:
        said = await asyncio.to_thread(refused, config)
        assert f"{tmp_path}/data" in said
        assert reason in said
        connected = service.links[0].status
        assert (connected.connected, connected.reconnects) == (True, 0), "the second never took over the session"


def test_a_taken_port_is_said_with_what_to_do(mosquitto: Mosquitto, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = refused(write(tmp_path, settings(mosquitto, port=port)))
    assert f"the API cannot listen on 127.0.0.1:{port}" in said
    assert "api.port" in said


async def test_the_store_is_given_nothing_again_that_the_pipeline_has_not_judged(tmp_path: Path) -> None:
    links = '[[links]]\nname = "city"\nurl = "mqtt://127.0.0.1:1"\n'
    service = Service(*load(write(tmp_path, links)), api_server)
    payload = b'{"v":1,"time":1767225600000,"readings":{"a21026":1.0}}'
    batch = Batch("city", 1_767_225_600_000, ["pollution/plant/d1/data"], [payload], {}, lambda: None)
    first, second = [(await service.journal.append([batch]))[0] for _ in range(2)]
    again = service._replay  # pyright: ignore[reportPrivateUsage]
    assert again(0, 100) == []
    await service.pipeline.process(first, live=False)
    assert [decoded.end for decoded in again(0, 100)] == [first.end]
    await service.pipeline.process(second, live=False)
    assert [decoded.end for decoded in again(first.end, 100)] == [second.end]
    for part in (service.store, service.ledger, service.requests, service.journal):
        part.close()
