"""The publisher on real brokers: alerts in order and none lost, detections while they are news."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Literal

import aiomqtt
import pytest
from servers import Certificates, Mosquitto, StartMosquitto, free_port, make_certificates

from detectors.records import Box
from gateway.alerts.feeds import alert_payload
from gateway.alerts.ledger import Ledger
from gateway.alerts.machine import AlertMachine
from gateway.alerts.publisher import DETECTIONS_QUEUED, WINDOW, OutboxPublisher
from gateway.alerts.records import Detection, Transition, ZoneShare
from gateway.config import Broker, Publish, Secret, Tls
from gateway.demo.broker import EmbeddedBroker
from gateway.errors import LinkError
from gateway.loop import cancelled

Life = Callable[..., list[Transition]]
DEADLINE_S = 20


def seen(captured: int) -> Detection:
    return Detection("north", "gate", captured, captured + 3, 640, 360, (Box(1, 2, 3, 4),), (ZoneShare("door", 0.5),))


@asynccontextmanager
async def running(publisher: OutboxPublisher) -> AsyncGenerator[None]:
    task = asyncio.create_task(publisher.run())
    try:
        yield
    finally:
        async with asyncio.timeout(DEADLINE_S):
            await cancelled([task])


@asynccontextmanager
async def listening(broker: Mosquitto, **options: Any) -> AsyncGenerator[Callable[[int], Any]]:
    """Subscribes to everything; the callable waits for the next n messages as (topic, object, qos, retained)."""
    async with aiomqtt.Client(broker.host, broker.port, identifier="listener", **options) as client:
        await client.subscribe("#", qos=1)
        messages = aiter(client.messages)

        async def take(n: int) -> list[tuple[str, Any, int, bool]]:
            taken: list[tuple[str, Any, int, bool]] = []
            async with asyncio.timeout(DEADLINE_S):
                while len(taken) < n:
                    message = await anext(messages)
                    taken.append((str(message.topic), json.loads(message.payload), message.qos, message.retain))
            return taken

        yield take


async def until(condition: Callable[[], bool]) -> None:
    """Look again and again until it holds; the deadline is the failure."""
    async with asyncio.timeout(DEADLINE_S):
        while not condition():
            await asyncio.sleep(0.005)


def publisher_for(ledger: Ledger, broker: Mosquitto | Broker, **options: Any) -> OutboxPublisher:
    settings = broker if isinstance(broker, Broker) else Broker(url=broker.url)
    return OutboxPublisher(ledger, Publish(), settings, "gateway-out", backoff_max_s=0.1, **options)


@pytest.mark.parametrize("protocol", ["mqtt5", "mqtt311"])
async def test_each_step_is_published_on_the_topic_of_its_alert_once_it_is_committed(
    protocol: Literal["mqtt5", "mqtt311"], mosquitto: Mosquitto, ledger: Ledger, machine: AlertMachine, life: Life
) -> None:
    publisher = publisher_for(ledger, mosquitto, protocol=protocol)
    async with listening(mosquitto) as take, running(publisher):
        for n, step in enumerate(life(machine)):
            ledger.commit(n, [step])
            publisher.notify()
            assert await take(1) == [(f"alerts/north/{step.alert.id}", json.loads(alert_payload(step)), 1, False)]
        await until(lambda: publisher.alerts_published == 3)


async def test_what_was_committed_before_the_start_is_published_in_order(
    mosquitto: Mosquitto, ledger: Ledger, machine: AlertMachine, life: Life
) -> None:
    steps = [step for n in range(WINDOW) for step in life(machine, since=1000 * n)]  # three windows full
    ledger.commit(1, steps)
    publisher = publisher_for(ledger, mosquitto)
    async with listening(mosquitto) as take, running(publisher):
        payloads = [payload for _, payload, _, _ in await take(len(steps))]
        assert payloads == [json.loads(alert_payload(step)) for step in steps]
        await until(lambda: ledger.outbox() == [])


async def test_a_notice_from_another_thread_wakes_it(
    mosquitto: Mosquitto, ledger: Ledger, machine: AlertMachine, life: Life
) -> None:
    publisher = publisher_for(ledger, mosquitto)
    async with listening(mosquitto) as take, running(publisher):
        await until(lambda: publisher.connected)

        def pipeline() -> None:
            for n, step in enumerate(life(machine)):
                ledger.commit(n, [step])
                publisher.notify()

        thread = threading.Thread(target=pipeline)
        thread.start()
        steps = [payload["step"] for _, payload, _, _ in await take(3)]
        thread.join()
        assert steps == ["pending", "fired", "resolved"]


async def test_alerts_wait_while_the_broker_is_away_and_detections_give_way(
    mosquitto: Mosquitto, ledger: Ledger, machine: AlertMachine, life: Life
) -> None:
    publisher = publisher_for(ledger, mosquitto)
    async with running(publisher):
        await until(lambda: publisher.connected)
        mosquitto.kill9()
        await until(lambda: not publisher.connected)
        steps = life(machine)
        ledger.commit(1, steps)
        publisher.notify()
        for n in range(DETECTIONS_QUEUED + 10):
            publisher.offer_detection(seen(n + 1))
        assert publisher.detections_dropped == 10
        assert len(ledger.outbox()) == 3
        mosquitto.start()
        await until(lambda: ledger.outbox() == [])
        await until(lambda: publisher.detections_published == DETECTIONS_QUEUED)
    assert publisher.alerts_published == 3


async def test_alerts_that_a_frozen_broker_did_not_acknowledge_are_published_again(
    mosquitto: Mosquitto, ledger: Ledger, machine: AlertMachine, life: Life
) -> None:
    publisher = publisher_for(ledger, mosquitto)
    persistent = {"protocol": aiomqtt.ProtocolVersion.V311, "clean_session": False}
    async with listening(mosquitto, **persistent):
        pass  # from here on the broker keeps for it what comes
    async with running(publisher):
        await until(lambda: publisher.connected)
        mosquitto.pause()
        ledger.commit(1, life(machine))
        publisher.notify()
        mosquitto.kill9()
        await until(lambda: not publisher.connected)
        assert len(ledger.outbox()) == 3
        mosquitto.start()
        async with listening(mosquitto, **persistent) as take:
            steps = [payload["step"] for _, payload, _, _ in await take(3)]
        await until(lambda: ledger.outbox() == [])
    assert steps == ["pending", "fired", "resolved"]


async def test_detections_are_published_on_the_topic_of_their_camera(mosquitto: Mosquitto, ledger: Ledger) -> None:
    publisher = publisher_for(ledger, mosquitto, detection_qos=1)
    publisher.offer_detection(seen(1))  # before it runs
    async with listening(mosquitto) as take, running(publisher):
        publisher.offer_detection(seen(2))
        for captured, (topic, payload, qos, retained) in enumerate(await take(2), 1):
            assert (topic, qos, retained) == ("detections/north/gate", 1, False)
            assert payload["captured"] == f"1970-01-01T00:00:00.00{captured}Z"


async def test_it_speaks_mutual_tls_with_user_and_password(
    start_mosquitto: StartMosquitto,
    certificates: Certificates,
    tmp_path: Path,
    ledger: Ledger,
    machine: AlertMachine,
    life: Life,
) -> None:
    broker = start_mosquitto(tls=certificates, require_client_certificate=True, users={"gateway": "s3cret"})
    password = tmp_path / "password"
    password.write_text("s3cret\n")
    settings = Broker(
        url=f"mqtts://localhost:{broker.port}",
        login=Secret(username="gateway", password_file=password),
        tls=Tls(
            ca_file=certificates.ca_file,
            cert_file=certificates.client_cert_file,
            key_file=certificates.client_key_file,
        ),
    )
    ledger.commit(1, life(machine))
    async with running(publisher_for(ledger, settings)):
        await until(lambda: ledger.outbox() == [])


async def test_a_missing_certificate_is_said_and_not_tried_for_ever(ledger: Ledger, tmp_path: Path) -> None:
    settings = Broker(url="mqtts://127.0.0.1:1", tls=Tls(ca_file=tmp_path / "none.crt"))
    with pytest.raises(LinkError, match=r"none\.crt"):
        await publisher_for(ledger, settings).run()


async def test_it_ends_when_cancelled_while_the_broker_is_away(ledger: Ledger) -> None:
    publisher = publisher_for(ledger, Broker(url=f"mqtt://127.0.0.1:{free_port()}"))
    async with asyncio.timeout(DEADLINE_S), running(publisher):
        publisher.notify()
        await asyncio.sleep(0)
    publisher.notify()  # after its end: nobody is there, nothing breaks
    publisher.offer_detection(seen(1))
    assert not publisher.connected


async def _publish_and_lose_the_cancellation(*_: Any, **__: Any) -> None:
    with suppress(asyncio.CancelledError):  # as `asyncio.wait_for` of Python 3.11 does when the PUBACK comes just then
        await asyncio.Event().wait()


_leave = aiomqtt.Client.__aexit__


async def _leave_with_an_error_once(client: aiomqtt.Client, *how: Any) -> None:
    aiomqtt.Client.__aexit__ = _leave  # the test's monkeypatch sets it back in any case
    await _leave(client, *how)
    raise aiomqtt.MqttError("the connection broke while it was closed")


@pytest.mark.parametrize(
    ("method", "behaviour"),
    [("publish", _publish_and_lose_the_cancellation), ("__aexit__", _leave_with_an_error_once)],
)
async def test_it_ends_also_where_the_client_loses_the_cancellation(
    method: str, behaviour: Any, mosquitto: Mosquitto, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(aiomqtt.Client, method, behaviour)
    publisher = publisher_for(ledger, mosquitto)
    task = asyncio.create_task(publisher.run())
    publisher.offer_detection(seen(1))
    await until(lambda: publisher.connected)
    await asyncio.sleep(0.1)  # it may be at its publish now; it ends either way
    async with asyncio.timeout(DEADLINE_S):
        await cancelled([task])
    assert task.cancelled()


@pytest.mark.parametrize("topic", ["alerts/{side}/{alert}", "alerts/#", "alerts/{device}"])
def test_a_topic_that_cannot_be_made_is_refused_at_once(topic: str, ledger: Ledger) -> None:
    with pytest.raises(ValueError, match="topic"):
        OutboxPublisher(ledger, Publish.model_construct(alert_topic=topic), Broker(), "out")


async def test_it_speaks_to_the_embedded_broker_of_the_demo(ledger: Ledger, machine: AlertMachine, life: Life) -> None:
    async with EmbeddedBroker() as broker:
        settings = Broker(url=f"mqtt://127.0.0.1:{broker.port}")
        ledger.commit(1, life(machine))
        async with running(publisher_for(ledger, settings, protocol="mqtt311")):
            await until(lambda: ledger.outbox() == [])


async def test_certificates_that_are_half_renewed_end_nothing(
    start_mosquitto: StartMosquitto, tmp_path: Path, ledger: Ledger, machine: AlertMachine, life: Life
) -> None:
    certificates = make_certificates(tmp_path / "tls")
    broker = start_mosquitto(tls=certificates, require_client_certificate=True)
    settings = Broker(
        url=f"mqtts://localhost:{broker.port}",
        tls=Tls(
            ca_file=certificates.ca_file,
            cert_file=certificates.client_cert_file,
            key_file=certificates.client_key_file,
        ),
    )
    publisher = publisher_for(ledger, settings)
    async with running(publisher):
        await until(lambda: publisher.connected)
        whole = certificates.client_cert_file.read_bytes()
        certificates.client_cert_file.write_bytes(whole[: len(whole) // 2])
        await asyncio.to_thread(broker.restart)
        ledger.commit(1, life(machine))
        publisher.notify()
        await until(lambda: ledger.outbox() == [])
