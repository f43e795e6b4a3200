"""A truth file: what it tells to find, or what is worked out of its incidents where it does not tell."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from simulators.errors import SimulatorError
from simulators.score.records import Counted, Expected, Happened
from simulators.score.truth_file import read_truth

PLAIN = [
    {
        "layer": "incident",
        "site": "s",
        "device": "d",
        "kind": "exceedance",
        "factor": "a21026",
        "start_ms": 5,
        "end_ms": 9,
    },
    {"layer": "incident", "site": "s", "device": "d", "kind": "silence", "start_ms": 7, "end_ms": None},
    {"layer": "incident", "site": "s", "camera": "c", "kind": "person", "zone": "gate", "start_ms": 8, "end_ms": 12},
    {"layer": "weather", "site": "s", "camera": "c", "kind": "fog", "start_ms": 1, "end_ms": 30},
]
TOLD = {
    "layer": "expected",
    "kind": "exceedance",
    "site": "s",
    "device": "d",
    "factor": "a21026",
    "field": "ZsRtd",
    "late": True,
    "start_ms": 6,
    "end_ms": 9,
    "expect": [
        {"family": "exceedance", "what": "limit", "factor": "a21026", "field": "ZsRtd", "from_ms": 6, "to_ms": 7}
    ],
}
COUNTS = {
    "layer": "expected",
    "kind": "counts",
    "site": "s",
    "device": "d",
    "start_ms": 0,
    "end_ms": 60,
    "sent": 45,
    "arrived": 41,
    "lost": 4,
    "duplicated": 0,
    "late": 1,
    "out_of_order": 2,
    "corrupted": {},
}


def written(tmp_path: Path, records: list[dict[str, Any]]) -> Path:
    file = tmp_path / "truth.jsonl"
    file.write_text("".join(json.dumps(record) + "\n" for record in records), "utf-8")
    return file


def test_what_happened_and_is_not_to_be_found_is_only_told(tmp_path: Path) -> None:
    truth = read_truth(written(tmp_path, PLAIN))
    assert (truth.expected, truth.counted) == ([], [])
    assert truth.happened[-1] == Happened("weather", "fog", "s", ("c",), 1, 30)
    assert len(truth.happened) == 4


def test_a_truth_that_says_what_must_be_found_is_taken_at_its_word(tmp_path: Path) -> None:
    truth = read_truth(written(tmp_path, [*PLAIN, TOLD, COUNTS]))
    told = Expected(
        *("exceedance", "limit", "s", ("d",), 6, 7, 9), factor="a21026", field="ZsRtd", late=True, kind="exceedance"
    )
    assert truth.expected == [told]
    assert len(truth.happened) == 4
    figures = {"sent": 45, "arrived": 41, "lost": 4, "duplicated": 0, "late": 1, "out_of_order": 2}
    assert truth.counted == [Counted("s", "d", 0, 60, figures)]


def test_an_alert_may_be_about_the_camera_or_the_device_that_a_line_names(tmp_path: Path) -> None:
    both = {"layer": "incident", "site": "s", "device": "d", "camera": "c", "kind": "hidden_smoke"}
    hidden = {"family": "fraud", "what": "hidden_smoke", "from_ms": 1, "to_ms": 2}
    truth = read_truth(written(tmp_path, [{**both, "start_ms": 1, "end_ms": 2, "expect": [hidden]}]))
    assert [(each.family, each.subjects) for each in truth.expected] == [("fraud", ("d", "c"))]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{", "line 2"),
        ("[1]", "line 2: expected an object"),
        ('{"layer": "incident", "kind": "silence", "site": "s", "device": "d", "end_ms": 1}', "line 2: .*start_ms"),
        ('{"layer": "incident", "kind": "silence", "start_ms": "x", "end_ms": 1}', "line 2"),
        (
            '{"layer": "expected", "kind": "counts", "site": "s", "device": "d", "start_ms": 1, "end_ms": null}',
            "line 2",
        ),
    ],
)
def test_a_line_that_is_wrong_is_named(tmp_path: Path, line: str, said: str) -> None:
    file = written(tmp_path, PLAIN[:1])
    file.write_text(file.read_text("utf-8") + line + "\n", "utf-8")
    with pytest.raises(SimulatorError, match=f"truth.jsonl: {said}"):
        read_truth(file)
