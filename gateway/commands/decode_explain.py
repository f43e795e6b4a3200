"""Sections of an explained frame on the screen: tables where there is a terminal, aligned columns else."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from gateway.hj212.explain import Row, Section


def plain_lines(sections: Iterable[Section]) -> Iterator[str]:
    """Lines of text, name and value in columns; the meaning stands last, so that its width is of no matter."""
    for section in sections:
        rows = [_printable(row) for row in section.rows]
        yield section.title
        widths = [max(cell_len(row[column]) for row in rows) for column in (0, 1)]
        for row in rows:
            yield f"  {_padded(row, widths)}{row.meaning}"


def show(sections: Iterable[Section], console: Console) -> None:
    """On a terminal."""
    for section in sections:
        table = Table(box=None, show_header=False, padding=(0, 2, 0, 0), title=section.title, title_justify="left")
        table.title_style = "bold"
        for style in ("cyan", "green", ""):
            table.add_column(style=style, overflow="fold")
        for row in section.rows:
            table.add_row(*map(Text, _printable(row)))  # as text: what a frame holds is no markup
        console.print(table)


def _printable(row: Row) -> Row:
    """Without what a terminal would obey."""
    name, value, meaning = ("".join(each if each.isprintable() else repr(each)[1:-1] for each in text) for text in row)
    return Row(name, value, meaning)


def _padded(row: Row, widths: list[int]) -> str:
    columns = zip(row[:2], widths, strict=True)
    return "".join(text + " " * (width - cell_len(text) + 2) for text, width in columns if width)
