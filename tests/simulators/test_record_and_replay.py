"""Scenarios written to files, broker traffic recorded, and both sent again."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
from itertools import pairwise
from pathlib import Path

import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from played import stream
from servers import Mosquitto, StartMosquitto, free_port
from typer.testing import CliRunner

from simulators import library
from simulators.broker import Broker
from simulators.cli import app
from simulators.errors import BrokerError, SimulatorError
from simulators.publish import Publisher
from simulators.record import Recorder
from simulators.records import Happening, Message
from simulators.replay import Replay
from simulators.session import Protocol
from simulators.traffic import Arrival, TrafficWriter, read

START = 1_767_225_600_000
COMMAND = [sys.executable, "-m", "simulators"]


def invoke(*arguments: str) -> str:
    done = CliRunner().invoke(app, list(arguments), catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def test_write_puts_the_very_stream_into_a_file(tmp_path: Path) -> None:
    file, truth = tmp_path / "a.traffic.gz", tmp_path / "truth.jsonl"
    said = invoke(
        *("write", "demo", "--out", str(file), "--seconds", "5.5", "--seed", "7"),
        *("--start", "2026-01-01T08:00:00", "--truth", str(truth)),
    )
    head, arrivals = read(file)
    assert head["start_ms"] == START and head["seed"] == 7
    expected = [item for item in stream(library.load("demo"), 7, START, 5.5) if not isinstance(item, Happening)]
    found = list(arrivals)
    assert [(one.due, one.topic, one.captured) for one in found] == [
        (item.due, item.topic, None if isinstance(item, Message) else item.captured) for item in expected
    ]
    messages = [item for item in expected if isinstance(item, Message)]
    assert [one.payload for one in found if one.qos == 1] == [item.payload for item in messages]
    assert f"messages={len(messages)} frames={len(expected) - len(messages)}" in said
    told = [item.record for item in stream(library.load("demo"), 7, START, 5.5) if isinstance(item, Happening)]
    assert told[0]["kind"] == "exceedance"
    assert [json.loads(line) for line in truth.read_text().splitlines()] == told


def test_the_same_seed_and_start_give_the_same_file(tmp_path: Path) -> None:
    files = [tmp_path / "a.traffic.gz", tmp_path / "b.traffic.gz"]
    for file in files:
        invoke("write", "demo", "--out", str(file), "--seconds", "1", "--start", "2026-01-01T08:00:00")
    assert files[0].read_bytes() == files[1].read_bytes()


def test_as_fast_as_possible_nothing_is_left_out(mosquitto: Mosquitto, collect, tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    expected = [item for item in stream(library.load("demo"), 7, START, 6) if not isinstance(item, Happening)]
    with collect(mosquitto.port) as collector:
        invoke(
            *("run", "demo", "--broker", mosquitto.url, "--seed", "7", "--seconds", "6", "--speed", "max"),
            *("--start", "2026-01-01T00:00:00Z", "--report", str(report)),
        )
        collector.wait_for(lambda got: len(got) >= len(expected))
    figures = json.loads(report.read_text())
    assert (figures["messages_failed"], figures["frames_failed"], figures["frames_skipped"]) == (0, 0, 0)
    assert (figures["start_ms"], figures["seconds"]) == (START, 6.0)
    assert sorted((m.topic, m.payload) for m in collector.messages if m.qos == 1) == sorted(
        (item.topic, item.payload) for item in expected if isinstance(item, Message)
    )


def test_what_a_broker_passes_on_is_recorded_and_can_be_sent_again(
    mosquitto: Mosquitto, collect, tmp_path: Path
) -> None:
    recorded, first = tmp_path / "r.traffic", tmp_path / "first.json"
    process = subprocess.Popen(
        [
            *(*COMMAND, "record", "--broker", mosquitto.url, "--out", str(recorded)),
            *("--topics", "pollution/#", "--topics", "camera/+/+/frame"),
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        with collect(mosquitto.port) as collector:
            deadline = time.monotonic() + 30
            while "recorder-" not in mosquitto.log():
                assert time.monotonic() < deadline
                time.sleep(0.02)
            time.sleep(0.2)  # from CONNECT to SUBSCRIBE
            invoke(
                *("run", "demo", "--broker", mosquitto.url, "--seconds", "2", "--speed", "max"),
                *("--report", str(first)),
            )
            sent = json.loads(first.read_text())
            total = sent["messages_sent"] + sent["frames_sent"]
            collector.wait_for(lambda got: len(got) >= total)
            process.send_signal(signal.SIGINT)
            said, _ = process.communicate(timeout=30)
            assert process.returncode == 0
            assert f"messages={total} " in said
            invoke("replay", str(recorded), "--broker", mosquitto.url, "--speed", "max", "--times", "original")
            collector.wait_for(lambda got: len(got) >= 2 * total)
    finally:
        process.kill()
    arrivals = [(one.topic, one.payload, one.captured) for one in read(recorded)[1]]
    assert len(arrivals) == total
    for heard in (collector.messages[:total], collector.messages[total:]):
        assert sorted((m.topic, m.payload, m.qos) for m in heard) == sorted(
            (topic, payload, 0 if topic.startswith("camera") else 1) for topic, payload, _ in arrivals
        )
        assert sorted(dict(m.properties.UserProperty)["captured"] for m in heard if m.qos == 0) == sorted(
            str(captured) for _, _, captured in arrivals if captured is not None
        )


def test_what_is_old_is_sent_as_of_now(mosquitto: Mosquitto, collect, tmp_path: Path) -> None:
    file, report = tmp_path / "old.traffic", tmp_path / "report.json"
    invoke("write", "demo", "--out", str(file), "--seconds", "2", "--start", "2025-06-01T00:00:00Z")
    total = len(list(read(file)[1]))
    before = int(time.time() * 1000)
    with collect(mosquitto.port) as collector:
        invoke("replay", str(file), "--broker", mosquitto.url, "--speed", "max", "--report", str(report))
        collector.wait_for(lambda got: len(got) >= total)
    after = int(time.time() * 1000)
    figures = json.loads(report.read_text())
    assert (figures["times_left"], figures["messages_failed"], figures["frames_failed"]) == (0, 0, 0)
    assert figures["messages_sent"] + figures["frames_sent"] == total
    stamps = [json.loads(m.payload)["time"] for m in collector.messages if m.payload.startswith(b'{"v":1,"time":1')]
    stamps += [int(dict(m.properties.UserProperty)["captured"]) for m in collector.messages if m.qos == 0]
    assert len(stamps) > 20
    assert all(before - 1_000 <= stamp <= after + 3_000 for stamp in stamps)
    assert all(b"=2025" not in m.payload for m in collector.messages)


def test_with_original_times_the_very_bytes_are_sent_again() -> None:
    arrivals = [Arrival(START, "a", b'{"time":5}'), Arrival(START + 10, "b", b"\xff\xd8", START, 0)]
    replay = Replay(arrivals, "original")
    assert replay.begins == START
    items = list(replay.items(START))
    assert [(item.due, item.topic) for item in items] == [(START, "a"), (START + 10, "b")]
    assert Replay([], "present").begins is None


def test_a_recorder_says_what_the_broker_does_not_allow(tmp_path: Path, start_mosquitto: StartMosquitto) -> None:
    broker = start_mosquitto(users={"fleet": "right"})
    with (
        TrafficWriter(tmp_path / "x.traffic", {}) as file,
        pytest.raises(BrokerError, match="refused the connection"),
    ):
        Recorder(Broker.of(broker.url), "mqtt5", ["#"], file).run(20, 0.1, threading.Event())
    with TrafficWriter(tmp_path / "y.traffic", {}) as file, pytest.raises(BrokerError, match="does not answer"):
        Recorder(Broker.of(f"mqtt://127.0.0.1:{free_port()}"), "mqtt311", ["#"], file).run(0.2, None, threading.Event())


def test_a_damaged_recording_is_sent_as_far_as_it_is_whole(mosquitto: Mosquitto, collect, tmp_path: Path) -> None:
    file, report = tmp_path / "a.traffic", tmp_path / "report.json"
    with TrafficWriter(file, {}) as writer:
        for number in range(300):
            writer.write(Arrival(START, "a/b", b"%d" % number))
    file.write_bytes(file.read_bytes()[:-1])
    arguments = ["replay", str(file), "--broker", mosquitto.url, "--speed", "max", "--report", str(report)]
    with collect(mosquitto.port) as collector:
        with pytest.raises(SimulatorError, match="cut off or damaged"):
            CliRunner().invoke(app, arguments, catch_exceptions=False)
        collector.wait_for(lambda got: len(got) == 299)
    assert json.loads(report.read_text())["messages_sent"] == 299


class Recording:
    """A recorder at work in a thread of its own."""

    def __init__(self, broker: Mosquitto, file: Path, protocol: Protocol = "mqtt5", topics: str = "#") -> None:
        self.stop = threading.Event()
        self.file = file
        self.trouble: list[Exception] = []
        self._thread = threading.Thread(target=self._run, args=(broker, protocol, topics))

    def _run(self, broker: Mosquitto, protocol: Protocol, topics: str) -> None:
        with TrafficWriter(self.file, {}) as file:
            self.recorder = Recorder(Broker.of(broker.url), protocol, [topics], file)
            try:
                self.recorder.run(20, None, self.stop)
            except Exception as error:  # noqa: BLE001
                self.trouble.append(error)

    def until(self, messages: int) -> None:
        deadline = time.monotonic() + 20
        while self.recorder.recorded.messages < messages:
            assert time.monotonic() < deadline and not self.trouble, self.trouble
            time.sleep(0.01)

    def __enter__(self) -> Recording:
        self._thread.start()
        deadline = time.monotonic() + 20
        while not hasattr(self, "recorder") or not self.recorder.ready:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        return self

    def __exit__(self, *_: object) -> None:
        self.stop.set()
        self._thread.join()


def test_all_kinds_of_messages_are_recorded_and_sent_again_as_they_were(mosquitto: Mosquitto, tmp_path: Path) -> None:
    said = [
        ("a/" + "x" * 500, b"", 0, None),
        ("/leading/and/trailing/", bytes(range(256)), 1, None),
        ("\u73af\u5883/ \u00e9", b"\xff\xd8" + bytes(1_000_000), 2, "1767225600123"),
        ("user/property/of/no/sense", b"x", 0, "\u00b2"),
        ("user/property/too/long", b"x", 1, "9" * 30),
    ]
    client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5)
    client.connect("127.0.0.1", mosquitto.port)
    client.loop_start()
    with Recording(mosquitto, tmp_path / "a.traffic") as recording:
        for topic, payload, qos, captured in said:
            properties = Properties(PacketTypes.PUBLISH)
            if captured is not None:
                properties.UserProperty = ("captured", captured)
            client.publish(topic, payload, qos, retain=bool(qos), properties=properties).wait_for_publish(10)
        recording.until(len(said))
    client.disconnect()
    client.loop_stop()
    assert recording.trouble == []
    arrivals = list(read(tmp_path / "a.traffic")[1])
    assert [(one.topic, one.payload) for one in arrivals] == [(topic, payload) for topic, payload, *_ in said]
    assert [one.captured for one in arrivals] == [None, None, 1_767_225_600_123, None, None]
    with Recording(mosquitto, tmp_path / "b.traffic.gz") as again:
        retained = 3
        again.until(retained)
        invoke("replay", str(tmp_path / "a.traffic"), "--broker", mosquitto.url, "--times", "original")
        again.until(retained + len(said))
    second = list(read(tmp_path / "b.traffic.gz")[1])
    assert {one.topic for one in second[:retained] if one.retain} == {topic for topic, _, qos, _ in said if qos}
    assert [(one.topic, one.payload) for one in second[retained:]] == [(topic, payload) for topic, payload, *_ in said]
    gaps = [[later.due - one.due for one, later in pairwise(each)] for each in (arrivals, second[retained:])]
    assert all(abs(one - other) < 500 for one, other in zip(*gaps, strict=True))


@pytest.mark.parametrize("protocol", ["mqtt5", "mqtt311"])
def test_a_recording_that_is_over_leaves_the_broker_nothing_to_keep(
    mosquitto: Mosquitto, collect, tmp_path: Path, protocol: Protocol
) -> None:
    with Recording(mosquitto, tmp_path / "a.traffic", protocol, "a/#"):
        pass
    with collect(mosquitto.port) as collector:
        publisher = Publisher(Broker.of(mosquitto.url))
        publisher.connect(10, threading.Event())
        for _ in range(20):
            publisher.reading(Message(START, "a/b", b"x", 1))
        publisher.close()
        collector.wait_for(lambda got: len(got) == 20)
    mosquitto.stop()
    kept = (mosquitto.folder / "mosquitto.db").read_bytes()
    assert b"a/#" not in kept, "the subscription has been kept"
