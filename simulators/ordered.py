"""Items in order of the time they are due, where some were put off on the way."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Iterable, Iterator
from typing import Protocol, TypeVar


class Due(Protocol):
    """Anything that has its time."""

    @property
    def due(self) -> int: ...


Timed = TypeVar("Timed", bound=Due)


def in_order(groups: Iterable[tuple[int, list[Timed]]]) -> Iterator[Timed]:
    """All items of the groups by `due`, those of one time in the order they came.

    A group is a time (ms UTC) that no group after it goes below, and items due then or later.
    """
    waiting: list[tuple[int, int, Timed]] = []
    number = itertools.count()
    for time, items in groups:
        for item in items:
            heapq.heappush(waiting, (item.due, next(number), item))
        while waiting and waiting[0][0] <= time:
            yield heapq.heappop(waiting)[2]
    while waiting:
        yield heapq.heappop(waiting)[2]
