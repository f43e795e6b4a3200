"""Ingest: acknowledged means journalled, whatever the journal does; frames go their own way."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import cv2
import numpy as np
import pytest
import small_city

from gateway import ingest as ingest_module
from gateway.config import Journal as JournalSettings
from gateway.config import Subscription
from gateway.errors import JournalError, JournalFull
from gateway.frame_door import LETTER_BYTES
from gateway.ingest import Ingest
from gateway.intake import Intake
from gateway.journal.journal import Journal
from gateway.pipeline import Pipeline
from gateway.records import Batch, Block, DeadLetter, Frame
from gateway.topics import Router

RECEIVED = small_city.START + 500
READINGS, FRAMES = "pollution/plant/d0/data", "camera/plant/yard/frame"


def picture() -> bytes:
    done, data = cv2.imencode(".jpg", np.zeros((24, 32, 3), np.uint8))
    assert done
    return data.tobytes()


JPEG = picture()


@dataclass
class FakeJournal:
    """Appends when it is let, and notes what it was given and when it was done."""

    trace: list[str]
    appended: list[list[Batch]] = field(default_factory=list[list[Batch]])
    refuses_with: JournalError | None = None
    asked: int = 0
    may_sync: asyncio.Event = field(default_factory=asyncio.Event)

    async def append(self, batches: Sequence[Batch]) -> list[Block]:
        self.asked += 1
        if self.refuses_with is not None:
            raise self.refuses_with
        await self.may_sync.wait()
        self.appended.append(list(batches))
        self.trace.append("synced")
        return [Block(0, b.received, b.link, b.topics, b.payloads) for b in batches if b.topics]


@dataclass
class FakePipeline:
    """Notes blocks and letters; takes as long over a block as it is told."""

    trace: list[str]
    letters: list[DeadLetter] = field(default_factory=list[DeadLetter])
    may_process: asyncio.Event = field(default_factory=asyncio.Event)

    async def process(self, block: Block) -> None:
        await self.may_process.wait()
        self.trace += [f"processed {payload.decode()}" for payload in block.payloads]

    def bury(self, letter: DeadLetter) -> None:
        self.letters.append(letter)


class Room:
    """Ingest with fakes around it."""

    def __init__(self, journal: Journal | None = None) -> None:
        self.trace: list[str] = []
        """What happened, in order: `synced`, `acked x`, `processed x`."""
        self.journal = FakeJournal(self.trace)
        self.journal.may_sync.set()
        self.pipeline = FakePipeline(self.trace)
        self.pipeline.may_process.set()
        self.frames: list[Frame] = []
        self.seen: list[tuple[int, int]] = []
        self.intake = Intake()
        inventory = small_city.inventory()
        subscriptions = [
            Subscription(topic="pollution/{site}/{device}/data"),
            Subscription(topic="camera/{site}/{camera}/frame", codec="jpeg"),
        ]
        self.ingest = Ingest(
            self.intake,
            Router(subscriptions, inventory),
            inventory,
            journal or cast(Journal, self.journal),
            cast(Pipeline, self.pipeline),
            self,
            lambda camera, received: self.seen.append((camera, received)),
        )

    def offer(self, frame: Frame) -> None:
        self.frames.append(frame)

    def batch(
        self, *payloads: bytes, topics: Sequence[str] = (), link: str = "city", captured: dict[int, str] | None = None
    ) -> Batch:
        name = payloads[0].decode("ascii", "replace")[:20] if payloads else "nothing"
        return Batch(
            link,
            RECEIVED,
            list(topics) or [READINGS] * len(payloads),
            list(payloads),
            captured or {},
            lambda: self.trace.append(f"acked {name}"),
        )

    def put(self, *batches: Batch) -> list[asyncio.Task[None]]:
        """Leave batches, each as a link of its own does."""
        return [asyncio.create_task(self.intake.put(batch)) for batch in batches]

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncGenerator[asyncio.Task[None]]:
        task = asyncio.create_task(self.ingest.run())
        yield task
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    async def rest(self) -> None:
        """Let everything happen that can happen without something from outside."""
        for _ in range(50):
            await asyncio.sleep(0)


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.001)


async def test_a_batch_is_acknowledged_after_the_sync_has_returned_and_not_before() -> None:
    room = Room()
    room.journal.may_sync.clear()
    async with room.running():
        room.put(room.batch(b"a"))
        await until(lambda: room.journal.asked)
        await room.rest()
        assert room.trace == []
        assert not room.ingest.idle.is_set()
        room.journal.may_sync.set()
        await until(room.ingest.idle.is_set)
    assert room.trace == ["synced", "acked a", "processed a"]


async def test_what_waits_together_shares_one_sync_and_is_acknowledged_in_order() -> None:
    room = Room()
    room.put(room.batch(b"a", link="one"), room.batch(b"b", link="two"), room.batch(b"c", link="three"))
    await room.rest()
    assert room.intake.waiting == 3
    async with room.running():
        await until(lambda: len(room.trace) == 7)
    assert room.trace == ["synced", "acked a", "acked b", "acked c", "processed a", "processed b", "processed c"]
    assert [batch.link for batch in room.journal.appended[0]] == ["one", "two", "three"]


async def test_a_slow_pipeline_holds_back_neither_acknowledgement_nor_more_than_one_batch_a_link() -> None:
    room = Room()
    room.pipeline.may_process.clear()
    async with room.running():
        (first,) = room.put(room.batch(b"a"))
        await first
        (second,) = room.put(room.batch(b"b"))
        await room.rest()
        assert room.trace == ["synced", "acked a"]
        assert not second.done(), "the link waits with its next batch: that is the back pressure"
        assert not room.ingest.idle.is_set()
        room.pipeline.may_process.set()
        await second
        await until(lambda: "processed b" in room.trace)


@pytest.mark.parametrize("error", [JournalFull("16 MiB are waiting"), JournalError("the disk is full")], ids=type)
async def test_while_the_journal_refuses_nothing_is_acknowledged_and_then_all_is(
    error: JournalError, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ingest_module, "RETRY_S", 0.001)
    room = Room()
    room.journal.refuses_with = error
    async with room.running():
        room.put(room.batch(b"a"))
        await until(lambda: room.journal.asked >= 5)
        (waiting,) = room.put(room.batch(b"b"))
        await until(lambda: room.journal.asked >= 10)
        assert room.trace == []
        assert not waiting.done()
        assert room.ingest.refused == str(error)
        room.journal.refuses_with = None
        await until(lambda: "processed b" in room.trace)
        assert room.ingest.refused == ""
    assert room.trace == ["synced", "acked a", "processed a", "synced", "acked b", "processed b"]


async def test_what_the_journal_never_took_is_never_acknowledged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ingest_module, "RETRY_S", 0.001)
    room = Room()
    room.journal.refuses_with = JournalError("no")
    async with room.running():
        room.put(room.batch(b"a"))
        await until(lambda: room.journal.asked >= 3)
    assert room.trace == []


async def test_a_real_journal_at_its_bound_stops_acknowledgements_until_readers_have_passed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ingest_module, "RETRY_S", 0.005)
    async with Journal(tmp_path, JournalSettings(max_mib=16, segment_mib=1)) as journal:
        room = Room(journal)
        acked: list[int] = []
        batches = [
            Batch("city", RECEIVED, [READINGS], [bytes([n]) * 1_048_576], {}, lambda n=n: acked.append(n))
            for n in range(20)
        ]
        async with room.running():
            feeding = asyncio.create_task(_feed(room.intake, batches))
            await until(lambda: room.ingest.refused)
            assert "journal.max_mib" in room.ingest.refused
            assert acked == list(range(15)), "16 MiB hold 15 messages of 1 MiB and their headers"
            journal.release(10)
            await until(lambda: len(acked) == 20)
            assert room.ingest.refused == ""
            await feeding
        kept = [payload[0] for block in journal.reader(10).read(100) for payload in block.payloads]
        assert kept == list(range(10, 20))


async def _feed(intake: Intake, batches: Sequence[Batch]) -> None:
    for batch in batches:
        await intake.put(batch)


async def test_frames_are_taken_out_of_a_batch_and_the_readings_journalled() -> None:
    room = Room()
    topics = [READINGS, FRAMES, READINGS, FRAMES]
    captured = {1: "1767225600123", 3: "2026-01-01T08:00:01"}
    async with room.running():
        room.put(room.batch(b"a", JPEG, b"b", JPEG, topics=topics, captured=captured))
        await until(lambda: "processed b" in room.trace)
    (journalled,) = room.journal.appended[0]
    assert (journalled.topics, journalled.payloads) == ([READINGS, READINGS], [b"a", b"b"])
    assert room.trace == ["synced", "acked a", "processed a", "processed b"], "one acknowledgement for the whole batch"
    assert room.frames == [
        Frame(0, small_city.START + 123, RECEIVED, JPEG),
        Frame(0, small_city.START + 1_000, RECEIVED, JPEG),
    ], "a stamp without a zone is local time of the camera's site"
    assert room.seen == [(0, RECEIVED)] * 2


async def test_frames_pass_while_the_journal_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ingest_module, "RETRY_S", 0.001)
    room = Room()
    room.journal.refuses_with = JournalError("no")
    async with room.running():
        room.put(room.batch(JPEG, b"a", topics=[FRAMES, READINGS]))
        await until(lambda: room.journal.asked >= 2)
        assert len(room.frames) == 1, "seen at once, and once"


async def test_a_batch_of_frames_only_is_acknowledged_and_journals_nothing(tmp_path: Path) -> None:
    async with Journal(tmp_path, JournalSettings(max_mib=16)) as journal:
        room = Room(journal)
        async with room.running():
            room.put(room.batch(JPEG, topics=[FRAMES]))
            await until(lambda: room.trace)
        assert (journal.end, journal.syncs) == (0, 0)
        assert len(room.frames) == 1


@pytest.mark.parametrize(
    ("topic", "payload", "reason"),
    [
        ("camera/plant/nowhere/frame", JPEG, "unknown_camera"),
        (FRAMES, b"not a picture", "not_jpeg"),
        (FRAMES, JPEG[:100], "truncated_jpeg"),
        (FRAMES, b"", "not_jpeg"),
    ],
)
async def test_a_frame_that_cannot_be_used_is_buried_and_acknowledged(topic: str, payload: bytes, reason: str) -> None:
    room = Room()
    async with room.running():
        room.put(room.batch(payload, topics=[topic]))
        await until(room.ingest.idle.is_set)
        await until(lambda: room.trace)
    (letter,) = room.pipeline.letters
    assert (letter.reason, letter.topic, letter.payload) == (reason, topic, payload)
    assert (letter.link, letter.received, letter.position) == ("city", RECEIVED, -1)
    assert room.frames == []


async def test_a_dead_letter_keeps_the_beginning_of_a_large_frame() -> None:
    room = Room()
    async with room.running():
        room.put(room.batch(b"x" * 1_000_000, topics=[FRAMES]))
        await until(lambda: room.pipeline.letters)
    assert len(room.pipeline.letters[0].payload) == LETTER_BYTES


async def test_a_replayed_letter_goes_in_at_the_front_door_and_replay_returns_after_its_sync() -> None:
    room = Room()
    room.journal.may_sync.clear()
    letters = [DeadLetter(7, RECEIVED - n, f"link{n}", f"t/{n}", b"%d" % n, "bad_json", "") for n in range(2)]
    async with room.running():
        replaying = asyncio.create_task(room.ingest.replay(letters))
        await until(lambda: room.journal.asked)
        await room.rest()
        assert not replaying.done()
        room.journal.may_sync.set()
        await asyncio.wait_for(replaying, 10)
    given = [batch for batches in room.journal.appended for batch in batches]
    assert [(b.link, b.received, b.topics, b.payloads) for b in given] == [
        ("link0", RECEIVED, ["t/0"], [b"0"]),
        ("link1", RECEIVED - 1, ["t/1"], [b"1"]),
    ]


async def test_a_shut_intake_takes_no_more_but_gives_what_waits() -> None:
    intake = Intake()
    room = Room()
    waiting = asyncio.create_task(intake.put(room.batch(b"a")))
    await room.rest()
    intake.shut()
    late = asyncio.create_task(intake.put(room.batch(b"b")))
    assert [batch.payloads for batch in await intake.take()] == [[b"a"]]
    await waiting
    await room.rest()
    assert not late.done()
    assert intake.waiting == 0
    late.cancel()
