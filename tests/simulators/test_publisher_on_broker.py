"""The publisher of the fleet on a real mosquitto: all arrives, and what does not is counted."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from played import stream
from servers import Mosquitto, StartMosquitto, free_port, make_certificates

from simulators import library
from simulators.broker import Broker
from simulators.counts import Counts
from simulators.errors import BrokerError
from simulators.publish import Publisher
from simulators.records import Happening, Message, Picture, Shot
from simulators.session import Protocol

DEMO = library.load("demo")
START = 1_767_225_600_000


@pytest.fixture
def items() -> list[Message | Shot]:
    return [item for item in stream(DEMO, 7, START, 6) if not isinstance(item, Happening)]


def connected(server: Mosquitto, protocol: Protocol = "mqtt5") -> Publisher:
    publisher = Publisher(Broker.of(server.url), protocol)
    publisher.connect(10, threading.Event())
    return publisher


def until(publisher: Publisher, met: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not met():
        assert time.monotonic() < deadline, publisher
        publisher.pump()
        time.sleep(0.002)


def test_a_retained_message_is_there_for_who_comes_later(mosquitto: Mosquitto, collect) -> None:
    publisher = connected(mosquitto)
    publisher.reading(Message(START, "pollution/p/a/data", b"kept", 1, retain=True))
    publisher.reading(Message(START, "pollution/p/b/data", b"gone", 1))
    publisher.close()
    assert publisher.counts.messages_sent == 2
    with collect(mosquitto.port) as collector:
        collector.wait_for(lambda got: len(got) >= 1)
        assert [(m.topic, m.payload, m.retain) for m in collector.messages] == [("pollution/p/a/data", b"kept", True)]


@pytest.mark.parametrize("protocol", ["mqtt5", "mqtt311"])
def test_everything_arrives_once_and_is_counted(
    mosquitto: Mosquitto, collect, items: list[Message | Shot], protocol: Protocol
) -> None:
    readings = [item for item in items if isinstance(item, Message)]
    shots = [item for item in items if isinstance(item, Shot)]
    with collect(mosquitto.port) as collector:
        publisher = connected(mosquitto, protocol)
        for item in items:
            if isinstance(item, Message):
                publisher.reading(item)
            else:
                publisher.frame(item)
                until(publisher, lambda: publisher.outstanding < 20)
        publisher.close()
        collector.wait_for(lambda got: len(got) >= len(items))
    assert publisher.counts == Counts(
        readings_sent=sum(item.values for item in readings), messages_sent=len(readings), frames_sent=len(shots)
    )
    assert sorted((m.topic, m.payload) for m in collector.messages) == sorted(
        [(r.topic, r.payload) for r in readings] + [(s.topic, s.jpeg()) for s in shots]
    )
    by_qos = {m.topic.split("/")[0]: m.qos for m in collector.messages}
    assert by_qos == {"pollution": 1, "camera": 0}


def test_frames_carry_their_capture_time_over_mqtt_5(
    mosquitto: Mosquitto, collect, items: list[Message | Shot]
) -> None:
    taken = next(item for item in items if isinstance(item, Shot))
    shot = replace(taken, captured=taken.due - 90_000)  # by a camera whose clock is behind
    with collect(mosquitto.port) as collector:
        publisher = connected(mosquitto)
        publisher.frame(shot)
        publisher.close()
        collector.wait_for(lambda got: len(got) == 1)
    assert dict(collector.messages[0].properties.UserProperty) == {"captured": str(taken.due - 90_000)}


def test_readings_wait_for_a_broker_that_restarts_and_frames_fail(
    mosquitto: Mosquitto, collect, items: list[Message | Shot]
) -> None:
    readings = [item for item in items if isinstance(item, Message)]
    shot = next(item for item in items if isinstance(item, Shot))
    half = len(readings) // 2
    with collect(mosquitto.port) as collector:
        publisher = connected(mosquitto)
        for message in readings[:half]:
            publisher.reading(message)
        mosquitto.stop()
        until(publisher, lambda: not publisher.online)
        for message in readings[half:]:
            publisher.reading(message)
        publisher.frame(shot)
        assert publisher.counts.frames_failed == 1
        mosquitto.start()
        until(publisher, lambda: not publisher.outstanding)
        publisher.close()
        collector.wait_for(lambda got: {m.payload for m in got} >= {r.payload for r in readings})
    assert (publisher.counts.messages_sent, publisher.counts.messages_failed) == (len(readings), 0)


def test_the_window_keeps_to_the_broker_s_receive_maximum(
    start_mosquitto: StartMosquitto, collect, items: list[Message | Shot]
) -> None:
    readings = [item for item in items if isinstance(item, Message)]
    broker = start_mosquitto(max_inflight_messages=3)
    with collect(broker.port) as collector:
        publisher = connected(broker)
        for message in readings:
            publisher.reading(message)
        publisher.close()
        collector.wait_for(lambda got: len(got) == len(readings))
    assert publisher.counts.messages_sent == len(readings)
    assert "receive maximum" not in broker.log().lower()


def test_what_is_never_acknowledged_counts_as_failed(mosquitto: Mosquitto, items: list[Message | Shot]) -> None:
    readings = [item for item in items if isinstance(item, Message)][:5]
    publisher = connected(mosquitto)
    mosquitto.pause()
    for message in readings:
        publisher.reading(message)
    publisher.close(timeout_s=0.2)
    assert (publisher.counts.messages_sent, publisher.counts.messages_failed) == (0, 5)


def test_no_broker_is_told_with_its_address() -> None:
    port = free_port()
    publisher = Publisher(Broker.of(f"mqtt://127.0.0.1:{port}"))
    with pytest.raises(BrokerError, match=f"mqtt://127.0.0.1:{port} does not answer .*Connection refused"):
        publisher.connect(0.2, threading.Event())


def test_a_wrong_password_is_told(start_mosquitto: StartMosquitto) -> None:
    broker = start_mosquitto(users={"fleet": "right"})
    publisher = Publisher(Broker.of(broker.url, "fleet", "wrong"))
    with pytest.raises(BrokerError, match="refused the connection: Not authorized"):
        publisher.connect(10, threading.Event())
    publisher = Publisher(Broker.of(broker.url, "fleet", "right"))
    publisher.connect(10, threading.Event())
    publisher.close()


def test_a_broker_that_takes_nothing_cannot_hold_up_the_end(mosquitto: Mosquitto) -> None:
    publisher = connected(mosquitto)
    mosquitto.pause()
    for _ in range(40):
        publisher.frame(Picture(START, "camera/a/b/frame", b"\xff\xd8" + bytes(400_000), None))
    for _ in range(10):
        publisher.reading(Message(START, "pollution/a/b/data", b"x", 1))
    began = time.monotonic()
    publisher.close(timeout_s=0.1)
    assert time.monotonic() - began < 5
    counts = publisher.counts
    assert (counts.messages_sent, counts.messages_failed) == (0, 10)
    assert counts.frames_failed > 0 and counts.frames_sent + counts.frames_failed == 40


@pytest.mark.parametrize(
    ("option", "message", "said"),
    [
        ("max_packet_size 20000", Message(START, "a/b", b"x" * 19_989, 1), "takes no packets over 20,000 bytes"),
        ("retain_available false", Message(START, "a/b", b"x", 1, retain=True), "keeps no retained messages"),
    ],
)
def test_what_the_broker_would_hang_up_for_fails_alone(
    start_mosquitto: StartMosquitto, collect, option: str, message: Message, said: str
) -> None:
    broker = start_mosquitto(options=[option])
    told: list[str] = []
    publisher = Publisher(Broker.of(broker.url), tell=told.append)
    publisher.connect(10, threading.Event())
    fits = Message(START, "a/b", b"x" * 19_988, 1)  # with it 20,000 bytes
    with collect(broker.port) as collector:
        for each in (fits, message, message, fits):
            publisher.reading(each)
        until(publisher, lambda: not publisher.outstanding)
        collector.wait_for(lambda got: len(got) == 2)
    publisher.close()
    assert (publisher.counts.messages_sent, publisher.counts.messages_failed) == (2, 2)
    assert told == [f"{broker.url} {said}: such messages fail"]


def test_a_frame_too_large_for_the_broker_fails_alone(start_mosquitto: StartMosquitto) -> None:
    broker = start_mosquitto(options=["max_packet_size 20000"])
    publisher = connected(broker)
    for size in (19_000, 20_000, 19_000):
        publisher.frame(Picture(START, "camera/a/b/frame", b"\xff\xd8" + bytes(size), START))
    publisher.close()
    assert (publisher.counts.frames_sent, publisher.counts.frames_failed) == (2, 1)


def test_a_broker_that_takes_qos_0_only_is_told(start_mosquitto: StartMosquitto) -> None:
    publisher = Publisher(Broker.of(start_mosquitto(options=["max_qos 0"]).url))
    with pytest.raises(BrokerError, match="refused the connection: it takes QoS 0 only"):
        publisher.connect(10, threading.Event())


def test_a_certificate_that_is_not_trusted_is_told_at_once(start_mosquitto: StartMosquitto, tmp_path: Path) -> None:
    broker = start_mosquitto(tls=make_certificates(tmp_path / "tls"))
    publisher = Publisher(Broker.of(broker.url))
    with pytest.raises(BrokerError, match=f"{broker.url}: its certificate is not trusted: self-signed"):
        publisher.connect(60, threading.Event())


@pytest.mark.parametrize("url", ["127.0.0.1:1883", "http://127.0.0.1", "mqtt://:1883", "mqtt://a:b@c", "mqtt://a:x"])
def test_an_address_that_is_none_is_told(url: str) -> None:
    with pytest.raises(BrokerError):
        Broker.of(url)
