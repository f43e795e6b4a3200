"""Board: one look at the ledger a second, shared by all open pages, so that a page more costs little."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from starlette.concurrency import run_in_threadpool

from gateway.alerts.records import Alert, Detection, State
from gateway.api.status import open_in
from gateway.api.views import About, Views
from gateway.live import Counts
from gateway.loggers.views import LoggerView
from gateway.strangers import Stranger

OPEN_SHOWN: Final = 50
RESOLVED_SHOWN: Final = 8
DETECTIONS_READ: Final = 60
LOGGERS_SHOWN: Final = 30
STRANGERS_SHOWN: Final = 20
FRESH_S: Final = 0.9
"""A look is used again for so long: pages ask once a second each, at any phase."""


@dataclass(frozen=True, slots=True)
class Look:
    """What the panels show, as of `taken` (ms UTC)."""

    taken: int
    firing: list[Alert]
    resolved: list[Alert]
    detections: list[Detection]
    firing_count: int
    pending_count: int
    dead_letters: int
    loggers: list[LoggerView]
    """Those that speak HJ 212, the worst first."""
    loggers_count: int
    strangers: list[Stranger]
    """The last heard first."""
    strangers_count: int
    rates: Counts
    about: About


class Board:
    """Belongs to the API's event loop."""

    def __init__(self, views: Views, clock: Callable[[], float] = time.monotonic) -> None:
        self._views = views
        self._clock = clock
        self._look: Look | None = None
        self._looked = 0.0
        self._guard = asyncio.Lock()

    async def look(self) -> Look:
        """The present look, not older than a second. The ledger is read in a worker thread."""
        async with self._guard:
            if self._look is None or self._clock() - self._looked > FRESH_S:
                self._look = await run_in_threadpool(self._take)
                self._looked = self._clock()
            return self._look

    def _take(self) -> Look:
        views = self._views
        ledger = views.ledger
        counts = ledger.counts()
        resolved = ledger.alerts(state=State.RESOLVED, limit=RESOLVED_SHOWN)
        loggers = views.loggers.worst_first()
        strangers = views.strangers.listed()
        return Look(
            taken=views.clock(),
            firing=ledger.alerts(state=State.FIRING, limit=OPEN_SHOWN),
            resolved=sorted(resolved, key=lambda alert: alert.resolved, reverse=True),
            detections=ledger.detections(limit=DETECTIONS_READ),
            firing_count=open_in(counts, State.FIRING),
            pending_count=open_in(counts, State.PENDING),
            dead_letters=sum(counts.dead_letters.values()),
            loggers=views.loggers.views(loggers[:LOGGERS_SHOWN]),
            loggers_count=len(loggers),
            strangers=strangers[:STRANGERS_SHOWN],
            strangers_count=len(strangers),
            rates=views.live.rates(10),
            about=views.about(),
        )
