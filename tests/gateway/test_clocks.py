"""Verdicts on clocks in the pipeline: marks live and decoded again, alerts once over a crash, nothing poisoned."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
import small_city

from gateway.alerts.ledger import Ledger
from gateway.alerts.machine import AlertMachine
from gateway.alerts.records import Family, Transition
from gateway.alerts.subjects import Subjects
from gateway.alerts.texts import Texts
from gateway.channels import Channels
from gateway.checks import Checks
from gateway.codecs import make_codecs
from gateway.codecs.seam import CodecSettings
from gateway.config import Clocks, Subscription
from gateway.config import Journal as JournalSettings
from gateway.decode import Decoder
from gateway.journal.journal import Journal
from gateway.live import Live
from gateway.marks import CLOCK_BITS, EARLY, LATE, words
from gateway.pipeline import Pipeline
from gateway.records import Batch, Decoded
from gateway.topics import Router

START = small_city.START
MINUTE = 60_000


@dataclass
class Taken:
    """What the store was offered."""

    decoded: list[Decoded] = field(default_factory=list[Decoded])

    def offer(self, decoded: Decoded) -> None:
        self.decoded.append(decoded)


class Gateway:
    """The middle of the service on a folder, with a clock of the test's own."""

    def __init__(self, folder: Path, settings: Clocks | None = None) -> None:
        inventory = small_city.inventory()
        channels = Channels(inventory)
        router = Router([Subscription(topic="pollution/{site}/{device}/data")], inventory)
        self.now = START
        self.ledger = Ledger(folder / "state.sqlite")
        self.journal = Journal(folder / "journal", JournalSettings(max_mib=16, segment_mib=1), self.ledger.position())
        self.store = Taken()
        self.told: list[Transition] = []
        self.decoder = Decoder(router, make_codecs(inventory, channels, CodecSettings()))
        self.checks = Checks(inventory, channels, clock_settings=settings or Clocks())
        self.pipeline = Pipeline(
            self.decoder,
            self.checks,
            Subjects(inventory, channels),
            AlertMachine(self.ledger.alerts_to_resume(), Texts(inventory)),
            self.ledger,
            self.store,
            Live(inventory, 0),
            self.told.extend,
            lambda: self.now,
        )

    async def take(self, received: int, messages: Sequence[tuple[str, bytes]]) -> None:
        """Messages received at once, ms after START."""
        self.now = START + received
        batch = Batch("city", self.now, [t for t, _ in messages], [p for _, p in messages], {}, lambda: None)
        for block in await self.journal.append([batch]):
            await self.pipeline.process(block)

    def again(self) -> list[Decoded]:
        """All blocks decoded again, as the store does it that fell behind."""
        blocks = self.journal.reader(0).read(1_000_000)
        return [self.checks.clocks.marked(self.decoder.decode(block)) for block in blocks]

    def crash(self) -> None:
        self.journal.close()
        self.ledger.close()

    def steps(self, family: Family = Family.DATA_QUALITY) -> list[tuple[str, str]]:
        return [(s.alert.subject.rule, s.step.value) for s in self.told if s.alert.subject.family is family]


async def play(gateway: Gateway, first: int = 0, last: int = 90) -> None:
    """Minutes `first` to `last`: d0's clock goes 3 min ahead in minutes 20 to 50, d1's clock is right."""
    for minute in range(first, last):
        for second in range(0, 60, 5):
            t = 60 * minute + second
            ahead = 180 if 20 <= minute < 50 else 0
            await gateway.take(1000 * t + 300, [small_city.message(0, t + ahead, 10.0), small_city.message(1, t, 10.0)])


async def test_marks_are_the_same_live_and_decoded_again(tmp_path: Path) -> None:
    gateway = Gateway(tmp_path)
    await gateway.pipeline.recover(gateway.journal)
    await play(gateway)
    live, again = gateway.store.decoded, gateway.again()
    assert len(live) == len(again)
    for one, other in zip(live, again, strict=True):
        assert one.readings.mark.tolist() == other.readings.mark.tolist()
    marks = [words(int(decoded.readings.mark[0])) for decoded in live]
    assert marks[20 * 12 - 1] == [] and marks[20 * 12] == ["clock ahead", "early"]
    assert marks[50 * 12] == ["clock ahead"], "until it has been right for a while"
    assert marks[-1] == []
    assert all(int(decoded.readings.mark[-1]) == 0 for decoded in live), "the other device is right"
    assert gateway.steps() == [("clock_ahead", "fired"), ("clock_ahead", "resolved")]
    text = gateway.told[0].alert
    assert text.text_en.startswith("Stack 0, Plant: its clock is 3 min ahead (allowed 1 min), found at 2026-01-01")
    assert "时钟快 3 分钟" in text.text_zh
    gateway.crash()


@pytest.mark.parametrize("minute", [10, 25, 55, 70])
@pytest.mark.parametrize("snapshot", [False, True])
async def test_a_crash_changes_no_mark_and_tells_nothing_twice(tmp_path: Path, minute: int, snapshot: bool) -> None:
    calm = Gateway(tmp_path / "calm")
    await calm.pipeline.recover(calm.journal)
    await play(calm)
    gateway = Gateway(tmp_path / "killed")
    await gateway.pipeline.recover(gateway.journal)
    await play(gateway, 0, minute)
    await gateway.pipeline.commit(snapshot=snapshot)
    told = gateway.steps()
    gateway.crash()
    gateway = Gateway(tmp_path / "killed")
    await gateway.pipeline.recover(gateway.journal)
    await play(gateway, minute, 90)
    assert told + gateway.steps() == calm.steps()
    assert [d.readings.mark.tolist() for d in gateway.again()] == [d.readings.mark.tolist() for d in calm.again()]
    gateway.crash()
    calm.crash()


async def test_a_value_over_its_limit_is_an_alert_though_the_clock_is_hours_ahead(tmp_path: Path) -> None:
    gateway = Gateway(tmp_path)
    await gateway.pipeline.recover(gateway.journal)
    for second in range(30):
        await gateway.take(1000 * second, [small_city.message(0, second + 40 * 3600, 80.0)])
    for second in range(30, 60):  # and one broken stamp does not hide what comes after
        await gateway.take(1000 * second, [small_city.message(0, second, 10.0)])
    assert [step for _, step in gateway.steps(Family.EXCEEDANCE)] == ["pending", "fired", "resolved"]
    (fired,) = [s for s in gateway.told if s.step.value == "fired" and s.alert.subject.family is Family.EXCEEDANCE]
    assert START <= fired.alert.since < START + 60_000, "as of its receipt"
    assert (gateway.store.decoded[0].readings.mark & EARLY).all()
    gateway.crash()


async def test_a_backlog_is_late_and_no_clock_behind(tmp_path: Path) -> None:
    gateway = Gateway(tmp_path)
    await gateway.pipeline.recover(gateway.journal)
    for minute in range(30):
        await gateway.take(minute * MINUTE, [small_city.message(1, 60 * minute, 10.0)])
    backlog = [small_city.message(0, second, 10.0) for second in range(0, 900, 10)]
    await gateway.take(30 * MINUTE, backlog)
    mark = gateway.store.decoded[-1].readings.mark
    assert (mark[: 2 * 90] & LATE).all() and not (mark & CLOCK_BITS).any()
    assert gateway.checks.clocks.late == 180
    assert gateway.steps() == []
    gateway.crash()


async def test_without_judgement_there_are_no_verdicts(tmp_path: Path) -> None:
    gateway = Gateway(tmp_path, Clocks(judge=False))
    await gateway.pipeline.recover(gateway.journal)
    await play(gateway, 15, 30)
    assert gateway.steps() == []
    assert not any((decoded.readings.mark & CLOCK_BITS).any() for decoded in gateway.store.decoded)
    gateway.crash()


async def test_the_view_tells_verdict_offset_and_since(tmp_path: Path) -> None:
    gateway = Gateway(tmp_path)
    await gateway.pipeline.recover(gateway.journal)
    await play(gateway, 0, 30)
    view = gateway.checks.clocks.view(0)
    assert (view.verdict, view.drift) == (1, 0)
    assert view.offset == pytest.approx(179_700, abs=100)
    assert view.since == START + 20 * MINUTE + 300
    assert gateway.checks.clocks.verdicts()[:2] == [len(small_city.inventory().devices) - 1, 1]
    assert np.all(gateway.checks.clocks.view(1).offset == -300)
    gateway.crash()
    await asyncio.sleep(0)
