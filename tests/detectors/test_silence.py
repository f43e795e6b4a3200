"""Silence of expected devices."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.readings import silence
from detectors.readings.silence import SilenceState
from detectors.records import NEVER, Finding

PATIENCE = np.array([1000, 2000])


def short(findings: list[Finding]) -> list[tuple[int, str, int, float]]:
    return [(f.subject, f.phase.value, f.since, f.value) for f in findings]


def test_a_device_that_never_spoke_is_silent_from_the_start_of_listening() -> None:
    state = SilenceState.empty(2)
    assert silence.step(state, 1500, 500, PATIENCE) == []
    found = silence.step(state, 1501, 500, PATIENCE)
    assert [(f.detector, f.rule, f.subject, f.level, f.since, f.time, f.value, f.limit) for f in found] == [
        ("silence", 0, 0, 1, 500, 1501, 1.001, 1.0)
    ]
    assert short(silence.step(state, 9000, 500, PATIENCE)) == [(1, "active", 500, 8.5)]


def test_a_silence_is_reported_once_and_ends_by_the_devices_own_voice() -> None:
    state = SilenceState.empty(2)
    silence.hear(state, [0, 1], 100)
    assert short(silence.step(state, 1101, 0, PATIENCE)) == [(0, "active", 100, 1.001)]
    assert silence.step(state, 1200, 0, PATIENCE) == []
    silence.hear(state, [0], 1300)
    assert short(silence.step(state, 1400, 0, PATIENCE)) == [(0, "clear", 100, 1.2)]


def test_while_nobody_listens_nothing_changes() -> None:
    state = SilenceState.empty(2)
    assert silence.step(state, 10**6, None, PATIENCE) == []


def test_an_interruption_of_listening_neither_makes_nor_ends_a_silence() -> None:
    state = SilenceState.empty(2)
    silence.hear(state, [1], 0)
    assert short(silence.step(state, 1500, 0, PATIENCE)) == [(0, "active", 0, 1.5)]
    assert silence.step(state, 5500, 5000, PATIENCE) == []


def test_a_word_between_two_silences_ends_the_first_before_the_second_begins() -> None:
    state = SilenceState.empty(1)
    silence.step(state, 1500, 0, PATIENCE[:1])
    silence.hear(state, [0], 1600)
    assert short(silence.step(state, 9600, 0, PATIENCE[:1])) == [(0, "clear", 0, 1.6), (0, "active", 1600, 8.0)]


def test_a_restored_state_remembers_what_it_reported() -> None:
    state = SilenceState.empty(2)
    silence.hear(state, [1], 900)
    silence.step(state, 1500, 0, PATIENCE)
    state = SilenceState.load(state.dump(), np.array([1, -1, 0]))
    assert state.last_heard.tolist() == [900, NEVER, NEVER]
    patience = np.array([2000, 1000, 1000])
    assert silence.step(state, 1600, 1600, patience) == []
    silence.hear(state, [2], 1700)
    assert short(silence.step(state, 1700, 1600, patience)) == [(2, "clear", 0, 1.7)]


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("hear"), st.sets(st.integers(0, 1), min_size=1)),
            st.tuples(st.just("step"), st.sampled_from([None, 0, 1500])),
            st.tuples(st.just("wait"), st.integers(1, 2500)),
        ),
        max_size=30,
    )
)
def test_findings_of_a_device_alternate_and_never_clear_without_a_word(events: list[tuple[str, object]]) -> None:
    state, now = SilenceState.empty(2), 1000
    open_since: dict[int, int] = {}
    heard: dict[int, int] = {}
    for kind, what in events:
        if kind == "wait":
            assert isinstance(what, int)
            now += what
        elif kind == "hear":
            assert isinstance(what, set)
            silence.hear(state, sorted(what), now)
            heard |= dict.fromkeys(what, now)
        else:
            assert what is None or isinstance(what, int)
            for f in silence.step(state, now, what, PATIENCE):
                if f.phase.value == "active":
                    assert f.subject not in open_since and f.time - f.since > PATIENCE[f.subject]
                    open_since[f.subject] = f.since
                else:
                    assert heard[f.subject] > open_since.pop(f.subject)
