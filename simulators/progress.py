"""Progress lines on the standard error, where that is a terminal; elsewhere only the count."""

from __future__ import annotations

import time
from datetime import UTC, datetime
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


class Timeline:
    """Shows how far a scenario or a recording has got: its time, and how many of its items have been sent."""

    def __init__(self, seconds: float | None) -> None:
        """`seconds`: how long it lasts, in its own time; None where it ends when it is told to."""
        self.count = 0
        console = Console(stderr=True)
        columns = (BarColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
        self._line = Line(*columns, console=console, disable=not console.is_terminal)
        self._task = self._line.add_task("", total=None if seconds is None else seconds * 1000)
        self._shown = self._began = time.monotonic()
        self._start: int | None = None

    def __call__(self, due: int) -> None:
        """One more item, which was due at `due` (ms UTC)."""
        self.count += 1
        if self._start is None:
            self._start = due
        now = time.monotonic()
        if now - self._shown >= EVERY_S:
            self._shown = now
            moment = datetime.fromtimestamp(due / 1000, UTC)
            rate = self.count / (now - self._began)
            told = f"{moment:%Y-%m-%d %H:%M:%S} UTC  {self.count:,} messages and frames, {rate:,.0f}/s"
            self._line.update(self._task, completed=due - self._start, description=told)

    def __enter__(self) -> Self:
        self._line.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._line.stop()
