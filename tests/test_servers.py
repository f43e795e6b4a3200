"""The server fixtures themselves: what other tests lean on."""

from __future__ import annotations

import threading

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion
from servers import Certificates, Influxd, Mosquitto, StartMosquitto, VictoriaMetrics


def client(name: str, broker: Mosquitto, **login: str) -> paho.Client:
    made = paho.Client(CallbackAPIVersion.VERSION2, client_id=name, clean_session=False)
    if login:
        made.username_pw_set(login["user"], login["password"])
    if broker.tls:
        made.tls_set_context(broker.tls.context())
    return made


def refused(broker: Mosquitto, **login: str) -> bool:
    """Whether the broker refuses the connection."""
    codes: list[bool] = []
    answered = threading.Event()
    asking = client("asking", broker, **login)

    def connected(_client: object, _data: object, _flags: object, code: object, _props: object) -> None:
        codes.append(code.is_failure)  # pyright: ignore
        answered.set()

    asking.on_connect = connected
    asking.connect(broker.host, broker.port)
    asking.loop_start()
    try:
        assert answered.wait(10)
        return codes[0]
    finally:
        asking.disconnect()
        asking.loop_stop()


def test_a_broker_killed_and_started_again_on_the_same_port_still_has_the_queue(mosquitto: Mosquitto) -> None:
    port = mosquitto.port
    subscriber = client("subscriber", mosquitto)
    subscribed = threading.Event()
    subscriber.on_subscribe = lambda *_: subscribed.set()
    subscriber.on_connect = lambda *_: subscriber.subscribe("t", 1)
    subscriber.connect(mosquitto.host, mosquitto.port)
    subscriber.loop_start()
    assert subscribed.wait(10)
    subscriber.disconnect()
    subscriber.loop_stop()

    publisher = client("publisher", mosquitto)
    publisher.connect(mosquitto.host, mosquitto.port)
    publisher.loop_start()
    for number in range(200):  # twice the autosave of the profile: some of it is on disk
        publisher.publish("t", str(number), 1).wait_for_publish(10)
    publisher.disconnect()
    publisher.loop_stop()

    mosquitto.kill9()
    assert not mosquitto.running
    mosquitto.start()
    assert mosquitto.port == port

    arrived: list[bytes] = []
    enough = threading.Event()
    back = client("subscriber", mosquitto)

    def message(_client: object, _data: object, received: paho.MQTTMessage) -> None:
        arrived.append(received.payload)
        if len(arrived) >= 100:
            enough.set()

    back.on_message = message
    back.connect(mosquitto.host, mosquitto.port)
    back.loop_start()
    assert enough.wait(10), f"{len(arrived)} arrived\n{mosquitto.log()}"
    back.disconnect()
    back.loop_stop()


def test_a_broker_with_users_refuses_everybody_else(start_mosquitto: StartMosquitto) -> None:
    broker = start_mosquitto(users={"gateway": "right"})
    assert refused(broker, user="gateway", password="wrong")
    assert refused(broker)
    assert not refused(broker, user="gateway", password="right")


def test_a_broker_with_tls_is_reached_through_its_authority(
    start_mosquitto: StartMosquitto, certificates: Certificates
) -> None:
    broker = start_mosquitto(tls=certificates, require_client_certificate=True)
    assert not refused(broker)


def test_influxd_keeps_its_data_over_a_restart(influxd: Influxd) -> None:
    influxd.request("/write?db=pollution", b"m,site=a v=1 1000000000")
    influxd.restart()
    assert b"1970-01-01T00:00:01Z" in influxd.request("/query?db=pollution&q=SELECT+v+FROM+m")


def test_victoria_metrics_takes_line_protocol_of_the_second_api(victoria_metrics: VictoriaMetrics) -> None:
    victoria_metrics.request("/api/v2/write?precision=ms", b"m,site=a v=1 1700000000000")
    victoria_metrics.flush()
    assert b"1700000000000" in victoria_metrics.request("/api/v1/export?match[]=m_v")


def test_a_server_that_cannot_start_says_why(start_mosquitto: StartMosquitto) -> None:
    with pytest.raises(RuntimeError, match="no_such_option"):
        start_mosquitto(options=["no_such_option 1"])
