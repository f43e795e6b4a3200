"""Commits of the pipeline that are refused or cut off: no step and no letter is lost, and none is made twice."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import small_city

from gateway import pipeline as pipeline_module
from gateway.alerts.ledger import Ledger
from gateway.alerts.machine import AlertMachine
from gateway.alerts.records import Detection, Family, Transition
from gateway.alerts.subjects import Subjects
from gateway.alerts.texts import Texts
from gateway.channels import Channels
from gateway.checks import Checks
from gateway.codecs import make_codecs
from gateway.codecs.seam import CodecSettings
from gateway.config import Subscription
from gateway.decode import Decoder
from gateway.errors import GatewayError
from gateway.live import Live
from gateway.pipeline import Pipeline
from gateway.records import Block, ClockStep, DeadLetter, Decoded, DeviceEvent
from gateway.topics import Router


class StubbornLedger(Ledger):
    """Refuses as often as it is told, and waits within a commit until it is let go on."""

    def __init__(self, file: Path) -> None:
        super().__init__(file)
        self.refusals = self.asked = 0
        self.may_go_on = threading.Event()
        self.may_go_on.set()

    def hold(self) -> None:
        self.may_go_on.clear()

    def commit(
        self,
        position: int,
        transitions: Sequence[Transition] = (),
        dead: Sequence[DeadLetter] = (),
        snapshot: bytes | None = None,
        events: Sequence[DeviceEvent] = (),
        detections: Sequence[Detection] = (),
        clocks: Sequence[ClockStep] = (),
    ) -> list[Detection]:
        self.asked += 1
        assert self.may_go_on.wait(20)
        if self.refusals:
            self.refusals -= 1
            raise GatewayError("the disk is full")
        return super().commit(position, transitions, dead, snapshot, events, detections, clocks)


@dataclass
class Store:
    offered: list[Decoded] = field(default_factory=list[Decoded])

    def offer(self, decoded: Decoded) -> None:
        self.offered.append(decoded)


class Room:
    """A pipeline over a stubborn ledger."""

    def __init__(self, folder: Path) -> None:
        inventory = small_city.inventory(hold=0)
        channels = Channels(inventory)
        router = Router([Subscription(topic="pollution/{site}/{device}/data")], inventory)
        self.ledger = StubbornLedger(folder / "state.sqlite")
        self.told: list[Transition] = []
        self.pipeline = Pipeline(
            Decoder(router, make_codecs(inventory, channels, CodecSettings())),
            Checks(inventory, channels),
            Subjects(inventory, channels),
            AlertMachine([], Texts(inventory)),
            self.ledger,
            Store(),
            Live(inventory, 0),
            self.told.extend,
            lambda: small_city.START,
        )

    def block(self, second: float, so2: float) -> Block:
        """One message that is over its limit or back under it, and one that cannot be used."""
        topic, payload = small_city.message(0, second, so2)
        first = self.pipeline.position
        return Block(first, small_city.START, "city", [topic, topic], [payload, b"garbage %d" % first])

    def kept(self) -> tuple[list[str], int, int]:
        """Steps about the air and dead letters in the ledger, and its position."""
        steps = [step.step.value for step in self.history(Family.EXCEEDANCE)]
        return steps, self.ledger.counts().dead_letters_kept, self.ledger.position()

    def history(self, family: Family) -> list[Transition]:
        """Every step of a family's alerts in the ledger."""
        alerts = self.ledger.alerts(limit=100, family=family)
        return [step for alert in alerts for step in self.ledger.history(alert.id)]


@pytest.fixture
def room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Room:
    monkeypatch.setattr(pipeline_module, "RETRY_S", 0.01)
    return Room(tmp_path)


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.001)


async def test_a_refused_commit_is_made_again_and_tells_of_its_steps_once(room: Room) -> None:
    room.ledger.refusals = 3
    await room.pipeline.process(room.block(0, 50))
    assert room.ledger.asked == 4
    assert room.kept() == (["fired"], 1, 2)
    assert [step.step.value for step in room.told] == ["fired"]
    assert room.pipeline.refused == ""


async def test_while_the_ledger_refuses_it_says_why_and_the_pipeline_waits(room: Room) -> None:
    room.ledger.refusals = 1_000_000
    processing = asyncio.create_task(room.pipeline.process(room.block(0, 50)))
    await until(lambda: room.ledger.asked >= 3)
    assert room.pipeline.refused == "the disk is full"
    assert not processing.done()
    assert room.told == []
    room.ledger.refusals = 0
    await asyncio.wait_for(processing, 10)
    assert room.kept() == (["fired"], 1, 2)


async def test_cut_off_between_two_tries_the_next_commit_has_it_all(room: Room) -> None:
    room.ledger.refusals = 1_000_000
    processing = asyncio.create_task(room.pipeline.process(room.block(0, 50)))
    await until(lambda: room.ledger.asked >= 2)
    processing.cancel()
    await asyncio.gather(processing, return_exceptions=True)
    room.ledger.refusals = 0
    await room.pipeline.close()
    assert room.kept() == (["fired"], 1, 2)
    assert [step.step.value for step in room.told] == ["fired"]


@pytest.mark.parametrize("refusals", [0, 1], ids=["it succeeds", "it is refused"])
async def test_cut_off_in_the_middle_of_a_commit_that_one_ends_and_nothing_is_made_twice(
    refusals: int, room: Room
) -> None:
    room.ledger.hold()
    room.ledger.refusals = refusals
    processing = asyncio.create_task(room.pipeline.process(room.block(0, 50)))
    await until(lambda: room.ledger.asked == 1)
    processing.cancel()
    await asyncio.sleep(0)
    assert not processing.done(), "it waits for the commit under way"
    room.ledger.may_go_on.set()
    await asyncio.gather(processing, return_exceptions=True)
    assert processing.cancelled()
    await room.pipeline.process(room.block(1, 10))
    await room.pipeline.close()
    assert room.kept() == (["fired", "resolved"], 2, 4)


async def test_what_gathers_during_a_commit_is_in_the_next(room: Room) -> None:
    room.ledger.hold()
    processing = asyncio.create_task(room.pipeline.process(room.block(0, 50)))
    await until(lambda: room.ledger.asked == 1)
    room.pipeline.bury(DeadLetter(-1, small_city.START, "frames", "t", b"x", "bad_jpeg", ""))
    room.ledger.may_go_on.set()
    await processing
    assert room.kept() == (["fired"], 1, 2)
    await room.pipeline.close()
    assert room.kept() == (["fired"], 2, 2)


async def test_that_the_ledger_refused_is_an_alert_when_it_takes_commits_again(room: Room) -> None:
    room.ledger.refusals = 2
    await room.pipeline.process(room.block(0, 50))
    await room.pipeline.process(room.block(1, 10))
    steps = room.history(Family.GATEWAY_HEALTH)
    assert [(step.step.value, step.alert.subject.id) for step in steps] == [
        ("fired", "ledger_refuses"),
        ("resolved", "ledger_refuses"),
    ]
    assert steps[-1].alert.since == small_city.START
    assert "ledger" in steps[-1].alert.text_en
    assert "台账" in steps[-1].alert.text_zh


async def test_a_stop_does_not_wait_for_a_ledger_that_refuses(room: Room) -> None:
    room.ledger.refusals = 1_000_000
    processing = asyncio.create_task(room.pipeline.process(room.block(0, 50)))
    await until(lambda: room.pipeline.refused)
    processing.cancel()
    await asyncio.gather(processing, return_exceptions=True)
    await asyncio.wait_for(room.pipeline.close(), 10)
    assert room.kept() == ([], 0, 0), "the next start reads it from the journal again"
    assert room.pipeline.snapshot_position == 0, "and the journal keeps it"
