"""Messages under another name: counted in cases, which end by quiet alone."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from detectors.readings import identity
from detectors.readings.identity import LEVELS, QUIET_MS, IdentityState
from detectors.records import NEVER, Finding


def short(findings: list[Finding]) -> list[tuple[int, str, int, int, float, int]]:
    return [(f.subject, f.phase.value, f.level, f.since, f.value, f.position) for f in findings]


def test_the_first_message_makes_a_finding_and_further_ones_only_at_the_next_level() -> None:
    state = IdentityState.empty(2)
    assert short(identity.step(state, [1], 5_000, [70])) == [(1, "active", 1, 5_000, 1.0, 70)]
    assert identity.step(state, [1] * 8, 6_000, range(71, 79)) == []
    assert short(identity.step(state, [1, 1], 7_000, [80, 81])) == [(1, "active", 2, 5_000, 10.0, 80)]


@given(st.lists(st.integers(0, 2), max_size=250), st.integers(1, 50))
def test_findings_do_not_depend_on_how_messages_are_cut_into_blocks(subjects: list[int], size: int) -> None:
    whole, parts = IdentityState.empty(3), IdentityState.empty(3)
    positions = range(len(subjects))
    at_once = identity.step(whole, subjects, 1_000, positions)
    by_parts: list[Finding] = []
    for first in range(0, len(subjects), size):
        part = slice(first, first + size)
        by_parts += identity.step(parts, subjects[part], 1_000, positions[part])
    assert at_once == by_parts
    for subject in range(3):
        reached = [level for level, least in enumerate(LEVELS, 1) if subjects.count(subject) >= least]
        assert [found.level for found in at_once if found.subject == subject] == reached


def test_a_case_ends_when_none_came_for_the_quiet_time_and_tells_how_many_there_were() -> None:
    state = IdentityState.empty(1)
    identity.step(state, [0] * 12, 1_000, range(12))
    identity.step(state, [0], 61_000, [12])
    assert identity.quiet(state, 61_000 + QUIET_MS - 1, 0) == []
    (found,) = identity.quiet(state, 61_000 + QUIET_MS, 0)
    assert short([found]) == [(0, "clear", 2, 1_000, 13.0, -1)]
    assert (found.time, found.limit) == (61_000 + QUIET_MS, 600.0)
    assert identity.quiet(state, 10**9, 0) == []
    assert short(identity.step(state, [0], 10**9, [13])) == [(0, "active", 1, 10**9, 1.0, 13)]


def test_time_in_which_nobody_listened_ends_nothing() -> None:
    state = IdentityState.empty(1)
    identity.step(state, [0], 1_000, [0])
    assert identity.quiet(state, 10**9, None) == []
    assert identity.quiet(state, 10**9, 10**9 - QUIET_MS + 1) == []
    assert len(identity.quiet(state, 10**9, 10**9 - QUIET_MS)) == 1


def test_a_restored_state_goes_on_counting_by_the_subjects_of_today() -> None:
    state = IdentityState.empty(2)
    identity.step(state, [1] * 9, 1_000, range(9))
    again = IdentityState.load(state.dump(), np.array([-1, 1, 0], np.intp))
    identity.resume(again, {1: 1_000}, 9)
    assert short(identity.step(again, [0, 1], 2_000, [9, 10])) == [
        (0, "active", 1, 2_000, 1.0, 9),
        (1, "active", 2, 1_000, 10.0, 10),
    ]


def test_messages_of_a_case_that_was_ended_before_the_restart_open_none() -> None:
    state = IdentityState.empty(1)
    identity.step(state, [0], 1_000, [0])
    identity.resume(state, {}, settled=5)
    assert state.since.tolist() == [NEVER]
    assert identity.step(state, [0], 2_000, [4]) == []
    assert short(identity.step(state, [0], 2_000, [5])) == [(0, "active", 1, 2_000, 1.0, 5)]


def test_a_case_that_began_after_the_saved_state_counts_its_own_messages_only() -> None:
    state = IdentityState.empty(1)
    identity.step(state, [0] * 5, 1_000, range(5))
    identity.resume(state, {0: 900_000}, settled=8)
    assert identity.step(state, [0], 2_000, [5]) == [], "of the case before"
    identity.step(state, [0, 0], 900_000, [6, 7])
    (over,) = identity.quiet(state, 900_000 + QUIET_MS, 0)
    assert (over.since, over.value) == (900_000, 2.0)
