"""`gateway run CONFIG.toml`: the service, until SIGINT or SIGTERM."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gateway import logs
from gateway.config_file import load
from gateway.errors import GatewayError, leaves
from gateway.loop import serve


def command(
    config: Annotated[Path, typer.Argument(help="The configuration file.")],
    log_format: Annotated[logs.Format, typer.Option(help="auto: text on a terminal, else JSON.")] = "auto",
) -> None:
    """Run the gateway: take messages, check, store and alert, until it is told to stop."""
    logs.set_up(log_format)
    try:
        settings, inventory = load(config)
        from gateway.service import Service  # here, so that a mistake in the file is told at once
        from gateway.service_views import api_server

        serve(Service(settings, inventory, api_server).run)
    except* GatewayError as errors:
        for error in leaves(errors):
            typer.echo(str(error), err=True)
        raise typer.Exit(1) from None
