"""Writes docs/commands.md from the commands' own `--help`. Run it when a command has changed; a test says when.

python docs/write_commands.py
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final, cast
from unittest.mock import patch

import typer
from typer import rich_utils
from typer.testing import CliRunner

import gateway.cli
import simulators.cli

PAGE: Final = Path(__file__).with_name("commands.md")
WIDTH: Final = 100
"""Columns of the terminal for which the help is laid out."""
HEAD: Final = """\
# Commands

What each command says to `--help`. Written by `python docs/write_commands.py`: change the commands, not this page.

`gateway` is also `python -m gateway`, and `simulators` is `python -m simulators`. A command ends with status 0 when it
did what was asked. Else it says why, and ends with status 1 where it met something wrong, and with 2 where it was
called wrongly or cannot read what it was to work on.
"""


def page() -> str:
    """The whole page, as it should be."""
    parts = [HEAD]
    for name, app in (("gateway", gateway.cli.app), ("simulators", simulators.cli.app)):
        for path in _commands(typer.main.get_command(app)):
            words = " ".join((name, *path))
            parts.append(f"{'#' * (2 + bool(path))} `{words}`\n\n```text\n{_help(app, name, path)}\n```\n")
    return "\n".join(parts)


def _commands(command: object, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The words of a command and of all below it, in the order in which `--help` lists them."""
    yield path
    for word, inner in cast("dict[str, object]", getattr(command, "commands", {})).items():
        yield from _commands(inner, (*path, word))


def _help(app: typer.Typer, name: str, path: tuple[str, ...]) -> str:
    """What a command says to `--help` on a terminal of `WIDTH` columns without colours."""
    with patch.multiple(rich_utils, MAX_WIDTH=WIDTH, FORCE_TERMINAL=False, COLOR_SYSTEM=None):  # not as the user has it
        result = CliRunner().invoke(app, [*path, "--help"], prog_name=name)
    if result.exit_code != 0:
        raise RuntimeError(f"{name} {' '.join(path)} --help: {result.output}")
    return "\n".join(line.rstrip() for line in result.output.splitlines()).strip("\n")


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
