"""Ingest: what the links bring, made durable, acknowledged, and passed on. The first half of the way of a reading.

```
take ── frames ──> newest-wins slots
  └──── readings ─> journal: one write, one sync ─> ack ─> pipeline, block by block
```
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Protocol

import structlog

from gateway.codecs.jpeg import captured_ms, check_jpeg
from gateway.errors import JournalError
from gateway.intake import Intake
from gateway.inventory import Inventory
from gateway.journal.journal import Journal
from gateway.pipeline import Pipeline
from gateway.records import Batch, Block, DeadLetter, Frame
from gateway.topics import Router

log = structlog.get_logger("gateway.ingest")

RETRY_S = 0.5
"""Pause before a journal that refused is tried again. Meanwhile nothing is acknowledged and links stop reading."""
LETTER_BYTES = 4096
"""How much of a frame a dead letter keeps: enough to see what it is. Frames are never run again."""


class FrameRoom(Protocol):
    """What ingest needs of the frame room."""

    def offer(self, frame: Frame) -> None: ...


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
        self._router = router
        self._inventory = inventory
        self._journal = journal
        self._pipeline = pipeline
        self._frames = frames
        self._on_frame = on_frame
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
            blocks = await self._make_durable(list(map(self._split_frames, batches)))
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

    def _split_frames(self, batch: Batch) -> Batch:
        """Camera frames to their slots; what is left of the batch goes to the journal."""
        if not self._router.has_frames:
            return batch
        routes = list(map(self._router.route, batch.topics))
        rest: list[int] = []
        frames = 0
        for row, route in enumerate(routes):
            if route.codec != "jpeg":
                rest.append(row)
                continue
            frames += 1
            if route.camera < 0:
                self._bury(batch, row, "unknown_camera", "the topic names no camera of the inventory")
                continue
            self._on_frame(route.camera, batch.received)
            jpeg = batch.payloads[row]
            wrong = check_jpeg(jpeg)
            if wrong is not None:
                self._bury(batch, row, wrong, f"{len(jpeg)} bytes that are no usable JPEG frame")
                continue
            zone = self._inventory.sites[self._inventory.cameras[route.camera].site].zone
            captured = captured_ms(jpeg, batch.captured.get(row), batch.received, zone)
            self._frames.offer(Frame(route.camera, captured, batch.received, jpeg))
        if not frames:
            return batch
        return replace(batch, topics=[batch.topics[r] for r in rest], payloads=[batch.payloads[r] for r in rest])

    def _bury(self, batch: Batch, row: int, reason: str, detail: str) -> None:
        payload = batch.payloads[row][:LETTER_BYTES]
        letter = DeadLetter(-1, batch.received, batch.link, batch.topics[row], payload, reason, detail)
        self._pipeline.bury(letter)
