"""What is missing is asked for by itself: in pieces, one at a time, and not for ever."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from made_up_requests import ALL, HOUR, NOW, asked, inventory

from gateway.inventory import Hj212Device
from gateway.requests.catalogue import COMMANDS
from gateway.requests.gap_filler import (
    GIVE_UP_AFTER,
    LONGEST_PAUSE_MS,
    LOOK_EVERY_MS,
    OPEN_MOST,
    Gap,
    GapFiller,
    Wanted,
)
from gateway.requests.records import GAP_FILLER, Request, State, Why

DAY = 24 * HOUR
FILLED = Hj212Device(commands=ALL, fill_gaps=True, minute=600_000)


class Made:
    """A gap filler over gaps that a test may change, and the times of what it wants."""

    def __init__(self, *gaps: Gap, devices: int = 1, settings: Hj212Device = FILLED) -> None:
        self.gaps: list[Gap] = [*gaps]
        self.free = True
        self.filler = GapFiller(inventory(*([settings] * devices)), lambda _: self.gaps)

    def wanted(self, now: int) -> list[Wanted]:
        return self.filler.wanted(now, lambda _: self.free)

    def end(self, wanted: Wanted, now: int, state: State, why: Why, frames: int = 0) -> None:
        request = asked(wanted.command.name, **wanted.parameters)
        ended: Request = replace(request, asked_by=GAP_FILLER, state=state, why=why, frames=frames)
        self.filler.ended(wanted.device, ended, now)

    def next(self, now: int, until: int) -> tuple[int, Wanted] | None:
        """When it asks next, second by second, and what for."""
        for at in range(now, until, 1_000):
            if found := self.wanted(at):
                return at, found[0]
        return None


def test_a_gap_of_hours_is_asked_for_from_the_first_to_the_last_missing_hour() -> None:
    made = Made(("hour", NOW - 3 * HOUR, NOW))
    (wanted,) = made.wanted(NOW)
    assert (wanted.command.name, wanted.parameters) == ("fetch-hours", {"begin": NOW - 3 * HOUR, "end": NOW - HOUR})


def test_a_gap_of_minutes_ends_with_the_last_period_of_the_device() -> None:
    made = Made(("minute", NOW - HOUR, NOW))
    (wanted,) = made.wanted(NOW)
    assert (wanted.command.name, wanted.parameters) == ("fetch-minutes", {"begin": NOW - HOUR, "end": NOW - 600_000})


def test_a_device_is_not_asked_unless_the_inventory_says_so() -> None:
    assert Made(("hour", NOW - HOUR, NOW), settings=Hj212Device(commands=ALL)).wanted(NOW) == []


def test_a_device_that_is_busy_or_not_heard_is_left_alone() -> None:
    made = Made(("hour", NOW - HOUR, NOW))
    made.free = False
    assert made.wanted(NOW) == []
    made.free = True
    assert made.wanted(NOW + LOOK_EVERY_MS - 1) == []
    assert len(made.wanted(NOW + LOOK_EVERY_MS)) == 1


def test_one_at_a_time_and_device() -> None:
    made = Made(("hour", NOW - 9 * HOUR, NOW - 8 * HOUR), ("hour", NOW - HOUR, NOW))
    (first,) = made.wanted(NOW)
    assert made.next(NOW, NOW + HOUR) is None
    made.gaps = made.gaps[1:]
    made.end(first, NOW + HOUR, State.DONE, Why.EXECUTED, frames=1)
    following = made.next(NOW + HOUR, NOW + 2 * HOUR)
    assert following is not None
    assert following[0] == NOW + HOUR + LOOK_EVERY_MS
    assert following[1].parameters["begin"] == NOW - HOUR


def test_the_oldest_comes_first_and_a_long_one_in_pieces() -> None:
    made = Made(("hour", NOW - HOUR, NOW), ("minute", NOW - 2 * DAY - HOUR, NOW))
    spans: list[tuple[int, int]] = []
    at = NOW
    while (following := made.next(at, at + HOUR)) is not None and following[1].command.name == "fetch-minutes":
        at, wanted = following
        spans.append((int(wanted.parameters["begin"]), int(wanted.parameters["end"])))
        start = made.gaps[1][1]
        made.gaps[1] = ("minute", start + DAY, NOW)
        made.end(wanted, at, State.DONE, Why.EXECUTED, frames=144)
        if len(spans) == 2:
            break
    begin = NOW - 2 * DAY - HOUR
    assert spans == [
        (begin, begin + DAY - 600_000),
        (begin + DAY, begin + 2 * DAY - 600_000),
    ]


@pytest.mark.parametrize(
    ("state", "why", "frames"),
    [
        (State.FAILED, Why.NO_DATA, 0),
        (State.REFUSED, Why.DEVICE_REFUSES, 0),
        (State.DONE, Why.EXECUTED, 0),
        (State.DONE, Why.EXECUTED, 3),
    ],
)
def test_what_stays_missing_is_given_up_until_the_gap_changes(state: State, why: Why, frames: int) -> None:
    made = Made(("hour", NOW - 3 * HOUR, NOW))
    at, asked_at = NOW, list[int]()
    while (following := made.next(at, at + 3 * HOUR)) is not None:
        at, wanted = following
        asked_at.append(at)
        made.end(wanted, at, state, why, frames)
    assert len(asked_at) == GIVE_UP_AFTER
    assert all(later - earlier >= LOOK_EVERY_MS for earlier, later in pairwise(asked_at))
    made.gaps = [("hour", NOW - 3 * HOUR, NOW + HOUR)]
    assert made.next(at + 3 * HOUR, at + 4 * HOUR) is not None


def test_a_piece_given_up_does_not_hold_up_the_next() -> None:
    made = Made(("minute", NOW - 2 * DAY, NOW))
    at, begins = NOW, list[int]()
    while (following := made.next(at, at + 3 * HOUR)) is not None:
        at, wanted = following
        begins.append(int(wanted.parameters["begin"]))
        made.end(wanted, at, State.FAILED, Why.NO_DATA)
    assert begins == [NOW - 2 * DAY] * 3 + [NOW - DAY] * 3


def test_a_device_that_does_not_answer_is_asked_more_and_more_rarely_and_never_given_up() -> None:
    made = Made(("hour", NOW - 3 * HOUR, NOW))
    at, pauses = NOW, list[int]()
    for _ in range(12):
        following = made.next(at, at + 2 * LONGEST_PAUSE_MS)
        assert following is not None
        pauses.append(following[0] - at)
        at = following[0]
        made.end(following[1], at, State.TIMED_OUT, Why.NO_ANSWER)
    assert pauses[1:4] == [60_000, 120_000, 240_000]
    assert pauses[-1] == LONGEST_PAUSE_MS
    assert pauses == sorted(pauses)


def test_an_answer_ends_the_pause() -> None:
    made = Made(("hour", NOW - 3 * HOUR, NOW))
    at = NOW
    for state, why in ((State.TIMED_OUT, Why.NO_ANSWER),) * 5 + ((State.DONE, Why.EXECUTED),):
        following = made.next(at, at + HOUR)
        assert following is not None
        at = following[0]
        made.end(following[1], at, state, why, frames=int(state is State.DONE))
    following = made.next(at, at + HOUR)
    assert following is not None
    assert following[0] - at == LOOK_EVERY_MS


def test_so_many_devices_and_no_more_are_asked_at_once() -> None:
    made = Made(("hour", NOW - HOUR, NOW), devices=OPEN_MOST + 50)
    found = [one for _ in range(10) for one in made.wanted(NOW)]
    assert len({one.device for one in found}) == len(found) == OPEN_MOST
    made.end(found[0], NOW, State.DONE, Why.EXECUTED, frames=1)
    assert len(made.wanted(NOW)) == 1


def test_a_request_of_an_earlier_run_counts_as_one_of_its_own() -> None:
    made = Made(("hour", NOW - HOUR, NOW))
    earlier = Wanted(0, COMMANDS["fetch-hours"], {"begin": NOW - HOUR, "end": NOW - HOUR})
    made.end(earlier, NOW, State.TIMED_OUT, Why.NO_ANSWER)
    following = made.next(NOW, NOW + HOUR)
    assert following is not None
    assert following[0] == NOW + 60_000
