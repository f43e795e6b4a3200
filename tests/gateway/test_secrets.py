"""No secret is ever shown: not in the log, by the API, in metrics, in errors, nor in the words for settings."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from gateway_process import GatewayProcess
from servers import Certificates, StartMosquitto, free_port, make_certificates
from typer.testing import CliRunner

from gateway.cli import app
from gateway.config_file import load

SECRETS = {
    "link": "link-pass-5Xq1",
    "publish": "publish-pass-9Yw2",
    "token": "influx-token-3Zr4",
    "pw": "pW7kd3",
    "key": "00112233445566778899AABBCCDDEEFF",
}
INVENTORY = """
[[sites]]
id = "plant"
name = { en = "Plant", zh = "电厂" }
latitude = 33.0
longitude = 112.5

[[devices]]
id = "d0"
site = "plant"
kind = "stack"
mn = "MN0"
name = { en = "Stack", zh = "烟囱" }
interval_s = 1
silent_after_s = 3600
factors = [{ code = "a21026", unit = "mg/m3" }]
hj212 = { edition = "2025" }
"""


def config(folder: Path, broker: str, page: int, listener: int, certificates: Certificates) -> str:
    for name, secret in SECRETS.items():
        (folder / f"{name}.secret").write_text(secret + "\n")
    (folder / "keys.toml").write_text(
        f"""[devices.MN0]
password = "{SECRETS["pw"]}"
keys = [{{ key = "{SECRETS["key"]}" }}]
"""
    )
    return f"""
[[links]]
name = "city"
url = "{broker}"
login = {{ username = "gw", password_file = "link.secret" }}
backoff_max_s = 0.2
tls = {{ cert_file = "{certificates.client_cert_file}", key_file = "{certificates.client_key_file}" }}

[[listeners]]
name = "tcp"
port = {listener}

[hj212]
keys_file = "keys.toml"

[store]
kind = "influxdb"
url = "http://127.0.0.1:{free_port()}"
org = "o"
bucket = "b"
token_file = "token.secret"

[publish]
broker = {{ url = "{broker}", login = {{ username = "alerts", password_file = "publish.secret" }} }}

[api]
port = {page}
"""


def pages(port: int) -> str:
    """All that the API says that takes no parameter, errors too."""
    out: list[str] = []
    base = f"http://127.0.0.1:{port}"
    with urllib.request.urlopen(f"{base}/api/v1/openapi.json", timeout=10) as answer:
        paths = [path for path in json.load(answer)["paths"] if "{" not in path and "stream" not in path]
    for path in [*paths, "/metrics", "/readyz", "/", "/api/v1/readings?site=plant&device=d0&factor=a21026"]:
        try:
            with urllib.request.urlopen(base + path, timeout=10) as answer:
                out.append(answer.read().decode("utf-8", "replace"))
        except urllib.error.HTTPError as error:
            out.append(error.read().decode("utf-8", "replace"))
    return "\n".join(out)


@pytest.mark.timeout(90)
def test_a_service_whose_every_login_fails_says_why_and_shows_no_secret(
    start_mosquitto: StartMosquitto, tmp_path: Path
) -> None:
    from tcp_logger import upload

    certificates = make_certificates(tmp_path / "tls")
    broker = start_mosquitto(users={"gw": "another", "alerts": "another too"})
    page, listener = free_port(), free_port()
    folder = tmp_path / "gw"
    folder.mkdir()
    text = config(folder, broker.url, page, listener, certificates)
    gateway = GatewayProcess(folder, text, INVENTORY)
    gateway.start({"PYTHONASYNCIODEBUG": "1", "GATEWAY_LOG_LEVEL": "debug"})
    try:
        gateway.wait_for("link_down")
        gateway.wait_for("listener_up")
        import socket

        for pw in (SECRETS["pw"], "WRONG1"):
            with socket.create_connection(("127.0.0.1", listener), timeout=10) as logger:
                logger.sendall(upload("MN0", "20260101080000000", pw=pw, flag=9))
                logger.settimeout(5)
                logger.recv(100)
        time.sleep(1.5)
        said = pages(page) + gateway.log()
    finally:
        gateway.close()
    assert "refused the connection" in said or "not authorized" in said.lower() or "not authorised" in said.lower()
    key = certificates.client_key_file.read_text("ascii").splitlines()[1]
    for name, secret in {**SECRETS, "private key": key}.items():
        assert secret not in said, f"{name} is shown"
        assert secret.lower() not in said.lower(), f"{name} is shown"


def test_settings_and_checks_show_no_secret(tmp_path: Path) -> None:
    certificates = make_certificates(tmp_path / "tls")
    file = tmp_path / "gateway.toml"
    body = config(tmp_path, "mqtt://127.0.0.1:1", free_port(), free_port(), certificates)
    file.write_text(f'data = "data"\ninventory = "inventory.toml"\n{body}')
    (tmp_path / "inventory.toml").write_text(INVENTORY)
    settings, inventory = load(file)
    said = repr(settings) + str(settings) + settings.model_dump_json() + repr(inventory)
    said += CliRunner().invoke(app, ["check", str(file), "--connect"]).output
    for name, secret in SECRETS.items():
        assert secret not in said, name


@pytest.mark.parametrize("name", sorted(SECRETS))
def test_a_secret_in_the_configuration_itself_is_not_repeated_by_its_mistake(tmp_path: Path, name: str) -> None:
    """Who writes a password where its file should stand is told so without the password."""
    file = tmp_path / "gateway.toml"
    file.write_text(f'[[links]]\nname = "a"\nlogin = {{ username = "gw", password = "{SECRETS[name]}" }}\n')
    result = CliRunner().invoke(app, ["check", str(file)])
    assert result.exit_code == 1
    assert SECRETS[name] not in result.output
