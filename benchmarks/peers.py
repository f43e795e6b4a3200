"""Yardsticks beside the gateway: what else one would take for the same work, each as a program of its own.

`benchmarks/peers/setup.sh` installs them under `var/peers`; `installed` says which are there.

- `aiomqtt`: aiomqtt and influxdb-client in the straightforward way, see `peers/aiomqtt_influxdb.py`.
- `node-red`: Node-RED 4 with the flow `peers/node_red/flows.json`: mqtt in, json, a function with the limits, join to
  batches of 1,000 lines, http request to the database.
- `thingsboard`: thingsboard-gateway with its MQTT connector. It stores nothing and knows no limits: it sends telemetry
  to its platform, for which `sinks.Platform` stands in. So it does a part of the work only. It makes each new device
  known to its platform first, some 20 a second: so its stream is of fewer devices.

None of them has a journal.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from json_stream import FACTORS, SITE, TOPIC
from servers import Mosquitto, free_port

HERE = Path(__file__).resolve().parent / "peers"
INSTALLED = HERE.parents[1] / "var" / "peers"


@dataclass(frozen=True)
class Launch:
    """How to start a peer: program with arguments, and what its environment has besides ours."""

    arguments: Sequence[str]
    environment: dict[str, str]


@dataclass(frozen=True)
class Peer:
    """A program to measure beside the gateway."""

    name: str
    needs: Path
    """A file that is there once it is installed."""
    launch: Callable[[Path, Mosquitto, int, str], Launch]
    """Its own folder, the broker with the readings, QoS, and the address of the database or port of the platform."""
    messages: int
    """Length of its streams: some seconds of work."""
    devices: int = 1_000
    """How many devices they are from."""
    stores: bool = True
    """Whether it writes to the database; else it sends to the stub of its platform."""

    @property
    def installed(self) -> bool:
        return self.needs.exists() and (self.name != "node-red" or shutil.which("node") is not None)


def _aiomqtt(folder: Path, broker: Mosquitto, qos: int, target: str) -> Launch:
    python, program = INSTALLED / "aiomqtt/bin/python", HERE / "aiomqtt_influxdb.py"
    return Launch([str(python), str(program), broker.host, str(broker.port), TOPIC, str(qos), target], {})


def _node_red(folder: Path, broker: Mosquitto, qos: int, target: str) -> Launch:
    for name in ("flows.json", "settings.js"):
        shutil.copy(HERE / "node_red" / name, folder)
    environment = {
        "BENCH_BROKER_PORT": str(broker.port),
        "BENCH_QOS": str(qos),
        "BENCH_TOPIC": TOPIC,
        "BENCH_UI_PORT": str(free_port()),
        "BENCH_WRITE_URL": f"{target}/write?precision=ms",
    }
    red = INSTALLED / "node-red/node_modules/node-red/red.js"
    return Launch(["node", str(red), "--userDir", str(folder)], environment)


def _thingsboard(folder: Path, broker: Mosquitto, qos: int, target: str) -> Launch:
    (folder / "logs").mkdir(exist_ok=True)
    shipped = next(INSTALLED.glob("thingsboard/lib/*/site-packages/thingsboard_gateway/config/logs.json"))
    logs = json.loads(shipped.read_text("utf-8"))
    for logger in logs["loggers"].values():
        logger["level"] = "WARNING"
    (folder / "logs.json").write_text(json.dumps(logs))
    gateway = {
        "thingsboard": {
            "host": "127.0.0.1",
            "port": int(target),
            "remoteShell": False,
            "remoteConfiguration": False,
            "statistics": {"enable": False, "statsSendPeriodInSeconds": 3600},
            "maxPayloadSizeBytes": 65_536,
            "security": {"type": "accessToken", "accessToken": "bench"},
            "qos": 1,
            "reportStrategy": {"type": "ON_RECEIVED"},
            "checkingDeviceActivity": {"checkDeviceInactivity": False},
        },
        "storage": {"type": "memory", "read_records_count": 100, "max_records_count": 100_000},
        "grpc": {"enabled": False},
        "connectors": [{"name": "bench", "type": "mqtt", "configuration": "mqtt.json"}],
    }
    (folder / "tb_gateway.json").write_text(json.dumps(gateway))
    series = [{"type": "double", "key": code, "value": f"${{readings.{code}}}"} for code in FACTORS]
    device = {
        "deviceNameExpressionSource": "topic",
        "deviceNameExpression": f"(?<=pollution/{SITE}/)(.*?)(?=/data)",
        "deviceProfileExpressionSource": "constant",
        "deviceProfileExpression": "stack",
    }
    converter = {"type": "json", "deviceInfo": device, "timeout": 60_000, "attributes": [], "timeseries": series}
    connector = {
        "broker": {
            "host": broker.host,
            "port": broker.port,
            "clientId": "peer",
            "version": 5,
            "security": {"type": "anonymous"},
        },
        "mapping": [{"topicFilter": TOPIC, "subscriptionQos": qos, "converter": converter}],
    }
    (folder / "mqtt.json").write_text(json.dumps(connector))
    # At its start it asks the internet for a newer version; the proxy that nobody answers keeps that on this machine.
    nowhere = "http://127.0.0.1:9"
    environment = {"TB_GW_CONFIG_DIR": str(folder), "HTTPS_PROXY": nowhere, "HTTP_PROXY": nowhere}
    return Launch([str(INSTALLED / "thingsboard/bin/thingsboard-gateway")], environment)


PEERS = {
    peer.name: peer
    for peer in (
        Peer("aiomqtt", INSTALLED / "aiomqtt/bin/python", _aiomqtt, 12_000),
        Peer("node-red", INSTALLED / "node-red/node_modules/node-red/red.js", _node_red, 30_000),
        Peer(
            "thingsboard",
            INSTALLED / "thingsboard/bin/thingsboard-gateway",
            _thingsboard,
            4_000,
            devices=50,
            stores=False,
        ),
    )
}
