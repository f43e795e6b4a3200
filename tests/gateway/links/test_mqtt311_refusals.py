"""The MQTT 3.1.1 link where the broker or the surroundings say no: clear words, and another try."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import pytest
from link_harness import CONNACK, Taker, publish, running, scripted, seen
from servers import Certificates, StartMosquitto, free_port
from structlog.testing import capture_logs

from gateway.config import Link as Settings
from gateway.config import Subscription
from gateway.errors import LinkError
from gateway.links.mqtt311 import Mqtt311Link


def settings(url: str, **more: object) -> Settings:
    return Settings.model_validate(
        {
            "name": "north",
            "protocol": "mqtt311",
            "url": url,
            "subscribe": [Subscription(topic="a/{site}"), Subscription(topic="b/{site}")],
            "backoff_max_s": 0.1,
            **more,
        }
    )


async def last_error(link: Mqtt311Link) -> str:
    async with running(link, Taker(), connected=False):
        await seen(lambda: link.status.last_error)
    assert not link.status.connected
    return link.status.last_error


async def test_a_wrong_password_is_told_with_the_user_and_without_the_password(
    tmp_path: Path, start_mosquitto: StartMosquitto
) -> None:
    broker = start_mosquitto(users={"gateway": "right horse"})
    secret = tmp_path / "password"
    secret.write_text("wrong horse")
    link = Mqtt311Link(settings(broker.url, login={"username": "gateway", "password_file": secret}))
    with capture_logs() as logs:
        error = await last_error(link)
    assert error == ("the broker refused the connection: not authorized for user gateway (see the login of this link)")
    assert logs[0]["event"] == "link_down"
    assert logs[0]["reason"] == error
    assert "wrong horse" not in str(logs)


async def test_a_refused_subscription_is_named_and_tried_again() -> None:
    refused, granted = b"\x90\x04\x00\x01\x01\x80", b"\x90\x04\x00\x02\x01\x01"
    async with scripted(iter([[CONNACK, refused], [CONNACK, granted]])) as url:
        link = Mqtt311Link(settings(url, will_topic=""))
        async with running(link, Taker()):
            assert link.status.connected
            assert link.status.last_error == "the broker refused the subscription b/{site}"
            assert link.status.reconnects == 0


async def test_a_lower_qos_than_asked_for_is_an_error_in_the_log() -> None:
    async with scripted(iter([[CONNACK, b"\x90\x04\x00\x01\x00\x01"]])) as url:
        link = Mqtt311Link(settings(url))
        with capture_logs() as logs:
            async with running(link, Taker()):
                pass
    lowered = [log for log in logs if log["event"] == "link_qos_lowered"]
    assert [(log["log_level"], log["topics"]) for log in lowered] == [("error", ["a/{site}"])]


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (b"\x20\x02\x00\x01", "the broker does not speak MQTT 3.1.1"),
        (b"\x20\x02\x00\x03", "the broker refused the connection: server unavailable"),
        (b"\xf0\x00", "the broker does not speak MQTT 3.1.1 (Error: Unrecognised command 240)"),
        (b"\x20\x01\x00", "the broker does not speak MQTT 3.1.1"),
    ],
    ids=["another version", "unavailable", "no MQTT", "cut short"],
)
async def test_an_answer_that_is_no_welcome_is_told(answer: bytes, words: str) -> None:
    async with scripted(iter([[answer]] * 1000)) as url:
        assert await last_error(Mqtt311Link(settings(url))) == words


async def test_nobody_listening_is_told_with_the_address() -> None:
    port = free_port()
    assert await last_error(Mqtt311Link(settings(f"mqtt://127.0.0.1:{port}"))) == (
        f"127.0.0.1:{port} cannot be reached: Connection refused"
    )


async def test_a_link_that_waits_for_its_next_attempt_ends_at_once_when_cancelled() -> None:
    link = Mqtt311Link(settings(f"mqtt://127.0.0.1:{free_port()}", backoff_max_s=3600))
    task = asyncio.create_task(link.run(Taker()))
    await seen(lambda: link.status.last_error)
    task.cancel()
    async with asyncio.timeout(5):
        with pytest.raises(asyncio.CancelledError):
            await task


async def test_a_broker_that_never_answers_does_not_keep_the_link_from_ending() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        link = Mqtt311Link(settings(f"mqtt://127.0.0.1:{silent.getsockname()[1]}"))
        async with running(link, Taker(), connected=False):
            await asyncio.to_thread(silent.accept)
        assert not link.status.connected


@pytest.mark.parametrize(
    ("login", "words"),
    [
        ({"username": "u", "password_file": "missing/file"}, "login.password_file cannot be read"),
        ({"username": "u", "password_env": "GATEWAY_TEST_NOT_SET"}, "login.password_env names 'GATEWAY_TEST_NOT_SET'"),
    ],
)
async def test_a_password_that_cannot_be_read_is_an_error_at_once(login: dict[str, str], words: str) -> None:
    with pytest.raises(LinkError, match=words):
        await Mqtt311Link(settings("mqtt://127.0.0.1:1", login=login)).run(Taker())


async def test_tls_connects_to_a_broker_the_authority_has_signed_and_leaves_no_message_in_its_records(
    certificates: Certificates, start_mosquitto: StartMosquitto
) -> None:
    plain = free_port()
    broker = start_mosquitto(tls=certificates, options=[f"listener {plain} 127.0.0.1"])
    taker = Taker()
    async with running(Mqtt311Link(settings(broker.url, tls={"ca_file": certificates.ca_file})), taker):
        # One record of TLS holds many of the small ones; a large one fills several.
        messages = [("a/x", b"%d" % number + bytes(20_000 * (number % 7 == 0))) for number in range(700)]
        await publish(plain, messages)
        assert await taker.until(700) == [payload for _, payload in messages]


async def test_mutual_tls_connects_with_a_certificate_of_our_own(
    certificates: Certificates, start_mosquitto: StartMosquitto
) -> None:
    broker = start_mosquitto(tls=certificates, require_client_certificate=True)
    ours = {
        "ca_file": certificates.ca_file,
        "cert_file": certificates.client_cert_file,
        "key_file": certificates.client_key_file,
    }
    link = Mqtt311Link(settings(broker.url, tls=ours))
    async with running(link, Taker()):
        assert link.status.connected
    error = await last_error(Mqtt311Link(settings(broker.url, tls={"ca_file": certificates.ca_file})))
    assert error.startswith("the broker closed the connection before it was ready")
    assert error.endswith("if it wants a certificate of ours, set tls.cert_file")


async def test_a_broker_signed_by_nobody_we_know_is_not_spoken_to(
    certificates: Certificates, start_mosquitto: StartMosquitto
) -> None:
    broker = start_mosquitto(tls=certificates)
    error = await last_error(Mqtt311Link(settings(broker.url)))
    assert error.startswith(f"TLS with 127.0.0.1:{broker.port} failed: the broker's certificate is not trusted")
