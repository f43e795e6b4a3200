"""The command `simulators`: play scenarios against a broker, look at them, record and replay, and make load."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from simulators import library
from simulators.arguments import ScenarioArgument, say
from simulators.bench_command import bench_detectors
from simulators.errors import SimulatorError
from simulators.frames_command import write_frames
from simulators.inventory import toml, write_keys
from simulators.load_commands import make_load, verify
from simulators.record_commands import record, replay
from simulators.run_command import run, write
from simulators.score_command import score_receiver

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Simulated pollution monitors and cameras that publish over MQTT.",
)

app.command()(run)
app.command()(write)


@app.command()
def check(scenario: ScenarioArgument) -> None:
    """Read a scenario and say what is in it, or what is wrong with it."""
    plan = library.load(scenario)
    typer.echo(
        f"{scenario}: ok: {len(plan.sites)} sites, {len(plan.devices)} devices, {len(plan.cameras)} cameras, "
        f"{len(plan.incidents)} incidents, {len(plan.faults)} faults"
    )


@app.command("list")
def list_ready() -> None:
    """List the ready scenarios, one a line, name first."""
    names = library.ready()
    width = max(map(len, names))
    for name in names:
        typer.echo(f"{name:<{width}}  {library.load(name).about}")


@app.command()
def inventory(
    scenario: ScenarioArgument,
    keys: Annotated[Path | None, typer.Option(help="Write the loggers' passwords and keys to this file.")] = None,
) -> None:
    """Print the scenario's inventory as the gateway reads it (TOML)."""
    plan = library.load(scenario)
    if keys is not None:
        write_keys(plan, keys)
    typer.echo(toml(plan), nl=False)


app.command("frames")(write_frames)
app.command()(record)
app.command()(replay)
app.command("load")(make_load)
app.command()(verify)
app.command("score")(score_receiver)
app.command("bench-detectors")(bench_detectors)


def main() -> None:
    """Entry point: a mistake of the user's ends with one line on the standard error and status 2."""
    try:
        app()
    except (SimulatorError, OSError) as error:
        say(str(error))
        raise SystemExit(2) from None
