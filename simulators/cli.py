"""The command `simulators`: play scenarios against a broker, look at them, and make load."""

from __future__ import annotations

import json
import signal
import threading
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from simulators import library
from simulators.arguments import LOCAL, BrokerOption, ScenarioArgument
from simulators.bench_command import bench_detectors
from simulators.broker import Broker
from simulators.clock import WallClock
from simulators.errors import SimulatorError
from simulators.frames_command import write_frames
from simulators.inventory import toml
from simulators.load_commands import make_load, verify
from simulators.play import play
from simulators.publish import Protocol, Publisher
from simulators.records import Happening
from simulators.score_command import score_receiver

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Simulated pollution monitors and cameras that publish over MQTT.",
)


@app.command()
def run(
    scenario: ScenarioArgument,
    broker: BrokerOption = LOCAL,
    seed: Annotated[int, typer.Option(help="One number that everything random comes from.", min=0)] = 1,
    seconds: Annotated[float | None, typer.Option(help="End after so long; without it, run until stopped.")] = None,
    protocol: Annotated[Protocol, typer.Option(help="MQTT version.")] = "mqtt5",
    report: Annotated[Path | None, typer.Option(help="Write what was sent to this JSON file at the end.")] = None,
    truth: Annotated[Path | None, typer.Option(help="Write what was made to happen, one JSON line an event.")] = None,
    inventory: Annotated[Path | None, typer.Option(help="Write the gateway's inventory to this TOML file.")] = None,
    username: Annotated[str | None, typer.Option(help="Log in to the broker with this name.")] = None,
    password_file: Annotated[Path | None, typer.Option(help="File that holds the password.")] = None,
    connect_timeout: Annotated[float, typer.Option(help="Seconds to wait for the broker at the start.")] = 30.0,
) -> None:
    """Play a scenario in real time against a broker. Ctrl-C ends it cleanly."""
    plan = library.load(scenario)
    password = password_file.read_text("utf-8").rstrip("\r\n") if password_file else None
    if inventory is not None:
        inventory.write_text(toml(plan), "utf-8")
    publisher = Publisher(Broker.of(broker, username, password), protocol, _say)
    with _stopped_by_signals() as stop, _truth_file(truth) as note:
        publisher.connect(connect_timeout, stop)
        name = library.find(scenario).stem
        _say(f"playing {name} with seed {seed} against {publisher.broker}; Ctrl-C ends it")
        played = play(plan, name, seed, outlet=publisher, clock=WallClock(), stop=stop, seconds=seconds, truth=note)
        publisher.close()
    figures = played.json()
    if report is not None:
        report.write_text(json.dumps(figures) + "\n", "utf-8")
    typer.echo(" ".join(f"{key}={value}" for key, value in figures.items()))


@app.command()
def check(scenario: ScenarioArgument) -> None:
    """Read a scenario and say what is in it, or what is wrong with it."""
    plan = library.load(scenario)
    typer.echo(
        f"{scenario}: ok: {len(plan.sites)} sites, {len(plan.devices)} devices, {len(plan.cameras)} cameras, "
        f"{len(plan.incidents)} incidents"
    )


@app.command("list")
def list_ready() -> None:
    """List the ready scenarios, one a line, name first."""
    names = library.ready()
    width = max(map(len, names))
    for name in names:
        typer.echo(f"{name:<{width}}  {library.load(name).about}")


@app.command()
def inventory(scenario: ScenarioArgument) -> None:
    """Print the scenario's inventory as the gateway reads it (TOML)."""
    typer.echo(toml(library.load(scenario)), nl=False)


app.command("frames")(write_frames)
app.command("load")(make_load)
app.command()(verify)
app.command("score")(score_receiver)
app.command("bench-detectors")(bench_detectors)


def _say(text: str) -> None:
    typer.echo(f"simulators: {text}", err=True)


@contextmanager
def _stopped_by_signals() -> Generator[threading.Event]:
    """An event that SIGINT and SIGTERM set; a second one of a kind acts as it always does."""
    stop = threading.Event()
    old = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def end(number: int, _frame: object) -> None:
        stop.set()
        signal.signal(number, old[signal.Signals(number)])

    for number in old:
        signal.signal(number, end)
    try:
        yield stop
    finally:
        for number, handler in old.items():
            signal.signal(number, handler)


class _TruthLines:
    """Writes each event as it begins, so that the file can be read while the run goes on."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("w", encoding="utf-8", buffering=1)

    def __call__(self, happening: Happening) -> None:
        self._file.write(json.dumps(happening.record, ensure_ascii=False) + "\n")

    def close(self) -> None:
        self._file.close()


@contextmanager
def _truth_file(path: Path | None) -> Generator[_TruthLines | None]:
    if path is None:
        yield None
        return
    lines = _TruthLines(path)
    try:
        yield lines
    finally:
        lines.close()


def main() -> None:
    """Entry point: a mistake of the user's ends with one line on the standard error and status 2."""
    try:
        app()
    except (SimulatorError, OSError) as error:
        _say(str(error))
        raise SystemExit(2) from None
