"""HJ 212 over TCP for a whole fleet: a connection a logger, all in one thread of their own.

The thread that plays the scenario hands frames over and takes commands; it never waits for the network.
"""

from __future__ import annotations

import asyncio
import queue
import random
import resource
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from simulators.counts import Counts
from simulators.errors import CentreError
from simulators.formats.hj212 import Writer
from simulators.loggers.answers import Answer
from simulators.loggers.control import Control
from simulators.loggers.link import Kept, Link, LinkCounts
from simulators.publish import AWAY_S
from simulators.records import Message

CONNECTS_PER_S: Final = 500
"""How fast the loggers come at the start."""
KEPT_IN_ALL: Final = 200_000
KEPT_LEAST: Final = 500
"""Frames that one logger remembers while there is no connection: its share of those in all, and never less."""
BACKLOG: Final = 10_000
"""Frames that wait on connections that are up; then the fleet waits."""
FILES: Final = 128
"""Open files beside those of the connections."""
LOOK_S: Final = 0.005

Hear = Callable[[str, bytes], Sequence[Answer]]


class Carrier:
    """The connections of all loggers of a scenario, from `connect` to `close`; all methods belong to one thread."""

    def __init__(
        self,
        address: tuple[str, int],
        loggers: Mapping[str, tuple[Writer, Control]],
        hear: Hear,
        now: Callable[[], int],
        *,
        patient: bool,
        seed: int = 0,
    ) -> None:
        """`loggers`: by `site/device`. `hear`: what answers a command of the centre. `patient`: whether the fleet
        waits for loggers without a connection too, so that none of them forgets anything. Raises `CentreError` where
        the process may not have so many connections."""
        self.host, self.port = address
        self.now = now
        self.counts = LinkCounts()
        self._hear = hear
        self._patient = patient
        self._given = 0
        self._inbox: deque[tuple[str, Kept | Answer]] = deque()
        self._commands: queue.SimpleQueue[tuple[str, bytes]] = queue.SimpleQueue()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="loggers", daemon=True)
        self._jitter = random.Random(seed)
        most = KEPT_IN_ALL if patient else max(KEPT_LEAST, KEPT_IN_ALL // max(1, len(loggers)))
        self._links = {
            key: Link(key, writer, control, self, most, self._jitter) for key, (writer, control) in loggers.items()
        }
        _allow_files(len(loggers))

    def connect(self, timeout_s: float, stop: threading.Event) -> None:
        """Begin to connect and return when the first is through. Raises `CentreError`."""
        self._thread.start()
        self._loop.call_soon_threadsafe(self._start_links)
        deadline = time.monotonic() + timeout_s
        while not self.counts.connects and not stop.is_set():
            if time.monotonic() > deadline:
                self._end()
                raise CentreError(f"{self} does not answer after {timeout_s:g} s")
            stop.wait(LOOK_S)

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"

    @property
    def full(self) -> bool:
        """Whether whoever makes readings has to wait."""
        waiting = self._given - self.counts.settled
        return (waiting if self._patient else waiting - self.counts.parked) >= BACKLOG

    def reading(self, message: Message) -> None:
        """Send it over the connection of its logger, now or as soon as it goes."""
        self._give(message.connection, Kept(message.payload, message.values))

    def pump(self) -> None:
        """Answer what the centre has asked, and let the connections have what was given."""
        while True:
            try:
                key, frame = self._commands.get_nowait()
            except queue.Empty:
                break
            for answer in self._hear(key, frame):
                self._give(key, answer if answer.at_once else Kept(answer.frame, answer=True))
        if self._inbox:
            self._loop.call_soon_threadsafe(self._take)

    def close(self, timeout_s: float = 10.0) -> Counts:
        """Wait until nothing waits any more, then hang up; what is left counts as failed."""
        deadline = time.monotonic() + (timeout_s if self.counts.online else min(timeout_s, AWAY_S))
        self.pump()
        while self._given > self.counts.settled and time.monotonic() < deadline:
            time.sleep(LOOK_S)
            self.pump()
        left = self._end()
        counts = self.counts
        return Counts(
            readings_sent=counts.values,
            messages_sent=counts.sent,
            messages_failed=counts.refused + counts.overwritten + left,
            messages_resent=counts.resent,
            messages_refused=counts.refused,
            messages_overwritten=counts.overwritten,
            answers_sent=counts.answers,
            connects=counts.connects,
        )

    def command(self, key: str, frame: bytes) -> None:
        """See `simulators.loggers.link.Centre`."""
        self._commands.put((key, frame))

    def _give(self, key: str, item: Kept | Answer) -> None:
        self._given += 1
        self._inbox.append((key, item))

    def _end(self) -> int:
        """Stop the thread; how many messages were still waiting."""
        self._loop.call_soon_threadsafe(self._stop_links)
        self._thread.join()
        self._loop.close()
        return sum(link.messages_waiting for link in self._links.values())

    # In the thread of the connections from here on.

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()

    def _start_links(self) -> None:
        for number, link in enumerate(self._links.values()):
            link.start(number / CONNECTS_PER_S)

    def _stop_links(self) -> None:
        self._take()
        for link in self._links.values():
            link.stop()
        # One turn for the connections to say goodbye.
        self._loop.call_later(LOOK_S, self._loop.stop)

    def _take(self) -> None:
        while self._inbox:
            key, item = self._inbox.popleft()
            link = self._links[key]
            if isinstance(item, Kept):
                link.put(item)
            else:
                link.at_once(item.frame)


def _allow_files(connections: int) -> None:
    """Let the process open so many more files. Raises `CentreError` where the system does not allow it to."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = connections + FILES
    if hard != resource.RLIM_INFINITY and hard < wanted:
        raise CentreError(f"{connections} loggers need {wanted} open files, and the system allows {hard} (ulimit -Hn)")
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
