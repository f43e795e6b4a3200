"""The progress line of a run: on a terminal only."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from simulators import progress
from simulators.progress import Timeline

START = 1_767_225_600_000


@pytest.mark.parametrize("terminal", [True, False])
def test_a_terminal_shows_the_time_of_the_scenario_and_how_much_there_was(
    monkeypatch: pytest.MonkeyPatch, terminal: bool
) -> None:
    out = io.StringIO()
    monkeypatch.setattr(progress, "EVERY_S", 0.0)
    monkeypatch.setattr(
        progress, "Console", lambda stderr: Console(file=out, force_terminal=terminal, width=120, color_system=None)
    )
    with Timeline(7_200) as shown:
        for second in range(0, 3_601, 1_200):
            shown(START + second * 1000)
    assert shown.count == 4
    assert ("2026-01-01 01:00:00 UTC  4 messages and frames" in out.getvalue()) == terminal
    assert terminal or out.getvalue() == ""
