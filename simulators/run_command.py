"""The commands `simulators run` and `simulators write`: a scenario against a broker, or into a file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from simulators import library
from simulators.arguments import (
    LOCAL,
    MOST_S,
    BrokerOption,
    ConnectOption,
    PasswordOption,
    ScenarioArgument,
    SeedOption,
    SpeedOption,
    StartOption,
    TruthOption,
    UsernameOption,
    broker_of,
)
from simulators.clock import clock_of, moment
from simulators.inventory import toml
from simulators.live import Ways, centre_of, play_live
from simulators.scenario import Scenario
from simulators.session import Protocol
from simulators.stopping import stopped_by_signals
from simulators.truth_file import truth_files
from simulators.write import write_traffic


def run(
    scenario: ScenarioArgument,
    broker: BrokerOption = LOCAL,
    hj212: Annotated[
        str | None, typer.Option(help="HOST:PORT at which loggers with carrier `tcp` find the centre.")
    ] = None,
    seed: SeedOption = 1,
    seconds: Annotated[
        float | None, typer.Option(help="End after so long; without it, run until stopped.", max=MOST_S)
    ] = None,
    speed: SpeedOption = "1",
    start: StartOption = None,
    protocol: Annotated[Protocol, typer.Option(help="MQTT version.")] = "mqtt5",
    report: Annotated[Path | None, typer.Option(help="Write what was sent to this JSON file at the end.")] = None,
    truth: TruthOption = None,
    inventory: Annotated[Path | None, typer.Option(help="Write the gateway's inventory to this TOML file.")] = None,
    username: UsernameOption = None,
    password_file: PasswordOption = None,
    connect_timeout: ConnectOption = 30.0,
) -> None:
    """Play a scenario against a broker, in real time unless told otherwise. Ctrl-C ends it cleanly."""
    plan = library.load(scenario)
    address = broker_of(broker, username, password_file)
    ways = Ways(address, centre_of(hj212), protocol, connect_timeout)
    clock = clock_of(speed, _begins(plan, start))
    if inventory is not None:
        inventory.write_text(toml(plan), "utf-8")
    with stopped_by_signals() as stop, truth_files(truth, plan) as note:
        name = library.find(scenario).stem
        figures = play_live(plan, name, seed, ways, clock, stop, seconds=seconds, truth=note, witness=note)
    if report is not None:
        report.write_text(json.dumps(figures) + "\n", "utf-8")
    typer.echo(" ".join(f"{key}={value}" for key, value in figures.items()))


def write(
    scenario: ScenarioArgument,
    out: Annotated[Path, typer.Option(help="The traffic file; packed where its name ends in .gz.")],
    seconds: Annotated[float, typer.Option(help="How long, in the time of the scenario.", min=0.001, max=MOST_S)],
    seed: SeedOption = 1,
    start: StartOption = None,
    truth: TruthOption = None,
    inventory: Annotated[Path | None, typer.Option(help="Write the gateway's inventory to this TOML file.")] = None,
) -> None:
    """Write all that a scenario sends to a traffic file, as fast as it is made, without a broker."""
    plan = library.load(scenario)
    begins = clock_of("max", _begins(plan, start)).now()
    if inventory is not None:
        inventory.write_text(toml(plan), "utf-8")
    with stopped_by_signals() as stop, truth_files(truth, plan) as note:
        name = library.find(scenario).stem
        written = write_traffic(plan, name, seed, begins, seconds, out, stop=stop, truth=note)
    typer.echo(f"messages={written.messages} frames={written.frames} start_ms={begins} out={out}")


def _begins(plan: Scenario, start: str | None) -> int | None:
    return None if start is None else moment(start, plan.sites[0].zone)
