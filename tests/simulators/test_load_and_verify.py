"""Load through a real broker, and through a gateway into its store; the reckoning afterwards."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

import duckdb
import numpy as np
import pytest
from gateway_process import GatewayProcess
from servers import Influxd, Mosquitto, StartMosquitto, free_port
from typer.testing import CliRunner

from simulators.cli import app
from simulators.errors import SimulatorError

CONFIG = """
[[links]]
name = "load"
url = "{url}"
client_id = "gw"
subscribe = [{{ topic = "pollution/{{site}}/{{device}}/data" }}]

{store}

[writer]
linger_ms = 100

[publish]
enabled = false

[api]
console = false
port = {port}
"""


def run(*arguments: str) -> tuple[int, dict[str, float]]:
    """Status and figures of a command."""
    result = CliRunner().invoke(app, list(arguments))
    assert result.exit_code in (0, 1), result.output
    return result.exit_code, {key: float(value) for key, value in _pairs(result.stdout)}


def _pairs(text: str) -> list[list[str]]:
    return [pair.split("=") for pair in text.split() if pair.split("=")[-1].replace(".", "").isdigit()]


def loaded(broker: Mosquitto, folder: Path, *more: str, count: int = 4000) -> Path:
    file = folder / "load.json"
    devices = ("--devices", "40", "--messages", str(count), "--json", str(file))
    status, _ = run("load", "--broker", broker.url, *devices, *more)
    assert status == 0
    return file


def gateway_on(broker: Mosquitto, folder: Path, store: str) -> GatewayProcess:
    """A gateway that knows the devices of the load, connected."""
    inventory = folder / "inventory.toml"
    run("load", "--broker", broker.url, "--devices", "40", "--messages", "1", "--inventory", str(inventory))
    config = CONFIG.format(url=broker.url, store=store, port=free_port())
    gateway = GatewayProcess(folder / "gw", config, inventory.read_text("utf-8"))
    gateway.start()
    gateway.wait_for("link_up")
    return gateway


def stopped_with(gateway: GatewayProcess, messages: int) -> None:
    """End the gateway once it has taken so many messages; it stores them before it ends."""
    deadline = time.monotonic() + 60
    while json.loads(gateway.get("/api/v1/status"))["totals"]["messages"] < messages:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    gateway.stop()


@pytest.mark.parametrize("codec", ["json", "hj212", "senml"])
def test_what_a_gateway_stored_is_reckoned_complete(mosquitto: Mosquitto, tmp_path: Path, codec: str) -> None:
    gateway = gateway_on(mosquitto, tmp_path, '[store]\nkind = "duckdb"')
    try:
        file = loaded(mosquitto, tmp_path, "--codec", codec, "--rate", "4000")
        stopped_with(gateway, 4000)
    finally:
        gateway.close()
    status, figures = run("verify", "--load", str(file), "--duckdb", str(gateway.data / "readings.duckdb"))
    assert (status, figures["received"], figures["lost"], figures["duplicated"]) == (0, 4000, 0, 0)
    assert figures["out_of_order"] == 0 and figures["strangers"] == 0
    assert 0 <= figures["p50_ms"] <= figures["p99_ms"] <= figures["max_ms"]


EDIT = """
    update points set received = make_timestamp_ms(cast(sent as bigint) + 10 + cast(number as bigint) % 100)
        from (select time as at, device as of, max(value) filter (where factor = 'sent') as sent,
            max(value) filter (where factor = 'seq') - 1000000000 as number from readings group by time, device) as told
        where told.at = time and told.of = (select device from channels where id = channel);
    create table numbers as select device, time, value - 1000000000 as number from readings where factor = 'seq';
    create view of_points as select points.rowid as row, number, device, points.time from points
        join channels on id = channel join numbers using (device, time);
    delete from points where rowid in (select row from of_points where number = 7);
    insert into points select points.* replace (received + interval 90 minute as received) from points
        where rowid in (select row from of_points where number = 8 and device < 'dev-00005');
    update points set received = received + interval 1 hour
        where rowid in (select row from of_points where number = 3 and device = 'dev-00003');
"""
"""Each message was 10 ms and its number on the way; number 7 is lost of all 40 devices, 8 came again of five, and 3 of
one device came an hour late, after 96 others of it."""


def test_loss_repeats_disorder_and_delay_in_a_store_are_told_exactly(mosquitto: Mosquitto, tmp_path: Path) -> None:
    gateway = gateway_on(mosquitto, tmp_path, '[store]\nkind = "duckdb"')
    try:
        file = loaded(mosquitto, tmp_path, "--rate", "10000")
        stopped_with(gateway, 4000)
    finally:
        gateway.close()
    store = gateway.data / "readings.duckdb"
    with duckdb.connect(str(store)) as connection:
        connection.execute(EDIT)
    status, figures = run("verify", "--load", str(file), "--duckdb", str(store))
    wanted = {"received": 3960, "lost": 40, "duplicated": 5, "out_of_order": 1, "strangers": 0, "before_sent": 0}
    assert status == 1
    assert {key: figures[key] for key in wanted} == wanted
    delays = np.array([10.0 + number for number in range(100) for _ in range(40) if number != 7])
    delays[3 * 40] += 3_600_000
    for percent in (50, 90, 99):
        exact = float(np.percentile(delays, percent, method="inverted_cdf"))
        found = figures[f"p{percent}_ms"]
        assert exact <= found <= (exact + 1) * (1 + 1 / 1024), "to the millisecond, which is what is stored"
    assert figures["max_ms"] == pytest.approx(3_600_013.5, abs=0.6)


def test_what_influxdb_holds_is_reckoned_likewise(mosquitto: Mosquitto, influxd: Influxd, tmp_path: Path) -> None:
    database = influxd.create_database("verify")
    store = f'[store]\nkind = "influxdb1"\nurl = "{influxd.url}"\ndatabase = "{database}"'
    gateway = gateway_on(mosquitto, tmp_path, store)
    try:
        file = loaded(mosquitto, tmp_path)
        stopped_with(gateway, 4000)
    finally:
        gateway.close()
    status, figures = run("verify", "--load", str(file), "--influx", influxd.url, "--database", database)
    assert (status, figures["received"], figures["lost"], figures["duplicated"]) == (0, 4000, 0, 0)
    influxd.request("/query?db=" + database, b"q=DELETE FROM realtime WHERE device = 'dev-00007'")
    status, figures = run("verify", "--load", str(file), "--influx", influxd.url, "--database", database)
    assert (status, figures["received"], figures["lost"], figures["duplicated"]) == (1, 3900, 100, 0)
    missing = CliRunner().invoke(app, ["verify", "--load", str(file), "--influx", influxd.url, "--database", "other"])
    assert "database not found: other" in str(missing.exception)


@pytest.mark.parametrize("qos", ["0", "1"])
def test_a_listener_reckons_what_a_broker_passes_on(mosquitto: Mosquitto, tmp_path: Path, qos: str) -> None:
    said = tmp_path / "verify.json"
    listener = subprocess.Popen(
        [
            *(sys.executable, "-m", "simulators", "verify", "--broker", mosquitto.url, "--qos", qos),
            *("--devices", "40", "--sent", "4000", "--seconds", "0.5", "--json", str(said)),
        ],
        stdout=subprocess.DEVNULL,
    )
    try:
        wait_for(lambda: "as verify-" in mosquitto.log())
        time.sleep(0.2)  # from CONNECT to SUBSCRIBE
        loaded(mosquitto, tmp_path, "--qos", qos, "--rate", "8000")
        assert listener.wait(30) == 0
    finally:
        listener.kill()
    figures = json.loads(said.read_text("utf-8"))
    assert figures["received"] == 4000 and figures["lost"] == 0
    assert figures["p99_ms"] < 5_000


READINGS = """device,factor,time,value,received
dev-00000,seq,1,1000000000,2026-01-01T00:00:01Z
dev-00000,sent,1,1767225600500.000,2026-01-01T00:00:01Z
dev-00001,seq,1,1000000000,2026-01-01T00:00:02Z
dev-00001,sent,1,1767225600500.000,2026-01-01T00:00:02Z
dev-00001,seq,2,1000000002,2026-01-01T00:00:03Z
dev-00001,sent,2,1767225600500.000,2026-01-01T00:00:03Z
dev-00001,seq,3,1000000001,2026-01-01T00:00:04Z
dev-00001,sent,3,1767225600500.000,2026-01-01T00:00:04Z
dev-00001,seq,4,1000000001,2026-01-01T00:00:05Z
dev-00001,sent,4,1767225600500.000,2026-01-01T00:00:05Z
dev-00001,a21026,4,17,2026-01-01T00:00:05Z
dev-00001,seq,4,1000000001,2026-01-01T00:00:06Z
dev-00001,sent,4,1767225600500.000,2026-01-01T00:00:06Z
other,seq,1,5,2026-01-01T00:00:05Z
"""


def test_losses_repeats_and_disorder_are_told_with_status_1(tmp_path: Path) -> None:
    csv = tmp_path / "readings.csv"
    csv.write_text(READINGS, "utf-8")
    status, figures = run("verify", "--devices", "2", "--sent", "7", "--readings", str(csv))
    wanted = {"received": 4, "lost": 3, "duplicated": 2, "out_of_order": 1, "strangers": 1, "p50_ms": 1500.5}
    assert status == 1
    assert {key: figures[key] for key in wanted} == pytest.approx(wanted, rel=1e-3)
    lines = tmp_path / "readings.jsonl"
    with duckdb.connect() as connection:
        connection.execute(f"copy (select * from read_csv_auto('{csv}')) to '{lines}' (format json)")
    assert run("verify", "--devices", "2", "--sent", "7", "--readings", str(lines)) == (status, figures)


def test_a_load_outlives_a_broker_that_restarts(mosquitto: Mosquitto, tmp_path: Path) -> None:
    said = tmp_path / "load.json"
    loading = subprocess.Popen(
        [
            *(sys.executable, "-m", "simulators", "load", "--broker", mosquitto.url, "--devices", "10"),
            *("--seconds", "60", "--rate", "2000", "--json", str(said)),
        ],
        stdout=subprocess.DEVNULL,
    )
    try:
        wait_for(lambda: "as load " in mosquitto.log())
        mosquitto.kill9()
        mosquitto.start()
        wait_for(lambda: mosquitto.log().count("as load ") == 2)
        loading.send_signal(signal.SIGINT)
        assert loading.wait(20) == 0
    finally:
        loading.kill()
    figures = json.loads(said.read_text("utf-8"))
    assert 0 < figures["sent"] == figures["acked"] and figures["refused"] == 0


def test_a_load_that_is_stopped_before_a_silent_broker_ends_and_says_what_it_did(
    mosquitto: Mosquitto, tmp_path: Path
) -> None:
    said, port = tmp_path / "load.json", free_port()
    loading = subprocess.Popen(
        [
            *(sys.executable, "-m", "simulators", "load", "--broker", mosquitto.url, "--devices", "10"),
            *("--seconds", "60", "--rate", "2000", "--json", str(said), "--metrics-port", str(port)),
        ],
        stdout=subprocess.DEVNULL,
    )
    try:
        wait_for(lambda: "as load " in mosquitto.log())
        told = urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics").read().decode()
        mosquitto.pause()
        loading.send_signal(signal.SIGTERM)
        assert loading.wait(10) == 0
    finally:
        loading.kill()
        mosquitto.resume()
    assert json.loads(said.read_text("utf-8"))["sent"] > 0
    for name in ("sent", "acked", "refused", "resent", "lost"):
        assert f"# TYPE simulators_load_{name}_total counter" in told
        assert f"# HELP simulators_load_{name}_total " in told


def test_a_rate_is_kept_and_times_are_those_of_its_schedule(mosquitto: Mosquitto, tmp_path: Path) -> None:
    """20,000 devices take a while to make ready; it must not be found in the latencies."""
    said = tmp_path / "verify.json"
    listener = subprocess.Popen(
        [
            *(sys.executable, "-m", "simulators", "verify", "--broker", mosquitto.url, "--devices", "20000"),
            *("--sent", "30", "--seconds", "0.5", "--json", str(said)),
        ],
        stdout=subprocess.DEVNULL,
    )
    try:
        wait_for(lambda: "as verify-" in mosquitto.log())
        time.sleep(0.2)  # from CONNECT to SUBSCRIBE
        _, load = run("load", "--broker", mosquitto.url, "--devices", "20000", "--messages", "30", "--rate", "20")
        assert listener.wait(30) == 0
    finally:
        listener.kill()
    figures = json.loads(said.read_text("utf-8"))
    assert load["seconds"] == pytest.approx(29 / 20, abs=0.1)
    assert figures["before_sent"] == 0
    assert 0 < figures["p50_ms"] < 40, "less than the interval of 50 ms"


def test_a_password_opens_the_broker_and_mistakes_are_told(start_mosquitto: StartMosquitto, tmp_path: Path) -> None:
    broker = start_mosquitto(users={"fleet": "right"})
    (tmp_path / "right").write_text("right\n", "utf-8")
    (tmp_path / "load.json").write_text("{}", "utf-8")
    login = ("--username", "fleet", "--password-file", str(tmp_path / "right"))
    load = ("load", "--broker", broker.url, "--messages", "10")
    assert run(*load, *login)[1]["acked"] == 10
    mistakes = {
        load: "refused the connection: NOT_AUTHORIZED",
        ("load", "--broker", f"mqtt://127.0.0.1:{free_port()}", "--messages", "10"): "Connect call failed|refused",
        ("verify", "--broker", broker.url, "--devices", "1"): "refused the connection: NOT_AUTHORIZED",
        ("verify", "--load", str(tmp_path / "load.json"), "--broker", broker.url): "load.json: not what",
        ("verify", "--devices", "1", "--broker", "mqtts://127.0.0.1"): "plain mqtt:// only",
    }
    for command, said in mistakes.items():
        with pytest.raises(SimulatorError, match=said):
            CliRunner().invoke(app, list(command), catch_exceptions=False)


def wait_for(met: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not met():
        assert time.monotonic() < deadline
        time.sleep(0.02)
