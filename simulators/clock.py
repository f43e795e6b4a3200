"""Time as an argument: the wall clock for a run, another one for tests."""

from __future__ import annotations

import threading
import time
from typing import Protocol


class Clock(Protocol):
    """Tells the time and waits."""

    def now(self) -> int:
        """ms UTC; never goes back."""
        ...

    def wait(self, seconds: float, stop: threading.Event) -> None:
        """Let at most `seconds` pass; returns at once when `stop` is set."""
        ...


class WallClock:
    """The system's time as it was at the start, carried on by the monotonic clock: a step of it moves nothing."""

    def __init__(self) -> None:
        self._epoch_ns = time.time_ns()
        self._started_ns = time.monotonic_ns()

    def now(self) -> int:
        return (self._epoch_ns + time.monotonic_ns() - self._started_ns) // 1_000_000

    def wait(self, seconds: float, stop: threading.Event) -> None:
        stop.wait(seconds)
