"""The yardsticks: they do the work that the gateway does, and what they store is counted to the last value."""

from __future__ import annotations

import json
import re
import runpy
import sys
from pathlib import Path

from benchmark_modules import FOLDER, benchmark
from servers import Mosquitto, VictoriaMetrics

peers, peer_runs, sinks = benchmark("peers"), benchmark("peer_runs"), benchmark("sinks")
json_stream, gateway_load = benchmark("json_stream"), benchmark("gateway_load")

PROGRAM = FOLDER / "peers" / "aiomqtt_influxdb.py"
PINNED = re.compile(r"[\w.-]+==[\w.]+")


def launch(folder: Path, broker: Mosquitto, qos: int, target: str) -> object:
    """The peer of aiomqtt and influxdb-client in the interpreter of the tests, which has both."""
    topic = json_stream.TOPIC
    return peers.Launch([sys.executable, str(PROGRAM), broker.host, str(broker.port), topic, str(qos), target], {})


async def test_every_value_of_the_stream_is_stored_and_counted(
    mosquitto: Mosquitto, victoria_metrics: VictoriaMetrics, tmp_path: Path
) -> None:
    peer = peers.Peer("aiomqtt", PROGRAM, launch, messages=300, devices=20)
    async with sinks.Database(victoria_metrics) as database:
        run = await peer_runs.into_peer(peer, tmp_path / "peer", mosquitto, database, 1, json_stream.START)
    assert run.lost == 0
    assert run.rate > 0
    assert run.cpu_us > 0
    assert database.stored() == (300 + 20) * 5, "those of the probe do not count"
    assert database.taken() > database.stored()


def test_the_flow_of_node_red_has_the_limits_of_the_gateway_and_no_loose_end() -> None:
    flow = json.loads((FOLDER / "peers/node_red/flows.json").read_text("utf-8"))
    nodes = {node["id"]: node for node in flow}
    reached = {target for node in flow for wires in node.get("wires", []) for target in wires}
    assert reached == {"parse", "check", "gather", "store", "alert"}
    assert reached < set(nodes)
    numbers = {float(n) for n in re.findall(r"value > (\d+)", nodes["check"]["func"])}
    assert numbers == {gateway_load.LIMIT, 2 * gateway_load.LIMIT}


def test_the_program_of_aiomqtt_has_the_limits_of_the_gateway() -> None:
    names = runpy.run_path(str(PROGRAM))
    assert names["LIMITS"] == dict.fromkeys(json_stream.FACTORS, (gateway_load.LIMIT, 2 * gateway_load.LIMIT))


def test_versions_of_peers_are_pinned() -> None:
    lines = [line for file in (FOLDER / "peers").glob("*.txt") for line in file.read_text("utf-8").split()]
    assert len(lines) == 3
    assert [line for line in lines if not PINNED.fullmatch(line)] == []
    package = json.loads((FOLDER / "peers/node_red/package.json").read_text("utf-8"))
    assert [v for v in package["dependencies"].values() if not re.fullmatch(r"\d+\.\d+\.\d+", v)] == []
