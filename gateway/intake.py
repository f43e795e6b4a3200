"""The intake: where links leave batches and ingest takes all that are there, so that they share one sync."""

from __future__ import annotations

import asyncio

from gateway.records import Batch


class Intake:
    """One waiting batch a link: a link's `put` returns when ingest has taken its batch, which bounds the memory."""

    def __init__(self) -> None:
        self._waiting: list[tuple[Batch, asyncio.Future[None]]] = []
        self._filled = asyncio.Event()

    async def put(self, batch: Batch) -> None:
        """Leave a batch; return when it was taken. It is taken whole or, if this is cancelled, perhaps not at all."""
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
