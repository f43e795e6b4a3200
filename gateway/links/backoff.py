"""Back-off: how long to wait before the next attempt, doubling to a cap, with jitter.

Jitter (each wait is drawn evenly from the upper half of its span) keeps many gateways from coming back to a
restarted broker in the same instant.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random


class Backoff:
    """Waits in seconds: about `first`, doubling with every attempt, never over `most`.

    >>> waits = Backoff(first=1.0, most=5.0, draw=lambda: 1.0)
    >>> [waits.next() for _ in range(4)]
    [1.0, 2.0, 4.0, 5.0]
    """

    def __init__(self, most: float, first: float = 0.25, draw: Callable[[], float] | None = None) -> None:
        self._first = min(first, most)
        self._most = most
        self._draw = draw or Random().random
        self._span = self._first

    def next(self) -> float:
        """The wait before the next attempt: between half of the present span and the whole of it."""
        span, self._span = self._span, min(self._span * 2, self._most)
        return span * (0.5 + 0.5 * self._draw())

    def reset(self) -> None:
        """An attempt went well: begin at `first` again."""
        self._span = self._first
