"""What belongs together, by hand; and what must hold of any truth and any receiver."""

from __future__ import annotations

import itertools
from dataclasses import replace
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators.score.figures import percentile, score
from simulators.score.matching import Matched, fits, match
from simulators.score.records import Counted, Expected, Said, Truth

TOLERANCE = 10_000
DAY = 86_400_000


def limit(begins: int, ends: int | None, **more: object) -> Expected:
    """SO2 of `d0` over its limit between two seconds."""
    end = None if ends is None else 1000 * ends
    base = Expected("exceedance", "limit", "plant", ("d0",), 1000 * begins, end, end, "a21026", kind="exceedance")
    return replace(base, **more)


def alert(since: int, told: int, ended: int | None = None, **more: object) -> Said:
    """What is said of it, in seconds."""
    end = None if ended is None else 1000 * ended
    base = Said("exceedance", "so2", "limit", "plant", "d0", 1000 * since, 1000 * told, end, "a21026")
    return replace(base, **more)


def test_figures_of_a_case_reckoned_by_hand() -> None:
    """Four to be found, one of them missed; six alerts: one told again, two about nothing, one over too early."""
    truth = Truth(
        expected=[
            limit(100, 200),
            limit(300, 400, factor="a21002"),
            limit(500, None, family="data_quality", what="silence", factor=""),
            limit(600, 700),
        ],
        counted=[Counted("plant", "d0", 0, DAY // 2, {}), Counted("plant", "yard", 0, DAY, {})],
    )
    said = [
        alert(101, 106, 201),
        alert(140, 150, 160),  # another of what was told
        alert(301, 311, 350, factor="a21002"),  # over 50 s too early
        alert(500, 512, family="data_quality", rule="silence", what="silence", factor=""),
        alert(650, 655, subject="d1"),  # of another device
        alert(900, 905),
    ]
    scored = score(truth, said, TOLERANCE)
    assert scored.device_days == 1.5
    assert [(row.family, row.what) for row in scored.rows] == [("data_quality", "silence"), ("exceedance", "limit")]
    assert scored.rows[1].json(1.5) == {
        "family": "exceedance",
        "what": "limit",
        "expected": 3,
        "found": 2,
        "missed": 1,
        "false": 3,
        "again": 1,
        "false_resolves": 1,
        "precision": 2 / 5,
        "recall": 2 / 3,
        "delay_median_ms": (6_000 + 11_000) / 2,
        "delay_p95_ms": 6_000 + 0.95 * 5_000,
        "false_per_device_day": 2.0,
    }
    whole = scored.whole
    assert (whole.expected, whole.precision, whole.recall, whole.false_resolves) == (4, 3 / 6, 3 / 4, 1)
    assert whole.missed == [truth.expected[3]]
    assert [(each.said, each.again) for each in whole.false] == [(said[1], True), (said[4], False), (said[5], False)]


@pytest.mark.parametrize(
    ("said", "fit"),
    [
        (alert(100, 106), True),
        (alert(90, 95), True),  # at the tolerance
        (alert(89, 89), False),
        (alert(210, 215), True),
        (alert(211, 215), False),
        (alert(5_000, 106), True),  # a clock that is wrong: it was told in time
        (alert(89, 100), True),
        (alert(100, 106, subject="d1"), False),
        (alert(100, 106, site="other"), False),
        (alert(100, 106, family="data_quality"), False),
        (alert(100, 106, factor="a21002"), False),
        (alert(100, 106, factor=""), True),
        (alert(100, 106, what=""), True),
        (alert(100, 106, what="smoke"), False),
        (alert(100, 106, late=True), False),
        (alert(100, 106, field="Rtd"), True),
    ],
)
def test_what_fits(said: Said, fit: bool) -> None:
    assert fits(limit(100, 200), said, TOLERANCE) is fit
    assert fits(limit(100, 200, field="ZsRtd"), replace(said, field="Rtd"), TOLERANCE) is False


def test_what_lasts_for_good_may_be_told_at_any_time_and_is_never_over() -> None:
    matched = match([limit(100, None)], [alert(9_000, 9_005, 9_010)], TOLERANCE)
    assert [pair.too_early for pair in matched.pairs] == [True]


def test_an_alert_may_end_as_much_too_early_as_the_tolerance_is() -> None:
    ends = {
        ended: match([limit(100, 200)], [alert(100, 105, ended)], TOLERANCE).pairs[0].too_early for ended in (189, 190)
    }
    assert ends == {189: True, 190: False}
    assert match([limit(100, 200)], [alert(100, 105)], TOLERANCE).pairs[0].too_early is False


def test_a_clock_that_is_behind_makes_no_early_end() -> None:
    """Told in time that it is over, although by the camera's clock it was over an hour before."""
    said = replace(alert(-3_500, 101, -3_405), ended_told=195_000)
    (pair,) = match([limit(100, 200)], [said], TOLERANCE).pairs
    assert not pair.too_early
    (pair,) = match([limit(100, 200)], [replace(said, ended_told=150_000)], TOLERANCE).pairs
    assert pair.too_early


def test_who_took_what_another_needs_moves_on() -> None:
    """The first alert would take what is over first, and the second fits nothing else."""
    wide, narrow = limit(100, 300, factor=""), limit(100, 200, factor="a21026")
    unnamed, named = alert(101, 102, factor=""), alert(103, 104, factor="a21026")
    other = alert(105, 106, factor="a21002")
    matched = match([wide, narrow], [unnamed, other], 0)
    assert [(pair.expected, pair.said) for pair in matched.pairs] == [(narrow, unnamed), (wide, other)]
    matched = match([wide, narrow], [named, other], 0)
    assert [(pair.expected, pair.said) for pair in matched.pairs] == [(narrow, named), (wide, other)]
    matched = match([narrow, wide, limit(100, 150)], [unnamed, other, named], 0)
    assert len(matched.pairs) == 3


def test_alerts_of_which_the_truth_says_nothing_are_not_judged() -> None:
    gap = alert(100, 700, family="data_quality", rule="gap_minute", what="", factor="")
    health = alert(100, 110, family="gateway_health", rule="disk_full", what="", factor="")
    scored = score(Truth(), [gap, health], TOLERANCE)
    assert scored.not_judged == [gap, health]
    assert (scored.whole.precision, scored.whole.recall, scored.device_days) == (None, None, None)
    broken = Truth([limit(100, 200, family="gateway_health", what="disk_full", factor="")])
    scored = score(broken, [gap, health], TOLERANCE)
    assert scored.not_judged == [gap]
    assert scored.whole.recall == 1.0


def test_percentiles_lie_straight_between_neighbours() -> None:
    assert percentile([7], 95) == 7
    assert percentile([0, 100], 25) == 25
    assert percentile(range(101), 95) == 95


times = st.integers(0, 400)
words = st.sampled_from(["limit", "smoke"])
factors = st.sampled_from(["", "a21026", "a21002"])
devices = st.sampled_from(["d0", "d1"])


@st.composite
def expectations(draw: st.DrawFn) -> Expected:
    begins, lasts = draw(times), draw(st.none() | st.integers(0, 100))
    return limit(
        begins,
        None if lasts is None else begins + lasts,
        what=draw(words),
        subjects=(draw(devices),),
        factor=draw(factors),
        late=draw(st.booleans()),
    )


@st.composite
def alerts(draw: st.DrawFn) -> Said:
    since = draw(times)
    told = since + draw(st.integers(0, 30))
    ended = draw(st.none() | st.integers(0, 500))
    what = draw(st.sampled_from(["limit", "smoke", ""]))
    return alert(since, told, ended, what=what, subject=draw(devices), factor=draw(factors), late=draw(st.booleans()))


truths = st.lists(expectations(), max_size=12)
receivers = st.lists(alerts(), max_size=12)


def said_of(each: Expected, delay: int) -> Said:
    """What a perfect receiver says."""
    return Said(
        *(each.family, "rule", each.what, each.site, each.subjects[0], each.begins, each.begins + delay, each.ends),
        factor=each.factor,
        late=each.late,
    )


@given(truths, st.integers(0, 20_000))
def test_a_perfect_receiver_scores_one(expected: list[Expected], delay: int) -> None:
    scored = score(Truth(expected), [said_of(each, delay) for each in expected], TOLERANCE)
    whole = scored.whole
    assert (len(whole.pairs), whole.missed, whole.false) == (len(expected), [], [])
    assert all(row.precision == row.recall == 1.0 for row in scored.rows)


@given(truths)
def test_a_silent_receiver_scores_nothing(expected: list[Expected]) -> None:
    whole = score(Truth(expected), [], TOLERANCE).whole
    assert (whole.recall, whole.precision) == (0.0 if expected else None, None)
    assert len(whole.missed) == len(expected)


def account(matched: Matched) -> tuple[list[tuple[Expected, Said, bool]], list[Expected], list[tuple[Said, bool]]]:
    pairs = [(pair.expected, pair.said, pair.too_early) for pair in matched.pairs]
    return pairs, matched.missed, [(each.said, each.again) for each in matched.false]


@given(truths, receivers, st.randoms())
def test_the_order_of_lines_does_not_matter(expected: list[Expected], said: list[Said], random: Random) -> None:
    before = account(match(expected, said, TOLERANCE))
    random.shuffle(expected)
    random.shuffle(said)
    assert account(match(expected, said, TOLERANCE)) == before


@given(truths, receivers)
def test_everything_is_accounted_for_once_and_pairs_fit(expected: list[Expected], said: list[Said]) -> None:
    matched = match(expected, said, TOLERANCE)
    assert all(fits(pair.expected, pair.said, TOLERANCE) for pair in matched.pairs)
    assert sorted(map(repr, [*(pair.expected for pair in matched.pairs), *matched.missed])) == sorted(
        map(repr, expected)
    )
    told = [*(pair.said for pair in matched.pairs), *(each.said for each in matched.false)]
    assert sorted(map(repr, told)) == sorted(map(repr, said))
    for each in matched.false:
        assert each.again == any(fits(one, each.said, TOLERANCE) for one in expected)


@given(st.lists(expectations(), max_size=4), st.lists(alerts(), max_size=4))
def test_no_more_pairs_could_be_made(expected: list[Expected], said: list[Said]) -> None:
    """Held against all assignments of the smaller side to the larger."""
    swapped = len(said) > len(expected)
    few, many = (expected, said) if swapped else (said, expected)
    best = max(
        (
            sum(
                fits(*((one, other) if swapped else (other, one)), TOLERANCE)
                for one, other in zip(few, chosen, strict=True)
            )
            for chosen in itertools.permutations(many, len(few))
        ),
        default=0,
    )
    assert len(match(expected, said, TOLERANCE).pairs) == best


@given(truths, receivers)
def test_rows_add_up_to_the_whole(expected: list[Expected], said: list[Said]) -> None:
    scored = score(Truth(expected), said, TOLERANCE)
    whole = scored.whole
    assert sum(row.expected for row in scored.rows) == whole.expected == len(expected)
    assert sum(len(row.false) for row in scored.rows) == len(whole.false)
    assert sum(row.false_resolves for row in scored.rows) == whole.false_resolves
    assert len(whole.pairs) + len(whole.false) == len(said)


def test_limits_on_minutes_and_hours_and_on_either_side_are_told_apart() -> None:
    wanted = [limit(0, 7200, period="hour"), limit(600, 5400, period="minute"), limit(600, 5400, side="below")]
    minute = alert(600, 660, 5400, period="minute", side="above")
    hour = alert(0, 3600, 7200, period="hour", side="above")
    matched = match([each for each in wanted if each.side != "below"], [minute, hour], TOLERANCE)
    assert [(pair.expected.period, pair.said.period) for pair in matched.pairs] == [("hour", "hour"), ("minute",) * 2]
    assert not any(pair.too_early for pair in matched.pairs)
    assert not fits(wanted[2], minute, TOLERANCE)
    assert fits(limit(600, 5400), minute, TOLERANCE)


def test_late_data_that_break_off_have_no_end_that_could_be_too_early() -> None:
    (late,) = match([limit(100, None, late=True)], [alert(100, 300, 150, late=True)], TOLERANCE).pairs
    (live,) = match([limit(100, None)], [alert(100, 300, 150)], TOLERANCE).pairs
    assert (late.too_early, live.too_early) == (False, True)
