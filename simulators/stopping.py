"""Ctrl-C as an event, so that what runs can end in order."""

from __future__ import annotations

import signal
import threading
from collections.abc import Generator
from contextlib import contextmanager


@contextmanager
def stopped_by_signals() -> Generator[threading.Event]:
    """An event that SIGINT and SIGTERM set; a second one of a kind acts as it always does."""
    stop = threading.Event()
    old = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def end(number: int, _frame: object) -> None:
        stop.set()
        signal.signal(number, old[signal.Signals(number)])

    for number in old:
        signal.signal(number, end)
    try:
        yield stop
    finally:
        for number, handler in old.items():
            signal.signal(number, handler)
