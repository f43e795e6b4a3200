"""Verdicts on clocks, on streams of messages as devices with good and bad clocks send them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.readings.clocks import ClockRules, ClockState, ClockVerdict, step

START = 1_767_225_600_000
RULES = ClockRules(ahead=60_000, behind=60_000, drift=20_000)
OK, AHEAD, BEHIND, NO_CLOCK, DRIFTING = ClockVerdict
HOUR = 3_600_000
Message = tuple[int, int]
"""When received and what is stamped, ms UTC."""


def run(messages: Iterable[Message], state: ClockState | None = None) -> list[tuple[int, ClockVerdict]]:
    """Each change of the verdict of one device, with the seconds at which it came."""
    state = ClockState.empty(1) if state is None else state
    found: list[tuple[int, ClockVerdict]] = []
    for received, stamp in messages:
        one, no = np.array([stamp]), np.zeros(1, np.bool_)
        changes = step(state, RULES, np.zeros(1, np.intp), one, no, received)
        found += [((received - START) // 1000, change.verdict) for change in changes]
    return found


def stream(
    hours: float, every: int, clock: Callable[[int], int], delay: Callable[[Random], int] | None = None, seed: int = 1
) -> list[Message]:
    """Messages every `every` ms, stamped by `clock` (true time to stamp, cut to seconds), with a network's delay."""
    random = Random(seed)
    delays = delay or (lambda r: int(r.expovariate(1 / 400)) + 50)
    times = range(START, START + int(hours * HOUR), every)
    sent = [(time + delays(random), clock(time) // 1000 * 1000) for time in times]
    return sorted(sent)


@pytest.mark.parametrize("every", [1_000, 60_000, HOUR])
def test_a_right_clock_stays_right_whatever_the_interval_and_the_delays(every: int) -> None:
    slow = lambda r: int(r.paretovariate(1.2) * 300) % 55_000  # noqa: E731 - now and then a message is late
    assert run(stream(30 if every > 1_000 else 8, every, lambda t: t, slow)) == []


@pytest.mark.parametrize("every", [1_000, 60_000, HOUR])
def test_a_clock_ahead_is_found_with_its_first_message_and_right_again_after_a_while(every: int) -> None:
    change = START + 5 * HOUR
    found = run(stream(12, every, lambda t: t + 180_000 if START + 2 * HOUR <= t < change else t))
    assert [verdict for _, verdict in found] == [AHEAD, OK]
    assert found[0][0] == pytest.approx(7_200, abs=2)
    assert 0 <= found[1][0] - 5 * 3_600 <= max(1_300, 2 * every // 1000 + 60)


@pytest.mark.parametrize("every", [1_000, 60_000])
def test_a_clock_behind_is_found_within_two_stretches(every: int) -> None:
    found = run(stream(4, every, lambda t: t - 180_000 if t >= START + HOUR else t))
    assert [verdict for _, verdict in found] == [BEHIND]
    assert 600 <= found[0][0] - 3_600 <= 1_300


def test_a_backlog_after_an_outage_is_late_data_of_a_right_clock() -> None:
    live = stream(3, 10_000, lambda t: t)
    outage = (START + HOUR, START + HOUR + 1_800_000)
    kept = [(received, stamp) for received, stamp in live if outage[0] <= received < outage[1]]
    sent = [m for m in live if not outage[0] <= m[0] < outage[1]]
    for spacing in (0, 200, 5_000):  # at once, quickly, and as slowly as live data beside it
        backlog = [(outage[1] + n * spacing, stamp) for n, (_, stamp) in enumerate(kept)]
        assert run(sorted(sent + backlog)) == [], spacing


@pytest.mark.parametrize("stamp", [0, 946_684_800_000, 1_262_304_000_000], ids=["1970", "2000", "2010"])
def test_a_stamp_of_long_ago_is_no_clock(stamp: int) -> None:
    dead = stream(1, 1_000, lambda t: t - START + stamp)
    found = run([*dead, *((received + HOUR, START + HOUR + n * 1000) for n, (received, _) in enumerate(dead))])
    assert [verdict for _, verdict in found] == [NO_CLOCK, OK]


def test_a_stamp_that_stands_still_is_no_clock() -> None:
    found = run(stream(1, 10_000, lambda t: min(t, START + 600_000)))
    assert found[0][1] is NO_CLOCK and found[0][0] == pytest.approx(660, abs=12)


def test_payloads_without_a_time_are_no_clock() -> None:
    state = ClockState.empty(3)
    one = np.array([START])
    (change,) = step(state, RULES, np.array([2]), one, np.ones(1, np.bool_), START)
    assert (change.device, change.was, change.verdict) == (2, OK, NO_CLOCK)


@pytest.mark.parametrize("a_day", [30_000, -30_000, 120_000])
def test_a_clock_that_gains_or_loses_steadily_is_drifting(a_day: int) -> None:
    state = ClockState.empty(1)
    found = run(stream(30, 20_000, lambda t: t + (t - START) * a_day // (24 * HOUR)), state)
    assert found[0][1] is DRIFTING
    assert int(state.drift[0]) == pytest.approx(a_day, rel=0.15)


@pytest.mark.parametrize("a_day", [0, 8_000, -8_000])
def test_what_every_crystal_does_is_no_drift(a_day: int) -> None:
    assert run(stream(30, 20_000, lambda t: t + (t - START) * a_day // (24 * HOUR))) == []


def test_a_clock_that_was_set_is_not_drifting() -> None:
    assert run(stream(40, 20_000, lambda t: t + (30_000 if t > START + 15 * HOUR else 0))) == []


def test_what_is_saved_goes_on_as_if_nothing_had_been() -> None:
    messages = stream(30, 20_000, lambda t: t + (t - START) * 30_000 // (24 * HOUR))
    whole = run(messages)
    state, found = ClockState.empty(1), []
    for part in range(0, len(messages), 700):
        found += run(messages[part : part + 700], state)
        state = ClockState.load({n: c.copy() for n, c in state.columns().items()}, np.array([0]))
    assert found == whole


@settings(max_examples=40)
@given(
    st.lists(
        st.tuples(st.integers(0, 3), st.integers(-200_000, 200_000), st.integers(1, 400_000)), min_size=1, max_size=60
    )
)
def test_devices_do_not_touch_each_other(rows: list[tuple[int, int, int]]) -> None:
    together, apart = ClockState.empty(4), [ClockState.empty(1) for _ in range(4)]
    received = START
    for device, offset, wait in rows:
        received += wait
        one, no = np.array([received + offset]), np.zeros(1, np.bool_)
        found = step(together, RULES, np.array([device]), one, no, received)
        alone = step(apart[device], RULES, np.zeros(1, np.intp), one, no, received)
        assert [each._replace(device=0) for each in found] == alone
    assert together.verdict.tolist() == [int(state.verdict[0]) for state in apart]
