"""The commands `simulators record` and `simulators replay`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from simulators import traffic
from simulators.arguments import (
    LOCAL,
    BrokerOption,
    ConnectOption,
    PasswordOption,
    SpeedOption,
    UsernameOption,
    broker_of,
    say,
)
from simulators.clock import clock_of
from simulators.csv_source import arrivals_of
from simulators.errors import SimulatorError
from simulators.play import play_items
from simulators.progress import Timeline
from simulators.publish import Publisher
from simulators.record import Recorder
from simulators.records import Message, Picture
from simulators.replay import Replay, Times
from simulators.session import Protocol
from simulators.stopping import patience_s, stopped_by_signals


def record(
    out: Annotated[Path, typer.Option(help="The traffic file; packed where its name ends in .gz.")],
    broker: BrokerOption = LOCAL,
    topics: Annotated[
        list[str] | None, typer.Option("--topics", help="What to subscribe to; may be given several times.")
    ] = None,
    seconds: Annotated[float | None, typer.Option(help="End after so long; without it, record until stopped.")] = None,
    protocol: Annotated[Protocol, typer.Option(help="MQTT version.")] = "mqtt5",
    username: UsernameOption = None,
    password_file: PasswordOption = None,
    connect_timeout: ConnectOption = 30.0,
) -> None:
    """Write what a broker passes on to a traffic file, with the time at which each message came."""
    address = broker_of(broker, username, password_file)
    wanted = topics or ["pollution/#", "camera/#"]
    with stopped_by_signals() as stop, traffic.TrafficWriter(out, {"broker": str(address), "topics": wanted}) as file:
        recorder = Recorder(address, protocol, wanted, file)
        say(f"recording {', '.join(wanted)} from {address}; Ctrl-C ends it")
        recorder.run(connect_timeout, seconds, stop)
    typer.echo(f"messages={recorder.recorded.messages} bytes={recorder.recorded.bytes} out={out}")


def replay(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A traffic file, or with --table a CSV file.")],
    broker: BrokerOption = LOCAL,
    table: Annotated[Path | None, typer.Option(help="What the columns of the CSV file are (TOML).")] = None,
    speed: SpeedOption = "1",
    times: Annotated[Times, typer.Option(help="Times as recorded, or moved so that the first message is of now.")] = (
        "present"
    ),
    protocol: Annotated[Protocol, typer.Option(help="MQTT version.")] = "mqtt5",
    report: Annotated[Path | None, typer.Option(help="Write what was sent to this JSON file at the end.")] = None,
    username: UsernameOption = None,
    password_file: PasswordOption = None,
    connect_timeout: ConnectOption = 30.0,
) -> None:
    """Send what was recorded, or the rows of a CSV file, to a broker at the pace at which it came."""
    arrivals = traffic.read(file)[1] if table is None else arrivals_of(file, table)
    source = Replay(arrivals, times)
    if source.begins is None:
        raise SimulatorError(f"{file}: no messages")
    publisher = Publisher(broker_of(broker, username, password_file), protocol, say)
    damage: SimulatorError | None = None

    def whole(items: Iterator[Message | Picture]) -> Iterator[Message | Picture]:
        nonlocal damage
        try:
            yield from items
        except SimulatorError as error:
            damage = error

    with stopped_by_signals() as stop:
        publisher.connect(connect_timeout, stop)
        clock = clock_of(speed, source.begins if times == "original" else None)
        start = clock.now()
        with Timeline(None) as shown:
            skipped = play_items(whole(source.items(start)), outlet=publisher, clock=clock, stop=stop, shown=shown)
        publisher.close(patience_s(stop))
    counts = asdict(publisher.counts)
    del counts["readings_sent"]  # what is in recorded payloads is not looked at
    figures = {
        **counts,
        "frames_skipped": skipped,
        "times_left": source.left,
        "start_ms": start,
        "seconds": round((clock.now() - start) / 1000, 3),
    }
    if report is not None:
        report.write_text(json.dumps(figures) + "\n", "utf-8")
    typer.echo(" ".join(f"{key}={value}" for key, value in figures.items()))
    if damage is not None:
        raise damage
