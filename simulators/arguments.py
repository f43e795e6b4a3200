"""Arguments that several commands of `simulators` share."""

from __future__ import annotations

from typing import Annotated, Final

import typer

LOCAL: Final = "mqtt://127.0.0.1:1883"

ScenarioArgument = Annotated[str, typer.Argument(metavar="SCENARIO", help="A file, or the name of a ready scenario.")]
BrokerOption = Annotated[str, typer.Option("--broker", help="mqtt://host[:port], or mqtts:// for TLS.")]
