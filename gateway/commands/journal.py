"""`gateway journal verify|stats`: is what was acknowledged all there?"""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from gateway.errors import GatewayError
from gateway.journal.verify import Report, verify

app = typer.Typer(
    help="Look into the journal of a stopped or running gateway; nothing is changed.", no_args_is_help=True
)

Target = Annotated[Path, typer.Argument(help="The journal's folder, or the CONFIG.toml whose journal is meant.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


@app.command("verify")
def verify_command(target: Target, as_json: AsJson = False) -> None:
    """Check every checksum. Exit status 1 where something acknowledged is damaged or missing."""
    report = _report(target)
    if as_json:
        _print_json(report)
    else:
        for damage in report.damage:
            typer.echo(f"damaged: {damage.path} bytes {damage.start} to {damage.end}, from message {damage.position}")
        for first, until in report.gaps:
            typer.echo(f"missing: messages {first} to {until - 1}, no segment holds them")
        if report.torn_bytes:
            typer.echo(f"torn tail: {report.torn_bytes} bytes, never acknowledged; cut off at the next start")
        word = "sound" if report.sound else "NOT sound"
        typer.echo(f"{word}: {report.messages} messages in {report.blocks} blocks, {report.segments} segments")
    raise typer.Exit(0 if report.sound else 1)


@app.command("stats")
def stats_command(target: Target, as_json: AsJson = False) -> None:
    """How much the journal holds, and of when."""
    report = _report(target)
    if as_json:
        _print_json(report)
        return
    typer.echo(f"messages   {report.messages} (positions {report.first} to {report.end})")
    typer.echo(f"blocks     {report.blocks}, {report.messages / max(report.blocks, 1):.1f} messages each")
    typer.echo(f"segments   {report.segments}, {report.bytes / 1_048_576:.1f} MiB")
    typer.echo(f"received   {_time(report.oldest)} to {_time(report.newest)}")


def _report(target: Path) -> Report:
    folder = target
    try:
        if target.is_file():
            from gateway.config_file import load

            folder = load(target)[0].data / "journal"
        return verify(folder)
    except (GatewayError, FileNotFoundError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from error


def _print_json(report: Report) -> None:
    typer.echo(json.dumps(asdict(report) | {"sound": report.sound}, default=str))


def _time(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds") if ms else "-"
