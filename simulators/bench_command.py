"""The command `simulators bench-detectors`."""

from __future__ import annotations

import json
import sys
import tempfile
import time
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import typer

from simulators import library
from simulators.arguments import MOST_S, SeedOption, say
from simulators.bench import RECEIVER, bench, seconds_of
from simulators.score.report import report
from simulators.score.result import Result
from simulators.score.table import show


def bench_detectors(
    scenario: Annotated[
        list[str] | None, typer.Option(help="A file or a ready scenario; may be given several times. All ready ones.")
    ] = None,
    seed: SeedOption = 1,
    seconds: Annotated[
        float | None,
        typer.Option(
            help="Play each so long; without it, until its incidents are over, 5 hours at most.", min=0.001, max=MOST_S
        ),
    ] = None,
    tolerance: Annotated[
        float, typer.Option(help="Seconds that begin and end of an alert may be off.", min=0, max=MOST_S)
    ] = 10.0,
    receiver: Annotated[
        str, typer.Option(help="What reads {traffic} and {config} and writes alerts.jsonl into {out}.")
    ] = RECEIVER,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the figures to this file.")] = None,
    html: Annotated[Path | None, typer.Option(help="Write a report of each scenario into this folder.")] = None,
    keep: Annotated[Path | None, typer.Option(help="Keep traffic, truth and what the receiver wrote here.")] = None,
) -> None:
    """Run scenarios through the gateway without a broker and say how well its detectors did."""
    plans = {library.find(name).stem: library.load(name) for name in scenario or library.ready()}
    results: dict[str, Result] = {}
    with tempfile.TemporaryDirectory(prefix="bench-") if keep is None else nullcontext(str(keep)) as place:
        for name, plan in plans.items():
            folder = Path(place) / name
            folder.mkdir(parents=True, exist_ok=True)
            length = seconds_of(plan) if seconds is None else seconds
            begun = time.monotonic()
            done = bench(plan, name, seed, length, folder, receiver, round(1000 * tolerance))
            results[name] = done.result
            say(f"{name}: {length:g} s of it played in {time.monotonic() - begun:.0f} s")
            if html is not None:
                html.mkdir(parents=True, exist_ok=True)
                title = f"{name}, {length:g} s, seed {seed}"
                (html / f"{name}.html").write_text(report(title, done.truth, done.result), "utf-8")
    show(sys.stdout, results)
    if json_file is not None:
        figures = {name: result.json() for name, result in results.items()}
        json_file.write_text(json.dumps({"seed": seed, "scenarios": figures}, indent=2) + "\n", "utf-8")
