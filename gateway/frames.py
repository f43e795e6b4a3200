"""The frame room: newest-wins slots in front of worker processes. Every frame is analysed, or counted with a reason.

A camera has one slot. A frame that comes while another of its camera waits takes its place: live pictures are worth
something now, so a gateway that cannot keep up sees fewer frames a second and never older ones. Each camera belongs
to one worker, which keeps its background model; cameras of one worker take turns. Which zones are active is kept here,
so that a worker may die without an event being forgotten or told twice.
"""

from __future__ import annotations

import asyncio
import multiprocessing
from collections import Counter, OrderedDict
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from types import TracebackType
from typing import Final, Self, cast

import numpy as np
import structlog
from numpy.typing import NDArray

from detectors.frames import zones
from detectors.records import Finding
from gateway.config import Frames as Settings
from gateway.frame_worker import Seen, Unusable, work
from gateway.inventory import Camera, Inventory
from gateway.records import Frame, FrameResult

log = structlog.get_logger("gateway.frames")

ANSWER_S: Final = 30.0
"""A worker that takes longer over one frame hangs: it is killed and started again."""
ZONE_GRID: Final = (160, 90)
"""Cells of a picture by which boxes are told to be in a zone."""


@dataclass(slots=True)
class Counts:
    """received == analysed + dropped + waiting, at any moment."""

    received: int = 0
    analysed: int = 0
    waiting: int = 0
    """In a slot or in work."""
    dropped: Counter[str] = field(default_factory=Counter[str])
    """By reason: `newest_wins`, `worker_failed`, `stopped`, or why the picture could not be decoded."""
    dropped_by_camera: Counter[int] = field(default_factory=Counter[int])


class Frames:
    """Slots and workers; `async with` starts and ends them. Lives in one event loop, which it never blocks."""

    def __init__(
        self,
        inventory: Inventory,
        settings: Settings,
        *,
        on_result: Callable[[FrameResult, list[Finding], bytes], None],
        on_bad: Callable[[Frame, str, str], None],
        open_since: Mapping[tuple[int, int], int] | None = None,
    ) -> None:
        """`on_result` gets result, findings and JPEG of each analysed frame; `on_bad` frames that cannot be decoded.

        `open_since`: (camera, zone) to `since`, for zones whose alert is open from an earlier run.
        """
        self._on_result = on_result
        self._on_bad = on_bad
        self.counts = Counts()
        most = min(settings.workers, max(1, len(inventory.cameras)))
        self._workers = [_Worker(number, inventory.cameras) for number in range(most)]
        self._zones = [_Zones.of(camera) for camera in inventory.cameras]
        for (camera, zone), since in (open_since or {}).items():
            self._zones[camera].state.since[zone] = since
        self._group = asyncio.TaskGroup()
        self._tasks: list[asyncio.Task[None]] = []
        self._settled = asyncio.Event()
        self._settled.set()

    async def __aenter__(self) -> Self:
        if self._workers[0].cameras:  # before the first frame comes: a process takes a second to start
            await asyncio.gather(*(asyncio.to_thread(worker.start) for worker in self._workers))
        await self._group.__aenter__()
        self._tasks = [self._group.create_task(self._serve(w), name=f"frames-{w.number}") for w in self._workers]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            for task in self._tasks:
                task.cancel()
            # Not told of `error`: the group would wrap it. What failed in the group itself it raises.
            await self._group.__aexit__(None, None, None)
        finally:
            for worker in self._workers:
                for frame in worker.slots.values():
                    self._drop(frame, "stopped")
                worker.slots.clear()
            await asyncio.gather(*(asyncio.to_thread(worker.close) for worker in self._workers))

    def offer(self, frame: Frame) -> None:
        """Put a frame into its camera's slot; one that waited there is dropped and counted."""
        counts = self.counts
        counts.received += 1
        counts.waiting += 1
        worker = self._workers[frame.camera % len(self._workers)]
        older = worker.slots.get(frame.camera)
        if older is not None:
            self._drop(older, "newest_wins")
        worker.slots[frame.camera] = frame  # it keeps the place in the row that its camera had
        worker.filled.set()
        self._settled.clear()

    async def put(self, frame: Frame) -> None:
        """Put a frame into its camera's slot once that is free: none is dropped, where frames are no live ones."""
        worker = self._workers[frame.camera % len(self._workers)]
        while frame.camera in worker.slots:
            worker.taken.clear()
            await worker.taken.wait()
        self.offer(frame)

    async def drain(self) -> None:
        """Return when no frame waits and none is in work."""
        await self._settled.wait()

    def _drop(self, frame: Frame, reason: str) -> None:
        self.counts.dropped[reason] += 1
        self.counts.dropped_by_camera[frame.camera] += 1
        self._done()

    def _done(self) -> None:
        self.counts.waiting -= 1
        if not self.counts.waiting:
            self._settled.set()

    async def _serve(self, worker: _Worker) -> None:
        """Frames of one worker, one after the other."""
        while True:
            await worker.filled.wait()
            if not worker.slots:
                worker.filled.clear()
                continue
            _, frame = worker.slots.popitem(last=False)
            worker.taken.set()
            try:
                answer = await worker.analyse(frame)
            except asyncio.CancelledError:
                self._drop(frame, "stopped")
                raise
            if isinstance(answer, Seen):
                findings = [] if answer.blind else self._zones[frame.camera].step(answer.result)
                self._on_result(answer.result, findings, frame.jpeg)
                self.counts.analysed += 1
                self._done()
            else:
                if answer.reason != _FAILED.reason:
                    self._on_bad(frame, answer.reason, answer.detail)
                self._drop(frame, answer.reason)


_FAILED: Final = Unusable("worker_failed", "the worker process died or hung over this frame")


@dataclass(frozen=True, slots=True)
class _Zones:
    """The zones of one camera, and which of them are active."""

    rules: zones.ZoneRules
    state: zones.ZoneState
    masks: NDArray[np.uint8]

    @staticmethod
    def of(camera: Camera) -> _Zones:
        each = camera.zones
        # A camera that pauses for as long as it takes to be called silent proves neither motion nor quiet.
        gap = camera.silent_after
        return _Zones(
            zones.ZoneRules.of([z.share for z in each], [z.hold for z in each], [z.quiet for z in each], gap),
            zones.ZoneState.empty(len(each)),
            zones.masks_of([z.polygon for z in each], *ZONE_GRID),
        )

    def step(self, seen: FrameResult) -> list[Finding]:
        """What a frame changes, each change with the boxes that show it."""
        return [
            event.finding(seen.camera, zones.boxes_within(self.masks[event.zone], seen.boxes, seen.width, seen.height))
            for event in zones.step(self.state, self.rules, seen.captured, np.array(seen.zones))
        ]


class _Worker:
    """One process, the pipe to it, and the thread that waits at the pipe."""

    def __init__(self, number: int, cameras: tuple[Camera, ...]) -> None:
        self.number = number
        self.slots: OrderedDict[int, Frame] = OrderedDict()
        """Camera to the frame that waits."""
        self.filled = asyncio.Event()
        self.taken = asyncio.Event()
        """Set when a slot has become free."""
        self.cameras = cameras
        self._closing = False
        self._thread = ThreadPoolExecutor(1, f"frames-{number}")
        self._process: BaseProcess | None = None
        self._pipe: Connection | None = None

    async def analyse(self, frame: Frame) -> Seen | Unusable:
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._ask, frame)

    def _ask(self, frame: Frame) -> Seen | Unusable:
        pipe = self._pipe or self.start()
        try:
            pipe.send(frame)
            if pipe.poll(ANSWER_S):
                answer: Seen | Unusable = pipe.recv()
                return answer
        except (EOFError, OSError):
            pass
        if not self._closing:
            log.error("frame_worker_failed", worker=self.number, camera=self.cameras[frame.camera].id)
        self._kill()
        return _FAILED

    def start(self) -> Connection:
        """Start the process and wait until it is ready to work. Blocks."""
        context = multiprocessing.get_context("spawn")
        ours, theirs = cast("tuple[Connection, Connection]", context.Pipe())
        self._process = context.Process(
            target=work, args=(theirs, self.cameras), name=f"frames-{self.number}", daemon=True
        )
        self._process.start()
        theirs.close()
        self._pipe = ours
        with suppress(EOFError):  # one that dies at once is found out by its first frame
            if ours.poll(ANSWER_S):
                ours.recv()  # its word that it is ready
        return ours

    def _kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.join()
        if self._pipe is not None:
            self._pipe.close()
        self._process = self._pipe = None

    def close(self) -> None:
        """End the process, and with it a question it may be hanging over: it keeps nothing that is not kept here."""
        self._closing = True
        process = self._process
        if process is not None:
            process.kill()
        self._thread.shutdown()
        self._kill()


__all__ = ["Frames"]
