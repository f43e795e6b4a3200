"""The bench of detectors: scenarios through a receiver without a broker, and the score of each.

The receiver is a command that reads a traffic file and writes what it said and stored into a folder. What it needs to
know of the fleet it finds in a configuration of the gateway beside the file.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from simulators.errors import SimulatorError
from simulators.inventory import toml, write_keys
from simulators.scenario import Scenario
from simulators.score.alerts_file import read_alerts
from simulators.score.figures import score
from simulators.score.pictures import score_pictures
from simulators.score.points import score_points
from simulators.score.records import Truth
from simulators.score.result import Result
from simulators.score.truth_file import read_truth
from simulators.truth_file import frames_beside, points_beside, truth_files
from simulators.write import write_traffic

RECEIVER: Final = "gateway replay {traffic} --config {config} --out {out}"
START: Final = 1_767_225_600_000
"""2026-01-01T00:00:00Z, when every bench begins: figures are to be held against those of last week."""
TIMEOUT_S: Final = 3600.0
_AFTER_S: Final = 20.0
_LEAST_S: Final = 45.0
_MOST_S: Final = 18_000.0
_CONFIG: Final = """\
inventory = "inventory.toml"

[[links]]
name = "bench"
url = "mqtt://127.0.0.1:1883"
client_id = "bench"
subscribe = [
    { topic = "pollution/{site}/{device}/data", codec = "auto" },
    { topic = "camera/{site}/{camera}/frame", codec = "jpeg" },
]

[hj212]
keys_file = "keys.toml"
"""


@dataclass(frozen=True, slots=True)
class Benched:
    """One scenario through the receiver."""

    truth: Truth
    result: Result


def seconds_of(scenario: Scenario) -> float:
    """How long a scenario is played: until all that happens once has happened and had time to be told."""
    ends = [event.start_s + (event.duration_s or 0.0) for event in (*scenario.incidents, *scenario.faults)]
    ends += [row.at_s for row in scenario.weather.rows]
    return min(_MOST_S, max(_LEAST_S, max(ends, default=0.0) + _AFTER_S))


def bench(
    scenario: Scenario, name: str, seed: int, seconds: float, folder: Path, receiver: str, tolerance_ms: int
) -> Benched:
    """Write a scenario's files into an empty `folder`, run the receiver on them, and score what it wrote.

    Raises `SimulatorError` where the receiver fails, with what it said.
    """
    prepare(scenario, name, seed, seconds, folder)
    out = folder / "out"
    run(receiver, folder, out)
    file = folder / "truth.jsonl"
    truth = read_truth(file)
    readings, detections = out / "readings.csv", out / "detections.jsonl"
    return Benched(
        truth,
        Result(
            score(truth, read_alerts(out / "alerts.jsonl"), tolerance_ms),
            score_points(points_beside(file), readings) if readings.is_file() else [],
            score_pictures(frames_beside(file), detections) if scenario.cameras and detections.is_file() else [],
        ),
    )


def prepare(scenario: Scenario, name: str, seed: int, seconds: float, folder: Path) -> None:
    """What a receiver gets (`bench.traffic`, `gateway.toml`, `inventory.toml`) and what it is held against."""
    with truth_files(folder / "truth.jsonl", scenario) as truth:
        write_traffic(
            *(scenario, name, seed, START, seconds, folder / "bench.traffic"), stop=threading.Event(), truth=truth
        )
    (folder / "inventory.toml").write_text(toml(scenario), "utf-8")
    write_keys(scenario, folder / "keys.toml")
    (folder / "gateway.toml").write_text(_CONFIG, "utf-8")


def run(receiver: str, folder: Path, out: Path) -> None:
    """Run the receiver's command; programs of this Python's environment are found first."""
    places = {"traffic": folder / "bench.traffic", "config": folder / "gateway.toml", "out": out}
    try:
        words = [word.format(**places) for word in shlex.split(receiver)]
    except (KeyError, IndexError, ValueError) as error:
        raise SimulatorError(f"receiver {receiver!r}: expected {{traffic}}, {{config}} and {{out}}: {error}") from error
    if not words:
        raise SimulatorError("receiver: expected a command")
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)))
    try:
        done = subprocess.run(
            words, env=os.environ | {"PATH": path}, capture_output=True, text=True, timeout=TIMEOUT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SimulatorError(f"receiver {shlex.join(words)}: {error}") from error
    if done.returncode:
        raise SimulatorError(
            f"receiver {shlex.join(words)} ended with status {done.returncode}:\n{done.stderr.strip()}"
        )
