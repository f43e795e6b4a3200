"""`gateway check CONFIG`: every mistake of the configuration, one a line, or a summary of what it says."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from gateway.config import Config, Link
from gateway.config_file import check
from gateway.errors import LinkError
from gateway.inventory import Inventory


def command(
    config: Annotated[Path, typer.Argument(help="TOML file to check.", show_default=False)],
    connect: Annotated[
        bool, typer.Option("--connect", help="Also connect to each broker and say what it allows.")
    ] = False,
) -> None:
    """Check a configuration and its inventory; name file, line and field of each mistake.

    Ends with status 1 where there are mistakes, or where a broker cannot be used. Warnings alone are no mistake.
    """
    checked = check(config)
    for line in checked.mistakes:
        typer.echo(line)
    for line in checked.warnings:
        typer.echo(f"{line} [warning]")
    if checked.mistakes or checked.config is None or checked.inventory is None:
        count = len(checked.mistakes)
        typer.echo(f"{count} mistake{'' if count == 1 else 's'} in {config}", err=True)
        raise typer.Exit(1)
    typer.echo(summary(checked.config, checked.inventory))
    if connect and False in list(map(_usable, checked.config.links)):
        raise typer.Exit(1)


def _usable(link: Link) -> bool:
    """Connect to a broker and say what it allows; whether it can be used."""
    from gateway.links.try_out import try_out  # here: an MQTT client is a quarter of a second of imports

    try:
        warnings = asyncio.run(try_out(link))
    except LinkError as error:
        typer.echo(f"broker    {link.name}: {link.url} cannot be used: {error}")
        return False
    tells = "" if link.protocol == "mqtt5" else " (MQTT 3.1.1 does not tell its limits)"
    typer.echo(f"broker    {link.name}: {link.url} can be used{tells}")
    for warning in warnings:
        typer.echo(f"broker    {link.name}: {warning} [warning]")
    return True


def summary(config: Config, inventory: Inventory) -> str:
    """What the gateway would do with these, in a few lines."""
    kinds = Counter(device.kind for device in inventory.devices)
    by_kind = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()))
    channels = {(rule.device, rule.factor, rule.field, rule.period) for rule in inventory.limits}
    factors = sum(len(device.factors) for device in inventory.devices)
    speak_hj212 = sum(1 for device in inventory.devices if device.mn)
    zones = sum(len(camera.zones) for camera in inventory.cameras)
    lines = [
        f"sites     {len(inventory.sites)}",
        f"devices   {len(inventory.devices)}" + (f" ({by_kind}); {speak_hj212} with an MN" if by_kind else ""),
        f"channels  {len(channels)} with limits ({len(inventory.limits)} rules); {factors} factors expected",
        f"cameras   {len(inventory.cameras)} with {zones} zones",
        *(
            f"link      {link.name}: {link.url} ({link.protocol}, QoS {link.qos}), "
            f"topics {', '.join(subscription.topic for subscription in link.subscribe)}"
            for link in config.links
        ),
        *(
            f"listener  {each.name}: HJ 212 on {each.host}:{each.port}, at most {each.max_connections} connections"
            for each in config.listeners
        ),
        f"store     {_store(config)}",
        f"data      {config.data}",
    ]
    return "\n".join(lines)


def _store(config: Config) -> str:
    store = config.store
    match store.kind:
        case "duckdb":
            return f"duckdb {config.data / store.file}"
        case "influxdb":
            return f"influxdb {store.url}, bucket {store.bucket}"
        case "influxdb1":
            return f"influxdb1 {store.url}, database {store.database}"
