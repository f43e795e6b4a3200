"""The store's side of a replay: written to between ticks, since nobody waits for it and nothing reads it again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from gateway.records import DeadLetter, Decoded, Readings
from gateway.stores.held import joined
from gateway.stores.seam import Store


class StoreNow:
    """Takes decoded blocks and writes them in large batches when it is told to."""

    def __init__(self, store: Store, batch_rows: int, bury: Callable[[DeadLetter], None]) -> None:
        """`bury` gets what the store refused for good."""
        self._store = store
        self._batch_rows = batch_rows
        self._bury = bury
        self._parts: list[Readings] = []
        self._waiting = 0
        self._end = 0
        self.rows = 0
        self.duplicates = 0
        self.revisions = 0

    def offer(self, decoded: Decoded) -> None:
        """Leave a batch to be stored."""
        self._parts.append(decoded.readings)
        self._waiting += len(decoded.readings)
        self._end = decoded.end

    async def write(self, *, all_of_it: bool = False) -> None:
        """Write what waits, where it is enough for a write. Raises `StoreError`."""
        if not self._waiting or not (all_of_it or self._waiting >= self._batch_rows):
            return
        written = await asyncio.to_thread(self._store.write, joined(self._parts), self._end)
        self._parts, self._waiting = [], 0
        self.rows += written.rows
        self.duplicates += written.duplicates
        self.revisions += written.revisions
        for row in written.rejected:
            self._bury(
                DeadLetter(row.position, row.received, "store", "store/duckdb", row.line, "store_rejected", row.detail)
            )

    def close(self) -> None:
        """Release the store's file."""
        self._store.close()
