"""One request on its way: sent, answered or not, and ended for a reason that has a name."""

from __future__ import annotations

import pytest
from made_up_requests import HOUR, NOW, SPAN, asked, frame

from gateway.records import LoggerFrame
from gateway.requests import exchange as ex
from gateway.requests.catalogue import COMMANDS
from gateway.requests.exchange import Exchange, Patience
from gateway.requests.records import Request, State, Step, Why

PATIENCE = Patience(timeout=10_000, retries=2)
QN = "20260801100000000"

ACCEPTED = frame("9011", QN, ("QnRtn", "1"))
DONE = frame("9012", QN, ("ExeRtn", "1"))
CLOCK = frame("1011", "20260801100001000", ("SystemTime", "20260801095958"))
HOURS = frame("2061", "20260801100001000", time=NOW - 2 * HOUR)
THREE_HOURS = [frame("2061", f"2026080110000100{n}", time=NOW - n * HOUR) for n in (3, 2, 1)]


class Sent:
    """A request that was sent once at NOW, and the steps since."""

    def __init__(self, request: Request) -> None:
        self.exchange = Exchange(COMMANDS[request.command], request)
        self.steps: list[Step] = []
        self.try_at(NOW)

    def try_at(self, now: int) -> None:
        self._move(ex.tried(self.exchange, QN, "", now, PATIENCE))

    def hear(self, *frames: LoggerFrame, now: int = NOW) -> None:
        for each in frames:
            moved = ex.heard(self.exchange, each, now, PATIENCE)
            if moved is not None:
                self._move(moved)

    def wait(self, now: int) -> None:
        moved = ex.waited(self.exchange, now, PATIENCE)
        if moved is not None:
            self._move(moved)

    def due(self, now: int) -> bool:
        return ex.to_be_tried(self.exchange, now, PATIENCE)

    def _move(self, moved: ex.Moved) -> None:
        self.exchange, step = moved
        if step is not None:
            self.steps.append(step)

    @property
    def request(self) -> Request:
        return self.exchange.request

    @property
    def trail(self) -> list[tuple[State, Why]]:
        return [(step.request.state, step.why) for step in self.steps[1:]]


HEARD = {
    "a setting is accepted and done": (
        asked(),
        [ACCEPTED, DONE],
        [(State.ACCEPTED, Why.ACCEPTED), (State.DONE, Why.EXECUTED)],
    ),
    "9012 alone counts": (asked(), [DONE], [(State.DONE, Why.EXECUTED)]),
    "9013 to a setting counts": (asked(), [frame("9013", QN)], [(State.DONE, Why.NOTICED)]),
    "9013 to a reading does not": (asked("read-time"), [frame("9013", QN)], []),
    "a value comes between acceptance and end": (
        asked("read-time"),
        [ACCEPTED, CLOCK, DONE],
        [(State.ACCEPTED, Why.ACCEPTED), (State.ACCEPTED, Why.DATA), (State.DONE, Why.EXECUTED)],
    ),
    "done without the value is a failure": (
        asked("read-time"),
        [ACCEPTED, DONE],
        [(State.ACCEPTED, Why.ACCEPTED), (State.FAILED, Why.EMPTY_ANSWER)],
    ),
    "data of the time asked for are one step, however many": (
        asked("fetch-hours", **SPAN),
        [ACCEPTED, *THREE_HOURS, DONE],
        [(State.ACCEPTED, Why.ACCEPTED), (State.ACCEPTED, Why.DATA), (State.DONE, Why.EXECUTED)],
    ),
    "data of another time are not of it": (
        asked("fetch-hours", **SPAN),
        [ACCEPTED, frame("2061", "1", time=NOW), frame("2061", "2", time=NOW - 4 * HOUR)],
        [(State.ACCEPTED, Why.ACCEPTED)],
    ),
    "data of another command are not of it": (
        asked("fetch-hours", **SPAN),
        [ACCEPTED, frame("2051", "1", time=NOW - 2 * HOUR)],
        [(State.ACCEPTED, Why.ACCEPTED)],
    ),
    "data in quarantine are not counted": (
        asked("fetch-hours", **SPAN),
        [ACCEPTED, frame("2061", "1", time=NOW - 2 * HOUR, taken=False)],
        [(State.ACCEPTED, Why.ACCEPTED)],
    ),
    "a broken answer is none": (asked(), [frame("9011", QN, ("QnRtn", "1"), taken=False)], []),
    "an answer to another message is none": (asked(), [frame("9011", "20260801100000001", ("QnRtn", "1"))], []),
    "an answer without QN is to the one under way": (
        asked(),
        [frame("9011", "", ("QnRtn", "1")), frame("9012", "", ("ExeRtn", "1"))],
        [(State.ACCEPTED, Why.ACCEPTED), (State.DONE, Why.EXECUTED)],
    ),
    "an answer without a code says nothing": (asked(), [frame("9011", QN), frame("9012", QN)], []),
    "a second acceptance changes nothing": (asked(), [ACCEPTED, ACCEPTED], [(State.ACCEPTED, Why.ACCEPTED)]),
    "a refusal after the acceptance is to a repeat": (
        asked(),
        [ACCEPTED, frame("9011", QN, ("QnRtn", "7"))],
        [(State.ACCEPTED, Why.ACCEPTED)],
    ),
    "what comes after the end changes nothing": (asked(), [DONE, ACCEPTED, DONE], [(State.DONE, Why.EXECUTED)]),
}


@pytest.mark.parametrize(("request_", "frames", "expected"), HEARD.values(), ids=HEARD.keys())
def test_what_a_device_sends_moves_the_request(
    request_: Request, frames: list[LoggerFrame], expected: list[tuple[State, Why]]
) -> None:
    sent = Sent(request_)
    sent.hear(*frames)
    assert sent.trail == expected


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("2", Why.DEVICE_REFUSES),
        ("3", Why.PASSWORD_WRONG),
        ("4", Why.MN_WRONG),
        ("5", Why.ST_WRONG),
        ("6", Why.FLAG_WRONG),
        ("7", Why.QN_WRONG),
        ("8", Why.CN_WRONG),
        ("9", Why.CRC_WRONG),
        ("100", Why.REASON_UNKNOWN),
        ("77", Why.CODE_UNKNOWN),
    ],
)
def test_a_refusal_has_the_word_of_its_code(code: str, why: Why) -> None:
    sent = Sent(asked())
    sent.hear(frame("9011", QN, ("QnRtn", code)))
    assert sent.trail == [(State.REFUSED, why)]
    assert sent.steps[-1].detail == f"QnRtn={code}"


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("2", Why.REASON_UNKNOWN),
        ("3", Why.CONDITION_WRONG),
        ("4", Why.COMMUNICATION_TIMEOUT),
        ("5", Why.DEVICE_BUSY),
        ("6", Why.SYSTEM_FAULT),
        ("100", Why.NO_DATA),
        ("0", Why.CODE_UNKNOWN),
    ],
)
def test_a_failure_has_the_word_of_its_code(code: str, why: Why) -> None:
    sent = Sent(asked("fetch-hours", **SPAN))
    sent.hear(ACCEPTED, frame("9012", QN, ("ExeRtn", code)))
    assert sent.trail[-1] == (State.FAILED, why)


def test_the_value_that_was_read_is_kept() -> None:
    sent = Sent(asked("read-time"))
    sent.hear(ACCEPTED, CLOCK, DONE)
    assert sent.request.answer == (("SystemTime", "20260801095958"),)


def test_frames_of_data_are_counted() -> None:
    sent = Sent(asked("fetch-hours", **SPAN))
    sent.hear(ACCEPTED, *THREE_HOURS, DONE)
    assert sent.request.frames == 3
    assert sent.steps[-1].detail == "ExeRtn=1 after 3 frames of 2061"


def test_without_an_answer_it_is_sent_again_with_the_same_qn_and_then_given_up() -> None:
    sent = Sent(asked())
    for n in (1, 2):
        at = NOW + n * PATIENCE.timeout
        assert not sent.due(at - 1)
        assert sent.due(at)
        sent.wait(at)
        sent.try_at(at)
    end = NOW + 3 * PATIENCE.timeout
    sent.wait(end - 1)
    assert sent.request.state is State.SENT
    sent.wait(end)
    assert not sent.due(end)
    assert sent.trail == [(State.SENT, Why.NO_ANSWER), (State.SENT, Why.NO_ANSWER), (State.TIMED_OUT, Why.NO_ANSWER)]
    assert {step.request.qn for step in sent.steps} == {QN}
    assert [step.request.tries for step in sent.steps] == [1, 2, 3, 3]


def test_what_is_accepted_is_never_sent_again_and_waits_as_long_as_all_tries() -> None:
    sent = Sent(asked())
    sent.hear(ACCEPTED)
    end = NOW + 3 * PATIENCE.timeout
    sent.wait(end - 1)
    assert not any(sent.due(NOW + k * 1000) for k in range(100))
    sent.wait(end)
    assert sent.trail[-1] == (State.TIMED_OUT, Why.NO_RESULT)


def test_each_frame_of_data_begins_the_wait_anew() -> None:
    sent = Sent(asked("fetch-hours", **SPAN))
    sent.hear(ACCEPTED)
    for n, each in enumerate(THREE_HOURS, 1):
        sent.hear(each, now=NOW + n * 29_000)
        sent.wait(NOW + n * 29_000)
    assert sent.request.state is State.ACCEPTED
    sent.hear(DONE, now=NOW + 100_000)
    assert sent.trail[-1] == (State.DONE, Why.EXECUTED)


@pytest.mark.parametrize("before", [[], [ACCEPTED]], ids=["not even accepted", "accepted"])
def test_data_without_9012_behind_them_count_when_the_wait_is_over(before: list[LoggerFrame]) -> None:
    sent = Sent(asked("fetch-hours", **SPAN))
    sent.hear(*before, *THREE_HOURS)
    assert not sent.due(NOW + PATIENCE.timeout)
    sent.wait(NOW + PATIENCE.whole)
    assert sent.trail[-1] == (State.DONE, Why.NOT_CLOSED)
    assert sent.steps[-1].detail == "3 frames of 2061, and no 9012 behind it"


def test_data_without_end_do_not_hold_it_for_ever() -> None:
    sent = Sent(asked("fetch-hours", **SPAN))
    at = NOW
    while sent.request.state is State.SENT:
        at += 5_000
        sent.hear(HOURS, now=at)
        sent.wait(at)
    assert sent.trail[-1] == (State.TIMED_OUT, Why.TOO_LONG)
    assert at - NOW == ex.LONGEST_MS


def test_where_no_try_found_a_way_the_device_is_unreachable() -> None:
    sent = Sent(asked())
    for n in range(3):
        sent.exchange, _ = ex.not_sent(sent.exchange, NOW)
        at = NOW + (n + 1) * PATIENCE.timeout
        sent.wait(at)
        if sent.due(at):
            sent.try_at(at)
    assert sent.trail[-1] == (State.TIMED_OUT, Why.UNREACHABLE)


def test_after_a_restart_what_was_sent_is_tried_again_at_once_with_its_qn() -> None:
    sent = Sent(asked())
    sent.exchange = ex.resumed(sent.exchange.command, sent.request, NOW + 60_000, PATIENCE)
    assert sent.due(NOW + 60_000)
    sent.try_at(NOW + 60_000)
    assert sent.trail == [(State.SENT, Why.RESUMED)]
    assert (sent.request.qn, sent.request.tries) == (QN, 2)


def test_after_a_restart_what_had_all_its_tries_times_out() -> None:
    sent = Sent(asked())
    sent.try_at(NOW + 10_000)
    sent.try_at(NOW + 20_000)
    sent.exchange = ex.resumed(sent.exchange.command, sent.request, NOW + 60_000, PATIENCE)
    assert not sent.due(NOW + 60_000)
    sent.wait(NOW + 60_000)
    assert sent.trail[-1] == (State.TIMED_OUT, Why.NO_ANSWER)


def test_after_a_restart_what_was_accepted_waits_for_its_end_anew() -> None:
    sent = Sent(asked())
    sent.hear(ACCEPTED)
    later = NOW + HOUR
    sent.exchange = ex.resumed(sent.exchange.command, sent.request, later, PATIENCE)
    sent.wait(later + PATIENCE.whole - 1)
    assert not sent.due(later)
    sent.hear(DONE, now=later + PATIENCE.whole - 1)
    assert sent.trail[-1] == (State.DONE, Why.EXECUTED)
