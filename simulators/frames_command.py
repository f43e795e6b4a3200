"""The command `simulators frames`."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated, Final

import typer

from simulators import frames, library
from simulators.arguments import MOST_S, ScenarioArgument, SeedOption

NOON: Final = datetime(2026, 6, 21, 12, 0, 0)  # noqa: DTZ001 - local time at the site


def write_frames(
    scenario: ScenarioArgument,
    camera: Annotated[str, typer.Option(help="Its id, or site/id.")],
    out: Annotated[Path, typer.Option(help="A folder for JPEG files, or a video: NAME.mp4 or NAME.avi.")],
    seed: SeedOption = 1,
    seconds: Annotated[
        float, typer.Option(help="How long, in the time of the scenario.", min=0.001, max=MOST_S)
    ] = 10.0,
    start: Annotated[datetime, typer.Option(help="Local time at the site when the scenario begins.")] = NOON,
    truth: Annotated[Path | None, typer.Option(help="Write what each frame shows, one JSON line a frame.")] = None,
    masks: Annotated[bool, typer.Option(help="Write the labels of the pixels beside, as PNG files.")] = False,
) -> None:
    """Write the frames of one camera to files, as fast as they are made."""
    plan = library.load(scenario)
    eye = frames.camera_of(plan, camera)
    begins = round(start.replace(tzinfo=plan.site(eye.site).zone).timestamp() * 1000)
    written = frames.write(plan, eye, seed, begins, seconds, out, truth, masks)
    typer.echo(f"frames={written} out={out}")
