"""Hostile names from end to end: nothing that a publisher writes becomes more than a name, wherever it ends.

A real broker, the gateway as a process of its own, a real database. Every name is stored under its very own text, or
its message is a dead letter; and everything that comes out of the gateway still has the form that it should have.
"""

from __future__ import annotations

import asyncio
import json
import re
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import duckdb
import httpx
import paho.mqtt.client as paho
import pytest
from gateway_process import GatewayProcess
from link_harness import publish
from paho.mqtt.enums import CallbackAPIVersion
from prometheus_client.parser import text_string_to_metric_families
from servers import Influxd, Mosquitto, free_port
from tcp_logger import upload

from gateway.names import split_name
from gateway.stores.influx_lines import stored_name

START = 1_767_225_600_000
"""2026-01-01T00:00:00Z."""
NAMES = [
    "'; drop table points; --",
    "';drop/**/table/**/points;--",
    'a"b',
    "a\\b",
    "a\\",
    "../../../../etc/passwd",
    "..",
    "%2e%2e%2f%00",
    "a,device=d1",
    "x=1,y=2",
    "with blank",
    "$SYS",
    "{device}",
    "${PATH}",
    "{{7*7}}",
    "\x1b[2J\x1b]0;owned\x07",
    "line\nbreak 2026-05-01 [error] forged",
    "\r\nSet-Cookie: a=b",
    "\n\ndata: forged\n\nevent: alert",
    "nul\x00byte",
    "\u202egnp.exe",
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "=cmd|'/C",
    "+1",
    "-1",
    "@SUM(A1)",
    '{reason="x"} 1\ngateway_forged 2',
    "污染源",
    "#",
    "x" * 60_000,
]
"""What has broken a store, a shell, a terminal, a page or a protocol somewhere."""
CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")
INVENTORY = """
[[sites]]
id = "plant"
latitude = 32.99
longitude = 112.53

[[devices]]
id = "d0"
site = "plant"
kind = "stack"
interval_s = 1
silent_after_s = 86400
mn = "MN0"
factors = [{ code = "a21026", unit = "mg/m3" }]
limits = [{ factor = "a21026", above = [35.0] }]

[[cameras]]
id = "yard"
site = "plant"
silent_after_s = 86400
"""
DEVICE_TOPIC = "pollution/plant/d0/data"


def config(broker: Mosquitto, store: str) -> str:
    return f"""
[[links]]
name = "city"
url = "{broker.url}"
client_id = "gw"
subscribe = [
    {{ topic = "pollution/{{site}}/{{device}}/data" }},
    {{ topic = "camera/{{site}}/{{camera}}/frame", codec = "jpeg" }},
    {{ topic = "edge/{{site}}", codec = "frigate" }},
    {{ topic = "lines/{{site}}/{{device}}", codec = "line" }},
    {{ topic = "anything/#" }},
]

[decode]
new_devices_per_minute = 10000

[store]
{store}

[writer]
linger_ms = 20

[api]
console = false
port = {free_port()}
"""


def message(**fields: object) -> bytes:
    return json.dumps({"v": 1, "time": START, "readings": {"a21026": 1.0}, **fields}).encode()


def topics() -> list[str]:
    """A topic for each name that MQTT allows in one, at every level that a template names."""
    made: list[str] = []
    for name in NAMES:
        if CONTROL.search(name) or "#" in name or name == "+1":
            continue
        level = name.replace("/", "_").replace("+", "_")[:20_000]
        made += [f"pollution/{level}/{level}/data", f"pollution/plant/{level}/data", f"camera/plant/{level}/frame"]
        made += [f"edge/{level}", f"lines/plant/{level}", f"anything/{name.replace('+', '_')}"]
    return made


def payloads() -> list[tuple[str, bytes]]:
    """Every name in every place of a payload where a name or a text may stand, one message each."""
    made: list[tuple[str, bytes]] = []
    for number, name in enumerate(NAMES):
        made += [
            (DEVICE_TOPIC, message(readings={name: 1.0}, time=START + number)),
            (DEVICE_TOPIC, message(readings={f"a21026-{name}": 1.0}, time=START + number)),
            (DEVICE_TOPIC, message(readings={"a21026": {"value": 1, "unit": name}}, time=START + 10_000 + number)),
            (DEVICE_TOPIC, message(readings={"a21026": {"value": 1, "flag": name}}, time=START + 20_000 + number)),
            (DEVICE_TOPIC, message(device=name)),
            (DEVICE_TOPIC, message(time=name)),
            (DEVICE_TOPIC, message(period=name)),
            (DEVICE_TOPIC, upload(name[:2_000], "20260101080000001", flag=4)),
            (DEVICE_TOPIC, upload("MN0", "20260101080000002", f"DataTime=20260101080000;{name[:500]}-Rtd=1", flag=4)),
            (DEVICE_TOPIC, upload("MN0", "20260101080000003", f"RestartTime={name[:500]}", cn="2081", flag=4)),
            (
                DEVICE_TOPIC,
                upload("MN0", "20260101080000004", f"DataTime=20260101080000;a-Info={name[:500]}", cn="3020"),
            ),
            (DEVICE_TOPIC, json.dumps([{"bn": f"{name}/", "n": "a21026", "v": 1}]).encode()),
            ("lines/plant/d0", f"m,device={name} a21026=1 {START}".encode()),
            (
                "edge/plant",
                json.dumps(frigate(label=name, current_zones=[name], frame_time=START / 1000 + number)).encode(),
            ),
            ("edge/plant", json.dumps(frigate(camera=name)).encode()),
            (DEVICE_TOPIC, name.encode()),
        ]
    made += [(DEVICE_TOPIC, b'{"v":1,"device":"\xff\xfe","time":1}'), (DEVICE_TOPIC, b"\xff" * 100)]
    return made


def frigate(**after: object) -> dict[str, object]:
    return {"type": "new", "after": {"camera": "yard", "label": "car", "frame_time": START / 1000, **after}}


def stored() -> dict[tuple[str, str], str]:
    """(factor, field) to the name in a message, of the readings that may be stored."""
    found: dict[tuple[str, str], str] = {("a21026", "Rtd"): ""}
    for name in NAMES:
        for whole in (name, f"a21026-{name}"):
            parts = split_name(whole, "Rtd")
            if parts is not None:
                found[parts] = name
    return found


def of_a_frame(factor: str, field: str) -> bool:
    """Whether it is what the separators of HJ 212 left of a name, and of no JSON message."""
    is_piece = any(factor in name for name in [*NAMES, "a"])
    return (factor, field) not in stored() and is_piece and field in ("Rtd", "Info")


def wait_for(gateway: GatewayProcess, condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert gateway.running, gateway.log()[-4_000:]
        assert time.monotonic() < deadline, gateway.log()[-4_000:]
        time.sleep(0.05)


class Observer:
    """Hears everything that the gateway publishes."""

    def __init__(self, broker: Mosquitto) -> None:
        self.topics: list[str] = []
        subscribed = threading.Event()
        self._client = paho.Client(CallbackAPIVersion.VERSION2)
        self._client.on_connect = lambda *_: self._client.subscribe([("alerts/#", 1), ("detections/#", 1)])
        self._client.on_subscribe = lambda *_: subscribed.set()
        self._client.on_message = lambda _client, _data, message: self.topics.append(message.topic)
        self._client.connect(broker.host, broker.port)
        self._client.loop_start()
        assert subscribed.wait(20)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


def events(port: int, until: threading.Event, into: list[str]) -> None:
    """Lines of the event stream."""
    with httpx.stream("GET", f"http://127.0.0.1:{port}/api/v1/stream", timeout=60) as answer:
        for line in answer.iter_lines():
            into.append(line)
            if until.is_set():
                return


@pytest.mark.parametrize("kind", ["duckdb", "influxdb1"])
def test_no_name_is_more_than_a_name(kind: str, mosquitto: Mosquitto, influxd: Influxd, tmp_path: Path) -> None:
    database = influxd.create_database()
    stores = {
        "duckdb": 'kind = "duckdb"',
        "influxdb1": f'kind = "influxdb1"\nurl = "{influxd.url}"\ndatabase = "pollution"',
    }
    gateway = GatewayProcess(tmp_path / "gateway", config(mosquitto, stores[kind]), INVENTORY)
    around = set(tmp_path.parent.rglob("*"))
    observer = Observer(mosquitto)
    sent = [(topic, message()) for topic in topics()] + payloads()
    stream: list[str] = []
    done = threading.Event()
    gateway.start()
    try:
        gateway.wait_for("link_up")
        port = int(gateway.config_file.read_text("utf-8").split("port = ")[-1].split()[0])
        listening = threading.Thread(target=events, args=(port, done, stream), daemon=True)
        listening.start()
        wait_for(gateway, lambda: stream)
        asyncio.run(publish(mosquitto.port, sent))
        frames = sum(topic.startswith("camera/") for topic, _ in sent)
        journalled = len(sent) - frames
        wait_for(gateway, lambda: metric(gateway, "gateway_store_position") == journalled)
        wait_for(gateway, lambda: "detections/plant/yard" in observer.topics)
        check_metrics(gateway.get("/metrics").decode())
        letters = json.loads(gateway.get("/api/v1/deadletters?limit=1000"))
        strangers = json.loads(gateway.get("/api/v1/strangers?limit=1000"))
        for path in ("alerts", "detections", "sites", "status", "protocol?format=csv"):
            gateway.get(f"/api/v1/{path}")
        for name in NAMES:
            refused = httpx.get(f"http://127.0.0.1:{port}/api/v1/devices/plant/{quote(name[:200], safe='')}/protocol")
            assert refused.status_code in (404, 422)
            assert set(refused.headers) <= {"date", "server", "content-length", "content-type"}
        done.set()
        listening.join(30)
        gateway.stop()
    finally:
        done.set()
        gateway.close()
        observer.close()

    check_letters(letters, sent)
    named = {each["topic"] for each in strangers} | {each["name"] for each in strangers}
    for topic in topics():
        assert topic[:256] in named, "listed under its very own name"
    assert {line.partition(":")[0] for line in stream} <= {"event", "data", ""}
    assert all(json.loads(line[6:]) is not None for line in stream if line.startswith("data: "))
    for line in gateway.log().splitlines():
        assert json.loads(line)["event"]
    shape = re.compile(r"(alerts/plant/[a-z]-[0-9a-f]{16}|detections/plant/yard)\Z")
    assert all(shape.match(topic) for topic in observer.topics)
    check_files(gateway.folder, set(tmp_path.parent.rglob("*")) - around)
    if kind == "duckdb":
        check_duckdb(gateway.data / "readings.duckdb")
    else:
        check_influx(influxd, database)


def metric(gateway: GatewayProcess, name: str) -> float:
    text = gateway.get("/metrics").decode()
    return next(float(line.split()[1]) for line in text.splitlines() if line.startswith(f"{name} "))


def check_metrics(text: str) -> None:
    """It is read as it was meant: names of ours only, and labels of fixed words."""
    word = re.compile(r"[A-Za-z0-9_.\- ]{0,64}\Z")
    for family in text_string_to_metric_families(text):
        assert family.name.startswith(("gateway_", "process_", "python_")), family.name
        assert family.name != "gateway_forged"
        for sample in family.samples:
            assert all(word.match(value) for value in sample.labels.values()), sample


def check_letters(letters: list[dict[str, Any]], sent: list[tuple[str, bytes]]) -> None:
    """Each has a topic that was sent, whole; sentences hold nothing that cannot be printed."""
    known = {topic for topic, _ in sent}
    assert letters
    assert {letter["topic"] for letter in letters} <= known
    assert "codec_error" not in {letter["reason"] for letter in letters}
    for letter in letters:
        assert re.fullmatch("[a-z0-9_]+", letter["reason"])
        assert re.fullmatch("[A-Za-z0-9+/=]*", letter["payload"])


def check_files(folder: Path, new: set[Path]) -> None:
    """What was written has names of ours, and lies in the gateway's own folder."""
    ours = re.compile(
        r"(gateway\.(toml|log)|inventory\.toml|data|journal|evidence|state\.sqlite(-\w+)?|readings\.\w+(\.wal)?|[\w.-]{1,40})\Z"
    )
    mine = {path for path in new if folder in path.parents or path == folder}
    elsewhere = {path for path in new - mine if not path.is_relative_to(folder.parent)}
    assert not elsewhere
    for path in mine:
        assert ours.match(path.name), path
        assert "passwd" not in path.name


def check_duckdb(file: Path) -> None:
    with duckdb.connect(str(file), read_only=True) as connection:
        tables = {row[0] for row in connection.execute("select table_name from information_schema.tables").fetchall()}
        ours = {"channels", "points", "revisions", "journal_position", "flags", "readings", "history"}
        assert tables == ours
        channels = connection.execute("select site, device, factor, field, period from channels").fetchall()
        assert {(site, device, period) for site, device, _, _, period in channels} == {("plant", "d0", "realtime")}
        assert {(factor, field) for _, _, factor, field, _ in channels if not of_a_frame(factor, field)} == set(
            stored()
        )
        for factor, field in stored():
            found = connection.execute(
                "select count(*) from readings where factor = ? and field = ?", [factor, field]
            ).fetchone()
            assert found is not None
            assert found[0] >= 1


def check_influx(influxd: Influxd, database: str) -> None:
    def ask(text: str) -> list[list[str]]:
        answer = json.loads(influxd.request(f"/query?db={database}&q={quote(text)}"))
        return [row for series in answer["results"][0].get("series", []) for row in series["values"]]

    assert ask("show measurements") in ([["realtime"]], [["realtime"], ["revisions"]])
    assert [row[0] for row in ask('show tag keys from "realtime"')] == ["device", "factor", "site"]
    assert ask("show databases") in ([["_internal"], [database]], [[database]], [[database], ["_internal"]])
    for tag, expected in (("site", {"plant"}), ("device", {"d0"})):
        assert {row[1] for row in ask(f'show tag values with key = "{tag}"')} == expected
    factors = {row[1] for row in ask('show tag values with key = "factor"')}
    assert {stored_name(factor) for factor, _ in stored()} <= factors
    assert all(any(factor in stored_name(name) for name in [*NAMES, "a21026"]) for factor in factors)
    fields = {row[0] for row in ask('show field keys from "realtime"')}
    marks = {"clock", "early", "late", "out_of_order", "backfilled", "revision"}
    assert fields - marks == {"flag", "received", "rtd", "info"} | {stored_name(field.lower()) for _, field in stored()}
