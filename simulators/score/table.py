"""The score as tables in a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median
from typing import IO, Final

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from simulators.score.figures import Row, Score, percentile
from simulators.score.pictures import Figures
from simulators.score.points import Points, whole
from simulators.score.result import Result

NOTHING: Final = "-"
PAGE: Final = 150
"""Columns of a table that goes into a file."""


def show(file: IO[str], results: Mapping[str, Result]) -> None:
    """Print what there is of each run: alerts by detector, points, cameras. In a file lines are as long as need be."""
    console = Console(file=file)
    if not console.is_terminal:
        console.width = PAGE
    console.print(alerts_table({name: result.score for name, result in results.items()}))
    passed = sum(len(result.score.not_judged) for result in results.values())
    if passed:
        console.print(f"{passed} alerts not judged: the truth says nothing of such")
    if any(result.points for result in results.values()):
        console.print(points_table({name: result.points for name, result in results.items()}))
    if any(result.pictures for result in results.values()):
        console.print(pictures_table({name: result.pictures for name, result in results.items()}))


def alerts_table(scores: Mapping[str, Score]) -> Table:
    """One row a run, family and word, and of each run all together."""
    names = ("expected", "found", "missed", "false", "again", "precision", "recall", "p50", "p95", "early", "false/day")
    table = _table("alerts", ("run", "detector"), names)
    for name, score in scores.items():
        for row in score.rows:
            table.add_row(name, f"{row.family} {row.what}", *_cells(row, score.device_days))
        table.add_row(name, "all", *_cells(score.whole, score.device_days), style="bold", end_section=True)
    table.caption = (
        "p50, p95: seconds from begin to alert; again: false, of what was told before;\n"
        "early: said to be over too early; false/day: false alerts a device and day"
    )
    return table


def points_table(points: Mapping[str, Sequence[Points]]) -> Table:
    """All points of each run together, and the devices of which any is wrong."""
    table = _table("points", ("run", "device"), ("sent", "lost", "duplicate", "corrupt", "invented"))
    for name, each in points.items():
        for device in each:
            if device.lost or device.duplicated or device.corrupt or device.invented:
                table.add_row(name, f"{device.site}/{device.device}", *_counts(device))
        if each:
            table.add_row(name, "all", *_counts(whole(each)), style="bold", end_section=True)
    return table


def pictures_table(pictures: Mapping[str, Sequence[Figures]]) -> Table:
    """One row a run, camera and label."""
    names = (
        "frames",
        "shown",
        "precision",
        "recall",
        "boxes",
        "box prec.",
        "box recall",
        "IoU",
        "events",
        "seen",
        "p50",
    )
    table = _table("cameras", ("run", "camera", "label"), names)
    for name, figures in pictures.items():
        for each in figures:
            said = each.json()
            table.add_row(
                *(name, f"{each.site}/{each.camera}", each.label, str(each.frames), str(each.shown)),
                *(_share(said[key]) for key in ("frame_precision", "frame_recall")),
                str(each.boxes),
                *(_share(said[key]) for key in ("box_precision", "box_recall", "iou_mean")),
                *(str(each.events), str(each.events_seen)),
                _seconds(median(each.delays)) if each.delays else NOTHING,
            )
    return table


def _table(title: str, words: Sequence[str], figures: Sequence[str]) -> Table:
    table = Table(title=title, title_justify="left", caption_justify="left", box=SIMPLE_HEAD, pad_edge=False)
    for name in words:
        table.add_column(name, no_wrap=True)
    for name in figures:
        table.add_column(name, justify="right")
    return table


def _counts(points: Points) -> list[str]:
    return [*map(str, (points.sent, points.lost, points.duplicated, points.corrupt, points.invented))]


def _cells(row: Row, device_days: float | None) -> list[str]:
    delays = row.delays
    return [
        *map(str, (row.expected, len(row.pairs), len(row.missed), len(row.false), row.again)),
        _share(row.precision),
        _share(row.recall),
        _seconds(median(delays)) if delays else NOTHING,
        _seconds(percentile(delays, 95)) if delays else NOTHING,
        str(row.false_resolves),
        f"{len(row.false) / device_days:.3g}" if device_days else NOTHING,
    ]


def _share(share: object) -> str:
    return f"{share:.3f}" if isinstance(share, float) else NOTHING


def _seconds(ms: float) -> str:
    return f"{ms / 1000:.1f}"
