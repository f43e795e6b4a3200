"""No place in flight is lost to a message that is filtered, rejected or duplicated: what is behind it still comes."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import aiomqtt
import pytest
import small_city
from servers import Mosquitto, StartMosquitto

from gateway.config_file import load
from gateway.service import Service
from gateway.service_views import api_server

SLOTS = 20
ROUNDS = 12

CONFIG = """
data = "data"
inventory = "inventory.toml"

[[links]]
name = "city"
url = "{url}"
protocol = "{protocol}"
client_id = "gw"
receive_max = 20
max_packet_bytes = 20000
backoff_max_s = 0.2
probe_s = 1
subscribe = [
    {{ topic = "pollution/{{site}}/{{device}}/data" }},
    {{ topic = "camera/{{site}}/{{camera}}/frame", codec = "jpeg" }},
]

[publish]
enabled = false

[api]
enabled = false
"""
INVENTORY = """
[[sites]]
id = "plant"
name = { en = "Plant", zh = "电厂" }
latitude = 33.0
longitude = 112.5

[[devices]]
id = "d0"
site = "plant"
kind = "stack"
name = { en = "Stack", zh = "烟囱" }
interval_s = 1
silent_after_s = 3600
factors = [{ code = "a21026", unit = "mg/m3" }]

[[cameras]]
id = "yard"
site = "plant"
name = { en = "Yard", zh = "院子" }
silent_after_s = 3600
"""


@asynccontextmanager
async def serving(folder: Path, url: str, protocol: str) -> AsyncGenerator[Service]:
    folder.mkdir(exist_ok=True)
    (folder / "gateway.toml").write_text(CONFIG.format(url=url, protocol=protocol))
    (folder / "inventory.toml").write_text(INVENTORY)
    service = Service(*load(folder / "gateway.toml"), api_server)
    stop = asyncio.Event()
    running = asyncio.create_task(service.run(stop))
    try:
        async with asyncio.timeout(30):
            while not service.links[0].status.connected:
                await asyncio.sleep(0.02)
        yield service
    finally:
        stop.set()
        await running


def useless(number: int) -> list[tuple[str, bytes]]:
    """One of each kind of message that comes to nothing, and one that came before."""
    topic, good = small_city.message(0, number - 1, 10.0)
    return [
        (topic, b""),
        (topic, b"{"),
        (topic, b'{"v":1,"time":1,"readings":{"a21026":1}}'),
        ("pollution/plant/nobody/data", good),
        ("pollution/nowhere/d0/data", good),
        ("camera/plant/yard/frame", b"no picture"),
        ("camera/plant/none/frame", b"\xff\xd8\xff"),
        ("pollution/plant/d0/data", b"x" * 30_000),
        (topic, good),
        (topic, good),
    ]


@pytest.mark.timeout(120)
@pytest.mark.parametrize("protocol", ["mqtt5", "mqtt311"])
@pytest.mark.parametrize("qos", [1, 2])
async def test_no_slot_is_lost(start_mosquitto: StartMosquitto, tmp_path: Path, protocol: str, qos: int) -> None:
    broker = start_mosquitto(max_inflight_messages=SLOTS)
    async with aiomqtt.Client(broker.host, broker.port) as client:
        await client.publish("pollution/plant/d0/data", b"retained, and old", qos=1, retain=True)
    async with serving(tmp_path / "gw", broker.url, protocol) as service:
        async with aiomqtt.Client(broker.host, broker.port) as client:
            for number in range(ROUNDS):
                for topic, payload in [*useless(number), small_city.message(0, number, 20.0)]:
                    await client.publish(topic, payload, qos=qos)
        await heard(service, ROUNDS)
        await asyncio.to_thread(broker.restart)  # and after a reconnect
        async with aiomqtt.Client(broker.host, broker.port) as client:
            for number in range(ROUNDS, 2 * ROUNDS):
                for topic, payload in [*useless(number), small_city.message(0, number, 20.0)]:
                    await client.publish(topic, payload, qos=qos)
        await heard(service, 2 * ROUNDS)
        status = service.links[0].status
        assert status.connected and status.reconnects == 1 and status.deaf == 0
    reasons = service.pipeline.counts.dead
    assert reasons["unknown_device"] + reasons["strangers_left_out"] >= ROUNDS
    assert reasons["bad_json"] >= ROUNDS and reasons["not_jpeg"] >= ROUNDS


async def heard(service: Service, rounds: int) -> None:
    """Wait until the reading of every round is there."""
    newest = small_city.START + 1000 * (rounds - 1)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(40):
            while True:
                found = service.live.newest(list(range(len(service.channels))))
                if len(found.time) and int(found.time.max()) >= newest:
                    return
                await asyncio.sleep(0.05)
    pytest.fail(f"not all came: {service.links[0].status} {service.pipeline.counts}")


@pytest.mark.parametrize("protocol", ["mqtt5", "mqtt311"])
async def test_all_that_was_read_was_acknowledged(mosquitto: Mosquitto, tmp_path: Path, protocol: str) -> None:
    async with serving(tmp_path / "gw", mosquitto.url, protocol) as service:
        async with aiomqtt.Client(mosquitto.host, mosquitto.port) as client:
            for number in range(ROUNDS):
                for topic, payload in [*useless(number), small_city.message(0, number, 20.0)]:
                    await client.publish(topic, payload, qos=1)
        await heard(service, ROUNDS)
        status = service.links[0].status
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(20):
                while status.acked < ROUNDS * 11:
                    await asyncio.sleep(0.05)
        assert status.acked == ROUNDS * 11, status
