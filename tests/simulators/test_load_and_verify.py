"""Load through a real broker, and through a gateway into its store; the reckoning afterwards."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import duckdb
import pytest
from gateway_process import GatewayProcess
from servers import Influxd, Mosquitto, free_port
from typer.testing import CliRunner

from simulators.cli import app

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
        deadline = time.monotonic() + 30
        while "as verify-" not in mosquitto.log():
            assert time.monotonic() < deadline
            time.sleep(0.02)
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
other,seq,1,5,2026-01-01T00:00:05Z
"""


def test_losses_repeats_and_disorder_are_told_with_status_1(tmp_path: Path) -> None:
    csv = tmp_path / "readings.csv"
    csv.write_text(READINGS, "utf-8")
    status, figures = run("verify", "--devices", "2", "--sent", "7", "--readings", str(csv))
    wanted = {"received": 4, "lost": 3, "duplicated": 1, "out_of_order": 1, "strangers": 1, "p50_ms": 1500.5}
    assert status == 1
    assert {key: figures[key] for key in wanted} == pytest.approx(wanted, rel=1e-3)
    lines = tmp_path / "readings.jsonl"
    with duckdb.connect() as connection:
        connection.execute(f"copy (select * from read_csv_auto('{csv}')) to '{lines}' (format json)")
    assert run("verify", "--devices", "2", "--sent", "7", "--readings", str(lines)) == (status, figures)
