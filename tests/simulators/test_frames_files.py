"""`simulators frames`: pictures, truth and masks in files."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from simulators import library
from simulators.cameras.trace import LABELS
from simulators.cli import app
from simulators.errors import ScenarioError
from simulators.fleet import camera_shots
from simulators.frames import camera_of, times


def frames(*arguments: str) -> str:
    done = CliRunner().invoke(app, ["frames", *arguments])
    assert done.exit_code == 0, done.output
    return done.output


def test_a_folder_of_frames_with_their_truth_and_masks(tmp_path: Path) -> None:
    out, truth = tmp_path / "yard", tmp_path / "truth.jsonl"
    said = frames(
        "demo",
        "--camera",
        "yard",
        "--out",
        str(out),
        "--truth",
        str(truth),
        "--masks",
        "--seconds",
        "13.4",
        "--seed",
        "7",
    )
    records = [json.loads(line) for line in truth.read_text("utf-8").splitlines()]
    assert said == f"frames={len(records)} out={out}\n"
    assert [record["frame"] for record in records] == list(range(67))
    assert {b["time_ms"] - a["time_ms"] for a, b in itertools.pairwise(records)} == {200}
    last = records[-1]
    (box,) = last["boxes"]
    assert (box["label"], box["zones"]) == ("person", ["closed-area"])
    assert DEMO.incidents[box["incident"]].kind == "person"
    picture = cv2.imread(str(out / "000066.jpg"))
    mask = cv2.imread(str(out / "000066.png"), cv2.IMREAD_GRAYSCALE)
    assert picture is not None and mask is not None
    assert picture.shape == (360, 640, 3)
    assert list(cv2.boundingRect((mask == LABELS.index("person")).astype(np.uint8))) == box["box"]
    assert records[0]["boxes"] == [] and not cv2.imread(str(out / "000000.png")).any()


DEMO = library.load("demo")


def test_the_files_are_the_frames_that_a_run_sends(tmp_path: Path) -> None:
    frames(
        "demo",
        "--camera",
        "baihe-water/outfall",
        "--out",
        str(tmp_path),
        "--seconds",
        "1",
        "--seed",
        "7",
        "--start",
        "2026-01-01T08:00:00",
    )
    camera = camera_of(DEMO, "outfall")
    sent = [shot.jpeg() for shot, _ in zip(camera_shots(DEMO, camera, 7, 1_767_225_600_000), range(5), strict=False)]
    assert [file.read_bytes() for file in sorted(tmp_path.glob("*.jpg"))] == sent


@pytest.mark.parametrize("name", ["film.mp4", "film.avi"])
def test_a_video_has_a_picture_for_each_line_of_the_truth(tmp_path: Path, name: str) -> None:
    truth = tmp_path / "truth.jsonl"
    frames("demo", "--camera", "gate", "--out", str(tmp_path / name), "--truth", str(truth), "--seconds", "2")
    film = cv2.VideoCapture(str(tmp_path / name))
    count = 0
    while film.read()[0]:
        count += 1
    assert count == len(truth.read_text("utf-8").splitlines()) == 10


def test_a_camera_that_is_not_there_is_a_mistake_that_names_those_that_are() -> None:
    with pytest.raises(ScenarioError, match=r"no camera 'x'; the scenario has nanyang-power/gate"):
        camera_of(DEMO, "x")


def test_a_wrong_clock_is_told_beside_the_true_time() -> None:
    plan = library.load("tampering")
    camera = camera_of(plan, "gate")
    found = list(times(plan, camera, 1, 0, 215.0))
    assert {captured - taken for taken, captured in found if 150_000 <= taken < 210_000} == {-900_000}
    assert {captured - taken for taken, captured in found if not 150_000 <= taken < 210_000} == {0}
