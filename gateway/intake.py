"""The intake: where links leave batches and ingest takes all that are there, so that they share one sync."""

from __future__ import annotations

import asyncio

from gateway.records import Batch


class Intake:
    """One waiting batch a link: a link's `put` returns when ingest has taken its batch, which bounds the memory."""

    def __init__(self) -> None:
        self._waiting: list[tuple[Batch, asyncio.Future[None]]] = []
        self._filled = asyncio.Event()
        self._open = asyncio.Event()
        self._open.set()

    @property
    def waiting(self) -> int:
        """Batches not yet taken."""
        return len(self._waiting)

    def shut(self) -> None:
        """Take no more: `put` waits from now on, until it is cancelled. What waits already is still taken."""
        self._open.clear()

    async def put(self, batch: Batch) -> None:
        """Leave a batch; return when it was taken."""
        await self._open.wait()
        taken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((batch, taken))
        self._filled.set()
        await taken

    async def take(self) -> list[Batch]:
        """All batches that wait, at least one, in the order in which they came."""
        await self._filled.wait()
        self._filled.clear()
        waiting, self._waiting = self._waiting, []
        for _, taken in waiting:
            if not taken.done():
                taken.set_result(None)
        return [batch for batch, _ in waiting]
