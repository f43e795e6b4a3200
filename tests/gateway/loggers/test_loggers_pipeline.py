"""Loggers in the pipeline: counted exactly once wherever a crash falls, events durable with the position.

Frames are made up by a codec of the test's own: what a real one reads is tested beside it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest
import small_city
from hypothesis import given, settings
from hypothesis import strategies as st
from logger_frames import HOUR, MINUTE, NOW, frame, head

from gateway.alerts.ledger import Ledger
from gateway.alerts.machine import AlertMachine
from gateway.alerts.records import Transition
from gateway.alerts.subjects import Subjects
from gateway.alerts.texts import Texts
from gateway.channels import Channels
from gateway.checks import Checks
from gateway.codecs.seam import Sink
from gateway.config import Hj212, Subscription
from gateway.config import Journal as JournalSettings
from gateway.decode import Decoder
from gateway.hj212.verdicts import Verdict
from gateway.journal.journal import Journal
from gateway.live import Live
from gateway.loggers.sets import SETTLE_MS
from gateway.loggers.views import LoggerView
from gateway.pipeline import Pipeline
from gateway.records import Batch, Decoded, DeviceEvent
from gateway.topics import Router

TIMEOUT = 20_000
TOPIC = "pollution/plant/d0/data"
Sent = dict[str, object]


class MadeUpCodec:
    """Payload: JSON of what a frame is to be."""

    def decode(self, rows: Sequence[int], devices: Sequence[int], sink: Sink) -> None:
        for row in rows:
            sent = json.loads(sink.block.payloads[row])
            sink.alive_only += 1
            made = head(sent["device"], sent["cn"], pnum=sent.get("pnum", 0), pno=sent.get("pno", 0))
            items = [tuple(item) for item in sent.get("items", ())]
            sink.frames.append(
                frame(
                    made,
                    sent["time"],
                    row=row,
                    qn=b"%017d" % sent["qn"],
                    verdicts=sent.get("verdicts", 0),
                    taken=sent.get("taken", True),
                    items=items,
                )
            )


class NoStore:
    def offer(self, decoded: Decoded) -> None: ...


class Gateway:
    """The middle of the service on a folder."""

    def __init__(self, folder: Path) -> None:
        inventory = small_city.inventory()
        channels = Channels(inventory)
        router = Router([Subscription(topic="pollution/{site}/{device}/data", codec="hj212")], inventory)
        self.now = NOW
        self.ledger = Ledger(folder / "state.sqlite")
        self.journal = Journal(folder / "journal", JournalSettings(max_mib=16, segment_mib=1), self.ledger.position())
        self.checks = Checks(inventory, channels, Hj212(set_timeout_s=TIMEOUT / 1000))
        self.steps: list[Transition] = []
        self.told: list[DeviceEvent] = []
        self.pipeline = Pipeline(
            Decoder(router, {"hj212": MadeUpCodec()}),
            self.checks,
            Subjects(inventory, channels),
            AlertMachine(self.ledger.alerts_to_resume(), Texts(inventory)),
            self.ledger,
            NoStore(),
            Live(inventory, 0),
            self.steps.extend,
            lambda: self.now,
            on_events=self.told.extend,
        )

    async def take(self, messages: Sequence[Sent]) -> None:
        payloads = [json.dumps(message).encode() for message in messages]
        batch = Batch("city", self.now, [TOPIC] * len(payloads), payloads, {}, lambda: None)
        for block in await self.journal.append([batch]):
            await self.pipeline.process(block)

    def crash(self) -> None:
        self.journal.close()
        self.ledger.close()

    def known(self) -> list[LoggerView]:
        return self.checks.loggers.views([0, 1])

    def events(self) -> list[DeviceEvent]:
        kept = self.ledger.device_events("plant", "d0", 1000) + self.ledger.device_events("plant", "d1", 1000)
        return sorted(each.event for each in kept)


async def started(folder: Path, now: int = NOW) -> Gateway:
    gateway = Gateway(folder)
    gateway.now = now
    await gateway.pipeline.recover(gateway.journal)
    return gateway


def message(n: int, cn: str = "2011", *, device: int = 0, time: int | None = None, **more: object) -> Sent:
    return {"device": device, "cn": cn, "time": NOW + n if time is None else time, "qn": n, **more}


message_of = st.one_of(
    st.builds(
        lambda n, d, v: message(n, device=d, verdicts=v), st.integers(1, 60), st.integers(0, 1), st.integers(0, 3)
    ),
    st.builds(
        lambda n, d: message(n, "2051", device=d, time=NOW - n * 10 * MINUTE), st.integers(1, 30), st.integers(0, 1)
    ),
    st.builds(
        lambda n, p: message(100 + 10 * n + p, "2061", time=NOW - n * HOUR, pnum=3, pno=p), *[st.integers(1, 3)] * 2
    ),
    st.builds(lambda n: message(200 + n, "2081", items=[["RestartTime", str(n)]]), st.integers(1, 9)),
    st.builds(lambda n, m: message(300 + n, items=[["a-EFlag", str(m)]]), st.integers(1, 30), st.integers(0, 2)),
)


@settings(max_examples=25, deadline=None)
@given(
    blocks=st.lists(st.lists(message_of, min_size=1, max_size=6), min_size=1, max_size=25),
    waits=st.lists(st.sampled_from([10, 900, 6_000, 30_000]), min_size=25, max_size=25),
    happens=st.lists(st.sampled_from(["", "tick", "crash", "tick crash"]), min_size=25, max_size=25),
)
async def test_counts_and_events_are_those_of_an_undisturbed_run(
    tmp_path_factory: pytest.TempPathFactory,
    blocks: list[list[Sent]],
    waits: list[int],
    happens: list[str],
) -> None:
    calm = await started(tmp_path_factory.mktemp("calm"))
    folder = tmp_path_factory.mktemp("disturbed")
    other = await started(folder)
    for block, wait, what in zip(blocks, waits, happens, strict=False):
        for gateway in (calm, other):
            await gateway.take(block)
            gateway.now += wait
        if "tick" in what:
            await calm.pipeline.tick(None)
            await other.pipeline.tick(None)
        if "crash" in what:
            other.crash()
            other = await started(folder, calm.now)
    for gateway in (calm, other):
        gateway.now += 10 * HOUR
        await gateway.pipeline.tick(None)
        await gateway.pipeline.commit(snapshot=True)
    assert other.known() == calm.known()
    assert other.events() == calm.events()
    assert other.checks.loggers.totals() == calm.checks.loggers.totals()
    calm.crash()
    other.crash()


async def test_what_was_committed_after_the_newest_snapshot_is_counted_again_silently(tmp_path: Path) -> None:
    gateway = await started(tmp_path)
    await gateway.take([message(1, verdicts=int(Verdict.BLANKS)), message(2, "2081", items=[["RestartTime", "x"]])])
    await gateway.pipeline.tick(None)
    before = gateway.known()
    gateway.crash()
    gateway = await started(tmp_path)
    assert gateway.pipeline.counts.replayed == 2
    assert gateway.known() == before
    await gateway.pipeline.tick(None)
    assert gateway.told == [], "the event was committed and told before"
    gateway.crash()


async def test_an_event_is_told_after_its_commit_and_kept_once_over_a_crash(tmp_path: Path) -> None:
    gateway = await started(tmp_path)
    await gateway.take([message(1), message(2, "2081", items=[["RestartTime", "x"]])])
    assert gateway.told == [], "nothing is told before it is durable"
    gateway.crash()
    for _ in range(2):
        gateway = await started(tmp_path)
        await gateway.pipeline.commit(snapshot=True)
        assert [event.items for event in gateway.events()] == [(("RestartTime", "x"),)]
        gateway.crash()


async def test_a_set_that_stays_incomplete_is_told_by_the_clock(tmp_path: Path) -> None:
    gateway = await started(tmp_path)
    await gateway.take([message(1, pnum=2, pno=1)])
    gateway.now += TIMEOUT + SETTLE_MS + 1
    await gateway.pipeline.tick(None)
    assert [event.kind for event in gateway.told] == ["set_incomplete"]
    gateway.crash()
    gateway = await started(tmp_path, gateway.now)
    await gateway.pipeline.tick(None)
    assert [each.sets_incomplete for each in gateway.known()] == [1]
    assert len(gateway.events()) == 1
    gateway.crash()


async def test_a_gap_becomes_an_alert_that_is_ended_after_a_restart_and_not_told_twice(tmp_path: Path) -> None:
    gateway = await started(tmp_path)
    await gateway.take([message(1, "2051", time=NOW - 30 * MINUTE), message(2, "2051", time=NOW)])
    gateway.now += HOUR
    await gateway.pipeline.tick(None)
    assert [(step.step.value, step.alert.subject.rule) for step in gateway.steps] == [("fired", "gap_minute")]
    gateway.crash()
    gateway = await started(tmp_path, gateway.now)
    await gateway.pipeline.tick(None)
    assert gateway.steps == []
    await gateway.take([message(n, "2051", time=NOW - n * MINUTE) for n in (10, 20)])
    await gateway.pipeline.tick(None)
    assert [(step.step.value, step.alert.subject.rule) for step in gateway.steps] == [("resolved", "gap_minute")]
    gateway.crash()


async def test_a_snapshot_of_before_loggers_were_known_still_loads(tmp_path: Path) -> None:
    gateway = await started(tmp_path)
    await gateway.take([message(1, verdicts=int(Verdict.BLANKS))])
    saved = msgspec.msgpack.decode(gateway.checks.dump())
    del saved["loggers"]
    saved["version"] = 1
    fresh = Checks(small_city.inventory(), Channels(small_city.inventory()))
    assert fresh.load(msgspec.msgpack.encode(saved))
    assert fresh.loggers.views([0]) == []
    saved["version"] = 99
    assert not fresh.load(msgspec.msgpack.encode(saved))
    gateway.crash()
