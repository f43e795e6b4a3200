"""The MQTT 5 link on a real mosquitto: nothing acknowledged early, nothing lost over restarts, clear refusals."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import paho.mqtt.client as paho
import paho.mqtt.publish as publish
import pytest
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from servers import Certificates, Mosquitto, StartMosquitto, make_certificates

from gateway.config import Link as Settings
from gateway.config import Secret, Subscription, Tls
from gateway.links.mqtt5 import Mqtt5Link
from gateway.records import Batch

READINGS = (Subscription(topic="pollution/{site}/{device}/data", codec="json"),)


def settings(broker: Mosquitto, **changes: object) -> Settings:
    values = {"name": "city", "url": broker.url, "client_id": "gw", "subscribe": READINGS, "backoff_max_s": 0.3}
    return Settings.model_validate(values | changes)


class Reader:
    """Takes batches; acknowledges them where told to."""

    def __init__(self, *, ack: bool = True) -> None:
        self.batches: list[Batch] = []
        self.ack = ack

    async def take(self, batch: Batch) -> None:
        self.batches.append(batch)
        if self.ack:
            batch.ack()

    @property
    def payloads(self) -> list[bytes]:
        return [payload for batch in self.batches for payload in batch.payloads]


async def until(true: Callable[[], bool], seconds: float = 15) -> None:
    async with asyncio.timeout(seconds):
        while not true():
            await asyncio.sleep(0.01)


@contextlib.asynccontextmanager
async def running(link: Mqtt5Link, take: Callable[[Batch], Awaitable[None]]) -> AsyncIterator[Mqtt5Link]:
    task = asyncio.create_task(link.run(take))
    try:
        await until(lambda: link.status.connected or task.done())
        if task.done():
            task.result()
        yield link
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def send(broker: Mosquitto, *payloads: bytes, topic: str = "pollution/a/b/data", qos: int = 1) -> None:
    messages = [{"topic": topic, "payload": payload, "qos": qos} for payload in payloads]
    publish.multiple(messages, hostname=broker.host, port=broker.port)  # pyright: ignore[reportArgumentType]


async def test_messages_come_once_in_order_and_are_acknowledged(mosquitto: Mosquitto) -> None:
    reader = Reader()
    wanted = [b"%d" % n for n in range(2_000)]
    async with running(Mqtt5Link(settings(mosquitto)), reader.take) as link:
        await asyncio.to_thread(send, mosquitto, *wanted)
        await until(lambda: len(reader.payloads) >= len(wanted))
        assert reader.payloads == wanted
        assert link.status.acked == link.status.received == len(wanted)
    assert len(reader.batches) < len(wanted) / 2, "one read brings many messages"


async def test_what_was_not_acknowledged_comes_again(mosquitto: Mosquitto) -> None:
    first = Reader(ack=False)
    async with running(Mqtt5Link(settings(mosquitto)), first.take):
        await asyncio.to_thread(send, mosquitto, b"1", b"2", b"3")
        await until(lambda: len(first.payloads) == 3)
    second = Reader()
    async with running(Mqtt5Link(settings(mosquitto)), second.take):
        await until(lambda: len(second.payloads) == 3)
    third = Reader()
    async with running(Mqtt5Link(settings(mosquitto)), third.take):
        await asyncio.to_thread(send, mosquitto, b"4")
        await until(lambda: len(third.payloads) == 1)
    assert (second.payloads, third.payloads) == ([b"1", b"2", b"3"], [b"4"])


async def test_messages_published_while_the_link_is_away_wait_for_it(mosquitto: Mosquitto) -> None:
    async with running(Mqtt5Link(settings(mosquitto)), Reader().take):
        pass
    wanted = [b"%d" % n for n in range(3_000)]
    await asyncio.to_thread(send, mosquitto, *wanted)
    reader = Reader()
    async with running(Mqtt5Link(settings(mosquitto)), reader.take):
        await until(lambda: len(reader.payloads) == len(wanted))
    assert reader.payloads == wanted


async def test_it_returns_to_a_restarted_broker_and_subscribes_again(mosquitto: Mosquitto) -> None:
    reader = Reader()
    async with running(Mqtt5Link(settings(mosquitto)), reader.take) as link:
        await asyncio.to_thread(mosquitto.kill9)
        await until(lambda: not link.status.connected)
        assert "closed" in link.status.last_error or "refused" in link.status.last_error
        await asyncio.to_thread(mosquitto.start)
        await until(lambda: link.status.connected)
        await asyncio.to_thread(send, mosquitto, b"after")
        await until(lambda: reader.payloads == [b"after"])
        assert link.status.reconnects == 1


async def test_an_acknowledgement_for_a_lost_connection_is_counted_not_sent(mosquitto: Mosquitto) -> None:
    reader = Reader(ack=False)
    async with running(Mqtt5Link(settings(mosquitto)), reader.take) as link:
        await asyncio.to_thread(send, mosquitto, b"1")
        await until(lambda: len(reader.batches) == 1)
        await asyncio.to_thread(mosquitto.kill9)
        await until(lambda: not link.status.connected)
        reader.batches[0].ack()
        assert (link.status.acked, link.status.stale_acks) == (0, 1)


async def test_a_reader_that_waits_holds_the_broker_back(mosquitto: Mosquitto) -> None:
    gate = asyncio.Event()
    reader = Reader()

    async def slow(batch: Batch) -> None:
        await gate.wait()
        await reader.take(batch)

    link = Mqtt5Link(settings(mosquitto, receive_max=50, max_batch_bytes=65_536))
    async with running(link, slow):
        await asyncio.to_thread(send, mosquitto, *[bytes(1_000)] * 500)
        await asyncio.sleep(0.2)
        assert link.status.received <= 50
        gate.set()
        await until(lambda: len(reader.payloads) == 500)


async def test_the_capture_time_of_a_frame_comes_along(mosquitto: Mosquitto) -> None:
    reader = Reader()
    frames = (Subscription(topic="camera/{site}/{camera}/frame", codec="jpeg"),)
    async with running(Mqtt5Link(settings(mosquitto, subscribe=frames, max_batch_bytes=65_536)), reader.take):
        properties = Properties(PacketTypes.PUBLISH)
        properties.UserProperty = [("other", "x"), ("captured", "1767225600000")]
        client = paho.Client(CallbackAPIVersion.VERSION2, protocol=paho.MQTTv5)
        client.connect(mosquitto.host, mosquitto.port)
        client.publish("camera/a/c/frame", bytes(300_000), properties=properties)  # larger than one read
        client.publish("camera/a/c/frame", b"plain")
        client.loop_start()
        await until(lambda: len(reader.payloads) == 2)
        await asyncio.to_thread(client.loop_stop)
    assert [len(payload) for payload in reader.payloads] == [300_000, 5]
    batch = reader.batches[0]
    assert batch.captured == {0: "1767225600000"}


async def test_its_will_says_when_it_is_gone(mosquitto: Mosquitto) -> None:
    states: list[bytes] = []
    client = paho.Client(CallbackAPIVersion.VERSION2)
    client.on_message = lambda *arguments: states.append(arguments[2].payload)
    client.connect(mosquitto.host, mosquitto.port)
    client.subscribe("gateway/gw/status", 1)
    client.loop_start()
    async with running(Mqtt5Link(settings(mosquitto)), Reader().take):
        await until(lambda: states == [b"online"])
    await until(lambda: states == [b"online", b"offline"])
    await asyncio.to_thread(client.loop_stop)


async def test_a_wrong_password_is_said_plainly_and_never_printed(
    start_mosquitto: StartMosquitto, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    broker = start_mosquitto(users={"gateway": "right"})
    monkeypatch.setenv("MQTT_PASSWORD", "wrong-secret")
    login = Secret(username="gateway", password_env="MQTT_PASSWORD")
    link = Mqtt5Link(settings(broker, login=login))
    task = asyncio.create_task(link.run(Reader().take))
    await until(lambda: bool(link.status.last_error))
    task.cancel()
    assert "not authorized" in link.status.last_error or "bad user name" in link.status.last_error
    monkeypatch.setenv("MQTT_PASSWORD", "right")
    async with running(Mqtt5Link(settings(broker, login=login)), Reader().take) as good:
        assert good.status.connected
    output = capsys.readouterr()
    assert "wrong-secret" not in output.out + output.err


async def test_mutual_tls(start_mosquitto: StartMosquitto, certificates: Certificates) -> None:
    broker = start_mosquitto(tls=certificates, require_client_certificate=True)
    mutual = Tls(
        ca_file=certificates.ca_file, cert_file=certificates.client_cert_file, key_file=certificates.client_key_file
    )
    reader = Reader()
    async with running(Mqtt5Link(settings(broker, tls=mutual)), reader.take) as link:
        assert link.status.connected
        await asyncio.to_thread(
            publish.single,
            "pollution/a/b/data",
            b"secret",
            1,
            hostname="127.0.0.1",
            port=broker.port,
            tls={
                "ca_certs": str(certificates.ca_file),
                "certfile": str(certificates.client_cert_file),
                "keyfile": str(certificates.client_key_file),
            },  # pyright: ignore[reportArgumentType]
        )
        await until(lambda: reader.payloads == [b"secret"])
    without = Mqtt5Link(settings(broker, tls=Tls(ca_file=certificates.ca_file)))
    task = asyncio.create_task(without.run(Reader().take))
    await until(lambda: bool(without.status.last_error))
    assert not without.status.connected
    task.cancel()


async def test_certificates_renewed_on_the_disk_are_used_at_the_next_connect(
    start_mosquitto: StartMosquitto, tmp_path_factory: pytest.TempPathFactory
) -> None:
    old, new = (make_certificates(tmp_path_factory.mktemp(name)) for name in ("old", "new"))
    broker = start_mosquitto(tls=old, require_client_certificate=True)
    tls = Tls(ca_file=old.ca_file, cert_file=old.client_cert_file, key_file=old.client_key_file)
    link = Mqtt5Link(settings(broker, url=f"mqtts://localhost:{broker.port}", tls=tls))
    async with running(link, Reader().take):
        for ours, theirs in zip(vars_of(old), vars_of(new), strict=True):  # both sides get new ones
            ours.write_bytes(theirs.read_bytes())
        await asyncio.to_thread(broker.restart)
        await until(lambda: link.status.connected and link.status.reconnects == 1, 20)


def vars_of(certificates: Certificates) -> list[Path]:
    return [getattr(certificates, name) for name in certificates.__dataclass_fields__]
