"""Whatever is asked, answered, lost and killed, in any order: each request ends once, for a reason, and in its turn."""

from __future__ import annotations

from collections import defaultdict

import hypothesis.strategies as st
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from made_up_requests import ALL, HOUR, NOW, SPAN, asked, frame, inventory

from detectors.records import NEVER
from gateway.inventory import Hj212Device
from gateway.records import LoggerFrame
from gateway.requests.desk import Desk, Try
from gateway.requests.exchange import LONGEST_MS, Patience
from gateway.requests.records import Request, State

PATIENCE = Patience(timeout=5_000, retries=1)
DEVICES = 2
ORDER = [State.ASKED, State.SENT, State.ACCEPTED]


class Life(RuleBasedStateMachine):
    """Two devices, a gateway that may die at any time, and the file in which its steps are."""

    def __init__(self) -> None:
        super().__init__()
        self.now = NOW
        self.inventory = inventory(*(Hj212Device(commands=ALL) for _ in range(DEVICES)))
        self.file: dict[str, Request] = {}
        self.taken: set[str] = set()
        self.order: dict[str, list[str]] = defaultdict(list)
        self.sent: list[Try] = []
        self.begun: list[str] = []
        self.desk = self._start()

    def _start(self) -> Desk:
        desk = Desk(self.inventory, PATIENCE)
        for request in self.file.values():
            if request.state in (State.SENT, State.ACCEPTED):
                desk.resume(request, self.now)
                self.taken.add(request.id)
        return desk

    def _write(self) -> None:
        for step in self.desk.steps:
            before, after = self.file[step.request.id], step.request
            assert not before.state.finished, f"{before.id} was over and made a step"
            if not after.state.finished:
                assert ORDER.index(after.state) >= ORDER.index(before.state), "a state never goes back"
            assert before.qn in ("", after.qn), "the QN of a request stays the same"
            assert after.tries <= PATIENCE.retries + 1
            self.file[after.id] = after
        self.desk.steps.clear()

    @rule(device=st.integers(0, DEVICES - 1), command=st.sampled_from(["set-interval", "read-time", "fetch-hours"]))
    def ask(self, device: int, command: str) -> None:
        id = f"r-{len(self.file)}"
        parameters = SPAN if command == "fetch-hours" else {}
        request = asked(command, id, f"d{device}", **parameters)
        self.file[id] = request
        self.order[request.device].append(id)

    @rule()
    def work(self) -> None:
        for request in [*self.file.values()]:
            if request.state is State.ASKED and request.id not in self.taken:
                self.desk.take(request, NOW)
                self.taken.add(request.id)
        tries = self.desk.round(self.now)
        self._write()
        for each in tries:
            assert self.file[each.id].state is State.SENT, "a try is in the file before it is sent"
            assert self.file[each.id].qn == each.qn
            self.sent.append(each)
            if each.id not in self.begun:
                self.begun.append(each.id)

    @rule(device=st.integers(0, DEVICES - 1))
    def speak(self, device: int) -> None:
        self.desk.hear([frame("2011", device=device)], self.now)

    @precondition(lambda self: self.sent)
    @rule(data=st.data(), known=st.booleans())
    def answer(self, data: st.DataObject, known: bool) -> None:
        to = data.draw(st.sampled_from(self.sent))
        qn = to.qn if known else data.draw(st.sampled_from(["", "20200101000000000"]))
        one = data.draw(
            st.sampled_from(
                [
                    ("9011", (("QnRtn", "1"),), NEVER),
                    ("9011", (("QnRtn", "2"),), NEVER),
                    ("9012", (("ExeRtn", "1"),), NEVER),
                    ("9012", (("ExeRtn", "100"),), NEVER),
                    ("9013", (), NEVER),
                    ("1011", (("SystemTime", "20260801100000"),), NEVER),
                    ("2061", (), NOW - 2 * HOUR),
                    ("2061", (), NOW),
                ]
            )
        )
        cn, items, time = one
        heard: LoggerFrame = frame(cn, qn, *items, device=to.device, time=time)
        self.desk.hear([heard], self.now)

    @rule(seconds=st.sampled_from([1, 5, 11, 60]))
    def wait(self, seconds: int) -> None:
        self.now += seconds * 1000

    @rule(written=st.booleans())
    def die(self, written: bool) -> None:
        if written:
            self._write()
        self.taken = {id for id, request in self.file.items() if request.state.finished}
        self.desk = self._start()

    @invariant()
    def one_at_a_time_and_in_turn(self) -> None:
        for ids in self.order.values():
            under_way = [id for id in ids if self.file[id].state in (State.SENT, State.ACCEPTED)]
            assert len(under_way) <= 1
            begun = [id for id in self.begun if id in ids]
            assert begun == [id for id in ids if id in self.begun], "the order is that in which they were asked"

    def teardown(self) -> None:
        """Given time, and a device that speaks but never answers, everything ends."""
        for _ in range(2 * len(self.file) + 2):
            for device in range(DEVICES):
                self.speak(device)
            for _ in range(PATIENCE.retries + 2):
                self.work()
                self.now += PATIENCE.whole + LONGEST_MS // 10
        self.work()
        assert all(request.state.finished for request in self.file.values()), self.file
        assert self.desk.open == 0


TestLife = Life.TestCase
TestLife.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
