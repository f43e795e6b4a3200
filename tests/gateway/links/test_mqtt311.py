"""The MQTT 3.1.1 link on a real broker: what arrives, what is acknowledged when, and what comes again."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from link_harness import Taker, Wire, publish, running, seen
from servers import Mosquitto, StartMosquitto
from structlog.testing import capture_logs

from gateway.config import Link as Settings
from gateway.config import Subscription
from gateway.links.mqtt311 import Mqtt311Link

TOPIC = "pollution/river/ww-01/data"


def settings(url: str, **more: object) -> Settings:
    return Settings.model_validate(
        {
            "name": "north",
            "protocol": "mqtt311",
            "url": url,
            "subscribe": [Subscription(topic="pollution/{site}/{device}/data")],
            "backoff_max_s": 0.3,
            **more,
        }
    )


def numbered(start: int, end: int) -> list[tuple[str, bytes]]:
    return [(TOPIC, b"%d" % number) for number in range(start, end)]


def numbers(start: int, end: int) -> list[bytes]:
    return [payload for _, payload in numbered(start, end)]


async def test_twenty_thousand_messages_arrive_exactly_once_and_in_order(mosquitto: Mosquitto) -> None:
    taker = Taker()
    link = Mqtt311Link(settings(mosquitto.url), clock=lambda: 1_700_000_000_000)
    async with running(link, taker):
        await publish(mosquitto.port, numbered(0, 20_000))
        assert await taker.until(20_000) == numbers(0, 20_000)
        await seen(lambda: link.status.acked == 20_000)
    assert {topic for batch in taker.batches for topic in batch.topics} == {TOPIC}
    assert {(batch.link, batch.received) for batch in taker.batches} == {("north", 1_700_000_000_000)}
    assert (link.status.received, link.status.stale_acks, link.status.reconnects) == (20_000, 0, 0)


async def test_messages_of_qos_0_arrive_and_have_nothing_to_acknowledge(mosquitto: Mosquitto) -> None:
    taker = Taker()
    link = Mqtt311Link(settings(mosquitto.url, qos=0))
    async with running(link, taker):
        await publish(mosquitto.port, numbered(0, 100))
        assert await taker.until(100) == numbers(0, 100)
    assert (link.status.received, link.status.acked) == (100, 0)


async def test_what_was_not_acknowledged_comes_again_and_what_was_does_not(mosquitto: Mosquitto) -> None:
    first = Taker(acknowledge=False)
    async with running(Mqtt311Link(settings(mosquitto.url)), first):
        await publish(mosquitto.port, numbered(0, 50))
        await first.until(50)

    second = Taker()
    link = Mqtt311Link(settings(mosquitto.url))
    async with running(link, second):
        assert await second.until(50) == numbers(0, 50)
        await seen(lambda: link.status.acked == 50)
    # A client that comes back before the broker has read the end of its last connection takes that over, unread.
    await seen(lambda: mosquitto.log().count("pollution-gateway disconnected") == 2)

    third = Taker()
    async with running(Mqtt311Link(settings(mosquitto.url)), third):
        await publish(mosquitto.port, [(TOPIC, b"last")])
        assert await third.until(1) == [b"last"]


async def test_acknowledgements_of_a_lost_connection_are_not_sent_on_the_next(mosquitto: Mosquitto) -> None:
    taker = Taker(acknowledge=False)
    async with Wire(mosquitto.port) as wire:
        link = Mqtt311Link(settings(f"mqtt://127.0.0.1:{wire.port}"))
        async with running(link, taker):
            await publish(mosquitto.port, numbered(0, 20))
            await taker.until(20)
            early = list(taker.batches)
            wire.cut()
            assert await taker.until(40) == numbers(0, 20) * 2  # none was acknowledged: all come again
            for batch in early:
                batch.ack()
            await seen(lambda: link.status.stale_acks == 20)
            assert link.status.acked == 0
            wire.cut()  # had they been sent, these would not come a third time
            assert await taker.until(60) == numbers(0, 20) * 3
    assert link.status.reconnects == 2


async def test_an_acknowledgement_after_the_link_has_ended_is_counted_as_stale(mosquitto: Mosquitto) -> None:
    taker = Taker(acknowledge=False)
    link = Mqtt311Link(settings(mosquitto.url))
    async with running(link, taker):
        await publish(mosquitto.port, numbered(0, 3))
        await taker.until(3)
    for batch in taker.batches:
        batch.ack()
    assert (link.status.acked, link.status.stale_acks) == (0, 3)


async def test_the_broker_keeps_messages_while_the_link_is_away(mosquitto: Mosquitto) -> None:
    async with running(Mqtt311Link(settings(mosquitto.url)), Taker()):
        pass
    await publish(mosquitto.port, numbered(0, 500))
    taker = Taker()
    async with running(Mqtt311Link(settings(mosquitto.url)), taker):
        assert await taker.until(500) == numbers(0, 500)


async def test_a_restarted_broker_is_found_again_with_nothing_lost(mosquitto: Mosquitto) -> None:
    taker = Taker(acknowledge=False)
    link = Mqtt311Link(settings(mosquitto.url))
    async with running(link, taker):
        await publish(mosquitto.port, numbered(0, 30))
        await taker.until(30)
        mosquitto.stop()
        await seen(lambda: not link.status.connected)
        taker.acknowledge = True
        mosquitto.start()
        await taker.until(60)
        await publish(mosquitto.port, numbered(30, 60))
        assert await taker.until(90) == numbers(0, 30) + numbers(0, 60)
    assert link.status.reconnects == 1
    assert f"127.0.0.1:{mosquitto.port}" in link.status.last_error or "closed" in link.status.last_error


async def test_a_broker_that_lost_the_session_is_subscribed_to_again_and_the_loss_is_logged(
    start_mosquitto: StartMosquitto,
) -> None:
    broker = start_mosquitto(persistence=False, autosave_changes=None)
    taker = Taker()
    link = Mqtt311Link(settings(broker.url))
    with capture_logs() as logs:
        async with running(link, taker):
            broker.restart()
            await seen(lambda: link.status.reconnects == 1 and link.status.connected)
            await publish(broker.port, numbered(0, 5))
            assert await taker.until(5) == numbers(0, 5)
    assert [(log["event"], log["log_level"]) for log in logs] == [
        ("link_up", "info"),
        ("link_down", "warning"),
        *[("link_down", "warning")] * (len(logs) - 5),  # attempts while it was away
        ("link_session_lost", "error"),
        ("link_up", "info"),
        ("link_stopped", "info"),
    ]


async def test_what_take_raises_ends_the_link(mosquitto: Mosquitto) -> None:
    async def broken(_batch: object) -> None:
        raise RuntimeError("the journal is gone")

    link = Mqtt311Link(settings(mosquitto.url))
    running_link = asyncio.create_task(link.run(broken))
    await seen(lambda: link.status.connected)
    await publish(mosquitto.port, numbered(0, 1))
    with pytest.raises(RuntimeError, match="the journal is gone"):
        await running_link
    assert not link.status.connected


async def test_the_password_is_read_from_where_the_settings_say(
    tmp_path: Path, start_mosquitto: StartMosquitto
) -> None:
    broker = start_mosquitto(users={"gateway": "right horse"})
    secret = tmp_path / "password"
    secret.write_text("right horse\n")
    taker = Taker()
    link = Mqtt311Link(settings(broker.url, login={"username": "gateway", "password_file": secret}))
    async with running(link, taker):
        await publish(broker.port, numbered(0, 1), username="gateway", password="right horse")
        assert await taker.until(1) == [b"0"]
