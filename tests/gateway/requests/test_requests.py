"""Requests at work: the file before the wire, the wire only where there is a way, and everybody told."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from made_up_requests import ALL, HOUR, NOW, asked, frame, inventory

from gateway.errors import GatewayError
from gateway.feed import Feed
from gateway.hj212.keys import DeviceSecrets, KeyRing
from gateway.inventory import Hj212Device
from gateway.requests.exchange import Patience
from gateway.requests.gap_filler import Gap
from gateway.requests.ledger import RequestLedger
from gateway.requests.records import State, Step, Why
from gateway.requests.requests import Requests

MN = "88888880000000"


class Refusing(RequestLedger):
    """A ledger on a disk that is full while `full` is set."""

    full = False
    refused = 0

    def write(self, steps: Sequence[Step]) -> None:
        if self.full:
            self.refused += 1
            raise GatewayError("the disk is full")
        super().write(steps)


class Made:
    """Requests of one device over a real ledger, with a wire and a clock of the test's."""

    def __init__(self, folder: Path, keys: KeyRing, gaps: Callable[[int], Sequence[Gap]], fill: bool) -> None:
        self.now = NOW
        self.reachable = True
        self.wire: list[bytes] = []
        self.feed = Feed()
        self.ledger = Refusing(folder / "state.sqlite")
        self.requests = Requests(
            inventory(Hj212Device(commands=ALL, fill_gaps=fill)),
            self.ledger,
            Patience(10_000, 2),
            self._send,
            self.feed,
            keys,
            gaps,
            lambda: self.now,
        )
        self.requests.heard([frame("2011")])

    def _send(self, device: int, sent: bytes) -> bool:
        one = self.ledger.under_way()
        assert one, "what is sent is in the file"
        assert one[0].qn.encode() in sent
        self.wire.append(sent)
        return self.reachable

    def answer(self, qn: str) -> None:
        self.requests.heard([frame("9011", qn, ("QnRtn", "1")), frame("9012", qn, ("ExeRtn", "1"))])

    def trail(self, id: str = "r-1") -> list[Why]:
        return [step.why for _, step in self.ledger.steps(id)]


@pytest.fixture
def made(tmp_path: Path) -> Made:
    return Made(tmp_path, KeyRing(), lambda _: (), False)


async def test_the_frame_is_that_of_the_command_with_the_password_that_is_kept(tmp_path: Path) -> None:
    made = Made(tmp_path, KeyRing({MN: DeviceSecrets(password="s3cret")}), lambda _: (), False)
    made.requests.ask(asked())
    await made.requests.step()
    segment = f"QN=20260801100000000;ST=32;CN=1062;PW=s3cret;MN={MN};Flag=5;CP=&&RtdInterval=60&&"
    (sent,) = made.wire
    assert sent.startswith(f"##{len(segment):04d}{segment}".encode())
    assert "s3cret" not in " ".join(step.detail for _, step in made.ledger.steps("r-1"))


async def test_without_a_password_that_of_the_examples_is_sent(made: Made) -> None:
    made.requests.ask(asked())
    await made.requests.step()
    assert b";PW=123456;" in made.wire[0]


async def test_a_ledger_that_takes_no_write_holds_the_command_back(made: Made) -> None:
    made.requests.ask(asked())
    made.ledger.full = True
    with pytest.raises(GatewayError):
        await made.requests.step()
    assert made.wire == []
    made.ledger.full = False
    await made.requests.step()
    assert (len(made.wire), made.trail()) == (1, [Why.ASKED, Why.FIRST_TRY])


async def test_an_answer_is_written_once_the_ledger_takes_it(made: Made) -> None:
    made.requests.ask(asked())
    await made.requests.step()
    made.ledger.full = True
    made.answer("20260801100000000")
    with pytest.raises(GatewayError):
        await made.requests.step()
    made.ledger.full = False
    await made.requests.step()
    assert made.trail()[-2:] == [Why.ACCEPTED, Why.EXECUTED]


async def test_a_try_without_a_way_is_in_the_trail(made: Made) -> None:
    made.reachable = False
    made.requests.ask(asked())
    await made.requests.step()
    assert made.trail() == [Why.ASKED, Why.FIRST_TRY, Why.NO_WAY]


async def test_what_may_not_be_sent_is_refused_when_it_is_asked(made: Made) -> None:
    refused = made.requests.ask(replace(asked(), device="d9"))
    assert (refused.state, refused.why) == (State.REFUSED, Why.UNKNOWN_DEVICE)
    await made.requests.step()
    assert made.wire == []


async def test_what_another_program_wrote_down_is_judged_by_the_running_gateway(made: Made) -> None:
    made.ledger.add(replace(asked(), device="d9"))
    await made.requests.step()
    assert made.trail() == [Why.ASKED, Why.UNKNOWN_DEVICE]


async def test_every_step_is_told_to_who_listens(made: Made) -> None:
    async with made.feed.subscribe(["request"]) as events:
        made.requests.ask(asked())
        await made.requests.step()
        made.answer("20260801100000000")
        await made.requests.step()
        told = [(await anext(events)).payload for _ in range(4)]
    assert [json.loads(each)["step"]["why"] for each in told] == ["asked", "first_try", "accepted", "executed"]
    assert made.requests.steps["done", "executed"] == 1


async def test_an_answer_from_before_the_start_counts_but_makes_no_way_to_the_device(tmp_path: Path) -> None:
    made = Made(tmp_path, KeyRing(), lambda _: (), False)
    made.requests.ask(asked())
    await made.requests.step()
    again = Made(tmp_path, KeyRing(), lambda _: (), False)
    again.requests.heard([frame("9012", "20260801100000000", ("ExeRtn", "1"))], live=False)
    await again.requests.step()
    assert again.wire == []
    assert again.trail()[-1] is Why.EXECUTED


async def test_what_is_missing_is_asked_for_in_the_name_of_the_gap_filler(tmp_path: Path) -> None:
    gaps: list[Gap] = [("hour", NOW - 3 * HOUR, NOW)]
    made = Made(tmp_path, KeyRing(), lambda _: gaps, True)
    await made.requests.step()
    await made.requests.step()
    (one,) = made.ledger.requests()
    assert (one.asked_by, one.command, one.state) == ("gap-filler", "fetch-hours", State.SENT)
    assert b"BeginTime=20260801070000;EndTime=20260801090000" in made.wire[0]
    made.now += 60_000
    await made.requests.step()
    assert len(made.ledger.requests()) == 1, "one at a time"


@asynccontextmanager
async def at_work(made: Made) -> AsyncGenerator[None]:
    task = asyncio.create_task(made.requests.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.005)


async def test_at_work_it_goes_on_when_the_disk_is_free_again(made: Made) -> None:
    made.ledger.full = True
    made.requests.ask(asked())
    async with at_work(made):
        await until(lambda: made.ledger.refused)
        assert made.wire == []
        made.ledger.full = False
        await until(lambda: made.wire)
        made.answer("20260801100000000")
        await until(lambda: made.trail()[-1] is Why.EXECUTED)
