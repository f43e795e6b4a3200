"""Outbox: messages to devices from the event loop to a network thread, bounded."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Final

MOST: Final = 10_000
"""Messages that wait for the thread; at this bound more are not taken."""


class Outbox:
    """The event loop puts, one thread takes. Deques are safe between threads as they are."""

    def __init__(self) -> None:
        self._waiting: deque[tuple[str, bytes]] = deque()

    def put(self, messages: Sequence[tuple[str, bytes]]) -> int:
        """Leave (topic, payload); how many there was room for, the first ones. For the loop."""
        taken = messages[: MOST - len(self._waiting)]
        self._waiting.extend(taken)
        return len(taken)

    def take(self) -> Iterator[tuple[str, bytes]]:
        """What waits, each message once, in its order; ends when none is left."""
        with suppress(IndexError):  # the other side may clear it meanwhile
            while True:
                yield self._waiting.popleft()

    def clear(self) -> int:
        """Drop what waits; how much that was."""
        return sum(1 for _ in self.take())
