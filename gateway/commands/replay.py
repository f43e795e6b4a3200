"""`gateway replay FILE`: a traffic file through the gateway without a broker, as fast as it goes."""

from __future__ import annotations

import asyncio
import itertools
import tempfile
import time
from pathlib import Path
from typing import Annotated

import typer

from gateway import logs
from gateway.config_file import load
from gateway.errors import GatewayError, leaves
from gateway.loop import serve


def command(
    file: Annotated[Path, typer.Argument(help="The traffic file; packed where its name ends in .gz.")],
    config: Annotated[Path, typer.Option(help="The configuration file; its brokers and its store are left alone.")],
    out: Annotated[Path, typer.Option(help="Folder for alerts, readings, detections, dead letters and summary.")],
    log_format: Annotated[logs.Format, typer.Option(help="auto: text on a terminal, else JSON.")] = "auto",
) -> None:
    """Run recorded messages through decoding, checks, alerts and store, on the clock of the file.

    The same file and configuration give the same alerts. Nothing is acknowledged, published or answered.
    """
    logs.set_up(log_format)
    began = time.monotonic()
    try:
        summary: dict[str, object] = {}
        serve(lambda stop: _replay(file, config, out, stop, summary))
    except* GatewayError as errors:
        for error in leaves(errors):
            typer.echo(str(error), err=True)
        raise typer.Exit(2) from None
    figures = " ".join(f"{key}={value}" for key, value in summary.items() if isinstance(value, int))
    typer.echo(f"{figures} wall_s={time.monotonic() - began:.1f}")


async def _replay(file: Path, config: Path, out: Path, stop: asyncio.Event, summary: dict[str, object]) -> None:
    settings, inventory = load(config)
    from gateway.replay.outputs import Outputs  # here, so that a mistake in the file is told at once
    from gateway.replay.run import Replay
    from gateway.replay.traffic import read_traffic

    head, arrivals = read_traffic(file)
    first = next(arrivals, None)
    if first is None:
        raise GatewayError(f"{file}: no messages")
    with Outputs(out) as outputs, tempfile.TemporaryDirectory(prefix="gateway-replay-") as data:
        replay = Replay(settings, inventory, head, first.due, outputs, Path(data))
        summary |= await replay.run(itertools.chain([first], arrivals), stop)
