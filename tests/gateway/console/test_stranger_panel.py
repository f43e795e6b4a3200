"""The panel of strangers: who sends and is not in the inventory, in both languages, with names made safe."""

from __future__ import annotations

from dataclasses import replace

import pytest
from made_up_views import make_views

from gateway.console.board import Board, Look
from gateway.console.stranger_panel import stranger_rows
from gateway.console.words import CHINESE, ENGLISH, Words

VIEWS = make_views().views


@pytest.fixture
async def look() -> Look:
    return await Board(VIEWS).look()


@pytest.mark.parametrize(("words", "heading"), [(ENGLISH, "last heard"), (CHINESE, "最近收到")])
def test_a_row_tells_name_topic_link_reason_times_and_how_often(words: Words, heading: str, look: Look) -> None:
    rows = stranger_rows(words, VIEWS.inventory, look)
    assert heading in rows
    row = rows.split("<tr>")[3]
    for expected in ("NEW-1", "hj212/up", "plant", "unknown_device", "16:00:00", ">1<"):
        assert expected in row


def test_a_name_is_text_that_neither_runs_nor_turns_the_line_around(look: Look) -> None:
    rows = stranger_rows(ENGLISH, VIEWS.inventory, look)
    assert "<img" not in rows
    assert "&lt;img src=x onerror=alert(1)&gt;" in rows
    assert r"\u202e/\x1b[2J" in rows
    assert rows.isprintable()


def test_strangers_that_are_not_shown_are_counted(look: Look) -> None:
    rows = stranger_rows(ENGLISH, VIEWS.inventory, replace(look, strangers_count=22))
    assert "and 20 more, at /api/v1/strangers" in rows
