"""What edge nodes of cameras see: journalled, in the ledger exactly once, and told of when it is there."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import small_city

from detectors.records import Box
from gateway import pipeline as pipeline_module
from gateway.alerts.ledger import Ledger
from gateway.alerts.machine import AlertMachine
from gateway.alerts.records import Detection, ZoneShare
from gateway.alerts.subjects import Subjects
from gateway.alerts.texts import Texts
from gateway.channels import Channels
from gateway.checks import Checks
from gateway.codecs import make_codecs
from gateway.codecs.seam import CodecSettings
from gateway.config import Journal as JournalSettings
from gateway.config import Subscription
from gateway.decode import Decoder
from gateway.errors import GatewayError
from gateway.journal.journal import Journal
from gateway.live import Live
from gateway.pipeline import Pipeline
from gateway.records import Batch, Decoded
from gateway.topics import Router

START = small_city.START
SUBSCRIPTIONS = [
    Subscription(topic="frigate/{site}/events", codec="frigate"),
    Subscription(topic="{camera}/onvif-mj/#", codec="onvif"),
]


def seen(second: float, camera: str = "yard") -> tuple[str, bytes]:
    """Frigate sees a person, `second` after START."""
    after = {
        "camera": camera,
        "label": "person",
        "score": 0.5,
        "frame_time": START / 1000 + second,
        "box": [10, 20, 40, 80],
        "current_zones": ["gate", "street"],
    }
    return "frigate/plant/events", json.dumps({"type": "new", "before": after, "after": after}).encode()


def scene(stamp: str) -> tuple[str, bytes]:
    frame: dict[str, Any] = {"@UtcTime": stamp, "Object": [{"Appearance": {"Class": {"Type": "Human"}}}]}
    return "yard/onvif-mj/VideoAnalytics/1/x", json.dumps({"Frame": [frame]}).encode()


class Store:
    def offer(self, decoded: Decoded) -> None: ...


class Gateway:
    """Journal, pipeline and ledger on a folder; `refusals` commits fail first."""

    def __init__(self, folder: Path, clock: int = START) -> None:
        inventory = small_city.inventory()
        channels = Channels(inventory)
        self.ledger = Ledger(folder / "state.sqlite")
        self.journal = Journal(folder / "journal", JournalSettings(max_mib=16, segment_mib=1), self.ledger.position())
        self.told: list[Detection] = []
        self.checks = Checks(inventory, channels)
        self.pipeline = Pipeline(
            Decoder(Router(SUBSCRIPTIONS, inventory), make_codecs(inventory, channels, CodecSettings())),
            self.checks,
            Subjects(inventory, channels),
            AlertMachine(self.ledger.alerts_to_resume(), Texts(inventory)),
            self.ledger,
            Store(),
            Live(inventory, 0),
            lambda _: None,
            lambda: clock,
            on_detections=self.told.extend,
        )

    async def journalled(self, *messages: tuple[str, bytes]) -> list[Any]:
        topics, payloads = [topic for topic, _ in messages], [payload for _, payload in messages]
        return await self.journal.append([Batch("edge", START, topics, payloads, {}, lambda: None)])

    async def take(self, *messages: tuple[str, bytes]) -> None:
        for block in await self.journalled(*messages):
            await self.pipeline.process(block)

    def kept(self) -> list[int]:
        """When what is in the ledger was captured, ms after START, oldest first."""
        return sorted(each.captured - START for each in self.ledger.detections(limit=100))

    def crash(self) -> None:
        self.journal.close()
        self.ledger.close()


async def test_an_event_is_a_detection_in_the_ledger_and_told_of(tmp_path: Path) -> None:
    gateway = Gateway(tmp_path)
    await gateway.take(seen(1))
    expected = Detection(
        site="plant",
        camera="yard",
        captured=START + 1000,
        received=START,
        width=0,
        height=0,
        boxes=(Box(10, 20, 30, 60, "person", 0.5),),
        zones=(ZoneShare("gate", 1.0),),
        kind="object",
    )
    assert gateway.told == [expected], "zones that the inventory does not have are left out"
    assert list(gateway.ledger.detections(limit=10)) == [expected]


async def test_what_comes_again_is_neither_kept_nor_told_of_again(tmp_path: Path) -> None:
    gateway = Gateway(tmp_path)
    await gateway.take(seen(1), seen(1), seen(2))
    await gateway.take(seen(1), seen(3))
    assert gateway.kept() == [1000, 2000, 3000]
    assert [each.captured - START for each in gateway.told] == [1000, 2000, 3000]


async def test_of_the_scenes_of_a_second_one_is_kept(tmp_path: Path) -> None:
    gateway = Gateway(tmp_path)
    await gateway.take(*(scene(f"2026-01-01T00:00:{at // 10:02}.{at % 10}00Z") for at in range(5, 35)))
    await gateway.take(scene("2026-01-01T00:00:03.900Z"), scene("2026-01-01T00:00:04Z"))
    assert gateway.kept() == [500, 1000, 2000, 3000, 4000]
    assert len(gateway.told) == 5


@pytest.mark.parametrize("committed", [True, False])
async def test_after_a_crash_every_journalled_event_is_there_exactly_once(tmp_path: Path, committed: bool) -> None:
    before = Gateway(tmp_path)
    await before.take(seen(1))
    blocks = await before.journalled(seen(2), seen(3))
    if committed:
        for block in blocks:
            await before.pipeline.process(block)
    before.crash()
    after = Gateway(tmp_path)
    await after.pipeline.recover(after.journal)
    await after.pipeline.commit()
    assert after.kept() == [1000, 2000, 3000]
    assert [each.captured - START for each in after.told] == ([] if committed else [2000, 3000])


async def test_an_event_waits_for_a_ledger_that_refuses_and_is_told_of_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gateway = Gateway(tmp_path)
    monkeypatch.setattr(pipeline_module, "RETRY_S", 0.001)
    commit, refusals = gateway.ledger.commit, 2

    def stubborn(*arguments: Any) -> Sequence[Detection]:
        nonlocal refusals
        if refusals:
            refusals -= 1
            assert gateway.told == []
            raise GatewayError("the disk is full")
        return commit(*arguments)

    monkeypatch.setattr(gateway.ledger, "commit", stubborn)
    async with asyncio.timeout(10):
        await gateway.take(seen(1))
    assert (gateway.kept(), len(gateway.told), refusals) == ([1000], 1, 0)


async def test_a_camera_that_the_inventory_does_not_have_is_a_dead_letter(tmp_path: Path) -> None:
    gateway = Gateway(tmp_path)
    await gateway.take(seen(1, "attic"), seen(2))
    await gateway.pipeline.commit()
    (letter,) = gateway.ledger.dead_letters(limit=10)
    assert letter.letter.reason == "unknown_camera"
    assert gateway.kept() == [2000]


async def test_events_count_against_the_silence_of_their_camera(tmp_path: Path) -> None:
    gateway = Gateway(tmp_path)
    listening_since = START - 100_000  # the camera is silent after 60 s, and would be long before
    await gateway.take(seen(1))
    assert "camera_silence" not in {each.detector for each in gateway.checks.silence(START + 59_000, listening_since)}
    assert "camera_silence" in {each.detector for each in gateway.checks.silence(START + 61_000, listening_since)}
