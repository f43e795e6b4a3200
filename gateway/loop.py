"""The event loop of a service process: uvloop where there is one, and signals that set a stop event."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable, Collection

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)
CANCEL_AGAIN_S = 1.0
"""A task that has not ended so long after it was cancelled is cancelled again: an error on its way out (a connection
that breaks while it is closed) may have taken the place of the cancellation."""


def serve(main: Callable[[asyncio.Event], Awaitable[None]]) -> None:
    """Run `main(stop)` to its end; SIGINT and SIGTERM set `stop`. A second signal ends the process at once."""
    with asyncio.Runner(loop_factory=_new_loop) as runner:
        runner.run(_until_stopped(main))


async def _until_stopped(main: Callable[[asyncio.Event], Awaitable[None]]) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def on_signal() -> None:
        stop.set()
        for each in STOP_SIGNALS:
            loop.remove_signal_handler(each)

    for each in STOP_SIGNALS:
        loop.add_signal_handler(each, on_signal)
    await main(stop)


async def cancelled(tasks: Collection[asyncio.Task[None]]) -> None:
    """Cancel tasks and wait until they have ended. What they raise is theirs to tell."""
    pending = set(tasks)
    while pending:
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=CANCEL_AGAIN_S)


def _new_loop() -> asyncio.AbstractEventLoop:
    try:
        import uvloop
    except ImportError:  # not on every platform; the standard loop does the same, more slowly
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()
