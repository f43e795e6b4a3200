"""The truth as files: what happened, and beside it what was said point by point and what each frame shows."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final, NamedTuple

from simulators.cameras.render import Frame
from simulators.formats.hj212.editions import EDITIONS
from simulators.frame_truth import line
from simulators.records import Happening, Report
from simulators.scenario import Scenario
from simulators.settings import Camera, Device
from simulators.settings.devices import DeviceSimulation

QUICK: Final = 1
"""Level of gzip: the run goes on meanwhile."""


class Point(NamedTuple):
    """One value that was said, under the identity by which a receiver knows it."""

    site: str
    device: str
    factor: str
    field: str
    period: str
    time: int
    """As stamped, ms UTC; of HJ 212 in whole seconds, for DataTime knows no finer time."""
    value: float
    """As written: of HJ 212 with the decimals that its edition has for the factor."""


def points_beside(truth: Path) -> Path:
    """What was said, beside the truth: of `truth.jsonl` that is `truth.points.csv.gz`, with the columns of `Point`."""
    return truth.with_name(f"{truth.stem}.points.csv.gz")


def frames_beside(truth: Path) -> Path:
    """What each frame shows, beside the truth: of `truth.jsonl` that is `truth.frames.jsonl.gz`."""
    return truth.with_name(f"{truth.stem}.frames.jsonl.gz")


class TruthFiles:
    """Writes all three while a scenario is played; the truth itself can be read meanwhile, line by line.

    Points are as a device says them: after faults of values, clocks and of what is said, before those of bytes and
    links, which are no loss of the device's.
    """

    def __init__(self, scenario: Scenario, truth: IO[str], points: IO[str], frames: IO[str]) -> None:
        self._truth, self._frames = truth, frames
        self._settings = {(d.site, d.id): scenario.resolve(d).simulate for d in scenario.devices}
        self._rows = csv.writer(points, lineterminator="\n")
        self._rows.writerow(Point._fields)

    def __call__(self, happening: Happening) -> None:
        """A line of the truth."""
        self._truth.write(json.dumps(happening.record, ensure_ascii=False) + "\n")

    def said(self, device: Device, report: Report) -> None:
        """What a device said."""
        self._rows.writerows(_points(device, self._settings[device.site, device.id], report))

    def shown(self, camera: Camera, number: int, taken: int, captured: int, frame: Frame) -> None:
        """What a camera shows."""
        self._frames.write(json.dumps(line(camera, number, taken, captured, frame)) + "\n")


@contextmanager
def truth_files(path: Path | None, scenario: Scenario) -> Generator[TruthFiles | None]:
    """Open while something plays; None where there is no path."""
    if path is None:
        yield None
        return
    truth = path.open("w", encoding="utf-8", buffering=1)  # a line at a time: for whoever reads along
    with truth, _packed(points_beside(path)) as points, _packed(frames_beside(path)) as frames:
        yield TruthFiles(scenario, truth, points, frames)


@contextmanager
def _packed(path: Path) -> Generator[IO[str]]:
    """With neither name nor time in it: the same text gives the same bytes."""
    with (
        path.open("wb") as file,
        gzip.GzipFile("", "wb", QUICK, file, mtime=0) as packed,
        io.TextIOWrapper(packed, "utf-8", newline="") as text,
    ):
        yield text


def _points(device: Device, settings: DeviceSimulation, report: Report) -> Iterator[Point]:
    codec, rules = settings.codec, EDITIONS[settings.edition]
    if codec == "senml" and report.period != "realtime":
        return
    stamp = report.stamp // 1000 * 1000 if codec == "hj212" else report.stamp
    for reading in report.readings:
        if codec == "senml" and reading.flag != "N":
            continue
        for field, exact in reading.values.items():
            value = round(exact, rules.decimals(reading, field)) if codec == "hj212" else exact
            yield Point(device.site, device.id, reading.code, field, report.period, stamp, value)
