"""What a store is: columns in, exactly once; columns out for charts. One file a store, one line in `gateway.stores`.

Stores are called from one writer thread; `query` may come from another.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from gateway.channels import ChannelKey
from gateway.records import Readings


@dataclass(frozen=True, slots=True)
class Rejected:
    """A row that the database refused for good; the rest of its batch went in."""

    position: int
    received: int
    line: bytes
    """The row as it was offered (line protocol)."""
    detail: str


@dataclass(frozen=True, slots=True)
class Written:
    """What became of the rows of one write."""

    rows: int
    """New points."""
    duplicates: int
    """Points already there (same channel, time, value and flag), left as they were."""
    rejected: list[Rejected] = field(default_factory=list[Rejected])
    revisions: int = 0
    """Other values or flags for points already there: kept beside the first."""
    not_looked_up: int = 0
    """Of the rows written, how many may have taken the place of a point, because the store cannot be asked."""
    reconnected: bool = field(default=False, compare=False)
    """The database was reached anew: it may have been started again, without what it had taken last."""


@dataclass(frozen=True, slots=True)
class Series:
    """A stretch of one channel, ascending in time, each column of shape (n,); values as they stand now."""

    time: NDArray[np.int64]
    value: NDArray[np.float64]
    flag: NDArray[np.uint8]
    received: NDArray[np.int64]
    mark: NDArray[np.uint8]
    """As `gateway.marks` has it."""
    revision: NDArray[np.int64]
    """0 where the value is the first of its instant; else how often it was changed."""

    @staticmethod
    def nothing() -> Series:
        """No points."""
        whole, bits = np.zeros(0, np.int64), np.zeros(0, np.uint8)
        return Series(whole, np.zeros(0), bits, whole, bits, whole)


@dataclass(frozen=True, slots=True)
class WhichRevisions:
    """A choice of revisions; what is None does not narrow it."""

    site: str | None = None
    device: str | None = None
    factor: str | None = None
    start: int | None = None
    """Received at or after this, ms UTC."""
    end: int | None = None
    """Received before this, ms UTC."""
    before: int | None = None
    """Older than the revision of this id."""
    limit: int = 100


class Revision(NamedTuple):
    """Another value for an instant that was stored, and what it takes the place of."""

    id: int
    site: str
    device: str
    factor: str
    field: str
    period: str
    unit: str
    time: int
    """The instant that it is about, ms UTC."""
    number: int
    """1 for the first change of its instant."""
    was: float | None
    was_flag: int
    value: float | None
    flag: int
    received: int
    position: int
    mark: int


class Store(Protocol):
    """Holds readings. A point's identity is (device, factor, field, period, measured time)."""

    def position(self) -> int:
        """Journal position up to which everything is stored: where the writer goes on after a restart."""
        ...

    def write(self, readings: Readings, end: int) -> Written:
        """Store the rows and move the position to `end`, both or neither where the database can.

        Writing the same rows again changes nothing. Without anything new it tells whether the database is there. Raises
        `StoreError` when it is away: the same call is made again later.
        """
        ...

    def query(self, key: ChannelKey, start: int, end: int, limit: int) -> Series:
        """Points with start <= time < end (ms UTC), at most the newest `limit`. Raises `StoreError`."""
        ...

    def revisions(self, which: WhichRevisions) -> list[Revision]:
        """Revisions, the last one stored first. Raises `StoreError`; `CannotList` where this store has no list."""
        ...

    def close(self) -> None:
        """Release files and connections; nothing that `write` returned from is lost."""
        ...
