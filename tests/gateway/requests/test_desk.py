"""The requests of all devices: whose turn it is, who may be asked, and what is sent."""

from __future__ import annotations

from dataclasses import replace

import pytest
from made_up_requests import ALL, NOW, SPAN, asked, frame, inventory

from gateway.hj212.editions import Edition
from gateway.inventory import Hj212Device
from gateway.requests.desk import HEARD_WITHIN_MS, STALE_MS, Desk
from gateway.requests.exchange import Patience
from gateway.requests.records import Request, State, Why

PATIENCE = Patience(timeout=10_000, retries=2)


def desk(*loggers: Hj212Device, heard: bool = True) -> Desk:
    made = Desk(inventory(*loggers), PATIENCE)
    if heard:
        made.hear([frame("2011", device=n) for n in range(max(1, len(loggers)))], NOW)
    return made


def trail(made: Desk, id: str = "r-1") -> list[tuple[State, Why]]:
    return [(step.request.state, step.why) for step in made.steps if step.request.id == id]


def answer(made: Desk, qn: str, now: int = NOW, device: int = 0) -> None:
    made.hear(
        [frame("9011", qn, ("QnRtn", "1"), device=device), frame("9012", qn, ("ExeRtn", "1"), device=device)], now
    )


def test_a_command_has_the_header_of_its_device() -> None:
    made = desk()
    made.take(asked(), NOW)
    (sent,) = made.round(NOW)
    assert sent[2:] == ("1062", "RtdInterval=60", "20260801100000000", Edition.E2017, "32", "88888880000000")


def test_what_the_inventory_says_of_a_device_goes_before_what_was_heard() -> None:
    made = desk(Hj212Device(edition="2005", st="31", commands=ALL))
    made.take(asked("fetch-hours", **SPAN), NOW)
    (sent,) = made.round(NOW)
    assert (sent.edition, sent.st) == (Edition.E2005, "31")
    assert sent.cp == "BeginTime=20260801070000,EndTime=20260801090000"


def test_the_system_type_is_never_that_of_a_reply() -> None:
    made = desk()
    made.hear([frame("9013", "1")], NOW)
    made.take(asked(), NOW)
    assert made.round(NOW)[0].st == "32"


@pytest.mark.parametrize(
    ("command", "shifted"),
    [("fetch-minutes", "071000"), ("fetch-hours", "080000"), ("fetch-days", "070000")],
)
def test_a_device_that_stamps_ends_is_asked_for_them(command: str, shifted: str) -> None:
    made = desk(Hj212Device(end_stamps=True, minute=600_000, commands=ALL))
    made.take(asked(command, **SPAN), NOW)
    day = "20260802" if command == "fetch-days" else "20260801"
    assert made.round(NOW)[0].cp.startswith(f"BeginTime={day}{shifted};")


def test_one_at_a_time_and_device_and_the_others_in_their_order() -> None:
    made = desk(Hj212Device(commands=ALL), Hj212Device(commands=ALL))
    for id, device in (("r-1", "d0"), ("r-2", "d0"), ("r-3", "d1"), ("r-4", "d0")):
        made.take(asked(id=id, device=device), NOW)
    first, other = made.round(NOW)
    assert (first.id, other.id) == ("r-1", "r-3")
    assert made.round(NOW + 1) == []
    answer(made, first.qn)
    (second,) = made.round(NOW + 2)
    answer(made, second.qn)
    (third,) = made.round(NOW + 3)
    assert (second.id, third.id) == ("r-2", "r-4")


def test_two_commands_within_a_millisecond_have_two_qns() -> None:
    made = desk()
    made.take(asked(id="r-1"), NOW)
    made.take(asked(id="r-2"), NOW)
    (first,) = made.round(NOW)
    answer(made, first.qn)
    (second,) = made.round(NOW)
    assert (first.qn, second.qn) == ("20260801100000000", "20260801100000001")


def test_a_repeat_of_a_setting_of_the_clock_has_the_old_qn_and_the_new_time() -> None:
    made = desk()
    made.take(asked("set-time"), NOW)
    (first,) = made.round(NOW)
    (second,) = made.round(NOW + 10_000)
    assert first.qn == second.qn
    assert (first.cp, second.cp) == ("SystemTime=20260801100000", "SystemTime=20260801100010")


REFUSED = {
    "a group that is not allowed": (asked(), Hj212Device(commands=frozenset(("time",))), Why.NOT_ALLOWED),
    "nothing is allowed unless the inventory says so": (asked(), Hj212Device(), Why.NOT_ALLOWED),
    "a device that is not there": (asked(device="d7"), Hj212Device(commands=ALL), Why.UNKNOWN_DEVICE),
    "a command of another version": (
        replace(asked(), command="dance"),
        Hj212Device(commands=ALL),
        Why.UNKNOWN_COMMAND,
    ),
    "a parameter out of bounds": (
        asked("set-interval", seconds=1),
        Hj212Device(commands=ALL),
        Why.BAD_PARAMETER,
    ),
    "a command that the device's edition lacks": (
        asked("keep-sample"),
        Hj212Device(edition="2025", commands=ALL),
        Why.NOT_IN_EDITION,
    ),
    "the same, where the edition was heard": (
        asked("fetch-realtime", **SPAN),
        Hj212Device(commands=ALL),
        Why.NOT_IN_EDITION,
    ),
}


@pytest.mark.parametrize(("request_", "settings", "why"), REFUSED.values(), ids=REFUSED.keys())
def test_what_may_not_be_asked_is_refused_and_not_sent(request_: Request, settings: Hj212Device, why: Why) -> None:
    made = desk(settings)
    made.take(request_, NOW)
    assert made.round(NOW) == []
    assert trail(made) == [(State.REFUSED, why)]
    assert made.steps[0].detail
    assert made.open == 0


def test_a_refused_one_does_not_hold_up_the_next() -> None:
    made = desk()
    made.take(asked("fetch-realtime", "r-1", **SPAN), NOW)
    made.take(asked(id="r-2"), NOW)
    assert [each.id for each in made.round(NOW)] == ["r-2"]


def test_what_nobody_took_up_in_time_is_not_sent_any_more() -> None:
    made = desk()
    made.take(asked(), NOW + STALE_MS + 1)
    assert made.round(NOW + STALE_MS + 1) == []
    assert trail(made) == [(State.TIMED_OUT, Why.STALE)]


def test_a_device_that_was_not_heard_is_waited_for() -> None:
    made = desk(heard=False)
    made.take(asked(), NOW)
    assert made.round(NOW) == []
    made.hear([frame("2011")], NOW + 60_000)
    assert len(made.round(NOW + 60_000)) == 1


def test_a_device_that_is_not_heard_in_time_is_unreachable() -> None:
    made = desk(heard=False)
    made.take(asked(), NOW)
    assert made.round(NOW + HEARD_WITHIN_MS - 1) == []
    assert made.steps == []
    assert made.round(NOW + HEARD_WITHIN_MS) == []
    assert trail(made) == [(State.TIMED_OUT, Why.UNREACHABLE)]


def test_a_try_without_a_way_is_noted_and_counts() -> None:
    made = desk()
    made.take(asked(), NOW)
    for n in range(3):
        (each,) = made.round(NOW + n * 10_000)
        made.not_sent(each.device, NOW + n * 10_000)
    assert made.round(NOW + 30_000) == []
    assert trail(made)[1::2] == [(State.SENT, Why.NO_WAY)] * 3
    assert trail(made)[-1] == (State.TIMED_OUT, Why.UNREACHABLE)


def test_answers_that_nobody_waits_for_are_counted() -> None:
    made = desk()
    made.take(asked(), NOW)
    (sent,) = made.round(NOW)
    answer(made, sent.qn)
    made.hear([frame("9012", sent.qn, ("ExeRtn", "1"))], NOW + 5)
    made.hear([frame("9011", "20200101000000000", ("QnRtn", "1")), frame("9012", "", device=-1)], NOW + 5)
    assert made.strays == {"late": 1, "unknown": 2}


def test_an_answer_of_another_device_is_none() -> None:
    made = desk(Hj212Device(commands=ALL), Hj212Device(commands=ALL))
    made.take(asked(), NOW)
    (sent,) = made.round(NOW)
    answer(made, sent.qn, device=1)
    assert trail(made) == [(State.SENT, Why.FIRST_TRY)]


def test_after_a_restart_it_goes_on_in_the_same_order_with_the_same_qn() -> None:
    before = desk()
    before.take(asked(id="r-1"), NOW)
    before.round(NOW)
    after = desk(heard=False)
    after.resume(before.steps[-1].request, NOW + 60_000)
    after.take(asked(id="r-2"), NOW + 60_000)
    assert after.round(NOW + 60_000) == []
    after.hear([frame("2011")], NOW + 61_000)
    (again,) = after.round(NOW + 61_000)
    assert (again.id, again.qn) == ("r-1", "20260801100000000")
    assert trail(after) == [(State.SENT, Why.RESUMED)]


def test_after_a_restart_with_another_inventory_it_is_refused() -> None:
    before = desk()
    before.take(asked(), NOW)
    before.round(NOW)
    after = desk(Hj212Device())
    after.resume(before.steps[-1].request, NOW)
    assert trail(after) == [(State.REFUSED, Why.NOT_ALLOWED)]
