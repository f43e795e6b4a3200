"""The command `simulators`, as a program of its own."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from servers import Mosquitto, free_port
from typer.testing import CliRunner

from simulators.cli import app, main

TRUTH = '{"layer": "expected", "kind": "counts", "site": "s", "device": "d", "start_ms": 0, "end_ms": 1000}\n'
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


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["write", "demo", "--seconds", "5", "--start", "0001-01-01T00:00:00"], "of the years 1971 to 2100"),
        (["write", "demo", "--seconds", "5", "--start", "9999-12-31T23:59:59"], "of the years 1971 to 2100"),
        (["write", "demo", "--seconds", "5", "--seed", str(2**70)], "--seed"),
        (["write", "demo", "--seconds", "inf"], "--seconds"),
        (["bench-detectors", "--scenario", "demo", "--seconds", "5", "--receiver", ""], "receiver: expected a command"),
        (["bench-detectors", "--scenario", "demo", "--seconds", "-1"], "--seconds"),
        (["score", "--truth", "empty", "--alerts", "empty"], "empty: no line of truth"),
        (["score", "--truth", "truth", "--alerts", "empty", "--tolerance", "inf"], "--tolerance"),
        (["score", "--truth", "truth", "--alerts", "list"], "list: alert 1: expected an object"),
        (["score", "--truth", "wrong", "--alerts", "empty"], "wrong: line 1: no layer"),
        (
            ["score", "--truth", "truth", "--alerts", "empty", "--sent", "gone", "--readings", "empty"],
            "gone: no such file",
        ),
        (["score", "--truth", "truth", "--alerts", "empty", "--sent", "truth", "--readings", "empty"], "Binder Error"),
    ],
)
def test_wrong_use_ends_with_a_line_and_status_2(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: list[str], told: str
) -> None:
    for name, text in (("empty", ""), ("truth", TRUTH), ("list", "[5]"), ("wrong", "{}")):
        (tmp_path / name).write_text(text, "utf-8")
    monkeypatch.chdir(tmp_path)
    out = ["--out", "out"] if arguments[0] == "write" else []
    monkeypatch.setattr(sys, "argv", ["simulators", *arguments, *out])
    with pytest.raises(SystemExit) as ended:
        main()
    errors = capsys.readouterr().err
    assert ended.value.code == 2
    assert told in errors
    assert len(errors.splitlines()) == 1 or "Usage:" in errors
