"""A progress line on the standard error, where that is a terminal; elsewhere only the count."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Line

EVERY_S = 0.2


class Progress:
    """Counts, and shows the count and the rate."""

    def __init__(self, what: str, total: int | None) -> None:
        """`total` where it is known."""
        self.count = 0
        console = Console(stderr=True)
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        self._line = Line(*columns, TextColumn("{task.fields[rate]}"), console=console, disable=not console.is_terminal)
        self._task = self._line.add_task(what, total=total, rate="")
        self._shown = self._began = time.monotonic()

    def add(self, count: int) -> None:
        """So many more."""
        self.count += count
        now = time.monotonic()
        if now - self._shown >= EVERY_S:
            self._shown = now
            rate = f"{self.count / (now - self._began):,.0f}/s"
            self._line.update(self._task, completed=self.count, rate=rate)

    def __enter__(self) -> Self:
        self._line.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._line.update(self._task, completed=self.count)
        self._line.stop()
