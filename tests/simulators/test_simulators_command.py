"""The command `simulators`, as a program of its own."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import tomllib
from pathlib import Path

from servers import Mosquitto, free_port
from typer.testing import CliRunner

from simulators.cli import app

COMMAND = [sys.executable, "-m", "simulators"]


def simulators(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, timeout=60, check=False)


def test_list_names_the_ready_scenarios_one_a_line_name_first() -> None:
    done = CliRunner().invoke(app, ["list"])
    assert done.exit_code == 0
    assert {"demo", "smoke", "tampering"} <= {line.split()[0] for line in done.output.splitlines()}


def test_check_and_inventory_of_a_ready_scenario() -> None:
    done = CliRunner().invoke(app, ["check", "demo"])
    assert (done.exit_code, done.output) == (0, "demo: ok: 3 sites, 20 devices, 4 cameras, 7 incidents, 0 faults\n")
    assert set(tomllib.loads(CliRunner().invoke(app, ["inventory", "demo"]).output)) == {
        "sites",
        "types",
        "devices",
        "cameras",
    }


def test_a_mistake_ends_with_its_line_and_status_2(tmp_path: Path) -> None:
    file = tmp_path / "wrong.toml"
    file.write_text('about = "x"\nsitse = []\n', "utf-8")
    done = simulators("check", str(file))
    assert done.returncode == 2
    assert done.stdout == ""
    assert f"simulators: {file}: sites: Field required\n" in done.stderr
    assert f"{file}:2: sitse: Extra inputs are not permitted\n" in done.stderr


def test_run_without_a_broker_says_so() -> None:
    done = simulators("run", "demo", "--broker", f"mqtt://127.0.0.1:{free_port()}", "--connect-timeout", "0.1")
    assert done.returncode == 2
    assert "does not answer" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_run_ends_by_itself_and_reports_what_the_broker_took(mosquitto: Mosquitto, collect, tmp_path: Path) -> None:
    report, inventory = tmp_path / "report.json", tmp_path / "inventory.toml"
    with collect(mosquitto.port) as collector:
        done = simulators(
            "run", "demo", "--broker", mosquitto.url, "--seed", "7", "--seconds", "2",
            "--report", str(report), "--inventory", str(inventory),
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        figures = json.loads(report.read_text())
        total = figures["messages_sent"] + figures["frames_sent"]
        collector.wait_for(lambda got: len(got) >= total)
    assert figures["scenario"] == "demo" and figures["seed"] == 7 and figures["seconds"] >= 2
    assert figures["messages_failed"] == 0
    assert figures["readings_sent"] > figures["messages_sent"] > 20
    assert sum(m.topic.startswith("pollution/") for m in collector.messages) == figures["messages_sent"]
    assert len(tomllib.loads(inventory.read_text("utf-8"))["devices"]) == 20


def test_sigterm_ends_a_run_cleanly_with_report_and_truth(mosquitto: Mosquitto, collect, tmp_path: Path) -> None:
    report, truth = tmp_path / "report.json", tmp_path / "truth.jsonl"
    with collect(mosquitto.port) as collector:
        process = subprocess.Popen(
            [*COMMAND, "run", "demo", "--broker", mosquitto.url, "--report", str(report), "--truth", str(truth)],
            stdout=subprocess.DEVNULL,
        )
        try:
            collector.wait_for(lambda got: len(got) > 140)  # some 4 s of the demo
            process.send_signal(signal.SIGTERM)
            assert process.wait(20) == 0
        finally:
            process.kill()
        figures = json.loads(report.read_text())
        collector.wait_for(lambda got: len(got) >= figures["messages_sent"] + figures["frames_sent"])
    assert figures["messages_failed"] == 0
    assert truth.exists()


def test_load_writes_its_figures(mosquitto: Mosquitto, tmp_path: Path) -> None:
    file = tmp_path / "load.json"
    done = simulators(
        "load", "--broker", mosquitto.url, "--devices", "50", "--messages", "3000", "--qos", "1", "--json", str(file)
    )
    assert done.returncode == 0, done.stderr
    figures = json.loads(file.read_text())
    assert (figures["sent"], figures["acked"], figures["qos"], figures["devices"]) == (3000, 3000, 1, 50)
    assert figures["rate"] > 0 and figures["cpu_us_per_message"] > 0
