"""Limits, held against a model that judges one reading after the other."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from limit_model import VALUES, D, N, Row, Rule, T, columns, readings, rule_lists, short

from detectors.readings import limits
from detectors.readings.limits import AHEAD, Limits, LimitState
from detectors.records import NEVER, Finding


def run(rules: Limits, rows: list[Row], cuts: list[int] | None = None) -> tuple[list[Finding], int]:
    channels = int(max([r[0] for r in rows] + [*rules.channel.tolist(), 0])) + 1
    state = LimitState.empty(rules, channels)
    edges = [0, *sorted(cuts or []), len(rows)]
    found: list[Finding] = []
    late = 0
    for begin, end in pairwise(edges):
        judged = limits.step(state, rules, readings(rows[begin:end], begin))
        found += judged.findings
        late += len(judged.late)
    return found, late


def model(rules: list[Rule], rows: list[Row]) -> tuple[list[Finding], int]:
    """The findings of one rule after the other for each reading, and how many were late."""
    found: list[Finding] = []
    newest: dict[int, int] = {}
    late = 0
    for position, (channel, time, value, flag) in enumerate(rows):
        if time <= newest.get(channel, NEVER):
            late += 1
            continue
        newest[channel] = time
        for number, rule in enumerate(rules):
            said = rule.judge(time, value, flag) if rule.channel == channel else None
            if said is not None:
                phase, level, since, limit = said
                peak = rule.peak * rule.side
                made = Finding("limit", number, channel, phase, level, since, time, value, limit, position, peak=peak)
                found.append(made)
    return found, late


STEPS = st.tuples(st.integers(0, 3), st.integers(-2, 4), VALUES, st.sampled_from([N, N, N, N, T, D]))


@settings(max_examples=400, deadline=None)
@given(rule_lists(), st.lists(STEPS, max_size=40), st.lists(st.integers(0, 40), max_size=6))
def test_any_cut_of_any_stream_finds_what_judging_one_by_one_finds(
    rules: list[Rule], steps: list[tuple[int, int, float, int]], cuts: list[int]
) -> None:
    clock = [100, 100, 100, 100]
    rows: list[Row] = []
    for channel, ahead, value, flag in steps:
        clock[channel] += ahead
        rows.append((channel, clock[channel], value, flag))
    cuts = [min(c, len(rows)) for c in cuts]
    found, late = run(columns(rules), rows, cuts)
    expected, expected_late = model(rules, rows)
    assert found == expected
    assert late == expected_late


@settings(max_examples=100, deadline=None)
@given(rule_lists(), st.lists(STEPS, max_size=30), st.integers(0, 30))
def test_a_saved_and_loaded_state_goes_on_as_if_nothing_had_happened(
    rules: list[Rule], steps: list[tuple[int, int, float, int]], cut: int
) -> None:
    rows = [(c, 100 + 3 * i + ahead, v, f) for i, (c, ahead, v, f) in enumerate(steps)]
    table = columns(rules)
    state = LimitState.empty(table, 4)
    found = limits.step(state, table, readings(rows[:cut])).findings
    every, each = np.arange(4), np.arange(len(rules))
    state = LimitState.load(table, state.dump(), every, each)
    found += limits.step(state, table, readings(rows[cut:], min(cut, len(rows)))).findings
    assert found == run(table, rows)[0]


# --- named cases ---

ABOVE = Limits.of([0], [1], [[35.0, 70.0]], [60_000], [0.05])
NOW = Limits.of([0], [1], [[35.0, 70.0]], [0], [0.05])
MIN = 60_000


@pytest.mark.parametrize(
    ("rules", "rows", "expected"),
    [
        pytest.param(
            ABOVE,
            [(0, 0, 36.0, N), (0, MIN, 37.0, N), (0, 2 * MIN, 34.0, N), (0, 3 * MIN, 33.0, N)],
            [("pending", 1, 0, 0, 36.0), ("active", 1, 0, MIN, 37.0), ("clear", 1, 0, 3 * MIN, 33.0)],
            id="held long enough, kept by hysteresis, then over",
        ),
        pytest.param(
            ABOVE,
            [(0, 0, 36.0, N), (0, 59_999, 37.0, N), (0, MIN, 34.9, N), (0, 2 * MIN, 36.0, N)],
            [("pending", 1, 0, 0, 36.0), ("clear", 1, 0, MIN, 34.9), ("pending", 1, 2 * MIN, 2 * MIN, 36.0)],
            id="broken before its minimum duration, and begun anew",
        ),
        pytest.param(
            ABOVE,
            [(0, 0, 80.0, N), (0, MIN, 40.0, N), (0, 2 * MIN, 90.0, N), (0, 3 * MIN, 80.0, N), (0, 4 * MIN, 50.0, N)],
            [
                ("pending", 1, 0, 0, 80.0),
                ("active", 1, 0, MIN, 40.0),
                ("active", 2, 0, 3 * MIN, 80.0),
                ("active", 1, 0, 4 * MIN, 50.0),
            ],
            id="each level holds by itself, and the level falls without the rule ending",
        ),
        pytest.param(
            NOW,
            [(0, 0, 80.0, N), (0, 1, 10.0, N)],
            [("active", 2, 0, 0, 80.0), ("clear", 2, 0, 1, 10.0)],
            id="no hold enters at once, and over two levels in one step",
        ),
        pytest.param(
            NOW,
            [(0, 0, 40.0, N), (0, 1, 0.0, D), (0, 2, np.nan, N), (0, 3, np.inf, N), (0, 4, 10.0, T), (0, 5, 10.0, N)],
            [("active", 1, 0, 0, 40.0), ("clear", 1, 0, 5, 10.0)],
            id="faults, marks and over-range readings never end an exceedance",
        ),
        pytest.param(
            NOW,
            [(0, 0, 100.0, D), (0, 1, 36.0, T)],
            [("active", 1, 1, 1, 36.0)],
            id="over range counts as at least its value, a fault counts as nothing",
        ),
        pytest.param(
            Limits.of([0, 0], [1, -1], [[9.0], [6.0]], [0, 0], [0.0, 0.1]),
            [(0, 0, 9.0, N), (0, 1, 6.0, N), (0, 2, 6.5, N), (0, 3, 5.0, T), (0, 4, 7.0, T)],
            [("active", 1, 0, 0, 9.0), ("clear", 1, 0, 1, 6.0), ("active", 1, 1, 1, 6.0), ("clear", 1, 1, 4, 7.0)],
            id="pH is judged from both sides",
        ),
        pytest.param(
            Limits.of([0], [1], [[0.0]], [0], [0.5]),
            [(0, 0, 0.0, N), (0, 1, -0.001, N)],
            [("active", 1, 0, 0, 0.0), ("clear", 1, 0, 1, -0.001)],
            id="a limit of zero has no band",
        ),
        pytest.param(
            Limits.of([0], [1], [[-20.0]], [0], [0.1]),
            [(0, 0, -20.0, N), (0, 1, -22.0, N), (0, 2, -22.1, N)],
            [("active", 1, 0, 0, -20.0), ("clear", 1, 0, 2, -22.1)],
            id="a negative limit is left on its far side",
        ),
        pytest.param(
            NOW,
            [(0, 10, 40.0, N), (0, 10, 10.0, N), (0, 9, 10.0, N)],
            [("active", 1, 10, 10, 40.0)],
            id="late and repeated readings are not judged",
        ),
    ],
)
def test_cases(rules: Limits, rows: list[Row], expected: list[tuple[str, int, int, int, float]]) -> None:
    assert short(run(rules, rows)[0]) == expected
    assert short(run(rules, rows, list(range(len(rows))))[0]) == expected


def test_a_redelivered_batch_finds_nothing_and_is_counted() -> None:
    state = LimitState.empty(NOW, 1)
    batch = readings([(0, t, 40.0 - t, N) for t in range(10)])
    first = limits.step(state, NOW, batch)
    again = limits.step(state, NOW, batch)
    assert len(first.findings) == 2 and len(first.late) == 0
    assert again.findings == [] and again.late.tolist() == list(range(10))


def test_a_stamp_from_the_far_future_does_not_deafen_the_channel() -> None:
    state = LimitState.empty(NOW, 1)
    judged = limits.step(state, NOW, readings([(0, 5 + AHEAD + 1, 40.0, N), (0, 5, 41.0, N)], received=5))
    assert judged.ahead == 1 and len(judged.late) == 0
    assert short(judged.findings) == [("active", 1, 5, 5, 41.0)]


def test_findings_name_rule_channel_limit_and_position() -> None:
    rules = Limits.of([7, 3, 7], [1, 1, -1], [[10.0], [1.0, 2.0], [-1.0]], [0, 0, 0], [0.0] * 3)
    state = LimitState.empty(rules, 8)
    found = limits.step(state, rules, readings([(7, 0, -5.0, N), (3, 0, 2.0, N), (0, 0, 99.0, N)], 40)).findings
    assert [(f.detector, f.rule, f.subject, f.level, f.limit, f.position) for f in found] == [
        ("limit", 2, 7, 1, -1.0, 40),
        ("limit", 1, 3, 2, 2.0, 41),
    ]


def test_a_steady_exceedance_is_as_quiet_as_a_steady_normal() -> None:
    state = LimitState.empty(NOW, 1)
    limits.step(state, NOW, readings([(0, 0, 40.0, N)]))
    assert (state.low[0], state.high[0]) == (35.0 * 0.95, 40.0), "up to its peak"


def test_channels_may_appear_later() -> None:
    state = LimitState.empty(NOW, 1)
    limits.step(state, NOW, readings([(0, 0, 40.0, N)]))
    state.grow(3)
    judged = limits.step(state, NOW, readings([(2, 0, 1e6, N), (0, 1, 1.0, N), (2, 0, 1e6, N)]))
    assert short(judged.findings) == [("clear", 1, 0, 1, 1.0)] and judged.late.tolist() == [2]


def test_a_changed_rule_table_takes_over_what_it_still_has() -> None:
    """Rule 0 was removed, rule 1 became rule 0 and lost its second level, a new rule came; channel 1 became 0."""
    before = Limits.of([0, 1], [1, 1], [[1.0], [10.0, 20.0]], [0, 0], [0.0, 0.0])
    state = LimitState.empty(before, 2)
    limits.step(state, before, readings([(0, 5, 2.0, N), (1, 5, 30.0, N)]))
    after = Limits.of([0, 1], [1, 1], [[10.0], [1.0]], [0, 0], [0.0, 0.0])
    state = LimitState.load(after, state.dump(), np.array([1, -1]), np.array([1, -1]))
    judged = limits.step(state, after, readings([(0, 5, 0.0, N), (0, 6, 30.0, N), (1, 1, 2.0, N), (0, 7, 0.0, N)]))
    assert judged.late.tolist() == [0]
    assert short(judged.findings) == [("active", 1, 1, 1, 2.0), ("clear", 1, 5, 7, 0.0)]


def test_levels_that_do_not_lead_away_from_the_normal_are_a_programmers_error() -> None:
    with pytest.raises(AssertionError):
        Limits.of([0], [-1], [[5.0, 6.0]], [0], [0.0])
