"""The store writer: a reader of the journal with a position of its own, which brings readings to the store.

Ingest offers what it has decoded, and never waits for the store. What is offered is held in memory within a bound;
beyond it, and after a start, the writer is behind: it reads the journal again from its position, decoded anew, until
it meets what it holds. While the store is away the same write is tried again, and the journal keeps the rest.

A database that was killed may come back without what it had taken last. So the journal is kept for a while behind the
position, and when a store was reached anew the writer goes back there: what is still stored is a duplicate.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import structlog

from gateway.config import Writer
from gateway.errors import StoreError
from gateway.records import Decoded, Readings
from gateway.stores.held import Held, joined
from gateway.stores.recheck import Recheck
from gateway.stores.seam import Rejected, Store, Written

log = structlog.get_logger("gateway.store")

HELD_WRITES: Final = 4
"""Bound on what is held in memory, in full writes: 200,000 rows of 41 bytes by default."""
REPLAY_MESSAGES: Final = 2_000
"""Messages read again at once. They are decoded in the event loop, which has to stay free for the links: 20 ms."""
IDLE_S: Final = 10.0
"""When there was nothing to write for so long, an empty write asks whether the store is still there."""
BACKOFF_FIRST_S: Final = 0.2
"""First wait after a failed write; it doubles up to `writer.backoff_max_s`."""


_Drain = tuple[int, asyncio.Future[None]]
"""Who waits until everything before a position is stored."""


def _wall_clock() -> int:
    return time.time_ns() // 1_000_000


class StoreWriter:
    """Brings all that the journal holds to the store, in order. Lives in one event loop; one task calls `run`."""

    def __init__(
        self,
        store: Store,
        settings: Writer,
        replay: Callable[[int, int], list[Decoded]],
        on_rejected: Callable[[list[Rejected]], None],
        oldest: Callable[[], int] = lambda: 0,
        clock: Callable[[], int] = _wall_clock,
    ) -> None:
        """`replay(position, most)` reads about `most` messages from the journal, from `position` on, and decodes them.

        It gives an empty list at the journal's end. `on_rejected` gets what the store refused for good. `oldest` gives
        the position of the journal's oldest message. All are called in the event loop. `clock` gives ms UTC.
        """
        self._store = store
        self._settings = settings
        self._replay = replay
        self._on_rejected = on_rejected
        self._oldest = oldest
        self._clock = clock
        self._live = Held()
        """What was offered."""
        self._old = Held()
        """What was read from the journal again."""
        self._behind = True
        """The journal has, or may have, more than is held."""
        self._offered = 0
        self._wake = asyncio.Event()
        self._drains: set[_Drain] = set()

        self.position = store.position()
        """Everything before it is stored."""
        self._taken = self.position
        """Everything before it is stored or in the coming write."""
        self._parts: list[Readings] = []
        """The coming write: the rows from `position` to `_taken`."""
        self._room = settings.batch_rows
        """Rows that still fit into it."""
        self._recheck = Recheck(settings.recheck_s, self.position, oldest())
        self._asked_wait = 0.0
        """Seconds the store asked to be left alone for."""
        self.away = False
        """Whether the last write failed."""
        self.reason = ""
        """Why, in words of the store; empty while it is not away."""
        self.since = 0
        """When it went away, or came back, ms UTC; 0 while it never was away."""
        self.rows = 0
        self.duplicates = 0
        self.revisions = 0
        self.not_looked_up = 0
        self.rechecked = 0
        """Points that were offered to the store again, as it had been reached anew."""
        self.restored = 0
        """Those of them that it had not any more."""
        self.rejected = 0
        self.retries = 0
        self.writes = 0
        self.skipped = 0
        """Messages that could not be stored: the journal has them no more."""

    def offer(self, decoded: Decoded) -> None:
        """Leave a batch to be stored. Returns at once; nothing offered is lost, in whatever order it comes."""
        self._offered = max(self._offered, decoded.end)
        held = self._live
        if decoded.end <= max(self._taken, held.end):
            return  # a start offers again what is stored
        full = held.weight + len(decoded.readings) > HELD_WRITES * self._settings.batch_rows
        if held.weight and (full or decoded.first > held.end):
            self._behind = True
        else:
            held.put(decoded)
        self._wake.set()

    @property
    def needed(self) -> int:
        """The journal is needed from here on, so that what the store may have lost can be written again."""
        return min(self.position, self._recheck.back)

    async def run(self) -> None:
        """Write until cancelled; then finish the write under way and write what is held, without trying again."""
        with ThreadPoolExecutor(1, "store") as thread:
            try:
                while True:
                    await self._fill()
                    await self._write(thread)
            except asyncio.CancelledError:
                while not self.away and (self._take_held() or self._taken > self.position):
                    await self._try(thread)
                raise

    async def drain(self) -> None:
        """Return when all that was offered until now is stored, and the store was there after it.

        Where all is stored and the store is away, it returns at once.
        """
        if self.away and self.position >= self._offered:
            return
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        waiting = (self._offered, done)
        self._drains.add(waiting)
        self._wake.set()
        try:
            await done
        finally:
            self._drains.discard(waiting)

    async def _fill(self) -> None:
        """Take rows for one write: as many as fit, or what came until the linger is over; none after `IDLE_S`."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + IDLE_S
        lingers = False
        while self._room > 0:
            if self._take_held():
                if self._taken == self._recheck.until:
                    return
                continue
            if self._behind or self._live.weight:
                self._read_again()
                await asyncio.sleep(0)
                continue
            if self._drains:
                return
            if self._taken > self.position and not lingers:
                deadline, lingers = loop.time() + self._settings.linger_ms / 1000, True
            self._wake.clear()
            try:
                async with asyncio.timeout_at(deadline):
                    await self._wake.wait()
            except TimeoutError:
                return

    def _take_held(self) -> bool:
        """Take what is held next into the coming write, as far as it has room; whether there was anything."""
        begun = self._taken
        for held in (self._old, self._live):
            while self._room > 0 and held.first <= self._taken < held.end:
                readings, self._taken = held.take(self._taken, self._room, self._recheck.until)
                self._room -= len(readings)
                if len(readings):
                    self._parts.append(readings)
        if self._live.end <= self._taken:
            self._live = Held()
        return self._taken > begun

    def _read_again(self) -> None:
        """Get what comes next from the journal."""
        self._old = Held()
        for decoded in self._replay(self._taken, REPLAY_MESSAGES):
            if self._old.weight and decoded.first > self._old.end:
                break
            if decoded.end > max(self._taken, self._old.end):
                self._old.put(decoded)
        if not self._old.weight:
            self._behind = False
        ahead = [held.first for held in (self._old, self._live) if held.weight]
        if ahead and min(ahead) > self._taken:
            self.skipped += min(ahead) - self._taken
            self._taken = min(ahead)

    async def _write(self, thread: ThreadPoolExecutor) -> None:
        """Write until the store takes it."""
        wait = BACKOFF_FIRST_S
        while not await self._try(thread):
            self.retries += 1
            wait = min(wait, self._settings.backoff_max_s)
            await asyncio.sleep(max(wait * random.uniform(0.5, 1.0), self._asked_wait))
            wait *= 2

    async def _try(self, thread: ThreadPoolExecutor) -> bool:
        """Write once; whether the store took it. A write under way is waited for, also when cancelled."""
        readings, end, drains = joined(self._parts), self._taken, set(self._drains)
        self._parts = [readings]
        future = asyncio.get_running_loop().run_in_executor(thread, self._store.write, readings, end)
        try:
            await asyncio.wait([future])
        except asyncio.CancelledError:
            await asyncio.wait([future])
            self._settle(future, readings, end, drains)
            raise
        return self._settle(future, readings, end, drains)

    def _settle(self, future: asyncio.Future[Written], readings: Readings, end: int, drains: set[_Drain]) -> bool:
        """Take note of a write that has ended; whether the store took it. Raises what is no `StoreError`.

        `drains`: those who waited already when it began.
        """
        try:
            written = future.result()
        except StoreError as error:
            if not self.away:
                self.away, self.since = True, self._clock()
            self.reason = str(error)
            self._asked_wait = float(getattr(error, "retry_after", 0.0))
            return False
        if self.away:
            self.away, self.reason, self.since = False, "", self._clock()
        self.position = end
        self._parts, self._room = [], self._settings.batch_rows
        self.writes += len(readings) > 0
        if end <= self._recheck.until:
            self.rechecked += written.rows + written.duplicates + written.revisions
            self.restored += written.rows
        else:
            self.rows += written.rows
            self.duplicates += written.duplicates
            self.revisions += written.revisions
            self.not_looked_up += written.not_looked_up
            self.rejected += len(written.rejected)
        if written.rejected:  # what was refused before is the same dead letter again, which is kept once
            self._on_rejected(written.rejected)
        if self._recheck.written(end, self._clock(), self._oldest(), reconnected=written.reconnected):
            self.position = self._taken = self._recheck.back
            self._live, self._old, self._behind = Held(), Held(), True
            log.info("store_is_written_again", first=self.position, until=end, reason="it was reached anew")
            return True
        for target, done in drains & self._drains:
            if target <= end:
                self._drains.discard((target, done))
                if not done.done():
                    done.set_result(None)
        return True
