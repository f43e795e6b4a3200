"""The command `gateway`: one line for each of its commands, which live in `gateway.commands`."""

from __future__ import annotations

import typer

from gateway.commands import check, deadletters, decode, demo, journal, replay, run, send

app = typer.Typer(
    help="Pollution and Video Sensor Gateway: monitors and cameras over MQTT, checked, stored and alerted.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command("run")(run.command)
app.command("demo")(demo.command)
app.command("check")(check.command)
app.command("decode")(decode.command)
app.command("replay")(replay.command)
app.command("send")(send.command)
app.add_typer(journal.app, name="journal")
app.add_typer(deadletters.app, name="deadletters")


def main() -> None:
    """Entry point."""
    app()
