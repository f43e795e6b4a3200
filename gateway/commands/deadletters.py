"""`gateway deadletters list|show|replay`: messages that could not be used, and giving them another chance.

Works on the ledger file, beside a running gateway or without one. `replay` only marks letters: the running gateway,
or the next one to start, appends them to its journal under their own topic, and they go the way of every message.
"""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from gateway.alerts.feeds import iso_time
from gateway.alerts.ledger import Ledger
from gateway.alerts.ledger_reader import KeptLetter, LedgerReader
from gateway.errors import GatewayError
from gateway.visible import visible

app = typer.Typer(help="List, show and replay messages that could not be used.", no_args_is_help=True)

LEDGER_FILE = "state.sqlite"
"""In the data folder of the configuration."""
_REPLAY = ("", "replay asked for", "replayed")

Target = Annotated[Path, typer.Argument(help="The gateway's CONFIG.toml.")]


@app.command("list")
def list_command(
    config: Target,
    reason: Annotated[str | None, typer.Option(help="Only those with this reason.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many, the newest first.")] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object a letter and line.")] = False,
) -> None:
    """List dead letters, newest first, and how many there have been by reason."""
    with _opened(config) as found:
        letters = found.dead_letters(reason, limit)
        counts = found.counts()
    if as_json:
        for kept in letters:
            typer.echo(msgspec.json.encode(_object(kept)))
        return
    for kept in letters:
        letter = kept.letter
        typer.echo(f"{kept.id:>8}  {_time(letter.received)}  {letter.reason:<16}  {visible(letter.topic)}")
        typer.echo(f"{'':>8}  {visible(letter.detail)}{_note(kept)}")
    totals = ", ".join(f"{name} {n}" for name, n in sorted(counts.dead_letters.items())) or "none"
    typer.echo(f"{counts.dead_letters_kept} kept, {counts.dead_letters_evicted} evicted; so far by reason: {totals}")


@app.command("show")
def show_command(
    config: Target,
    id: Annotated[int, typer.Argument(help="Number of the letter, as `list` gives it.")],
    raw: Annotated[bool, typer.Option("--raw", help="Write the payload's bytes and nothing else.")] = False,
) -> None:
    """Show one dead letter whole. Exit status 1 where it is not there."""
    with _opened(config) as found:
        kept = found.dead_letter(id)
    if kept is None:
        typer.echo(f"no dead letter {id}: it never was, or newer ones have pushed it out", err=True)
        raise typer.Exit(1)
    letter = kept.letter
    if raw:
        typer.get_binary_stream("stdout").write(letter.payload)
        return
    typer.echo(f"id        {kept.id}{_note(kept)}")
    typer.echo(f"received  {_time(letter.received)} on link {letter.link}, journal position {letter.position}")
    typer.echo(f"topic     {visible(letter.topic)}")
    typer.echo(f"reason    {letter.reason}: {visible(letter.detail)}")
    typer.echo(f"payload   {len(letter.payload)} bytes")
    typer.echo(visible(letter.payload.decode("utf-8", "backslashreplace"), most=4000))


@app.command("replay")
def replay_command(
    config: Target,
    ids: Annotated[list[int] | None, typer.Option("--id", help="This letter; may be given several times.")] = None,
    reason: Annotated[str | None, typer.Option(help="All with this reason.")] = None,
    all_letters: Annotated[bool, typer.Option("--all", help="All that are kept.")] = False,
) -> None:
    """Mark dead letters for replay by the running gateway, or by the next start.

    With --reason and --all those that were replayed before are left out; --id takes them again.
    """
    if (bool(ids), reason is not None, all_letters).count(True) != 1:
        raise typer.BadParameter("give one of --id, --reason and --all")
    file = _file(config)
    try:
        with Ledger(file) as ledger:
            marked = ledger.request_replay(ids=ids or None, reason=reason)
    except GatewayError as error:
        raise _failed(str(error)) from error
    typer.echo(f"{marked} marked for replay")


def _opened(config: Path) -> LedgerReader:
    try:
        return Ledger.reader(_file(config))
    except GatewayError as error:
        raise _failed(str(error)) from error


def _file(config: Path) -> Path:
    from gateway.config_file import load

    try:
        settings, _ = load(config)
    except GatewayError as error:
        raise _failed(str(error)) from error
    file = settings.data / LEDGER_FILE
    if not file.is_file():
        raise _failed(f"{file} is not there: has the gateway run with this configuration?")
    return file


def _failed(message: str) -> typer.Exit:
    typer.echo(message, err=True)
    return typer.Exit(2)


def _object(kept: KeptLetter) -> dict[str, object]:
    letter = kept.letter
    return {
        "id": kept.id,
        "position": letter.position,
        "received": _time(letter.received),
        "link": letter.link,
        "topic": letter.topic,
        "reason": letter.reason,
        "detail": letter.detail,
        "replay": ("no", "asked", "done")[kept.replay],
        "payload": base64.b64encode(letter.payload).decode(),
    }


def _note(kept: KeptLetter) -> str:
    return f"  [{_REPLAY[kept.replay]}]" if kept.replay else ""


def _time(ms: int) -> str:
    return iso_time(ms) or "-"
