"""A replay: the rooms of the gateway on the clock of a file, the same to the byte each time."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from gateway.cli import app
from simulators.traffic import Arrival, TrafficWriter

START = 1_767_225_600_000
CONFIG = """
inventory = "inventory.toml"

[[links]]
name = "city"
url = "mqtt://127.0.0.1:1"
client_id = "gw"
subscribe = [
    { topic = "pollution/{site}/{device}/data" },
    { topic = "camera/{site}/{camera}/frame", codec = "jpeg" },
]

[store]
kind = "influxdb1"
url = "http://127.0.0.1:1"
database = "nowhere"
"""
"""Neither broker nor database is there: a replay asks for none."""
INVENTORY = """
[[sites]]
id = "plant"
name = { en = "Plant", zh = "电厂" }
latitude = 32.99
longitude = 112.53

[types.stack]
kind = "stack"
interval_s = 1
silent_after_s = 8
factors = [{ code = "a21026", unit = "mg/m3", name = { en = "SO2", zh = "二氧化硫" } }]
limits = [{ factor = "a21026", above = [35.0], hold_s = 5, band = 0.1 }]

[[devices]]
id = "d0"
site = "plant"
type = "stack"
name = { en = "d0", zh = "d0" }

[[devices]]
id = "mute"
site = "plant"
type = "stack"
name = { en = "mute", zh = "mute" }

[[cameras]]
id = "yard"
site = "plant"
name = { en = "Yard", zh = "院子" }
silent_after_s = 60

[[cameras.zones]]
id = "gate"
name = { en = "Gate", zh = "大门" }
polygon = [[0, 0], [1, 0], [1, 1], [0, 1]]
share = 0.01
hold_s = 0.5
quiet_s = 2
"""
LAST = 40


def picture(second: float) -> bytes:
    """A still yard, through which a bright block goes from 10 s to 13 s."""
    rng = np.random.default_rng(1)
    image = rng.integers(60, 90, (180, 320, 3)).astype(np.uint8)
    if 10 <= second < 13:
        x = round(40 + 60 * (second - 10))
        image[60:130, x : x + 40] = 230
    done, data = cv2.imencode(".jpg", image)
    assert done
    return data.tobytes()


def messages() -> Iterator[Arrival]:
    """40 seconds: d0 is over its limit from 10 s to 20 s, and what the camera sends at 30 s is no picture."""
    for tick in range(LAST * 5):
        second = tick / 5
        due = START + round(1000 * second)
        if tick % 5 == 0:
            body = {"v": 1, "time": due - 100, "readings": {"a21026": 50.0 if 10 <= second < 20 else 20.0}}
            yield Arrival(due, "pollution/plant/d0/data", json.dumps(body).encode())
        jpeg = picture(second) if second != 30 else b"\xff\xd8 no picture \xff\xd9"
        yield Arrival(due, "camera/plant/yard/frame", jpeg, captured=due - 20, qos=0)
        if tick == 100:
            yield Arrival(due, "pollution/plant/d0/data", b"{broken")


Run = Callable[[str], Path]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Replays the file into a folder of that name, once for each name."""
    folder = tmp_path_factory.mktemp("replay")
    (folder / "gateway.toml").write_text(CONFIG, "utf-8")
    (folder / "inventory.toml").write_text(INVENTORY, "utf-8")
    with TrafficWriter(folder / "t.traffic", {"start_ms": START, "seconds": LAST}) as writer:
        for message in messages():
            writer.write(message)

    def replay(name: str) -> Path:
        out = folder / name
        if not out.exists():
            result = CliRunner().invoke(
                app, ["replay", str(folder / "t.traffic"), "--config", str(folder / "gateway.toml"), "--out", str(out)]
            )
            assert result.exit_code == 0, result.output
        return out

    return replay


def lines(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text("utf-8").splitlines()]


def at(second: float) -> str:
    whole, rest = divmod(round(1000 * second), 1000)
    return f"2026-01-01T00:00:{whole:02}.{rest:03}Z"


def test_alerts_live_on_the_clock_of_the_file(run: Run) -> None:
    steps = lines(run("one") / "alerts.jsonl")
    told = [(step["family"], step["step"], step["at"], step["recorded"]) for step in steps if step["family"][0] != "s"]
    assert told == [
        ("data_quality", "fired", at(9), at(9)),  # `mute`: at the first tick that is more than 8 s from the start
        ("exceedance", "pending", at(9.9), at(10)),
        ("exceedance", "fired", at(14.9), at(15)),
        ("exceedance", "resolved", at(19.9), at(20)),
    ]
    assert {step["device"] for step in steps if step["family"] == "data_quality"} == {"mute"}


def test_every_frame_is_analysed_and_motion_is_told_in_its_place(run: Run) -> None:
    out = run("one")
    summary = json.loads((out / "summary.json").read_text("utf-8"))
    assert (summary["frames"], summary["frames_analysed"], summary["frames_dropped"]) == (
        LAST * 5 - 1,
        LAST * 5 - 1,
        {},
    )
    steps = lines(out / "alerts.jsonl")
    security = [step for step in steps if step["family"] == "security"]
    assert [step["step"] for step in security] == ["fired", "resolved"]
    fired, resolved = (round(float(step["at"][17:-1]), 3) for step in security)
    assert 10 < fired < 12
    assert 13 < resolved < 17
    assert [step["recorded"] for step in steps] == sorted(step["recorded"] for step in steps)
    seen = [float(each["captured"][17:-1]) for each in lines(out / "detections.jsonl")]
    assert seen
    assert min(seen) > 9.9
    assert max(seen) < 13.5
    picture_kept = security[0]["evidence"][0].removeprefix("frame:")
    assert (out / "evidence" / picture_kept[:2] / picture_kept[2:4] / f"{picture_kept}.jpg").is_file()


def test_readings_are_written_as_they_were_stored(run: Run) -> None:
    with (run("one") / "readings.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["device"], row["factor"], row["time"], float(row["value"]), row["received"]) for row in rows] == [
        ("d0", "a21026", at(second - 0.1), 50.0 if 10 <= second < 20 else 20.0, at(second))
        if second
        else ("d0", "a21026", "2025-12-31T23:59:59.900Z", 20.0, at(0))
        for second in range(LAST)
    ]


def test_what_could_not_be_used_is_told_with_its_reason(run: Run) -> None:
    out = run("one")
    letters = lines(out / "dead_letters.jsonl")
    assert [(letter["reason"], letter["received"]) for letter in letters] == [
        ("bad_json", at(20)),
        ("truncated_jpeg", at(30)),
    ]
    summary = json.loads((out / "summary.json").read_text("utf-8"))
    assert summary["dead_letters"] == {"bad_json": 1, "truncated_jpeg": 1}
    assert (summary["messages"], summary["stored"], summary["start_ms"]) == (LAST + 1, LAST, START)
    assert summary["end_ms"] == START + 1000 * LAST


def test_the_same_file_gives_the_same_bytes(run: Run) -> None:
    one, two = run("one"), run("two")
    for file in sorted(path.relative_to(one) for path in one.rglob("*") if path.is_file()):
        assert (one / file).read_bytes() == (two / file).read_bytes(), file


@pytest.mark.parametrize(
    ("content", "said"), [(b"nothing of the kind", "cut off or damaged"), (None, "no messages"), (b"", "no traffic")]
)
def test_a_file_that_cannot_be_read_ends_with_status_2_and_no_summary(
    tmp_path: Path, content: bytes | None, said: str
) -> None:
    (tmp_path / "gateway.toml").write_text(CONFIG, "utf-8")
    (tmp_path / "inventory.toml").write_text(INVENTORY, "utf-8")
    file = tmp_path / "t.traffic"
    if content is None:
        with TrafficWriter(file, {}):
            pass
    else:
        file.write_bytes(content)
    arguments = [str(file), "--config", str(tmp_path / "gateway.toml"), "--out", str(tmp_path / "out")]
    result = CliRunner().invoke(app, ["replay", *arguments])
    assert result.exit_code == 2
    assert said in result.stderr
    assert not (tmp_path / "out" / "summary.json").exists()


def test_a_file_that_breaks_off_leaves_no_summary_of_an_earlier_replay(tmp_path: Path) -> None:
    (tmp_path / "gateway.toml").write_text(CONFIG, "utf-8")
    (tmp_path / "inventory.toml").write_text(INVENTORY, "utf-8")
    file, out = tmp_path / "t.traffic", tmp_path / "out"
    with TrafficWriter(file, {}) as writer:
        for message in messages():
            if message.topic.startswith("pollution"):
                writer.write(message)
    arguments = ["replay", str(file), "--config", str(tmp_path / "gateway.toml"), "--out", str(out)]
    assert CliRunner().invoke(app, arguments).exit_code == 0
    assert (out / "summary.json").exists()
    file.write_bytes(file.read_bytes()[:-1])
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 2
    assert "cut off" in result.stderr
    assert not (out / "summary.json").exists()
