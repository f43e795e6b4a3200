"""What a broker does not allow is said with its consequence, when connecting and by `gateway check --connect`."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

import mqtt5
import pytest
import structlog
from servers import Mosquitto, StartMosquitto, free_port
from typer.testing import CliRunner

from gateway.cli import app
from gateway.config import Link as Settings
from gateway.config import Subscription
from gateway.links.allowed import warnings_of
from gateway.links.mqtt5 import Mqtt5Link
from gateway.records import Batch

LESS = ("max_qos 0", "retain_available false", "max_keepalive 20", "max_packet_size 100000")


async def keep(batch: Batch) -> None:
    batch.ack()


async def test_a_link_says_what_its_broker_does_not_allow_and_goes_on(start_mosquitto: StartMosquitto) -> None:
    broker = start_mosquitto(options=LESS)
    link = Mqtt5Link(Settings(name="city", url=broker.url, client_id="gw", backoff_max_s=0.1))
    with structlog.testing.capture_logs() as logs:
        task = asyncio.create_task(link.run(keep))
        async with asyncio.timeout(20):
            while not link.status.connected:
                await asyncio.sleep(0.02)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
    said = " ".join(link.status.warnings)
    assert "QoS 0 at most" in said and "no retained messages" in said
    assert [entry["warning"] for entry in logs if entry["event"] == "link_broker_allows_less"] == link.status.warnings


def test_each_thing_that_is_not_allowed_has_its_sentence() -> None:
    settings = Settings(name="city", subscribe=(Subscription(topic="c/{site}/{camera}", codec="jpeg"),))
    allowed = mqtt5.ConnAckPacket()
    assert warnings_of(settings, allowed) == []
    answer = mqtt5.ConnAckPacket(
        max_qos=mqtt5.QoS.AT_MOST_ONCE,
        session_expiry_interval=60,
        retain_available=False,
        wildcard_subscription_available=False,
        max_packet_size=1000,
        assigned_client_id="auto-1",
    )
    said = warnings_of(settings, answer)
    for part in ("QoS 0", "60 s", "retained", "wildcards", "1000 bytes", "auto-1"):
        assert sum(part in warning for warning in said) == 1, part
    assert all(": " in warning for warning in said), "each with its consequence"


def config(folder: Path, url: str, protocol: str) -> str:
    file = folder / "gateway.toml"
    file.write_text(f"""
[[links]]
name = "city"
url = "{url}"
protocol = "{protocol}"

[[sites]]
id = "plant"
name = {{ en = "Plant", zh = "电厂" }}
latitude = 33.0
longitude = 112.5

[[devices]]
id = "d1"
site = "plant"
kind = "stack"
name = {{ en = "Stack", zh = "烟囱" }}
interval_s = 1
silent_after_s = 10
factors = [{{ code = "a21026", unit = "mg/m3" }}]
""")
    return str(file)


@pytest.mark.parametrize("protocol", ["mqtt5", "mqtt311"])
def test_check_connects_to_each_broker_and_leaves_nothing_behind(
    mosquitto: Mosquitto, tmp_path: Path, protocol: str
) -> None:
    result = CliRunner().invoke(app, ["check", config(tmp_path, mosquitto.url, protocol), "--connect"])
    assert result.exit_code == 0, result.output
    assert f"city: {mosquitto.url} can be used" in result.output


def test_check_says_what_is_less_and_what_cannot_be_used(start_mosquitto: StartMosquitto, tmp_path: Path) -> None:
    broker = start_mosquitto(options=LESS)
    result = CliRunner().invoke(app, ["check", config(tmp_path, broker.url, "mqtt5"), "--connect"])
    assert result.exit_code == 0, result.output
    assert "QoS 0 at most" in result.output and "[warning]" in result.output
    nowhere = f"mqtt://127.0.0.1:{free_port()}"
    result = CliRunner().invoke(app, ["check", config(tmp_path, nowhere, "mqtt5"), "--connect"])
    assert result.exit_code == 1
    assert "cannot be used" in result.output
