"""Sightings: what the frame workers saw, to whoever wants it. The second half of the way of a frame.

Every frame is shown; one with boxes is a detection: published, and kept in the ledger once a second for each camera;
a finding about a zone goes to the alerts, with the frame kept as evidence before the alert names it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Final

import structlog

from detectors.records import Finding
from gateway.alerts.feeds import detection_of, detection_payload
from gateway.alerts.ledger import Ledger
from gateway.alerts.records import Detection
from gateway.errors import GatewayError
from gateway.evidence import Evidence
from gateway.feed import Feed
from gateway.inventory import Inventory
from gateway.live import Live
from gateway.pipeline import Pipeline
from gateway.records import FrameResult

log = structlog.get_logger("gateway.frames")

KEPT_EVERY_MS: Final = 1_000
"""Between two detections of one camera that the ledger keeps; the feeds get every one."""
FINDINGS_WAIT: Final = 1_000
"""Findings that wait for their evidence to be written: minutes of them, from hundreds of cameras."""

DETECTIONS_WAIT: Final = 10_000
"""Detections that wait for a ledger that takes nothing: a minute of them, from hundreds of cameras."""


class Sightings:
    """Takes results of frame workers in the event loop. Never blocks it: disks are touched in threads."""

    def __init__(
        self,
        inventory: Inventory,
        pipeline: Pipeline,
        ledger: Ledger,
        evidence: Evidence,
        live: Live,
        feed: Feed,
        publish: Callable[[Detection], None],
    ) -> None:
        self._inventory = inventory
        self._pipeline = pipeline
        self._ledger = ledger
        self._evidence = evidence
        self._live = live
        self._feed = feed
        self._publish = publish
        self._kept_at = [0] * len(inventory.cameras)
        self._to_keep: list[Detection] = []
        self._found: asyncio.Queue[tuple[FrameResult, list[Finding], bytes]] = asyncio.Queue(FINDINGS_WAIT)
        self.detections = 0
        self.detections_dropped = 0
        """Detections that the ledger never got because it took nothing for too long."""
        self.findings_dropped = 0
        """Findings lost because the disk for evidence did not keep up."""

    def see(self, result: FrameResult, findings: list[Finding], jpeg: bytes) -> None:
        """One analysed frame."""
        self._live.see(result, jpeg)
        self._live.count(frames=1)
        if findings:
            try:
                self._found.put_nowait((result, findings, jpeg))
            except asyncio.QueueFull:
                self.findings_dropped += len(findings)
                log.error("findings_dropped", camera=result.camera, findings=len(findings))
            else:
                return  # its detection is told of when the picture is kept, and names it
        detection = detection_of(result, self._inventory)
        self._tell(detection)
        if result.boxes and not findings and result.captured - self._kept_at[result.camera] >= KEPT_EVERY_MS:
            self._kept_at[result.camera] = result.captured
            self._to_keep.append(detection)

    def _tell(self, detection: Detection) -> None:
        """A detection to the broker and to listeners."""
        if detection.boxes:
            self.detections += 1
            self._publish(detection)
            if self._feed.listeners:
                self._feed.publish("detection", detection_payload(detection))

    def tell(self, detections: Sequence[Detection]) -> None:
        """Detections of edge nodes that the ledger has: to the broker and to listeners."""
        for detection in detections:
            self._tell(detection)

    async def run(self) -> None:
        """Findings to alerts, each after its evidence is on the disk; until cancelled."""
        while True:
            result, findings, jpeg = await self._found.get()
            try:
                sha = await asyncio.to_thread(self._evidence.keep, jpeg)
            except GatewayError as error:
                log.error("evidence_not_kept", reason=str(error))
                sha = ""
            detection = detection_of(result, self._inventory, sha)
            self._tell(detection)
            self._to_keep.append(detection)
            await self._pipeline.report(findings, [f"frame:{sha}"] if sha else [])
            self._found.task_done()

    async def drain(self) -> None:
        """Return when every finding has reached the alerts."""
        await self._found.join()
        await self.keep()

    async def keep(self) -> None:
        """Write the detections that have gathered to the ledger; called once a second."""
        detections, self._to_keep = self._to_keep, []
        if detections:
            try:
                await asyncio.to_thread(self._ledger.add_detections, detections)
            except GatewayError as error:
                self._to_keep[:0] = detections
                excess = max(0, len(self._to_keep) - DETECTIONS_WAIT)
                del self._to_keep[:excess]
                self.detections_dropped += excess
                log.error("detections_not_kept", reason=str(error), waiting=len(self._to_keep), dropped=excess)
