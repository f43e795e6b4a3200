"""Who is not who it says, through the whole service: over TCP and over a real broker, to alerts, API and metrics."""

from __future__ import annotations

from pathlib import Path

import httpx
from hj212_gateway import MN, frame, points, running, write
from link_harness import publish, seen
from servers import Mosquitto
from tcp_logger import answered, logger, upload

from gateway.alerts.records import Alert, Family
from gateway.service import Service

LISTENER = """
[[listeners]]
name = "tcp"
port = 0
password_required = false
"""


def link(broker: Mosquitto, more: str = "") -> str:
    return f"""
[[links]]
name = "city"
url = "{broker.url}"
subscribe = [{{ topic = "pollution/{{site}}/{{device}}/data" }}]

{more}
"""


def without_passwords(config: Path) -> Path:
    keys = config.parent / "keys.toml"
    keys.write_text("")
    return config


def open_alerts(service: Service, rule: str) -> list[Alert]:
    return [alert for alert in service.ledger.alerts(limit=1000) if alert.subject.rule == rule]


async def test_a_logger_that_sends_frames_of_another_is_told_so_and_raises_an_alert(tmp_path: Path) -> None:
    config = without_passwords(write(tmp_path, LISTENER))
    async with running(config) as service, logger(service.listeners[0].port) as one:
        await one.send(frame("2017", 1, 17.0), upload(MN["2005"], "20260101080002000"), frame("2017", 3, 18.0))
        replies = await one.replies(3)
        assert answered(replies) == [
            ("9014", "20260101080001000"),
            ("9011", "20260101080002000"),
            ("9014", "20260101080003000"),
        ]
        assert f"MN={MN['2005']};" in replies[1]
        assert "QnRtn=4" in replies[1]
        await seen(lambda: open_alerts(service, "identity"))
        (alert,) = open_alerts(service, "identity")
        assert (alert.subject.family, alert.subject.id) == (Family.DATA_QUALITY, "d2017")
        (letter,) = (kept.letter for kept in service.ledger.dead_letters())
        assert (letter.reason, letter.topic) == ("mn_mismatch", "tcp/plant/d2017")
        assert alert.evidence == (f"journal:{letter.position}", f"claims:{MN['2005']!r}")
        assert MN["2005"] in alert.text_en
    assert points(tmp_path) == [("d2017", 1, 17.0), ("d2017", 3, 18.0)]


async def test_who_tries_a_password_is_among_the_strangers_with_the_mn_it_claimed(tmp_path: Path) -> None:
    async with running(write(tmp_path, LISTENER)) as service, logger(service.listeners[0].port) as one:
        await one.send(upload(MN["2017"], "20260101080001000", pw="000000"))
        await one.closed()
        await seen(lambda: service.checks.strangers.listed())
        (stranger,) = service.checks.strangers.listed()
        assert (stranger.name, stranger.reason) == (MN["2017"], "login_refused")
        assert (stranger.topic, stranger.link, stranger.count) == ("tcp/-/-/password_wrong", "tcp", 1)
        assert open_alerts(service, "identity") == [], "it came by nobody's connection"


async def test_a_stranger_is_read_once_it_is_in_the_inventory(tmp_path: Path) -> None:
    """Its letters stand on the topic of nobody, which binds to nobody."""
    known = [("d2005", MN["2005"])]
    async with running(write(tmp_path, LISTENER, known)) as service, logger(service.listeners[0].port) as one:
        await one.send(frame("2017", 1, 17.0))
        await seen(lambda: service.ledger.dead_letters())
        assert service.ledger.dead_letters()[0].letter.reason == "unknown_device"
    async with running(write(tmp_path, LISTENER)) as service:
        assert service.ledger.request_replay() == 1
        await seen(lambda: service.pipeline.counts.readings == 1)
    assert points(tmp_path) == [("d2017", 1, 17.0)]


async def test_a_concentrator_that_the_inventory_knows_raises_none(tmp_path: Path) -> None:
    config = without_passwords(write(tmp_path, LISTENER))
    inventory = tmp_path / "inventory.toml"
    carried = inventory.read_text("utf-8").replace('id = "d2005"', 'id = "d2005"\ncarrier = "d2017"')
    inventory.write_text(carried, "utf-8")
    async with running(config) as service, logger(service.listeners[0].port) as one:
        await one.send(frame("2017", 1, 17.0), frame("2005", 2, 5.0))
        assert [cn for cn, _ in answered(await one.replies(2))] == ["9014", "9014"]
        assert service.ledger.dead_letters() == []
    assert points(tmp_path) == [("d2005", 2, 5.0), ("d2017", 1, 17.0)]


async def test_a_flood_of_invented_names_is_bounded_counted_and_said(mosquitto: Mosquitto, tmp_path: Path) -> None:
    config = write(tmp_path, link(mosquitto, "[decode]\nnew_devices_per_minute = 5"))
    invented = [(f"pollution/plant/inv-{number}/data", b"{}") for number in range(300)]
    async with running(config) as service:
        await publish(mosquitto.port, [*invented, ("pollution/plant/d2017/data", frame("2017", 1, 17.0))])
        await seen(lambda: service.pipeline.counts.messages == 301)
        await seen(lambda: open_alerts(service, "strangers_dropped"))
        (alert,) = open_alerts(service, "strangers_dropped")
        assert alert.subject.family is Family.GATEWAY_HEALTH
        assert "名录外" in alert.text_zh
        kept, dropped = len(service.checks.strangers), service.checks.strangers.dropped
        assert (kept + dropped, len(service.ledger.dead_letters(limit=1000))) == (300, kept)
        assert kept in (5, 10), "within one minute, or over the end of one"
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{service.port}") as api:
            metrics = (await api.get("/metrics")).text
            assert f"gateway_strangers_dropped_total {dropped}.0" in metrics
            assert len((await api.get("/api/v1/strangers")).json()) == kept
    assert points(tmp_path) == [("d2017", 1, 17.0)]
