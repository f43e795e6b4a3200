"""Ctrl-C as an event, so that what runs can end in order."""

from __future__ import annotations

import queue
import signal
import threading
from collections.abc import Generator
from contextlib import contextmanager
from typing import Final

SETTLE_S: Final = 10.0
"""How long the end of a run waits until what is under way has arrived."""
STOPPED_S: Final = 3.0
"""The same where it was stopped by a signal."""


@contextmanager
def stopped_by_signals() -> Generator[threading.Event]:
    """An event that SIGINT and SIGTERM set; a second one of a kind acts as it always does."""
    stop = threading.Event()
    old = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    # A handler may interrupt a wait for the event just when that holds the event's lock: another thread sets it.
    asked: queue.SimpleQueue[bool] = queue.SimpleQueue()

    def watch() -> None:
        if asked.get():
            stop.set()

    def end(number: int, _frame: object) -> None:
        asked.put(True)
        signal.signal(number, old[signal.Signals(number)])

    watcher = threading.Thread(target=watch, name="signals", daemon=True)
    watcher.start()
    for number in old:
        signal.signal(number, end)
    try:
        yield stop
    finally:
        for number, handler in old.items():
            signal.signal(number, handler)
        asked.put(False)


def patience_s(stop: threading.Event) -> float:
    """How long to wait for what is under way."""
    return STOPPED_S if stop.is_set() else SETTLE_S
