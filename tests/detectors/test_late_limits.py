"""Late limits, held against a model that judges one reading after the other; and data that come again."""

from __future__ import annotations

import doctest
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from limit_model import VALUES, D, N, Rule, T, columns, rule_lists

from detectors.readings import late_limits, limits
from detectors.readings.late_limits import LateState
from detectors.readings.late_runs import QUIET, REACH, Watch
from detectors.readings.limits import Limits, LimitState
from detectors.records import NEVER, Finding, Phase, Readings

CHANNELS = 4


class Row(NamedTuple):
    channel: int
    time: int
    value: float
    flag: int = N
    received: int = 10**9


class Tick(NamedTuple):
    now: int


class Lanes:
    """Both lanes over one stream."""

    def __init__(self, rules: Limits, interval: Sequence[int]) -> None:
        self.rules = rules
        self.watch = Watch.of(rules, interval)
        self.live = LimitState.empty(rules, CHANNELS)
        self.late = LateState.empty(rules)
        self.live_findings: list[Finding] = []
        self.rows = 0

    def take(self, stream: Iterable[Row | Tick], cuts: Iterable[int] = ()) -> list[Finding]:
        """What the late lane finds; batches end before the items with these numbers, and at ticks."""
        found: list[Finding] = []
        waiting: list[Row] = []
        ends = set(cuts)
        for number, item in enumerate(stream):
            if number in ends or isinstance(item, Tick):
                found += self._step(waiting)
                waiting = []
            if isinstance(item, Tick):
                found += late_limits.tick(self.late, self.rules, item.now)
            else:
                waiting.append(item)
        return found + self._step(waiting)

    def _step(self, rows: list[Row]) -> list[Finding]:
        position = np.arange(self.rows, self.rows + len(rows))
        self.rows += len(rows)
        batch = Readings(
            np.array([row.channel for row in rows], np.int32),
            np.array([row.time for row in rows], np.int64),
            np.array([row.received for row in rows], np.int64),
            np.array([row.value for row in rows], np.float64),
            np.array([row.flag for row in rows], np.uint8),
            position,
            np.zeros(len(rows), np.uint8),
        )
        judged = limits.step(self.live, self.rules, batch)
        self.live_findings += judged.findings
        return late_limits.step(self.late, self.rules, self.watch, batch, judged)

    def restart(self) -> None:
        """Save both lanes and load them again."""
        every, each = np.arange(CHANNELS), np.arange(len(self.rules))
        self.live = LimitState.load(self.rules, self.live.dump(), every, each)
        self.late = LateState.load(self.rules, self.late.dump(self.rules), every, each)


# --- the model: what late limits mean, one reading after the other ---


class Tail(NamedTuple):
    """Last reading of a run."""

    time: int
    received: int
    position: int


@dataclass
class Lane:
    """One rule of the model: in the live lane, the main run and the side run, and what was found of it."""

    live: Rule
    runs: dict[str, Rule]
    interval: int
    told: int = 0
    told_of: str = ""
    stays: list[tuple[int, float, int]] = field(default_factory=list)
    """Start, end (exclusive), level: all that ever were."""

    def found(self, of: str, time: int) -> int:
        going_on = [self.live, self.runs["main"]] if of == "side" else [self.live]
        stays = self.stays + [(rule.since, math.inf, rule.level) for rule in going_on if rule.level]
        return max((level for start, end, level in stays if start <= time < end), default=0)


class Model:
    def __init__(self, rules: list[Rule], interval: Sequence[int]) -> None:
        self.lanes = [
            Lane(rule.fresh(), {"main": rule.fresh(), "side": rule.fresh()}, every)
            for rule, every in zip(rules, interval, strict=True)
        ]
        self.newest: dict[int, int] = {}
        self.runs: dict[tuple[int, str], Tail] = {}
        self.found: list[Finding] = []

    def take(self, stream: Iterable[Row | Tick]) -> list[Finding]:
        position = 0
        for item in stream:
            if isinstance(item, Tick):
                heard = {c: max(t.received for (d, _), t in self.runs.items() if d == c) for c, _ in self.runs}
                quiet = {channel for channel, received in heard.items() if received < item.now - QUIET}
                self.end([(channel, of) for channel in quiet for of in ("main", "side")])
                continue
            mine = [lane for lane in self.lanes if lane.live.channel == item.channel]
            if item.time > self.newest.get(item.channel, NEVER):
                self.newest[item.channel] = item.time
                for lane in mine:
                    was, since = lane.live.level, lane.live.since
                    lane.live.judge(item.time, item.value, item.flag)
                    if was and lane.live.level != was:
                        lane.stays.append((since, item.time, was))
            elif mine:
                self.late(item, position, max(max(lane.live.hold, REACH * lane.interval) for lane in mine))
            position += 1
        return self.found

    def late(self, row: Row, position: int, reach: int) -> None:
        main, side = (row.channel, "main"), (row.channel, "side")
        heard = [self.runs[key].received for key in (main, side) if key in self.runs]
        if heard and row.received - max(heard) > QUIET:
            self.end([main, side])
        if main not in self.runs or row.time > self.runs[main].time:
            over = [main] if main in self.runs and row.time - self.runs[main].time > reach else []
            self.end([*over, side])
            key = main
        else:
            if side in self.runs and not 0 <= row.time - self.runs[side].time <= reach:
                self.end([side])
            key = side
        now = Tail(row.time, row.received, position)
        self.judge(key, row, now)
        self.runs[key] = now

    def judge(self, key: tuple[int, str], row: Row, now: Tail) -> None:
        channel, of = key
        for number, lane in enumerate(self.lanes):
            rule = lane.runs[of]
            if rule.channel != channel:
                continue
            was, since = rule.level, rule.since
            rule.judge(row.time, row.value, row.flag)
            if rule.level != was:
                self.change(number, of, was, rule.level, since if was else rule.since, now, row.value, rule.peak)

    def end(self, keys: list[tuple[int, str]]) -> None:
        """These runs are over."""
        there = [key for key in keys if key in self.runs]
        for number, lane in enumerate(self.lanes):
            for channel, of in there:
                rule = lane.runs[of]
                if rule.channel == channel:
                    lane.runs[of] = rule.fresh()
                    if rule.level:
                        tail = self.runs[channel, of]
                        self.change(number, of, rule.level, 0, rule.since, tail, math.nan, rule.peak)
        for key in there:
            del self.runs[key]

    def change(
        self, number: int, of: str, was: int, now: int, since: int, tail: Tail, value: float, peak: float
    ) -> None:
        lane = self.lanes[number]
        peak *= lane.live.side
        mine = lane.told > 0 and lane.told_of == of
        news = now > was and now > lane.found(of, tail.time)
        if not mine and news and lane.told:
            main, end = lane.runs["main"], self.runs[lane.live.channel, "main"]
            lane.stays.append((main.since, end.time + 1, main.level))
            self.tell(number, main.level, 0, main.since, end, math.nan, math.nan)
        if was:
            lane.stays.append((since, tail.time + 1, was))
        if mine or news:
            lane.told, lane.told_of = now, of
            self.tell(number, was, now, since, tail, value, peak)

    def tell(self, number: int, was: int, now: int, since: int, tail: Tail, value: float, peak: float) -> None:
        rule = self.lanes[number].live
        phase = Phase.ACTIVE if now else Phase.CLEAR
        at = (since, tail.time, value, rule.levels[max(now, 1) - 1], tail.position)
        self.found.append(
            Finding("late_limit", number, rule.channel, phase, now or was, *at, peak=peak, received=tail.received)
        )


def said(findings: list[Finding]) -> list[str]:
    """Findings as text: a NaN equals itself in it."""
    return [repr(finding) for finding in findings]


FLAGS = st.sampled_from([N, N, N, N, T, D])
INTERVALS = st.lists(st.sampled_from([1, 3, 50]), min_size=4, max_size=4)


@st.composite
def streams(draw: st.DrawFn, channels: int = CHANNELS, most: int = 50) -> list[Row | Tick]:
    """Times that go on and back, receptions that go on, and now and then a look at the clock."""
    clock, now = [100] * channels, 10**9
    stream: list[Row | Tick] = []
    for _ in range(draw(st.integers(0, most))):
        now += draw(st.sampled_from([0, 0, 0, 1000, QUIET, QUIET + 1]))
        if draw(st.integers(0, 9)) == 0:
            stream.append(Tick(now))
            continue
        channel = draw(st.integers(0, channels - 1))
        clock[channel] += draw(st.sampled_from([1, 1, 1, 1, 2, 3, 0, -1, -2, -9, 9, 40, -40]))
        stream.append(Row(channel, clock[channel], draw(VALUES), draw(FLAGS), now))
    return stream


CUTS = st.lists(st.integers(0, 50), max_size=8)


@settings(max_examples=400, deadline=None)
@given(rule_lists(), INTERVALS, streams(), CUTS)
def test_any_cut_of_any_stream_finds_what_judging_one_by_one_finds(
    rules: list[Rule], interval: list[int], stream: list[Row | Tick], cuts: list[int]
) -> None:
    interval = interval[: len(rules)]
    found = Lanes(columns(rules), interval).take(stream, cuts)
    assert said(found) == said(Model(rules, interval).take(stream))


@settings(max_examples=100, deadline=None)
@given(rule_lists(), streams(), st.integers(0, 50))
def test_the_live_lane_does_not_know_of_the_late_one(rules: list[Rule], stream: list[Row | Tick], cut: int) -> None:
    lanes, alone = Lanes(columns(rules), [3] * len(rules)), Lanes(columns(rules), [3] * len(rules))
    lanes.take(stream, [cut])
    newest: dict[int, int] = {}
    in_order: list[Row] = []
    for item in stream:
        if isinstance(item, Row) and item.time > newest.get(item.channel, NEVER):
            newest[item.channel] = item.time
            in_order.append(item)
    assert alone.take(in_order) == []
    plain = [(f.rule, f.phase, f.level, f.since, f.time, f.peak) for f in alone.live_findings]
    assert [(f.rule, f.phase, f.level, f.since, f.time, f.peak) for f in lanes.live_findings] == plain


@settings(max_examples=100, deadline=None)
@given(rule_lists(), streams(), st.integers(0, 50))
def test_a_saved_and_loaded_state_goes_on_as_if_nothing_had_happened(
    rules: list[Rule], stream: list[Row | Tick], cut: int
) -> None:
    interval = [3] * len(rules)
    restarted = Lanes(columns(rules), interval)
    found = restarted.take(stream[:cut])
    restarted.restart()
    found += restarted.take(stream[cut:])
    assert said(found) == said(Lanes(columns(rules), interval).take(stream))


# --- data that come again ---


def begun(findings: list[Finding], told: set[int]) -> list[Finding]:
    """The findings that make an alert; `told`, the rules that have one open, is kept up."""
    new = []
    for finding in findings:
        if finding.phase is Phase.CLEAR:
            told.discard(finding.rule)
        elif finding.rule not in told:
            told.add(finding.rule)
            new.append(finding)
    return new


@settings(max_examples=300, deadline=None)
@given(rule_lists(), INTERVALS, streams(), st.data())
def test_whatever_part_of_a_stream_comes_again_is_no_news_to_rules_without_hold(
    rules: list[Rule], interval: list[int], stream: list[Row | Tick], data: st.DataObject
) -> None:
    for rule in rules:
        rule.hold = 0
    lanes = Lanes(columns(rules), interval[: len(rules)])
    told: set[int] = set()
    begun(lanes.take(stream), told)
    for _ in range(3):
        first = data.draw(st.integers(0, len(stream)), label="first")
        end = data.draw(st.integers(first, len(stream)), label="end")
        assert begun(lanes.take(stream[first:end], data.draw(CUTS, label="cuts")), told) == []


@settings(max_examples=300, deadline=None)
@given(rule_lists(), INTERVALS, streams(), st.data())
def test_data_in_order_that_come_again_are_no_news_to_any_rule(
    rules: list[Rule], interval: list[int], stream: list[Row | Tick], data: st.DataObject
) -> None:
    """As a broker redelivers: from what was not acknowledged on, at each attempt no later than where it stood."""
    newest: dict[int, int] = {}
    in_order: list[Row] = []
    for item in stream:
        if isinstance(item, Row) and item.time > newest.get(item.channel, NEVER):
            newest[item.channel] = item.time
            in_order.append(item)
    lanes = Lanes(columns(rules), interval[: len(rules)])
    assert lanes.take(in_order) == []
    end = len(in_order)
    for _ in range(3):
        first = data.draw(st.integers(0, end), label="first")
        end = data.draw(st.integers(first, len(in_order)), label="end")
        assert lanes.take(in_order[first:end], data.draw(CUTS, label="cuts")) == []


# --- named cases ---

NOW = Limits.of([0], [1], [[35.0, 70.0]], [0], [0.05])
HELD = Limits.of([0], [1], [[35.0, 70.0]], [120_000], [0.05])
MIN = 60_000


def minutes(*readings: tuple[float, float], received: int = 10**9) -> list[Row]:
    """(minute, value) of channel 0."""
    return [Row(0, round(minute * MIN), value, N, received) for minute, value in readings]


def told(findings: list[Finding]) -> list[tuple[str, int, float, float, float | None]]:
    """Phase, level, since and time in minutes, and value; None for NaN."""
    return [
        (f.phase.value, f.level, f.since / MIN, f.time / MIN, None if math.isnan(f.value) else f.value)
        for f in findings
    ]


LIVE = minutes((0, 30), (1, 30), (100, 30), (101, 30))


@pytest.mark.parametrize(
    ("rules", "late", "expected"),
    [
        pytest.param(
            NOW,
            minutes((40, 30), (41, 36), (42, 40), (43, 30)),
            [("active", 1, 41, 41, 36), ("clear", 1, 41, 43, 30)],
            id="an exceedance in a back-fill",
        ),
        pytest.param(
            HELD,
            minutes((40, 36), (41, 36), (42, 40), (43, 30), (44, 36), (45, 36), (46, 30)),
            [("active", 1, 40, 42, 40), ("clear", 1, 40, 43, 30)],
            id="only where it was held: no pending, and nothing of a short run",
        ),
        pytest.param(
            NOW,
            minutes((42, 36), (41, 80), (40, 30)),
            [
                ("active", 1, 42, 42, 36),
                ("clear", 1, 42, 42, None),
                ("active", 2, 41, 41, 80),
                ("clear", 2, 41, 41, None),
            ],
            id="newest first: reading by reading",
        ),
        pytest.param(
            HELD,
            minutes((40, 36), (41, 36), (44.1, 36), (45, 36)),
            [],
            id="readings on both sides of a hole do not prove what was between",
        ),
        pytest.param(
            NOW,
            minutes((40, 36), (41, 36), (60, 30)),
            [("active", 1, 40, 40, 36), ("clear", 1, 40, 41, None)],
            id="an exceedance before a hole ends at its last reading",
        ),
        pytest.param(
            NOW,
            minutes((40, 36), (41, 30), (40, 80), (41, 30)),
            [("active", 1, 40, 40, 36), ("clear", 1, 40, 41, 30), ("active", 2, 40, 40, 80), ("clear", 2, 40, 41, 30)],
            id="the same time again, at a higher level: news",
        ),
        pytest.param(
            NOW,
            minutes((40, 36), (41, 36), (42, 36), (40, 36), (41, 36), (42, 36), (43, 36), (44, 30)),
            [("active", 1, 40, 40, 36), ("clear", 1, 40, 44, 30)],
            id="a part of the run again, and on: it goes on",
        ),
        pytest.param(
            NOW,
            [
                *minutes((40, 36), (41, 36)),
                *minutes((40, 36), (41, 36), (42, 37), (43, 36), (44, 30), received=10**9 + QUIET + 1),
            ],
            [
                ("active", 1, 40, 40, 36),
                ("clear", 1, 40, 41, None),
            ],
            id="the run again after it was over: no news, even where it lasts longer",
        ),
        pytest.param(
            NOW,
            minutes((40, 36), (20, 36), (21, 30), (41, 36), (42, 30)),
            [
                ("active", 1, 40, 40, 36),
                ("clear", 1, 40, 40, None),
                ("active", 1, 20, 20, 36),
                ("clear", 1, 20, 21, 30),
            ],
            id="one exceedance is told of at a time: older news ends what goes on",
        ),
        pytest.param(
            NOW,
            [*minutes((40, 36)), *minutes((41, 36), received=10**9 + QUIET + 1)],
            [("active", 1, 40, 40, 36), ("clear", 1, 40, 40, None), ("active", 1, 41, 41, 36)],
            id="a run does not wait",
        ),
    ],
)
def test_cases(rules: Limits, late: list[Row], expected: list[tuple[str, int, float, float, float | None]]) -> None:
    together, one_by_one = Lanes(rules, [MIN]), Lanes(rules, [MIN])
    assert told(together.take([*LIVE, *late])) == expected
    assert told(one_by_one.take([*LIVE, *late], range(100))) == expected
    assert together.live_findings == []


def test_what_the_live_lane_is_in_or_has_found_is_no_news_but_a_higher_level_of_it_is() -> None:
    lanes = Lanes(NOW, [MIN])
    assert lanes.take(minutes((0, 36), (3, 36), (5, 30), (6, 36), (9, 36))) == []
    assert lanes.take(minutes((1, 40), (2, 40), (7, 40), (8, 30))) == [], "in holes of what was found"
    assert told(lanes.take(minutes((1, 90), (2, 40)))) == [("active", 2, 1, 1, 90), ("active", 1, 1, 2, 40)]
    assert told(lanes.take(minutes((7, 90), (8, 30)))) == [
        ("clear", 1, 1, 2, None),
        ("active", 2, 7, 7, 90),
        ("clear", 2, 7, 8, 30),
    ]


def test_a_run_that_nothing_follows_ends_at_its_last_reading_after_a_while() -> None:
    lanes = Lanes(NOW, [MIN])
    lanes.take([*LIVE, *minutes((40, 36), (41, 38))])
    assert lanes.take([Tick(10**9 + QUIET)]) == []
    (end,) = lanes.take([Tick(10**9 + QUIET + 1)])
    assert (end.phase, end.since, end.time, end.position) == (Phase.CLEAR, 40 * MIN, 41 * MIN, 5)
    assert math.isnan(end.value) and end.peak == 38 and end.received == 10**9
    assert lanes.take([Tick(10**9 + 2 * QUIET)]) == []
    assert told(lanes.take(minutes((42, 36)))) == [("active", 1, 42, 42, 36)], "it does not go on"


def test_channels_without_a_rule_and_beyond_the_rules_are_passed_over() -> None:
    lanes = Lanes(Limits.of([1], [1], [[35.0]], [0], [0.0]), [MIN])
    rows = [Row(channel, time, value) for time, value in ((5, 1.0), (4, 99.0)) for channel in range(CHANNELS)]
    assert [(f.subject, f.time) for f in lanes.take(rows)] == [(1, 4)]


def test_a_changed_rule_table_takes_over_what_it_still_has() -> None:
    """Rule 0 was removed and rule 1 became rule 0; channel 1 became 0."""
    before = Lanes(Limits.of([0, 1], [1, 1], [[1.0], [35.0]], [0, 0], [0.0, 0.0]), [MIN, MIN])
    before.take([Row(1, 100 * MIN, 1.0), Row(1, MIN, 36.0), Row(1, 2 * MIN, 0.0), Row(1, 4 * MIN, 36.0)])
    after = Lanes(Limits.of([0], [1], [[35.0]], [0], [0.0]), [MIN])
    channel_from, rule_from = np.array([1, -1, -1, -1]), np.array([1])
    after.live = LimitState.load(after.rules, before.live.dump(), channel_from, rule_from)
    after.late = LateState.load(after.rules, before.late.dump(before.rules), channel_from, rule_from)
    assert told(after.take(minutes((5, 0), (1, 36), (2, 0)))) == [("clear", 1, 4, 5, 0)]


def test_a_lane_that_begins_beside_an_older_live_one_knows_what_that_is_in() -> None:
    lanes = Lanes(NOW, [MIN])
    lanes.take(minutes((0, 80), (10, 80)))
    lanes.late = LateState.empty(NOW)
    lanes.late.follow(lanes.live)
    assert lanes.take(minutes((0, 80), (10, 80))) == []


def test_of_a_long_history_newest_first_a_bounded_number_is_remembered() -> None:
    """Every reading is a run of its own."""
    lanes = Lanes(NOW, [MIN])
    history = [(3000 - n, 36.0 - n % 2 * 10) for n in range(2000)]
    found = lanes.take([*minutes((4000, 1)), *minutes(*history)])
    assert [f.phase.value for f in found] == ["active", "clear"] * 1000
    assert len(lanes.late.found.ended[0]) == lanes.late.found.room


def test_the_example_is_true() -> None:
    for module in (limits, late_limits):
        assert doctest.testmod(module).attempted > 0
        assert doctest.testmod(module).failed == 0
