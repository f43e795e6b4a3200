"""docs/hj212.md has every command, state and reason, and no other."""

from __future__ import annotations

import re
from pathlib import Path

from gateway.requests.catalogue import COMMANDS
from gateway.requests.records import State, Why

PAGE = Path(__file__).parents[3] / "docs" / "hj212.md"


def tables() -> list[list[list[set[str]]]]:
    """Words in backticks of each cell, of each row, of each table of the section."""
    section = PAGE.read_text("utf-8").split("\n## Commands to devices\n")[1].split("\n## ")[0]
    found = [block.splitlines()[2:] for block in section.split("\n\n") if block.startswith("| ")]
    return [[[set(re.findall(r"`([\w-]+)`", cell)) for cell in row.split("|")[1:-1]] for row in rows] for rows in found]


def test_every_command_is_there_with_its_number_and_group() -> None:
    commands, _ = tables()
    assert set().union(*(row[0] for row in commands)) == set(COMMANDS)
    for row in commands:
        assert {COMMANDS[name].group for name in row[0]} == row[2]


def test_every_reason_is_there_with_a_state_it_leads_to() -> None:
    _, reasons = tables()
    assert set().union(*(row[1] for row in reasons)) == {why.value for why in Why}
    assert set().union(*(row[0] for row in reasons)) == {state.value for state in State}
