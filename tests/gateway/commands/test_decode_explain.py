"""Explained frames on the screen: columns of text, tables on a terminal, and nothing that a terminal would obey."""

from __future__ import annotations

from io import StringIO

from rich.console import Console

from gateway.commands.decode_explain import plain_lines, show
from gateway.hj212.explain import Row, Section

SECTIONS = [
    Section("Header", [Row("QN", "1", "number"), Row("编码", "22", "system type")]),
    Section("Data", [Row("a21026", "", "[bold]SO2[/bold]"), Row("  Rtd", "\x1b[2J\x07", "value")]),
]


def test_columns_stand_one_below_the_other_wide_letters_or_not() -> None:
    assert [*plain_lines(SECTIONS[:1])] == ["Header", "  QN    1   number", "  编码  22  system type"]


def test_a_column_that_is_empty_takes_no_room() -> None:
    section = Section("Deviations", [Row("blanks", "", "There are blanks.")])
    assert [*plain_lines([section])] == ["Deviations", "  blanks  There are blanks."]


def test_a_terminal_gets_tables_with_the_text_as_it_is() -> None:
    screen = StringIO()
    show(SECTIONS, Console(file=screen, force_terminal=True, width=80, color_system=None))
    shown = screen.getvalue()
    assert "[bold]SO2[/bold]" in shown, "what a frame holds is no markup"
    assert "system type" in shown
    assert "\x1b[2J" not in shown
    assert "\\x1b[2J\\x07" in shown


def test_what_a_terminal_would_obey_is_written_out() -> None:
    assert "\x1b" not in "".join(plain_lines(SECTIONS))
