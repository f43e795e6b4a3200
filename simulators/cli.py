"""The command `simulators`: play scenarios against a broker, look at them, and make load."""

from __future__ import annotations

import asyncio
import json
import resource
import signal
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal

import typer

from simulators import fast_publisher, frames, library, load
from simulators.broker import Broker
from simulators.clock import WallClock
from simulators.errors import SimulatorError
from simulators.inventory import toml
from simulators.play import play
from simulators.publish import Protocol, Publisher
from simulators.records import Happening

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Simulated pollution monitors and cameras that publish over MQTT.",
)

ScenarioArgument = Annotated[str, typer.Argument(metavar="SCENARIO", help="A file, or the name of a ready scenario.")]
BrokerOption = Annotated[str, typer.Option("--broker", help="mqtt://host[:port], or mqtts:// for TLS.")]
LOCAL = "mqtt://127.0.0.1:1883"
NOON = datetime(2026, 6, 21, 12, 0, 0)  # noqa: DTZ001 - local time at the site


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


@app.command("frames")
def write_frames(
    scenario: ScenarioArgument,
    camera: Annotated[str, typer.Option(help="Its id, or site/id.")],
    out: Annotated[Path, typer.Option(help="A folder for JPEG files, or a video: NAME.mp4 or NAME.avi.")],
    seed: Annotated[int, typer.Option(help="One number that everything random comes from.", min=0)] = 1,
    seconds: Annotated[float, typer.Option(help="How long, in the time of the scenario.", min=0.001)] = 10.0,
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


@app.command("load")
def make_load(
    broker: BrokerOption = LOCAL,
    devices: Annotated[int, typer.Option(help="Devices that take turns.", min=1)] = 1000,
    messages: Annotated[int | None, typer.Option(help="Messages in all.", min=1)] = None,
    seconds: Annotated[float | None, typer.Option(help="End after so long.")] = None,
    rate: Annotated[
        float | None, typer.Option(help="Messages a second; without it, as fast as they are taken.")
    ] = None,
    qos: Annotated[int, typer.Option(help="0 or 1.", min=0, max=1)] = 1,
    window: Annotated[int, typer.Option(help="Most unacknowledged messages at QoS 1.", min=1, max=65_535)] = 5_000,
    seed: Annotated[int, typer.Option(help="Where the values come from.", min=0)] = 1,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the figures to this file.")] = None,
    inventory: Annotated[Path | None, typer.Option(help="Write the inventory of the devices to this file.")] = None,
) -> None:
    """Publish JSON of 5 values for many devices over MQTT 5, and tell rate and CPU time a message."""
    if messages is None and seconds is None:
        raise SimulatorError("give --messages or --seconds, or both: what comes first ends it")
    address = Broker.of(broker)
    if address.secure:
        raise SimulatorError("load speaks plain mqtt:// only")
    if inventory is not None:
        inventory.write_text(load.inventory(devices), "utf-8")
    level: Literal[0, 1] = 1 if qos else 0
    before = resource.getrusage(resource.RUSAGE_SELF)
    done = asyncio.run(
        fast_publisher.publish_all(
            address.host,
            address.port,
            load.json_messages(devices, messages, seed, time.time_ns() // 1_000_000),
            level,
            rate,
            window,
            seconds=seconds,
        )
    )
    after = resource.getrusage(resource.RUSAGE_SELF)
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    figures = asdict(done) | {
        "rate": round(done.sent / done.seconds, 1) if done.seconds else 0.0,
        "cpu_us_per_message": round(1e6 * cpu_s / max(1, done.sent), 3),
        "qos": qos,
        "devices": devices,
    }
    if json_file is not None:
        json_file.write_text(json.dumps(figures) + "\n", "utf-8")
    typer.echo(" ".join(f"{key}={value}" for key, value in figures.items()))


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
