"""Feed: events from any thread to any number of server-sent-event subscribers, each with a bounded queue.

Where nobody listens, publishing is one test of an empty tuple. A subscriber that reads too slowly loses its oldest
events and is told how many; it never slows the publisher or another subscriber.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Collection
from contextlib import asynccontextmanager
from typing import Final, NamedTuple

QUEUE_EVENTS: Final = 256
"""Events a subscriber may lag behind: minutes of alerts, a few seconds of detections of many cameras."""
LOST: Final = "lost"


class Event(NamedTuple):
    """One event; the payload is JSON on one line."""

    kind: str
    payload: bytes


class Feed:
    """Fans events out. `publish` is for any thread, `subscribe` for the thread of an event loop."""

    def __init__(self) -> None:
        self._subscribers: tuple[_Subscriber, ...] = ()
        self._guard = threading.Lock()

    @property
    def listeners(self) -> int:
        """How many subscribers there are now."""
        return len(self._subscribers)

    def publish(self, kind: str, payload: bytes) -> None:
        """Hand an event to every subscriber that wants its kind."""
        for subscriber in self._subscribers:
            subscriber.offer(kind, payload)

    @asynccontextmanager
    async def subscribe(
        self, kinds: Collection[str] | None = None, most: int = QUEUE_EVENTS
    ) -> AsyncGenerator[AsyncIterator[Event]]:
        """Events of these kinds (None: of all) from now on, at most `most` queued. A cancelled wait loses none.

        After an overflow the first event is `lost`, its payload the number of events dropped since the last one.
        The iteration ends when the feed disconnects its subscribers.
        """
        subscriber = _Subscriber(asyncio.get_running_loop(), None if kinds is None else frozenset(kinds), most)
        with self._guard:
            self._subscribers = (*self._subscribers, subscriber)
        try:
            yield subscriber
        finally:
            with self._guard:
                self._subscribers = tuple(s for s in self._subscribers if s is not subscriber)

    def disconnect(self) -> None:
        """End the iteration of every present subscriber after what it has queued. For any thread."""
        for subscriber in self._subscribers:
            subscriber.end()


class _Subscriber(AsyncIterator[Event]):
    def __init__(self, loop: asyncio.AbstractEventLoop, kinds: frozenset[str] | None, most: int) -> None:
        assert most > 0
        self._loop = loop
        self._kinds = kinds
        self._queue: deque[Event] = deque(maxlen=most)
        self._taken: deque[Event] = deque()
        self._lost = 0
        self._ended = False
        self._woken = False
        self._wake = asyncio.Event()
        self._guard = threading.Lock()  # held for a few instructions only, by either side

    def offer(self, kind: str, payload: bytes) -> None:
        if self._kinds is not None and kind not in self._kinds:
            return
        with self._guard:
            if len(self._queue) == self._queue.maxlen:
                self._lost += 1
            self._queue.append(Event(kind, payload))
            self._rouse()

    def end(self) -> None:
        with self._guard:
            self._ended = True
            self._rouse()

    def _rouse(self) -> None:
        """Wake the reader, once for all that gathers until it runs: each call writes to the loop's socket."""
        if self._woken:
            return
        self._woken = True
        try:
            self._loop.call_soon_threadsafe(self._wake.set)
        except RuntimeError:  # the loop has closed: nobody will read on
            self._ended = True

    async def __anext__(self) -> Event:
        while not self._taken:
            if self._ended and not self._queue:
                raise StopAsyncIteration
            await self._wake.wait()
            self._take()
        return self._taken.popleft()

    def _take(self) -> None:
        """Move what has gathered to the reader's side, the loss first."""
        with self._guard:
            if self._lost:
                self._taken.append(Event(LOST, b'{"lost":%d}' % self._lost))
                self._lost = 0
            self._taken.extend(self._queue)
            self._queue.clear()
            self._woken = False
            self._wake.clear()
