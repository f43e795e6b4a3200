"""Loggers on connections of their own, before a centre that answers, stays silent, hangs up and asks."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

import pytest
from servers import free_port

from gateway.hj212.build import reply_to, request
from simulators.errors import CentreError
from simulators.faults.disconnect import Disconnect, ReconnectStorm
from simulators.faults.outage import Outage
from simulators.faults.seam import LinkFault
from simulators.formats.hj212 import Edition, Writer
from simulators.loggers import carrier as carriers
from simulators.loggers import link
from simulators.loggers.answers import Answer
from simulators.loggers.carrier import Carrier
from simulators.loggers.control import Control
from simulators.loggers.frames import Cutter, Heard, read
from simulators.records import Message, Reading, Report

START = 1_767_225_600_000
SHANGHAI = ZoneInfo("Asia/Shanghai")


WHERE: dict[str, object] = {"site": "s", "device": "d1"}


@dataclass
class FakeCentre:
    """A listener in a thread of its own that keeps what it hears."""

    heard: list[Heard] = field(default_factory=list[Heard])
    frames: list[bytes] = field(default_factory=list[bytes])
    deaf: int = 0
    """So many messages are not answered."""
    hangs_up: int = 0
    """So many messages are answered by hanging up."""
    refuses: bool = False
    reads: bool = True
    open: int = 0
    """Connections."""
    spoils: int = 0
    """So many answers have a wrong check sum."""
    port: int = 0
    _writers: dict[str, asyncio.StreamWriter] = field(default_factory=dict[str, asyncio.StreamWriter])
    _loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.new_event_loop)

    def start(self) -> None:
        async def listen() -> None:
            server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
            self.port = server.sockets[0].getsockname()[1]
            ready.set()

        ready = threading.Event()
        threading.Thread(target=self._loop.run_forever, daemon=True).start()
        asyncio.run_coroutine_threadsafe(listen(), self._loop)
        assert ready.wait(10)

    def say(self, mn: str, frame: bytes) -> None:
        self._loop.call_soon_threadsafe(lambda: self._writers[mn].write(frame))

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        cutter = Cutter()
        self.open += 1
        while data := await reader.read(65_536):
            while not self.reads:
                await asyncio.sleep(0.01)
            for frame in cutter.feed(data):
                heard = read(frame)
                assert heard is not None
                self.frames.append(frame)
                self.heard.append(heard)
                self._writers[heard.mn] = writer
                if self.hangs_up > 0:
                    self.hangs_up -= 1
                    writer.close()
                    return
                if self.deaf > 0:
                    self.deaf -= 1
                elif heard.flag & 1:
                    edition = "2005" if heard.flag < 4 else "2017" if heard.flag < 8 else "2025"
                    result, cn = (3, "9011") if self.refuses else (None, "9014")
                    reply = reply_to(cn, qn=heard.qn, edition=edition, pw=heard.pw, mn=heard.mn, result=result)  # pyright: ignore[reportArgumentType]
                    self.spoils -= 1
                    writer.write(reply if self.spoils < 0 else reply[:-6] + b"0000\r\n")
        writer.close()
        self.open -= 1


@pytest.fixture
def centre(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeCentre]:
    monkeypatch.setattr(link, "BACKOFF_S", (0.05, 0.2))
    made = FakeCentre()
    made.start()
    yield made
    made.stop()


def writer_of(number: int, edition: Edition = "2017", wants_reply: bool = True) -> Writer:
    return Writer("31", f"010000A8900016F00000000{number}", SHANGHAI, edition=edition, wants_reply=wants_reply)


def messages(writer: Writer, count: int, key: str = "s/d1") -> list[Message]:
    return [
        Message(time, "t", packet.payload, 1, connection=key)
        for time in range(START, START + 1000 * count, 1000)
        for packet in writer.packets(Report(time, time, "realtime", [Reading("a21026", {"Rtd": time / 1000 % 60}, 1)]))
    ]


class Run:
    """A carrier, and the answers it gives to commands."""

    def __init__(
        self,
        centre: FakeCentre,
        *writers: Writer,
        overtime_s: float = 5.0,
        recount: int = 3,
        patient: bool = False,
        breaks: Sequence[LinkFault] = (),
    ) -> None:
        self.now = START
        self.loggers = {
            f"s/d{number}": (
                writer,
                Control(START, 1000, writer=writer, overtime_s=overtime_s, recount=recount, breaks=breaks),
            )
            for number, writer in enumerate(writers, 1)
        }
        self.answers: list[Answer] = []
        self.commands: list[tuple[str, bytes]] = []
        self.carrier = Carrier(("127.0.0.1", centre.port), self.loggers, self.hear, lambda: self.now, patient=patient)
        self.carrier.connect(10, threading.Event())

    def hear(self, key: str, frame: bytes) -> list[Answer]:
        self.commands.append((key, frame))
        return self.answers

    def until(self, met: Callable[[], object]) -> None:
        deadline = time.monotonic() + 20
        while not met():
            assert time.monotonic() < deadline, self.carrier.counts
            self.carrier.pump()
            time.sleep(0.002)


def test_all_loggers_send_in_order_and_what_is_answered_counts_as_sent(centre: FakeCentre) -> None:
    writers = [writer_of(1), writer_of(2, "2025"), writer_of(3, wants_reply=False)]
    run = Run(centre, *writers)
    said = [messages(writer, 20, f"s/d{number}") for number, writer in enumerate(writers, 1)]
    for group in zip(*said, strict=True):
        for message in group:
            run.carrier.reading(message)
    counts = run.carrier.close()
    assert (counts.messages_sent, counts.readings_sent, counts.messages_failed, counts.connects) == (60, 60, 0, 3)
    for writer, mine in zip(writers, said, strict=True):
        frames = [frame for frame in centre.frames if writer.mn.encode() in frame]
        assert frames == [message.payload.removesuffix(b"\r\n") for message in mine]


def test_2005_logs_in_and_its_answers_are_understood(centre: FakeCentre) -> None:
    writer = writer_of(1, "2005")
    run = Run(centre, writer)
    for message in messages(writer, 3):
        run.carrier.reading(message)
    assert run.carrier.close().messages_sent == 3
    assert [heard.cn for heard in centre.heard] == ["9021", "2011", "2011", "2011"]


def test_without_an_answer_the_same_frame_is_sent_again(centre: FakeCentre) -> None:
    centre.deaf = 2
    writer = writer_of(1)
    run = Run(centre, writer, overtime_s=0.05)
    for message in messages(writer, 2):
        run.carrier.reading(message)
    counts = run.carrier.close()
    assert (counts.messages_sent, counts.messages_resent, counts.connects) == (2, 2, 1)
    assert centre.frames[0] == centre.frames[1] == centre.frames[2] != centre.frames[3]


def test_after_all_tries_the_connection_is_made_anew_and_nothing_is_forgotten(centre: FakeCentre) -> None:
    centre.deaf = 3
    writer = writer_of(1)
    run = Run(centre, writer, overtime_s=0.05, recount=2)
    for message in messages(writer, 2):
        run.carrier.reading(message)
    counts = run.carrier.close()
    assert (counts.messages_sent, counts.messages_failed, counts.messages_resent) == (2, 0, 2)
    assert counts.connects == 2
    assert centre.frames[0] == centre.frames[3] != centre.frames[4]


def test_what_was_not_answered_when_the_line_broke_is_sent_again_in_order(centre: FakeCentre) -> None:
    centre.hangs_up = 2
    writer = writer_of(1)
    run = Run(centre, writer)
    said = messages(writer, 5)
    for message in said:
        run.carrier.reading(message)
    counts = run.carrier.close()
    assert (counts.messages_sent, counts.messages_failed, counts.connects) == (5, 0, 3)
    frames = [message.payload.removesuffix(b"\r\n") for message in said]
    assert centre.frames == [frames[0], frames[0], *frames]


STORM = {"kind": "reconnect_storm", "start_s": 10.0, "duration_s": 14.0, "down_s": 4.0, "up_s": 6.0}


@pytest.mark.parametrize(
    ("fault", "online"),
    [
        (ReconnectStorm.model_validate(WHERE | STORM), {5: 1, 11: 0, 15: 1, 21: 0, 25: 1}),
        (
            Outage.model_validate(WHERE | {"kind": "outage", "start_s": 3.0, "duration_s": 5.0}),
            {1: 1, 3: 0, 7: 0, 8: 1},
        ),
        (Disconnect.model_validate(WHERE | {"kind": "disconnect", "start_s": 3.0}), {1: 1, 3: 0, 10_000: 0}),
    ],
)
def test_a_fault_of_the_link_takes_the_very_connection_away(
    centre: FakeCentre, fault: LinkFault, online: dict[int, int]
) -> None:
    writer = writer_of(1)
    run = Run(centre, writer, breaks=(fault,))
    connects = 0
    before = 0
    for second, there in online.items():
        run.now = START + 1000 * second
        run.until(lambda there=there: run.carrier.counts.online == there)
        connects += there > before
        before = there
        if there:
            (message,) = messages(writer, 1)
            run.carrier.reading(message)
    run.until(lambda: not before or run.carrier.counts.sent == connects)
    assert run.carrier.close(1.0).connects == connects


def test_an_answer_with_a_wrong_check_sum_is_none(centre: FakeCentre) -> None:
    centre.spoils = 1
    writer = writer_of(1)
    run = Run(centre, writer, overtime_s=0.05)
    for message in messages(writer, 2):
        run.carrier.reading(message)
    counts = run.carrier.close()
    assert (counts.messages_sent, counts.messages_resent, counts.connects) == (2, 1, 1)
    assert centre.frames[0] == centre.frames[1] != centre.frames[2]


def test_what_the_centre_refuses_has_failed_and_the_rest_goes_on(centre: FakeCentre) -> None:
    centre.refuses = True
    writer = writer_of(1)
    run = Run(centre, writer)
    for message in messages(writer, 3):
        run.carrier.reading(message)
    run.until(lambda: run.carrier.counts.refused == 3)
    counts = run.carrier.close()
    assert (counts.messages_sent, counts.messages_failed, counts.messages_refused) == (0, 3, 3)


def test_for_a_frame_that_is_spoilt_nobody_waits(centre: FakeCentre) -> None:
    writer = writer_of(1)
    run = Run(centre, writer)
    first, second = messages(writer, 2)
    spoilt = Message(START, "t", first.payload[:-20] + b"\r\n", 1, connection="s/d1")
    run.carrier.reading(spoilt)
    run.carrier.reading(second)
    assert run.carrier.close().messages_sent == 2


def test_what_waits_for_no_answer_is_sent_when_the_socket_has_it_all(centre: FakeCentre) -> None:
    writer = writer_of(1, wants_reply=False)
    run = Run(centre, writer)
    (frame,) = {message.payload for message in messages(writer, 1)}
    centre.reads = False
    said = [Message(START, "t", frame * 500, 1, connection="s/d1") for _ in range(80)]  # far more than buffers hold
    for message in said:
        run.carrier.reading(message)
    counts = run.carrier.close(timeout_s=0.3)
    assert counts.messages_failed > 0 and counts.messages_sent + counts.messages_failed == len(said)
    centre.reads = True
    deadline = time.monotonic() + 20
    while centre.open and time.monotonic() < deadline:
        time.sleep(0.01)
    assert len(centre.frames) >= counts.messages_sent * 500


def test_a_patient_fleet_makes_no_logger_forget(centre: FakeCentre, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(carriers, "KEPT_LEAST", 3)
    monkeypatch.setattr(carriers, "KEPT_IN_ALL", 6)
    monkeypatch.setattr(carriers, "BACKLOG", 6)
    centre.deaf = 10**9
    writers = [writer_of(1), writer_of(2)]
    run = Run(centre, *writers, patient=True)
    for message in messages(writers[0], 6):
        assert not run.carrier.full
        run.carrier.reading(message)
    assert run.carrier.full
    counts = run.carrier.close(timeout_s=0)
    assert (counts.messages_failed, counts.messages_overwritten) == (6, 0)


def test_more_loggers_than_the_system_allows_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(carriers.resource, "getrlimit", lambda _: (64, 100))
    loggers = {"s/d1": (writer_of(1), Control(START, 1000))}
    with pytest.raises(CentreError, match=r"1 loggers need 129 open files, and the system allows 100"):
        Carrier(("127.0.0.1", 1), loggers, lambda *_: [], lambda: START, patient=False)


def test_a_memory_that_is_full_forgets_the_oldest_and_counts_it(
    centre: FakeCentre, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(carriers, "KEPT_IN_ALL", 3)
    monkeypatch.setattr(carriers, "KEPT_LEAST", 3)
    centre.deaf = 10**9
    writer = writer_of(1)
    run = Run(centre, writer)
    said = messages(writer, 6)
    for message in said:
        run.carrier.reading(message)
    run.until(lambda: run.carrier.counts.overwritten == 3)
    counts = run.carrier.close(timeout_s=0)
    assert (counts.messages_sent, counts.messages_failed, counts.messages_overwritten) == (0, 6, 3)
    assert centre.frames == [said[0].payload.removesuffix(b"\r\n")]


def test_a_command_is_answered_at_once_and_its_data_follow_what_waits(centre: FakeCentre) -> None:
    writer = writer_of(1)
    run = Run(centre, writer)
    centre.deaf = 1
    first, second, data = messages(writer, 3)
    run.carrier.reading(first)
    run.until(lambda: len(centre.heard) == 1)
    run.answers = [Answer(writer.answer("9011", "1", "QnRtn=1"), True), Answer(data.payload, False)]
    run.carrier.reading(second)
    centre.say(writer.mn, request("1011", "", st="31", pw="123456", mn=writer.mn, qn="1" * 17, edition="2017"))
    run.until(lambda: len(centre.heard) == 2)
    assert run.commands[0][0] == "s/d1" and b"CN=1011" in run.commands[0][1]
    assert centre.heard[1].cn == "9011"
    centre.say(writer.mn, reply_to("9014", qn=centre.heard[0].qn, edition="2017", pw="123456", mn=writer.mn))  # pyright: ignore[reportArgumentType]
    counts = run.carrier.close()
    assert [heard.items.get("DataTime", "")[-2:] for heard in centre.heard] == ["00", "", "01", "02"]
    assert (counts.messages_sent, counts.answers_sent) == (2, 2)


def test_a_centre_that_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    writer = writer_of(1)
    port = free_port()
    carrier = Carrier(
        ("127.0.0.1", port), {"s/d1": (writer, Control(START, 1000))}, lambda *_: [], lambda: START, patient=False
    )
    with pytest.raises(CentreError, match=f"127.0.0.1:{port} does not answer"):
        carrier.connect(0.1, threading.Event())


@pytest.mark.parametrize("patient", [False, True])
def test_the_fleet_waits_for_connections_that_are_up_and_patiently_for_all(
    centre: FakeCentre, monkeypatch: pytest.MonkeyPatch, patient: bool
) -> None:
    monkeypatch.setattr(carriers, "BACKLOG", 2)
    centre.hangs_up = 10**9
    writer = writer_of(1)
    run = Run(centre, writer, patient=patient)
    for message in messages(writer, 3):
        run.carrier.reading(message)
    assert run.carrier.full
    run.until(lambda: run.carrier.counts.connects > 1 and run.carrier.full == patient)
    centre.hangs_up = 0
    assert run.carrier.close().messages_sent == 3
