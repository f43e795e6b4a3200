"""What a monitor answers to commands of the centre, in each edition, and what they change."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field

import pytest
from played import device_messages, stream

from gateway.hj212.build import request
from simulators.formats.hj212 import Edition
from simulators.loggers.frames import read
from simulators.loggers.office import Office
from simulators.records import Happening, Message
from simulators.scenario import Scenario

START = 1_767_225_600_000  # 08:00 in Shanghai
MN = "010000A8900016F000169DC0"


def scenario(edition: Edition = "2017", **simulate: object) -> Scenario:
    return Scenario.model_validate(
        {
            "about": "one stack",
            "sites": [{"id": "s", "name": {"en": "s", "zh": "s"}, "latitude": 33, "longitude": 112}],
            "types": {
                "stack": {
                    "kind": "stack",
                    "interval_s": 2,
                    "factors": [{"code": "a21026", "unit": "mg/m3", "name": {"en": "SO2", "zh": "SO2"}}],
                    "simulate": {"codec": "hj212", "edition": edition, "minute": True, **simulate},
                }
            },
            "devices": [{"id": "d", "site": "s", "type": "stack", "mn": MN, "name": {"en": "d", "zh": "d"}}],
            "faults": [
                {
                    "kind": "clock_step",
                    "site": "s",
                    "device": "d",
                    "offset_s": 600,
                    "start_s": 100,
                    "duration_s": 50,
                    "every_s": 100,
                }
            ],
        }
    )


@dataclass
class Monitor:
    """A device that plays, and its centre."""

    edition: Edition = "2017"
    seconds: float = 0.0
    simulate: dict[str, object] = field(default_factory=dict[str, object])
    truth: list[Happening] = field(default_factory=list[Happening])

    def __post_init__(self) -> None:
        plan = scenario(self.edition, **self.simulate)
        self.office = Office(plan, lambda: START + round(self.seconds * 1000), self.truth.append)
        self.office.begin(START)
        self.control = self.office.controls["s/d"]
        self.messages = device_messages(plan, plan.devices[0], 1, START, self.control)
        self.ahead: Message | None = None
        self._numbers = itertools.count(1)

    def play(self, seconds: float) -> list[bytes]:
        """The frames until then."""
        self.seconds = seconds
        frames: list[bytes] = []
        while True:
            message = self.ahead or next(self.messages)
            if message.due > START + seconds * 1000:
                self.ahead = message
                return frames
            self.ahead = None
            if self.office.wants(message):
                frames.append(message.payload)

    def ask(self, cn: str, cp: str = "", pw: str = "123456", mn: str = MN, qn: str = "") -> list[dict[str, str]]:
        qn = qn or f"20260101090000{next(self._numbers):03}"
        frame = request(cn, cp, st="31", pw=pw, mn=mn, qn=qn, edition=self.edition)
        answers = [read(answer.frame) for answer in self.office.hear("s/d", frame)]
        assert all(answer is not None and answer.crc_right for answer in answers)
        assert all(a.mn == MN and (a.qn == qn) == a.cn.startswith("90") for a in answers if a is not None)
        return [{"cn": a.cn, **a.items} for a in answers if a is not None]


def stamps(frames: list[bytes], cn: str = "2011") -> list[str]:
    heard = [read(frame) for frame in frames]
    return [each.items["DataTime"] for each in heard if each is not None and each.cn == cn]


@pytest.mark.parametrize("edition", ["2005", "2017", "2025"])
def test_the_clock_is_told_and_set_and_a_set_clock_ends_the_fault(edition: Edition) -> None:
    monitor = Monitor(edition)
    monitor.play(110)
    echo = {} if edition != "2005" else {"QN": "20260101090000001"}
    assert monitor.ask("1011") == [
        {"cn": "9011", "QnRtn": "1", **echo},
        {"cn": "1011", "SystemTime": "20260101081150"},
        {"cn": "9012", "ExeRtn": "1", **echo},
    ]
    assert [answer["cn"] for answer in monitor.ask("1012", "SystemTime=20260101080150")] == ["9011", "9012"]
    assert monitor.ask("1011")[1]["SystemTime"] == "20260101080150"
    assert stamps(monitor.play(130)[2:])[-1] < "20260101080210"
    assert monitor.truth[-1].record == {
        "layer": "command",
        "site": "s",
        "device": "d",
        "kind": "set_time",
        "moved_ms": -600_000,
        "start_ms": START + 110_000,
        "end_ms": None,
    }
    assert stamps(monitor.play(160))[-1] < "20260101080240", "the fault's own end changes nothing any more"
    assert stamps(monitor.play(210))[-1] > "20260101081320", "the next occurrence is another fault"


def test_a_clock_that_is_set_wrong_stays_so() -> None:
    monitor = Monitor()
    monitor.play(10)
    monitor.ask("1012", "SystemTime=20260101070010")
    monitor.play(12.5)
    assert stamps(monitor.play(20))[-1].startswith("202601010700")


def test_the_interval_is_told_and_set() -> None:
    monitor = Monitor()
    monitor.play(10)
    assert monitor.ask("1061")[1] == {"cn": "1061", "RtdInterval": "2"}
    assert monitor.ask("1062", "RtdInterval=30")[-1] == {"cn": "9012", "ExeRtn": "1"}
    times = stamps(monitor.play(99))
    assert len(times) <= 5 and times[-1] > times[-2] > times[-3]
    assert monitor.ask("1062", "RtdInterval=soon")[-1] == {"cn": "9012", "ExeRtn": "3"}
    assert monitor.ask("1063")[1] == {"cn": "1063", "MinInterval": "1"}
    assert monitor.ask("1064", "MinInterval=10")[-1] == {"cn": "9012", "ExeRtn": "3"}


@pytest.mark.parametrize("edition", ["2005", "2017", "2025"])
def test_history_gives_again_what_was_said(edition: Edition) -> None:
    monitor = Monitor(edition)
    said = [read(frame) for frame in monitor.play(500) if b";CN=2051;" in frame]
    values = {each.items["DataTime"]: each.items for each in said if each is not None}
    assert len(values) > 5
    frame = request(
        *("2051", "BeginTime=20260101080200;EndTime=20260101080400"),
        st="31", pw="123456", mn=MN, qn="20260101090000123", edition=edition,
    )  # fmt: skip
    answers = [answer.frame for answer in monitor.office.hear("s/d", frame)]
    assert [answer.split(b"CN=")[1][:4] for answer in answers] == [b"9011", *[b"2051"] * (len(answers) - 2), b"9012"]
    again = [heard.items for heard in map(read, answers[1:-1]) if heard is not None]
    wanted = [stamp for stamp in sorted(values) if "20260101080200" <= stamp <= "20260101080400"]
    assert [items["DataTime"] for items in again] == wanted and len(wanted) >= 2
    assert all(items == values[items["DataTime"]] for items in again)
    assert all((b";RF=1;" in answer) == (edition == "2025") for answer in answers[1:-1])
    numbers = [answer.split(b";")[0] for answer in answers[1:-1]]
    assert len(set(numbers)) == len(numbers), "each has a number of its own"


def test_without_data_of_that_time_it_says_so_and_the_future_is_not_told() -> None:
    monitor = Monitor()
    monitor.play(65)
    assert monitor.ask("2051", "BeginTime=20250101080000;EndTime=20250101090000")[-1]["ExeRtn"] == "100"
    assert monitor.ask("2061", "BeginTime=20260101080000;EndTime=20260101090000")[-1]["ExeRtn"] == "100"
    told = monitor.ask("2051", "BeginTime=20260101080000;EndTime=20260101230000")
    assert [each.get("DataTime") for each in told] == [None, "20260101080000", None]


def test_real_time_data_stop_and_begin_again() -> None:
    monitor = Monitor()
    monitor.play(10)
    assert monitor.ask("2012") == [{"cn": "9013"}]
    later = monitor.play(130)
    assert stamps(later) == []
    assert stamps(later, "2051") == ["20260101080000", "20260101080100", "20260101081100"]
    assert [each["cn"] for each in monitor.ask("2011")] == ["9011", "9012"]
    assert len(stamps(monitor.play(150))) >= 9


@pytest.mark.parametrize(
    ("edition", "change", "code"),
    [
        ("2017", {"pw": "654321"}, "3"),
        ("2017", {"mn": "010000A8900016F000169DC9"}, "4"),
        ("2017", {"cn": "1072"}, "8"),
        ("2005", {"pw": "654321"}, "3"),
        ("2005", {"cn": "1063"}, "2"),
        ("2005", {"mn": "X" * 14}, "2"),
    ],
)
def test_what_is_wrong_is_refused_and_not_done(edition: Edition, change: dict[str, str], code: str) -> None:
    monitor = Monitor(edition)
    monitor.play(10)
    (refused,) = monitor.ask(**{"cn": "1062", "cp": "RtdInterval=30", **change})
    assert (refused["cn"], refused["QnRtn"]) == ("9011", code)
    assert monitor.control.interval_ms == 2000


def test_a_wrong_check_sum_is_refused_and_answers_are_not_answered() -> None:
    monitor = Monitor()
    frame = request("1011", "", st="31", pw="123456", mn=MN, qn="20260101090000001", edition="2017")
    (refused,) = monitor.office.hear("s/d", frame[:-6] + b"0000\r\n")
    assert b"QnRtn=9" in refused.frame
    for cn in ("9012", "9013", "9014"):
        assert monitor.ask(cn) == []
    assert monitor.office.hear("s/d", b"hello") == []


@pytest.mark.parametrize("edition", ["2005", "2017", "2025"])
@pytest.mark.parametrize(
    ("cn", "cp"),
    [
        ("1012", "SystemTime=99991231235959"),
        ("1012", "SystemTime=00010101000000"),
        ("1000", f"OverTime={'9' * 5000};ReCount=3"),
        ("1011", f"PolId={'a' * 9850}"),
        ("3011", f"PolId={'a' * 9850}"),
    ],
)
def test_a_command_that_makes_no_sense_cannot_be_done_and_harms_nothing(edition: Edition, cn: str, cp: str) -> None:
    monitor = Monitor(edition)
    monitor.play(10)
    last = monitor.ask(cn, cp)[-1]
    assert (last["cn"], last["ExeRtn"]) == ("9012", "2" if edition == "2005" else "3")
    assert stamps(monitor.play(20))[-1].startswith("202601010800")
    assert monitor.truth == []


def test_the_whole_past_may_be_asked_for() -> None:
    monitor = Monitor()
    monitor.play(65)
    told = monitor.ask("2051", "BeginTime=00010101000000;EndTime=99991231235959")
    assert [each.get("DataTime") for each in told] == [None, "20260101080000", None]


def test_a_command_that_comes_again_is_answered_and_not_done_again() -> None:
    monitor = Monitor()
    monitor.play(110)
    for _ in range(2):
        monitor.ask("3011", "PolId=a21026", qn="20260101090000007")
    assert [happening.record["kind"] for happening in monitor.truth] == ["calibration"]


def test_instruments_samples_equipment_and_the_log_are_told() -> None:
    monitor = Monitor()
    monitor.play(10)
    assert monitor.ask("1000", "OverTime=7;ReCount=2")[-1]["ExeRtn"] == "1"
    assert (monitor.control.overtime_s, monitor.control.recount) == (7, 2)
    assert monitor.ask("3019", "PolId=a21026")[1] == {"cn": "3019", "PolId": "a21026", "a21026-SN": MN}
    assert monitor.ask("3018", "PolId=a21026")[1]["Stime"] == "30"
    assert monitor.ask("3015", "VaseNo=4")[1] == {"cn": "3015", "DataTime": "20260101080010", "VaseNo": "4"}
    assert monitor.ask("2021")[1]["SB1-RS"] == "1"
    assert monitor.ask("3020", "PolId=a21026,InfoId=i12001")[1]["i12001-Info"] == "0"
    log = monitor.ask("3020", "InfoId=i11001,BeginTime=20260101080000,EndTime=20260101090000")
    assert [each["i11001-Info"] for each in log[1:-1]] == ["//set retries//", "//keep sample//"]
    assert monitor.ask("3020", "InfoId=i13001")[-1]["ExeRtn"] == "100"


def test_without_commands_the_same_is_said_as_without_a_centre() -> None:
    plan = scenario()
    office = Office(plan, lambda: START, None)
    office.begin(START)
    assert list(stream(plan, 1, START, 200, office.controls)) == list(stream(plan, 1, START, 200))


def test_a_logger_of_its_own_connection_says_when_it_was_started() -> None:
    monitor = Monitor(simulate={"carrier": "tcp"})
    first, *rest = monitor.play(5)
    heard = read(first)
    assert heard is not None
    assert (heard.cn, heard.items["RestartTime"][:12]) == ("2081", "202601010800")
    assert all(b"CN=2011" in frame for frame in rest)
    assert b"CN=2081" not in b"".join(Monitor("2005", simulate={"carrier": "tcp"}).play(5))
