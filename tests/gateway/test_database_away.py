"""A database that is away, dead or slow: alerts go on, and the journal holds what it can; then the broker does."""

from __future__ import annotations

import asyncio
import socket
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import fault_city as city
import pytest
from fault_runs import influx_points, publish, settled
from gateway_process import GatewayProcess
from servers import Influxd, Mosquitto, free_port

from gateway.alerts.ledger import Ledger
from simulators.fast_publisher import publish_all


def influx(port: int) -> str:
    return f'[store]\nkind = "influxdb1"\nurl = "http://127.0.0.1:{port}"\ndatabase = "pollution"\ntimeout_s = 1.0'


@pytest.mark.timeout(150)
async def test_away_for_30_seconds(mosquitto: Mosquitto, influxd: Influxd, tmp_path: Path) -> None:
    config = city.config(city.link(mosquitto.url), influx(influxd.port))
    gateway = GatewayProcess(tmp_path / "gateway", config, city.inventory())
    gateway.start()
    try:
        gateway.wait_for("link_up")
        publishing = asyncio.create_task(publish(mosquitto))
        await asyncio.sleep(1)
        await asyncio.to_thread(influxd.stop)
        count = await publishing
        await settled(gateway)
        alerts = gateway.alert_history()
        assert len({step[0] for step in alerts}) > 20, "alerts do not wait for the database"
        await asyncio.sleep(28)
        await asyncio.to_thread(influxd.start)
        await asyncio.to_thread(gateway.wait_for, "store_back")
        await asyncio.to_thread(gateway.stop)
    finally:
        gateway.close()
    truth = city.points_of(*zip(*((payload, topic) for topic, payload in city.messages(count)), strict=True))
    assert sorted(influx_points(influxd)) == sorted(truth)
    assert gateway.alert_history() == alerts


@pytest.mark.timeout(150)
async def test_what_a_killed_database_had_acknowledged_and_lost_is_given_to_it_again(
    mosquitto: Mosquitto, influxd: Influxd, tmp_path: Path
) -> None:
    config = city.config(city.link(mosquitto.url), influx(influxd.port))
    gateway = GatewayProcess(tmp_path / "gateway", config, city.inventory())
    gateway.start()
    try:
        gateway.wait_for("link_up")
        count = await publish(mosquitto)
        await settled(gateway)
        await asyncio.to_thread(influxd.kill9)
        logs = list((influxd.folder / "wal").rglob("*.wal"))
        assert sum(log.stat().st_size for log in logs) > 100_000, "it has files of its own making yet"
        for log in logs:
            with log.open("r+b") as file:
                file.truncate(log.stat().st_size // 2)
        await asyncio.to_thread(influxd.start)
        truth = city.points_of(*zip(*((payload, topic) for topic, payload in city.messages(count)), strict=True))
        left = set(influx_points(influxd))
        assert left < set(truth), "it has lost some"
        await asyncio.to_thread(gateway.stop)  # which asks the database once more whether it is there
    finally:
        gateway.close()
    assert "store_is_written_again" in gateway.log()
    assert sorted(influx_points(influxd)) == sorted(truth)


MESSAGES = 6_000
PADDING = 4_000
"""Bytes in each message that mean nothing: so many messages are more than the journal's 16 MiB."""


def padded() -> Iterator[tuple[str, bytes]]:
    for topic, payload in city.messages(MESSAGES):
        yield topic, payload[:-1] + b', "note": "' + b"x" * PADDING + b'"}'


def not_ready(port: int) -> str:
    """What /readyz says while it is not."""
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=10)
    assert refused.value.code == 503
    return refused.value.read().decode()


class DeadServer:
    """Accepts connections on a port and never says a word."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_server(("127.0.0.1", port), backlog=64)

    def close(self) -> None:
        self._socket.close()


@pytest.mark.timeout(150)
async def test_a_dead_database_stops_nothing_before_the_journals_bound_and_then_the_broker_keeps_the_rest(
    mosquitto: Mosquitto, tmp_path: Path
) -> None:
    port, page = free_port(), free_port()
    dead = DeadServer(port)
    config = city.config(city.link(mosquitto.url), influx(port)).replace(
        "[api]\nenabled = false", f"[api]\nconsole = false\nport = {page}"
    )
    bounds = "\n[journal]\nmax_mib = 16\nsegment_mib = 1\n"
    gateway = GatewayProcess(tmp_path / "gateway", config + bounds, city.inventory())
    gateway.start()
    try:
        await asyncio.to_thread(gateway.wait_for, "link_up")
        report = await publish_all(mosquitto.host, mosquitto.port, padded(), qos=1)
        assert report.acked == MESSAGES, "the broker takes what the gateway does not"
        await asyncio.to_thread(gateway.wait_for, "journal_refuses")
        await settled(gateway)
        with Ledger.reader(gateway.data / "state.sqlite") as ledger:
            taken = ledger.position()
            open_alerts = {alert.subject.rule for alert in ledger.alerts(limit=1000)}
        assert MESSAGES / 2 < taken < MESSAGES, "it took what the journal may hold, and no more"
        assert 14 << 20 < sum(file.stat().st_size for file in (gateway.data / "journal").iterdir()) <= 16 << 20
        assert {"journal_refuses", "journal_filling"} <= open_alerts
        assert "journal.max_mib" in gateway.log()
        assert "journal.max_mib" in await asyncio.to_thread(not_ready, page)
        dead.close()
        with Influxd(tmp_path / "influxd", port=port) as influxd:
            influxd.create_database()
            await asyncio.to_thread(gateway.wait_for, "journal_writes_again")
            await settled(gateway)
            await asyncio.to_thread(gateway.stop)
            stored = influx_points(influxd)
    finally:
        gateway.close()
        dead.close()
    truth = city.points_of(*zip(*((payload, topic) for topic, payload in city.messages(MESSAGES)), strict=True))
    assert sorted(stored) == sorted(truth)
