"""Gaps: what is missing between the first period and the newest, against a model that keeps sets."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.readings import gaps
from detectors.readings.gaps import GapRules, GapState
from detectors.records import NEVER, Phase

MINUTE = 60_000
LOOK_BACK = 40 * MINUTE
NOW = 1_777_622_400_000
RULES = GapRules.of([MINUTE] * 2, [LOOK_BACK] * 2)


def step(state: GapState, minutes: list[int], received: int = NOW, series: int = 0, rules: GapRules = RULES) -> None:
    times = np.array([NOW + minute * MINUTE for minute in minutes], np.int64)
    gaps.step(state, rules, np.full(len(times), series, np.intp), times, received)


def missing(state: GapState, series: int = 0, rules: GapRules = RULES) -> list[tuple[int, int]]:
    """Gaps as minutes from NOW."""
    found = gaps.missing(state, rules, series)
    return [((gap.start - NOW) // MINUTE, (gap.end - NOW) // MINUTE) for gap in found]


CASES = {
    "in order nothing is missing": ([-5, -4, -3], []),
    "a jump leaves a gap": ([-9, -4], [(-8, -4)]),
    "a late one closes its end": ([-9, -4, -5], [(-8, -5)]),
    "a late one closes its begin": ([-9, -4, -8], [(-7, -4)]),
    "a late one splits it": ([-9, -4, -6], [(-8, -6), (-5, -4)]),
    "all late ones close it": ([-9, -4, -5, -6, -7, -8], []),
    "the same again changes nothing": ([-9, -4, -4, -9, -6, -6], [(-8, -6), (-5, -4)]),
    "what is older than the first is no gap": ([-5, -20, -4], []),
    "ahead of the clock by more than an hour is passed over": ([-5, 61, -4], []),
    "ahead by less counts": ([-5, 2], [(-4, 2)]),
    "older than the look-back is passed over, also as the first": ([-41, -5, -4], []),
    "a clock of the year 2000 is passed over": ([-13_800_000, -5, -4], []),
}


@pytest.mark.parametrize(("minutes", "expected"), CASES.values(), ids=CASES.keys())
@pytest.mark.parametrize("cut", [True, False], ids=["one by one", "as one batch"])
def test_gaps(minutes: list[int], expected: list[tuple[int, int]], cut: bool) -> None:
    state = GapState.empty(2)
    for part in [[minute] for minute in minutes] if cut else [minutes]:
        step(state, part)
    assert missing(state) == expected
    assert missing(state, series=1) == []


def test_messages_without_a_time_say_nothing() -> None:
    state = GapState.empty(2)
    gaps.step(state, RULES, np.array([0, 0]), np.array([NEVER, NEVER]), NOW)
    assert state.newest[0] == NEVER


def test_a_stamp_within_a_period_counts_for_it() -> None:
    state = GapState.empty(2)
    gaps.step(state, RULES, np.array([0, 0]), np.array([NOW - 2 * MINUTE, NOW - 58_000]), NOW)
    assert missing(state) == []


def test_hours_of_a_zone_with_half_an_hour_start_at_its_full_hours() -> None:
    hour, half = 60 * MINUTE, 30 * MINUTE
    rules = GapRules.of([hour], [100 * hour], [half])
    state = GapState.empty(1)
    gaps.step(state, rules, np.array([0, 0]), np.array([NOW - 3 * hour - half, NOW - half]), NOW)
    assert missing(state, rules=rules) == [(-150, -30)]


def test_a_gap_leaves_the_look_back() -> None:
    state = GapState.empty(2)
    step(state, [-30, -20])
    step(state, list(range(-19, 16)), received=NOW + 15 * MINUTE)
    assert missing(state) == [(-25, -20)]
    step(state, list(range(16, 25)), received=NOW + 24 * MINUTE)
    assert missing(state) == []
    assert state.missing == {}


def test_of_too_many_gaps_the_oldest_are_let_go_and_counted() -> None:
    rules = GapRules.of([MINUTE], [1000 * MINUTE])
    state = GapState.empty(1)
    step(state, list(range(-400, 0, 2)), rules=rules)
    assert len(missing(state, rules=rules)) == gaps.KEPT
    assert state.dropped[0] == 199 - gaps.KEPT
    assert missing(state, rules=rules)[-1] == (-3, -2)


@given(
    batches=st.lists(st.lists(st.integers(-60, 70), max_size=12), max_size=12),
    waits=st.lists(st.integers(0, 9), min_size=12, max_size=12),
)
def test_what_is_missing_is_what_a_set_of_all_periods_says(batches: list[list[int]], waits: list[int]) -> None:
    state, now = GapState.empty(2), 0
    seen: set[int] = set()
    first: int | None = None
    for batch, wait in zip(batches, waits, strict=False):
        now += wait
        step(state, batch, received=NOW + now * MINUTE)
        for minute in batch:
            if now - 40 <= minute <= now + 60:
                seen.add(minute)
                first = minute if first is None else first
        within = [] if first is None else range(max(first, max(seen) - 40), max(seen))
        expected = [minute for minute in within if minute not in seen]
        assert [minute for start, end in missing(state) for minute in range(start, end)] == expected


def test_state_survives_with_series_renumbered_and_intervals_changed() -> None:
    state = GapState.empty(2)
    step(state, [-9, -4], series=0)
    step(state, [-8, -5], series=1)
    rules = GapRules.of([MINUTE, 2 * MINUTE, MINUTE], [LOOK_BACK] * 3)
    again = GapState.load(rules, state.dump(RULES), np.array([1, 0, -1]))
    assert missing(again, 0, rules) == [(-7, -5)]
    assert again.newest.tolist() == [NOW - 5 * MINUTE, NEVER, NEVER]
    assert missing(again, 1, rules) == []


class TestReports:
    """When a gap is worth an alert."""

    def test_one_that_is_filled_soon_is_not_reported(self) -> None:
        state = GapState.empty(2)
        step(state, [-30, -1])
        assert gaps.judge(state, RULES, NOW + gaps.PATIENCE_MS - 1) == []
        step(state, list(range(-29, -1)))
        assert gaps.judge(state, RULES, NOW + gaps.PATIENCE_MS) == []

    def test_one_that_stays_is_reported_once_and_resolved_when_all_are_closed(self) -> None:
        state = GapState.empty(2)
        step(state, [-30, -25, -1])
        (found,) = gaps.judge(state, RULES, NOW + gaps.PATIENCE_MS)
        assert (found.phase, found.subject, found.since) == (Phase.ACTIVE, 0, NOW - 29 * MINUTE)
        assert (found.value, found.limit) == (27 * 60, 600)
        step(state, list(range(-24, -1)))
        assert gaps.judge(state, RULES, NOW + 2 * gaps.PATIENCE_MS) == []
        step(state, list(range(-29, -25)))
        (ended,) = gaps.judge(state, RULES, NOW + 3 * gaps.PATIENCE_MS)
        assert (ended.phase, ended.since) == (Phase.CLEAR, found.since)

    def test_the_patience_is_two_periods_where_these_are_longer(self) -> None:
        hour = 60 * MINUTE
        rules = GapRules.of([hour], [100 * hour])
        state = GapState.empty(1)
        gaps.step(state, rules, np.array([0, 0]), np.array([NOW - 5 * hour, NOW - hour]), NOW)
        assert gaps.judge(state, rules, NOW + 2 * hour - 1) == []
        assert len(gaps.judge(state, rules, NOW + 2 * hour)) == 1
