"""The frame door: camera frames taken out of a batch, before the journal. The first step of the way of a frame."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

from gateway.codecs.jpeg import captured_ms, check_jpeg
from gateway.inventory import Inventory
from gateway.records import Batch, DeadLetter, Frame
from gateway.topics import Router

LETTER_BYTES = 4096
"""How much of a frame a dead letter keeps: enough to see what it is. Frames are never run again."""


class FrameRoom(Protocol):
    """What the door needs of the frame room."""

    def offer(self, frame: Frame) -> None: ...


class FrameDoor:
    """Knows the topics of frames, and which pictures are worth analysing."""

    def __init__(
        self,
        router: Router,
        inventory: Inventory,
        frames: FrameRoom,
        on_frame: Callable[[int, int], None],
        bury: Callable[[DeadLetter], None],
    ) -> None:
        """`on_frame` is told of every frame: its camera and when it was received, ms UTC; `bury` of unusable ones."""
        self._router = router
        self._inventory = inventory
        self._frames = frames
        self._on_frame = on_frame
        self._on_bad = bury

    def split(self, batch: Batch) -> Batch:
        """Camera frames to their room; what is left of the batch goes to the journal."""
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
        self._on_bad(DeadLetter(-1, batch.received, batch.link, batch.topics[row], payload, reason, detail))
