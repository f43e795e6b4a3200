"""Ingest: what the links bring, made durable, acknowledged, and passed on. The first half of the way of a reading.

```
take ── frames ──> newest-wins slots
  └──── readings ─> journal: one write, one sync ─> ack ─> pipeline, block by block
```
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import structlog

from gateway.errors import JournalError
from gateway.frame_door import FrameDoor, FrameRoom
from gateway.intake import Intake
from gateway.inventory import Inventory
from gateway.journal.journal import Journal
from gateway.pipeline import Pipeline
from gateway.records import Batch, Block, DeadLetter
from gateway.topics import Router

log = structlog.get_logger("gateway.ingest")

RETRY_S = 0.5
"""Pause before a journal that refused is tried again. Meanwhile nothing is acknowledged and links stop reading."""


class Ingest:
    """The loop that owns the journal's writing side."""

    def __init__(
        self,
        intake: Intake,
        router: Router,
        inventory: Inventory,
        journal: Journal,
        pipeline: Pipeline,
        frames: FrameRoom,
        on_frame: Callable[[int, int], None],
    ) -> None:
        """`on_frame` is told of every frame: its camera and when it was received, ms UTC."""
        self._intake = intake
        self._journal = journal
        self._pipeline = pipeline
        self._door = FrameDoor(router, inventory, frames, on_frame, pipeline.bury)
        self.refused = ""
        """Why the journal does not take messages now; empty while it does."""
        self.idle = asyncio.Event()
        """Set while nothing that was taken is still under way."""
        self.idle.set()

    async def run(self) -> None:
        """Until cancelled: receive, journal, acknowledge, process."""
        while True:
            batches = await self._intake.take()
            self.idle.clear()
            blocks = await self._make_durable(list(map(self._door.split, batches)))
            for batch in batches:
                batch.ack()
            for block in blocks:
                await self._pipeline.process(block)
            self.idle.set()

    async def replay(self, letters: Sequence[DeadLetter]) -> None:
        """Put dead letters in again at the front door, under their own topic. Returns when they are journalled."""
        for letter in letters:
            durable = asyncio.Event()
            await self._intake.put(
                Batch(letter.link, letter.received, [letter.topic], [letter.payload], {}, durable.set)
            )
            await durable.wait()

    async def _make_durable(self, batches: list[Batch]) -> list[Block]:
        """The journalled blocks. Waits, without acknowledging, for as long as the journal refuses."""
        while True:
            try:
                blocks = await self._journal.append(batches)
            except JournalError as error:
                if str(error) != self.refused:
                    self.refused = str(error)
                    log.error("journal_refuses", reason=self.refused)
                await asyncio.sleep(RETRY_S)
                continue
            if self.refused:
                log.info("journal_writes_again")
                self.refused = ""
            return blocks
