"""Replies: which frame gets which answer, in whose name, and when nothing is said."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import cast
from zoneinfo import ZoneInfo

import pytest
from tcp_logger import answered, upload

from gateway import ingest as ingest_module
from gateway.config import Subscription
from gateway.errors import JournalFull
from gateway.hj212.crc import crc16
from gateway.hj212.cut import Cut
from gateway.hj212.stream import cut
from gateway.hj212.verdicts import Verdict
from gateway.ingest import Ingest
from gateway.intake import Intake
from gateway.inventory import Device, Inventory, Name, Site
from gateway.journal.journal import Journal
from gateway.pipeline import Pipeline
from gateway.records import Batch, Block, DeadLetter, FrameHead, LoggerFrame
from gateway.replies import FORMS, Replies
from gateway.topics import Router

NAME = Name("x", "x")
MN = "010000A8900016F000169DC0"
QN = "20260101080000001"
NOW = 1_767_225_600_000
INVENTORY = Inventory(
    (Site("plant", NAME, 0.0, 0.0, ZoneInfo("Asia/Shanghai")),),
    (Device("d0", 0, NAME, MN, "stack", 1, 1, ()), Device("d1", 0, NAME, "OTHER", "stack", 1, 1, ())),
    (),
    (),
)
ROUTER = Router([Subscription(topic="pollution/{site}/{device}/data"), Subscription(topic="all")], INVENTORY)
HEAD = FrameHead(0, "2017", "31", "2011", MN, 5, 0, 0, False, 0)


@dataclass
class Sent:
    """A way down that keeps what goes by it."""

    heard: list[tuple[str, tuple[int, ...]]] = field(default_factory=list[tuple[str, tuple[int, ...]]])
    frames: list[tuple[int, bytes]] = field(default_factory=list[tuple[int, bytes]])
    calls: int = 0
    takes: bool = True

    def hear(self, link: str, devices: Sequence[int]) -> None:
        self.heard.append((link, tuple(sorted(devices))))

    def send_over(self, link: str, frames: Sequence[tuple[int, bytes]]) -> int:
        assert link == "city"
        self.calls += 1
        self.frames += frames if self.takes else []
        return len(frames) if self.takes else 0

    @property
    def segments(self) -> list[str]:
        found: list[str] = []
        for _, frame in self.frames:
            (piece,) = cut(frame)
            assert isinstance(piece, Cut)
            assert piece.crc == crc16(piece.segment)
            found.append(piece.segment.decode())
        return found


def frame(row: int = 0, head: FrameHead = HEAD, qn: str = QN, verdicts: int = 0, *, taken: bool = True) -> LoggerFrame:
    return LoggerFrame(row, head, qn.encode(), NOW, verdicts, 0, taken)


def block(count: int = 1, topic: str = "pollution/plant/d0/data", payload: bytes = b"") -> Block:
    return Block(0, NOW, "city", [topic] * count, [payload or upload(MN, QN)] * count)


def reply(one: LoggerFrame, **of_block: str) -> list[str]:
    sent = Sent()
    Replies(sent, ROUTER, clock=lambda: NOW).answer(block(one.row + 1, **of_block), [one])
    return sent.segments


@pytest.mark.parametrize(
    ("cn", "answer"),
    [
        ("2011", "9014"),
        ("2051", "9014"),
        ("2031", "9014"),
        ("2062", "9014"),
        ("2081", "9014"),
        ("2999", "9014"),
        ("3015", "9014"),
        ("3020", "9014"),
        ("1011", "9014"),
        ("1001", "9014"),
        ("1013", "9013"),
        ("2072", "9013"),
        ("9015", "9013"),
        ("9021", "9013"),
        ("9999", "9013"),
        ("9011", ""),
        ("9012", ""),
        ("9013", ""),
        ("9014", ""),
    ],
)
def test_data_get_9014_notices_9013_and_replies_nothing(cn: str, answer: str) -> None:
    replies = reply(frame(head=replace(HEAD, cn=cn)))
    assert [one for one, _ in answered(replies)] == ([answer] if answer else [])


@pytest.mark.parametrize(
    ("edition", "flag", "expected"),
    [
        ("2005", 1, f"ST=91;CN=9014;PW=123456;MN={MN};Flag=0;CP=&&QN={QN}&&"),
        ("2017", 5, f"QN={QN};ST=91;CN=9014;PW=123456;MN={MN};Flag=4;CP=&&&&"),
        ("2025", 9, f"QN={QN};ST=91;CN=9014;PW=123456;MN={MN};Flag=8;CP=&&&&"),
    ],
)
def test_a_reply_has_the_form_of_the_edition_and_the_password_and_mn_of_the_frame(
    edition: str, flag: int, expected: str
) -> None:
    assert reply(frame(head=replace(HEAD, edition=edition, flag=flag))) == [expected]


@pytest.mark.parametrize("flag", [-1, 0, 4, 8, 6, 2])
def test_a_frame_that_does_not_ask_gets_no_reply(flag: int) -> None:
    assert reply(frame(head=replace(HEAD, flag=flag))) == []


@pytest.mark.parametrize("flag", [1, 3, 5, 7, 9, 11])
def test_bit_0_of_flag_asks(flag: int) -> None:
    assert len(reply(frame(head=replace(HEAD, flag=flag)))) == 1


def test_a_frame_without_qn_gets_no_reply() -> None:
    assert reply(frame(qn="")) == []
    assert reply(frame(qn="", verdicts=Verdict.CRC_WRONG, taken=False)) == []


@pytest.mark.parametrize(
    ("verdicts", "device", "edition", "cp"),
    [
        (Verdict.CRC_WRONG, 0, "2017", "QnRtn=9"),
        (Verdict.CRC_MODBUS, 0, "2025", "QnRtn=9"),
        (Verdict.CRC_SWAPPED | Verdict.PASSWORD_WRONG, 0, "2017", "QnRtn=9"),
        (Verdict.PASSWORD_WRONG, 0, "2017", "QnRtn=3"),
        (Verdict.KEY_UNKNOWN, 0, "2025", "QnRtn=100"),
        (Verdict.NONE, -1, "2017", "QnRtn=4"),
        (Verdict.CRC_WRONG, 0, "2005", f"QN={QN};QnRtn=2"),
        (Verdict.PASSWORD_WRONG, 0, "2005", f"QN={QN};QnRtn=3"),
    ],
)
def test_a_frame_that_is_not_taken_gets_9011_with_the_reason(
    verdicts: Verdict, device: int, edition: str, cp: str
) -> None:
    head = replace(HEAD, device=device, edition=edition)
    (segment,) = reply(frame(head=head, verdicts=verdicts, taken=False))
    assert ";CN=9011;" in f";{segment}"
    assert segment.endswith(f"CP=&&{cp}&&")


def test_a_marked_frame_that_is_taken_gets_9014() -> None:
    assert answered(reply(frame(verdicts=Verdict.CRC_WRONG | Verdict.LENGTH_WRONG))) == [("9014", QN)]


def test_a_frame_received_well_that_says_nothing_usable_gets_9014_as_sending_it_again_helps_nobody() -> None:
    assert answered(reply(frame(verdicts=Verdict.TIME_FORM, taken=False))) == [("9014", QN)]


def test_an_unknown_mn_on_a_topic_that_names_nobody_cannot_be_answered() -> None:
    assert reply(frame(head=replace(HEAD, device=-1), taken=False), topic="all") == []


def test_the_replies_of_a_block_go_in_one_call_each_with_its_qn() -> None:
    sent = Sent()
    replies = Replies(sent, ROUTER, clock=lambda: NOW)
    qns = [f"202601010800000{n:02}" for n in range(10)]
    replies.answer(block(10), [frame(n, qn=qn) for n, qn in enumerate(qns)])
    assert sent.calls == 1
    assert [qn for _, qn in answered(sent.segments)] == qns
    assert replies.sent == 10


def test_a_repeated_frame_gets_its_reply_again() -> None:
    sent = Sent()
    replies = Replies(sent, ROUTER, clock=lambda: NOW)
    replies.answer(block(2), [frame(0), frame(1, verdicts=Verdict.REPEATED)])
    replies.answer(block(), [frame(verdicts=Verdict.REPEATED)])
    assert answered(sent.segments) == [("9014", QN)] * 3


def test_the_password_is_that_of_the_frame_and_not_of_its_neighbour_nor_a_new_one_in_cp() -> None:
    payload = upload("OTHER", QN, pw="abcdef") + upload(MN, QN, cp="NewPW=zzzzzz", pw="fedcba")
    sent = Sent()
    other = replace(HEAD, device=1, mn="OTHER")
    frames = [frame(0), frame(0, head=other)]
    Replies(sent, ROUTER, clock=lambda: NOW).answer(block(payload=payload), frames)
    assert [("PW=fedcba" in one, "PW=abcdef" in one) for one in sent.segments] == [(True, False), (False, True)]


def test_a_frame_without_password_is_answered_without_one() -> None:
    payload = upload(MN, QN, cp="NewPW=zzzzzz").replace(b"PW=123456;", b"")
    sent = Sent()
    Replies(sent, ROUTER, clock=lambda: NOW).answer(block(payload=payload), [frame()])
    assert ";PW=;" in sent.segments[0]


def test_devices_are_heard_by_frames_that_were_taken_even_where_replies_are_off() -> None:
    sent = Sent()
    replies = Replies(sent, ROUTER, enabled=False, clock=lambda: NOW)
    forged = frame(1, head=replace(HEAD, device=1), verdicts=Verdict.PASSWORD_WRONG, taken=False)
    replies.answer(block(2), [frame(), forged])
    assert sent.heard == [("city", (0,))]
    assert sent.calls == 0


def test_what_no_link_took_is_counted() -> None:
    replies = Replies(Sent(takes=False), ROUTER, clock=lambda: NOW)
    replies.answer(block(), [frame()])
    assert (replies.sent, replies.unsent) == (0, 1)


def test_a_dead_letter_that_is_run_again_days_later_gets_no_reply() -> None:
    sent = Sent()
    Replies(sent, ROUTER, clock=lambda: NOW + 86_400_000).answer(block(), [frame()])
    assert sent.calls == 0


def test_forms_of_invented_headers_are_bounded() -> None:
    sent = Sent()
    replies = Replies(sent, ROUTER, clock=lambda: NOW)
    for _ in range(2):
        replies.answer(block(), [frame(head=replace(HEAD, pno=n)) for n in range(FORMS // 2 + 100)])
    assert len(sent.frames) == FORMS + 200
    assert replies.remembered <= FORMS


# ---------------------------------------------------------------- only after the sync


@dataclass
class RefusingJournal:
    """Refuses until it is told to take."""

    takes: bool = False
    asked: int = 0

    async def append(self, batches: Sequence[Batch]) -> list[Block]:
        self.asked += 1
        if not self.takes:
            raise JournalFull("at its bound")
        return [Block(0, batch.received, batch.link, batch.topics, batch.payloads) for batch in batches]


async def test_a_journal_that_refuses_lets_no_reply_go_and_one_that_takes_again_lets_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ingest_module, "RETRY_S", 0.005)
    sent, journal, intake = Sent(), RefusingJournal(), Intake()
    replies = Replies(sent, ROUTER, clock=lambda: NOW)

    class Answering:
        async def process(self, block: Block) -> None:
            replies.answer(block, [frame()])

        def bury(self, letter: DeadLetter) -> None:
            raise AssertionError(letter)

    ingest = Ingest(
        intake,
        ROUTER,
        INVENTORY,
        cast(Journal, journal),
        cast(Pipeline, Answering()),
        cast(ingest_module.FrameRoom, None),
        lambda _camera, _received: None,
    )
    task = asyncio.create_task(ingest.run())
    try:
        acked: list[bool] = []
        one = block()
        await intake.put(Batch(one.link, one.received, one.topics, one.payloads, {}, lambda: acked.append(True)))
        async with asyncio.timeout(10):
            while journal.asked < 5:
                await asyncio.sleep(0.005)
        assert (sent.calls, acked) == (0, [])
        journal.takes = True
        async with asyncio.timeout(10):
            while not sent.frames:
                await asyncio.sleep(0.005)
        assert answered(sent.segments) == [("9014", QN)]
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
