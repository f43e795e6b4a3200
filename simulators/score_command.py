"""The command `simulators score`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from simulators.arguments import MOST_S
from simulators.score.alerts_file import read_alerts
from simulators.score.figures import score
from simulators.score.pictures import score_pictures
from simulators.score.points import score_points
from simulators.score.report import report
from simulators.score.table import Result, show
from simulators.score.truth_file import read_truth
from simulators.truth_file import frames_beside, points_beside


def score_receiver(
    truth: Annotated[Path, typer.Option(help="What happened, as `simulators run --truth` writes it.")],
    alerts: Annotated[Path, typer.Option(help="What the receiver said: steps or objects of alerts, JSON lines.")],
    readings: Annotated[Path | None, typer.Option(help="What the receiver stored, CSV or JSON lines.")] = None,
    sent: Annotated[Path | None, typer.Option(help="Points that were said. [default: beside the truth]")] = None,
    detections: Annotated[Path | None, typer.Option(help="What the receiver saw in frames, JSON lines.")] = None,
    frames: Annotated[Path | None, typer.Option(help="What frames show. [default: beside the truth]")] = None,
    tolerance: Annotated[
        float, typer.Option(help="Seconds that begin and end of an alert may be off.", min=0, max=MOST_S)
    ] = 10.0,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the figures to this file.")] = None,
    html: Annotated[Path | None, typer.Option(help="Write a report with plots to this file.")] = None,
) -> None:
    """Hold what a receiver said against what happened: precision, recall and delay of each detector."""
    happened = read_truth(truth)
    scored = score(happened, read_alerts(alerts), round(1000 * tolerance))
    points = score_points(sent or points_beside(truth), readings) if readings is not None else []
    pictures = score_pictures(frames or frames_beside(truth), detections) if detections is not None else []
    result = Result(scored, points, pictures)
    show(sys.stdout, {alerts.stem: result})
    if json_file is not None:
        json_file.write_text(json.dumps(result.json(), indent=2) + "\n", "utf-8")
    if html is not None:
        html.write_text(report(f"{alerts.name} against {truth.name}", happened, result), "utf-8")
