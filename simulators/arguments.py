"""Arguments that several commands of `simulators` share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import typer

from simulators.broker import Broker
from simulators.errors import SimulatorError

LOCAL: Final = "mqtt://127.0.0.1:1883"
MOST_S: Final = 1e9
"""Seconds: some thirty years."""
MOST_SEED: Final = 2**63 - 1
"""What fits into a traffic file."""

ScenarioArgument = Annotated[str, typer.Argument(metavar="SCENARIO", help="A file, or the name of a ready scenario.")]
BrokerOption = Annotated[str, typer.Option("--broker", help="mqtt://host[:port], or mqtts:// for TLS.")]
SeedOption = Annotated[
    int, typer.Option("--seed", help="One number that everything random comes from.", min=0, max=MOST_SEED)
]
SpeedOption = Annotated[
    str, typer.Option("--speed", help="Seconds of the scenario in one of the wall, or `max`: without a clock.")
]
StartOption = Annotated[
    str | None,
    typer.Option("--start", help="ISO 8601 time when it begins, local time of the first site without an offset."),
]
TruthOption = Annotated[
    Path | None, typer.Option("--truth", help="Write what happens, one JSON line an event; points and frames beside.")
]
UsernameOption = Annotated[str | None, typer.Option("--username", help="Log in to the broker with this name.")]
PasswordOption = Annotated[Path | None, typer.Option("--password-file", help="File that holds the password.")]
ConnectOption = Annotated[float, typer.Option("--connect-timeout", help="Seconds to wait for the broker at the start.")]


def broker_of(url: str, username: str | None, password_file: Path | None) -> Broker:
    """The broker of these options. Raises `SimulatorError` and OSError."""
    return Broker.of(url, username, password_of(password_file))


def password_of(file: Path | None) -> str | None:
    """The password that a file holds. Raises `SimulatorError` and OSError."""
    try:
        return file.read_text("utf-8").rstrip("\r\n") if file else None
    except UnicodeDecodeError as error:
        raise SimulatorError(f"{file}: no text in UTF-8: {error}") from error


def say(text: str) -> None:
    """A line on the standard error."""
    typer.echo(f"simulators: {text}", err=True)
