"""The command `gateway` as a person meets it: what it says, how it ends, and how soon."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gateway.cli import app

HEAVY = ("amqtt", "aiomqtt", "cv2", "duckdb", "fastapi", "nicegui", "pyarrow", "uvicorn")
CONFIG = """\
data = "data"

[[links]]
name = "city"

[[sites]]
id = "plant"
latitude = 33
longitude = 112
"""


def gateway(*arguments: str | Path, stdin: str = "") -> subprocess.CompletedProcess[str]:
    """The program in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "gateway", *map(str, arguments)],
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.fixture
def config(tmp_path: Path) -> Path:
    file = tmp_path / "gateway.toml"
    file.write_text(CONFIG, "utf-8")
    return file


def test_without_a_command_it_lists_those_there_are() -> None:
    result = CliRunner().invoke(app, [])
    assert result.exit_code == 2
    for command in ("run", "demo", "check", "decode", "journal", "deadletters"):
        assert f" {command} " in result.output


def test_a_command_that_is_not_there_is_said_with_status_2() -> None:
    result = CliRunner().invoke(app, ["fly"])
    assert result.exit_code == 2
    assert "fly" in result.output


def test_the_module_is_the_program_and_reads_standard_input() -> None:
    done = gateway("decode", stdin='{"v":1,"time":1772337600000,"device":"d7","readings":{"a21026":1}}\nx\n')
    assert (done.returncode, done.stderr) == (0, "")
    first, second = done.stdout.splitlines()
    assert first.startswith('{"mn":"d7"')
    assert '"reason":"unknown_format"' in second


def test_help_loads_nothing_heavy() -> None:
    """`gateway check` and `decode` answer at once: databases, pictures and pages are loaded by those who need them."""
    code = f"import sys, gateway.cli; print([each for each in {HEAVY!r} if each in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "[]\n"


def test_run_names_every_mistake_of_the_configuration_and_touches_nothing(config: Path) -> None:
    config.write_text(CONFIG.replace('name = "city"', 'name = "city"\nqos = 3\ncolour = "red"'), "utf-8")
    result = CliRunner().invoke(app, ["run", str(config)])
    assert result.exit_code == 1
    first, second = result.stderr.splitlines()
    assert first == f"{config}:5: links.0.qos: expected 0 or 1, not 3"
    assert second.startswith(f"{config}:6: links.0.colour: unknown key")
    assert not (config.parent / "data").exists()


def test_run_says_which_file_it_cannot_read(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["run", str(tmp_path / "nowhere.toml")])
    assert result.exit_code == 1
    assert result.stderr == f"{tmp_path / 'nowhere.toml'}:1: cannot be read: No such file or directory\n"


def test_run_says_where_a_folder_cannot_be_used(config: Path) -> None:
    (config.parent / "data").write_text("a file where a folder is needed")
    done = gateway("run", config)
    assert done.returncode == 1
    assert str(config.parent / "data") in done.stderr
    assert "Traceback" not in done.stderr


def test_demo_says_where_its_port_is_taken(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = gateway("demo", "--seconds", "1", "--port", str(port), "--keep", tmp_path)
    assert done.returncode == 1
    assert f"cannot listen on 127.0.0.1:{port}" in done.stderr
    assert "Traceback" not in done.stderr
