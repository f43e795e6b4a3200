"""`gateway demo`: the whole main job in one terminal, with nothing installed but Python packages."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from gateway import logs
from gateway.errors import GatewayError, leaves
from gateway.loop import serve


def command(
    seconds: Annotated[float | None, typer.Option(help="End by itself after so long.", min=1)] = None,
    port: Annotated[int, typer.Option(help="Port of the page on 127.0.0.1.", min=0, max=65535)] = 8080,
    seed: Annotated[int, typer.Option(help="Seed of the simulators.")] = 1,
    keep: Annotated[Path | None, typer.Option(help="Keep journal, store and logs in this folder.")] = None,
) -> None:
    """Simulated monitors and cameras, an embedded broker and the gateway; the page shows it live."""
    from gateway.demo.play import play  # here: a second of imports that no other command needs

    lines: list[str] = []

    async def main(stop: asyncio.Event) -> None:
        lines.append(str(await play(folder, seconds, port, seed, stop)))

    with tempfile.TemporaryDirectory(prefix="gateway-demo-") as temporary:
        folder = keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / "gateway.log").open("a", encoding="utf-8") as log_file:
            logs.set_up("text", to=log_file)
            try:
                serve(main)
            except* GatewayError as errors:
                for error in leaves(errors):
                    typer.echo(str(error), err=True)
                raise typer.Exit(1) from None
    typer.echo(lines[0])
