"""`gateway check CONFIG`: mistakes one a line and status 1, or a summary and status 0."""

from __future__ import annotations

from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from gateway.commands.check import command

SITE = '[[sites]]\nid = "s"\nlatitude = 33\nlongitude = 112\n'
DEVICE = (
    '[[devices]]\nid = "d"\nsite = "s"\nkind = "stack"\ninterval_s = 1\nmn = "1"\nfactors = [{ code = "a21026" }]\n'
)


@pytest.fixture
def app() -> typer.Typer:
    made = typer.Typer()
    made.command()(command)
    return made


def test_mistakes_are_printed_one_a_line_and_the_status_is_1(app: typer.Typer, tmp_path: Path) -> None:
    file = tmp_path / "c.toml"
    file.write_text('[[links]]\nname = "a"\nqos = 3\n[api]\nprot = 1\n' + SITE + DEVICE)
    result = CliRunner().invoke(app, [str(file)])
    assert result.exit_code == 1
    assert result.stdout.splitlines() == [
        f"{file}:3: links.0.qos: expected 0 or 1, not 3",
        f"{file}:5: api.prot: unknown key; did you mean 'port'?",
    ]
    assert "2 mistakes" in result.stderr


def test_a_sound_configuration_is_summed_up_and_the_status_is_0(app: typer.Typer, tmp_path: Path) -> None:
    file = tmp_path / "c.toml"
    limits = 'limits = [{ factor = "a21026", above = [35, 70] }, { factor = "a21026", below = [0] }]\n'
    camera = '[[cameras]]\nid = "c"\nsite = "s"\nzones = [{ id = "z", polygon = [[0, 0], [1, 0], [1, 1]] }]\n'
    file.write_text('[[links]]\nname = "a"\n' + SITE + DEVICE + limits + camera)
    result = CliRunner().invoke(app, [str(file)])
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        "sites     1",
        "devices   1 (1 stack); 1 with an MN",
        "channels  1 with limits (2 rules); 1 factors expected",
        "cameras   1 with 1 zones",
        "link      a: mqtt://127.0.0.1:1883 (mqtt5, QoS 1), "
        "topics pollution/{site}/{device}/data, camera/{site}/{camera}/frame",
        f"store     duckdb {tmp_path}/var/gateway/readings.duckdb",
        f"data      {tmp_path}/var/gateway",
    ]


def test_a_warning_alone_is_no_mistake(app: typer.Typer, tmp_path: Path) -> None:
    file = tmp_path / "c.toml"
    file.write_text('[[links]]\nname = "a"\nqos = 0\n' + SITE + DEVICE)
    result = CliRunner().invoke(app, [str(file)])
    assert result.exit_code == 0
    assert result.stdout.startswith(f"{file}:3: links.0.qos: 0 loses what is sent")
    assert result.stdout.splitlines()[0].endswith("[warning]")
