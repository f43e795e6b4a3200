"""A bounded memory of what has been worked out before, for the hot paths of codecs."""

from __future__ import annotations

from collections.abc import Hashable
from typing import TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Cache(dict[K, V]):
    """A dict that starts again from empty when it is full.

    No order of use is kept, since that would cost every look-up. A fleet's keys fit many times over; keys that
    someone makes up only cost the time to work them out again.
    """

    def __init__(self, most: int) -> None:
        super().__init__()
        self._most = most
        self._weight = 0

    def keep(self, key: K, value: V, weight: int = 1) -> None:
        """Remember `value`; `weight` is its share of the bound (the number of names in a key, say)."""
        if self._weight + weight > self._most:
            self.clear()
            self._weight = 0
        self._weight += weight
        self[key] = value
