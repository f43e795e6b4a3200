"""The bench: a small scenario through the gateway and scored; its table is in the output of every run of the tests."""

from __future__ import annotations

import csv
import gzip
import json
import shlex
import sys
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from simulators import library
from simulators.bench import START, bench, prepare, seconds_of
from simulators.cli import app
from simulators.errors import SimulatorError

SECONDS = 30
SMALL = """
about = "one of each, small enough for every run of the tests"

[[sites]]
id = "plant"
name = { en = "Plant", zh = "电厂" }
latitude = 33.02
longitude = 112.60

[types.stack]
kind = "stack"
interval_s = 1.0
silent_after_s = 6.0
factors = [{ code = "a21026", unit = "mg/m3", name = { en = "SO2", zh = "二氧化硫" } }]
limits = [{ factor = "a21026", field = "ZsRtd", above = [35.0], hold_s = 3.0, band = 0.05 }]
simulate = { means = { a21026 = 15.0 } }

[[devices]]
id = "stack-1"
site = "plant"
type = "stack"
mn = "010000A8900016F000169DC0"
name = { en = "Stack 1", zh = "1号烟囱" }
simulate = { codec = "hj212", edition = "2025", sm4_key = "0123456789abcdef0123456789abcdef" }

[[devices]]
id = "stack-2"
site = "plant"
type = "stack"
name = { en = "Stack 2", zh = "2号烟囱" }

[[cameras]]
id = "gate"
site = "plant"
name = { en = "Gate", zh = "大门" }
silent_after_s = 20.0
simulate = { scene = "gate", fps = 5, width = 320, height = 180 }

[[cameras.zones]]
id = "entry"
name = { en = "Entry", zh = "入口" }
polygon = [[0.3, 0.4], [0.7, 0.4], [0.7, 0.95], [0.3, 0.95]]
share = 0.01
hold_s = 0.6
quiet_s = 2.0

[[incidents]]
kind = "exceedance"
site = "plant"
device = "stack-1"
factor = "a21026"
reach = 60.0
start_s = 5.0
duration_s = 12.0

[[incidents]]
kind = "silence"
site = "plant"
device = "stack-2"
start_s = 8.0
duration_s = 12.0

[[incidents]]
kind = "person"
site = "plant"
camera = "gate"
zone = "entry"
start_s = 14.0
duration_s = 6.0
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bench")
    (folder / "small.toml").write_text(SMALL, "utf-8")
    return folder


@pytest.fixture(scope="module")
def benched(folder: Path) -> Result:
    """The command, once for all tests here."""
    arguments = ["bench-detectors", "--scenario", str(folder / "small.toml"), "--seconds", str(SECONDS)]
    arguments += ["--json", str(folder / "bench.json"), "--html", str(folder / "html"), "--keep", str(folder / "kept")]
    result = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result


def figures(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "bench.json").read_text("utf-8"))["scenarios"]["small"]


def test_the_gateway_finds_what_happens_and_nothing_else(
    benched: Result, folder: Path, record_property: Callable[[str, object], None]
) -> None:
    record_property("table", benched.stdout)  # CI keeps the figures of every commit in its output
    found = figures(folder)
    assert [(row["family"], row["what"], row["expected"]) for row in found["detectors"]] == [
        ("data_quality", "silence", 1),
        ("exceedance", "limit", 1),
        ("security", "motion", 1),
    ]
    total = found["total"]
    assert (total["precision"], total["recall"], total["false_resolves"]) == (1.0, 1.0, 0)
    delays = {row["what"]: row["delay_median_ms"] for row in found["detectors"]}
    assert 3_000 <= delays["limit"] <= 8_000  # it has to hold for 3 s, after a ramp of 1.5 s
    assert 4_000 <= delays["silence"] <= 8_000  # 6 s after the last message, which may be a second old
    assert 0 <= delays["motion"] <= 4_000


def test_ready_scenarios_are_played_through_the_gateway(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    names = ("editions", "sensor-faults", "start-up")
    chosen = [word for name in names for word in ("--scenario", name)]
    arguments = ["bench-detectors", *chosen, "--json", str(tmp_path / "bench.json")]
    result = CliRunner().invoke(app, arguments, catch_exceptions=False)
    record_property("table", result.stdout)
    scored = json.loads((tmp_path / "bench.json").read_text("utf-8"))["scenarios"]
    assert tuple(scored) == names
    for name in names:
        points = scored[name]["points"]["total"]
        assert (points["lost"], points["duplicated"], points["corrupt"], points["invented"]) == (0, 0, 0, 0)
        rows = {(row["family"], row["what"]): row for row in scored[name]["detectors"]}
        limits = rows["exceedance", "limit"]
        assert (limits["precision"], limits["recall"]) == (1.0, 1.0)
    assert limits["delay_median_ms"] <= 61_000  # it has to hold for a minute


def test_every_point_that_was_said_is_stored_as_it_was_said(benched: Result, folder: Path) -> None:
    total = figures(folder)["points"]["total"]
    assert (total["lost"], total["duplicated"], total["corrupt"], total["invented"]) == (0, 0, 0, 0)
    with gzip.open(folder / "kept" / "small" / "truth.points.csv.gz", "rt", encoding="utf-8") as file:
        said = [row for row in csv.DictReader(file) if row["device"] == "stack-1"]
    assert len(said) == SECONDS * 2  # Rtd and ZsRtd, once a second
    assert total["sent"] > len(said)


def test_frames_are_held_against_what_they_show(benched: Result, folder: Path) -> None:
    (camera,) = figures(folder)["cameras"]
    assert (camera["site"], camera["camera"], camera["label"]) == ("plant", "gate", "motion")
    assert camera["frames"] == SECONDS * 5
    assert 30 <= camera["frames_shown"] <= 90  # 6 s in the zone, and the way there and back
    assert camera["frame_recall"] > 0.5
    assert (camera["events"], camera["event_recall"]) == (1, 1.0)


class Page(HTMLParser):
    """What a page asks for from elsewhere, and the tags that are open."""

    VOID = frozenset(("meta",))

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.asked: list[str] = []
        self.titles: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.asked += [f"{tag} {name}" for name, _ in attrs if name in ("src", "href", "xlink:href", "action")]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        pass

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "title":
            self.titles.append(data)


def test_the_report_stands_alone_and_shows_what_happened(benched: Result, folder: Path) -> None:
    text = (folder / "html" / "small.html").read_text("utf-8")
    page = Page()
    page.feed(text)
    assert (page.open, page.asked) == ([], [])
    assert "url(" not in text
    assert "@import" not in text
    assert "prefers-color-scheme: dark" in text
    told = " ".join(page.titles)
    for words in ("incident: exceedance", "found: data_quality silence stack-2", "alert security entry"):
        assert words in told


def test_a_receiver_that_says_nothing_scores_nothing(folder: Path, tmp_path: Path) -> None:
    script = "import sys, pathlib; out = pathlib.Path(sys.argv[1]); out.mkdir(); (out / 'alerts.jsonl').touch()"
    receiver = f"{shlex.quote(sys.executable)} -c {shlex.quote(script)} {{out}}"
    scenario = library.load(str(folder / "small.toml")).model_copy(update={"cameras": (), "incidents": ()})
    exceedance = library.load(str(folder / "small.toml")).incidents[0]
    done = bench(scenario.model_copy(update={"incidents": (exceedance,)}), "s", 1, 10, tmp_path, receiver, 10_000)
    whole = done.result.score.whole
    assert (whole.recall, whole.precision, len(whole.missed)) == (0.0, None, 1)
    assert (done.result.points, done.result.pictures) == ([], [])


@pytest.mark.parametrize(
    ("receiver", "said"),
    [
        (
            f"{shlex.quote(sys.executable)} -c 'raise SystemExit(\"no such format\")'",
            "ended with status 1:\nno such format",
        ),
        ("no-such-receiver {traffic}", "no-such-receiver"),
        ("receiver {nothing}", "expected {traffic}, {config} and {out}"),
    ],
)
def test_a_receiver_that_fails_is_told_of_with_its_own_words(
    folder: Path, tmp_path: Path, receiver: str, said: str
) -> None:
    scenario = library.load(str(folder / "small.toml")).model_copy(update={"cameras": (), "incidents": ()})
    with pytest.raises(SimulatorError) as caught:
        bench(scenario, "s", 1, 2, tmp_path, receiver, 10_000)
    assert said in str(caught.value)


def test_the_same_seed_gives_the_same_files(folder: Path, tmp_path: Path) -> None:
    scenario = library.load(str(folder / "small.toml"))
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        prepare(scenario, "small", 7, 3, tmp_path / name)
    files = sorted(path.name for path in (tmp_path / "one").iterdir())
    assert files == sorted(
        (
            "bench.traffic",
            "gateway.toml",
            "inventory.toml",
            "keys.toml",
            "truth.frames.jsonl.gz",
            "truth.jsonl",
            "truth.points.csv.gz",
        )
    )
    for name in files:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes(), name


def test_a_scenario_is_played_until_what_happens_once_is_over() -> None:
    assert seconds_of(library.load("smoke")) == 220
    assert START % 86_400_000 == 0


def test_score_tells_the_same_of_the_same_files(benched: Result, folder: Path) -> None:
    kept = folder / "kept" / "small"
    arguments = ["score", "--truth", kept / "truth.jsonl", "--alerts", kept / "out" / "alerts.jsonl"]
    arguments += ["--readings", kept / "out" / "readings.csv"]
    arguments += ["--detections", kept / "out" / "detections.jsonl"]
    arguments += ["--json", folder / "score.json", "--html", folder / "score.html"]
    result = CliRunner().invoke(app, list(map(str, arguments)), catch_exceptions=False)
    assert result.exit_code == 0
    scored, found = json.loads((folder / "score.json").read_text("utf-8")), figures(folder)
    for each in ("detectors", "points", "cameras", "missed", "false"):
        assert scored[each] == found[each]
    assert "exceedance limit" in result.stdout
    assert (folder / "score.html").stat().st_size > 5_000


@pytest.mark.parametrize("of_receiver", ["--readings", "--detections"])
def test_a_file_that_is_missing_beside_the_truth_is_named(tmp_path: Path, of_receiver: str) -> None:
    for name in ("a.jsonl", "x.csv"):
        (tmp_path / name).touch()
    line = {"layer": "expected", "kind": "counts", "site": "s", "device": "d", "start_ms": 0, "end_ms": 1000}
    (tmp_path / "t.jsonl").write_text(json.dumps(line), "utf-8")
    arguments = ["score", "--truth", tmp_path / "t.jsonl", "--alerts", tmp_path / "a.jsonl"]
    with pytest.raises(SimulatorError, match=r"t\.(points|frames)"):
        CliRunner().invoke(app, [*map(str, arguments), of_receiver, str(tmp_path / "x.csv")], catch_exceptions=False)
