"""Sightings: each frame is shown, each detection told, and no alert names evidence that is not on the disk."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import pytest
import small_city

from detectors.records import Box, Finding, Phase
from gateway import sightings as sightings_module
from gateway.alerts.ledger import Ledger
from gateway.alerts.records import Detection
from gateway.errors import GatewayError
from gateway.evidence import Evidence
from gateway.feed import Feed
from gateway.live import Live
from gateway.pipeline import Pipeline
from gateway.records import FrameResult
from gateway.sightings import Sightings

JPEG = b"\xff\xd8 a picture \xff\xd9"
BOX = Box(10, 20, 30, 40)


@dataclass
class FakePipeline:
    """Notes what is reported, and what of it is on the disk at that moment."""

    evidence: Evidence
    reported: list[tuple[list[Finding], list[str]]] = field(default_factory=list[tuple[list[Finding], list[str]]])
    on_disk: list[bool] = field(default_factory=list[bool])

    async def report(self, findings: Sequence[Finding], evidence: Iterable[str] = ()) -> None:
        names = list(evidence)
        self.reported.append((list(findings), names))
        self.on_disk.append(all(self.evidence.path(name.removeprefix("frame:")) for name in names))


class Room:
    """Sightings of the small city's camera, with a real ledger, evidence, live view and feed."""

    def __init__(self, folder: Path) -> None:
        inventory = small_city.inventory()
        self.ledger = Ledger(folder / "state.sqlite")
        self.evidence = Evidence(folder / "evidence", 10_000_000)
        self.live = Live(inventory, small_city.START)
        self.feed = Feed()
        self.pipeline = FakePipeline(self.evidence)
        self.published: list[Detection] = []
        self.sightings = Sightings(
            inventory,
            cast(Pipeline, self.pipeline),
            self.ledger,
            self.evidence,
            self.live,
            self.feed,
            self.published.append,
        )

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        task = asyncio.create_task(self.sightings.run())
        yield
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    def kept(self) -> list[float]:
        """Seconds of the detections in the ledger, ascending."""
        return sorted((each.captured - small_city.START) / 1000 for each in self.ledger.detections())


@pytest.fixture
def room(tmp_path: Path) -> Room:
    return Room(tmp_path)


def seen(second: float, *boxes: Box) -> FrameResult:
    captured = small_city.START + round(1000 * second)
    return FrameResult(0, captured, captured + 40, 640, 360, boxes, (0.25 if boxes else 0.0,))


def finding(phase: Phase = Phase.ACTIVE) -> Finding:
    return Finding("motion", 0, 0, phase, 1, small_city.START, small_city.START + 600, 0.25, 0.01, boxes=(BOX,))


async def test_a_frame_without_boxes_is_shown_and_is_no_detection(room: Room) -> None:
    room.sightings.see(seen(0), [], JPEG)
    assert (room.live.totals().frames, room.sightings.detections, room.published) == (1, 0, [])
    await room.sightings.keep()
    assert room.kept() == []


async def test_a_frame_with_boxes_is_published_and_fed_to_who_listens(room: Room) -> None:
    async with room.feed.subscribe(["detection"]) as events:
        room.sightings.see(seen(1.5, BOX), [], JPEG)
        event = await asyncio.wait_for(anext(events), 10)
    (detection,) = room.published
    assert (detection.site, detection.camera, detection.boxes, detection.frame) == ("plant", "yard", (BOX,), "")
    told = json.loads(event.payload)
    assert told["captured"] == "2026-01-01T00:00:01.500Z"
    assert told["zones"] == [{"id": "gate", "share": 0.25}]


async def test_every_detection_is_published_and_one_a_second_is_kept(room: Room) -> None:
    for n in range(75):
        room.sightings.see(seen(n / 25, BOX), [], JPEG)
    await room.sightings.keep()
    assert len(room.published) == 75
    assert room.kept() == [0, 1, 2]
    assert room.sightings.detections == 75


async def test_a_finding_is_reported_with_its_frame_which_is_on_the_disk_by_then(room: Room) -> None:
    async with room.running():
        room.sightings.see(seen(0.6, BOX), [finding()], JPEG)
        await asyncio.wait_for(room.sightings.drain(), 10)
    ((findings, names),) = room.pipeline.reported
    assert findings == [finding()]
    assert room.pipeline.on_disk == [True]
    (detection,) = room.ledger.detections()
    assert names == [f"frame:{detection.frame}"]
    place = room.evidence.path(detection.frame)
    assert place is not None
    assert place.read_bytes() == JPEG


async def test_the_frame_that_ends_an_event_is_evidence_too_though_nothing_moves_in_it(room: Room) -> None:
    async with room.running():
        room.sightings.see(seen(3), [finding(Phase.CLEAR)], JPEG)
        await asyncio.wait_for(room.sightings.drain(), 10)
    assert room.pipeline.reported[0][1][0].startswith("frame:")
    assert room.published == []


async def test_where_evidence_cannot_be_kept_the_alert_is_raised_without_it(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(jpeg: bytes) -> str:
        raise GatewayError("the disk is full")

    monkeypatch.setattr(room.evidence, "keep", refuse)
    async with room.running():
        room.sightings.see(seen(0.6, BOX), [finding()], JPEG)
        await asyncio.wait_for(room.sightings.drain(), 10)
    assert room.pipeline.reported == [([finding()], [])]


async def test_findings_wait_within_a_bound_and_what_is_over_it_is_counted(room: Room) -> None:
    for n in range(sightings_module.FINDINGS_WAIT + 3):
        room.sightings.see(seen(n, BOX), [finding(), finding()], b"%d" % n)
    assert room.sightings.findings_dropped == 6


async def test_a_ledger_that_takes_nothing_costs_no_detection_within_a_bound(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sightings_module, "DETECTIONS_WAIT", 5)
    take: Callable[[Sequence[Detection]], None] = room.ledger.add_detections

    def refuse(detections: Sequence[Detection]) -> None:
        raise GatewayError("the disk is full")

    monkeypatch.setattr(room.ledger, "add_detections", refuse)
    for second in range(8):
        room.sightings.see(seen(second, BOX), [], JPEG)
        await room.sightings.keep()
    assert room.sightings.detections_dropped == 3
    monkeypatch.setattr(room.ledger, "add_detections", take)
    await room.sightings.keep()
    assert room.kept() == [3, 4, 5, 6, 7]
