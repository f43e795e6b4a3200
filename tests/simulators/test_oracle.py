"""The oracle of exceedances: right on cases made by hand, and the same as a search that tries everything."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from faulty_plant import START, scenario, truth
from hypothesis import given
from hypothesis import strategies as st

from detectors.readings.limit_rules import Limits
from detectors.readings.limits import LimitState
from detectors.readings.limits import step as judge_batch
from detectors.records import Phase, Readings
from simulators.oracle import Exceedance, Oracle, Row, judged
from simulators.records import Reading, Report
from simulators.settings.devices import Limit


def limit(hold_s: float = 2.0, band: float = 0.1, **levels: tuple[float, ...]) -> Limit:
    return Limit(factor="a21026", hold_s=hold_s, band=band, **(levels or {"above": (10.0, 20.0)}))  # pyright: ignore[reportArgumentType]


def rows(*values: float | tuple[float, str]) -> list[Row]:
    """One a second."""
    pairs = [value if isinstance(value, tuple) else (value, "N") for value in values]
    return [Row(1000 * second, value, flag) for second, (value, flag) in enumerate(pairs)]


def told(found: list[Exceedance]) -> list[tuple[Any, ...]]:
    return [
        ([(e.level, e.since // 1000, e.at // 1000) for e in one.levels], one.peak.value, one.end and one.end // 1000)
        for one in found
    ]


@pytest.mark.parametrize(
    ("values", "found"),
    [
        # Two seconds at or over 10, then within the band, then under it.
        (rows(5, 10, 12, 11, 9.5, 8.9), [([(1, 1, 3)], 12, 5)]),
        # A run that breaks off and begins anew.
        (rows(11, 11, 9, 11, 11, 11, 0), [([(1, 3, 5)], 11, 6)]),
        # Too short.
        (rows(11, 11, 9, 0), []),
        # The band keeps it, also where it goes over again.
        (rows(11, 11, 11, 9.5, 9.5, 30, 9.5, 0), [([(1, 0, 2)], 30, 7)]),
        # A level above comes and goes and comes again; it counts once, from its first time.
        (rows(11, 11, 21, 21, 25, 17, 21, 21, 21, 0), [([(1, 0, 2), (2, 2, 4)], 25, 9)]),
        # It goes on.
        (rows(0, 11, 11, 11), [([(1, 1, 3)], 11, None)]),
        # Marked readings neither begin, break, lengthen nor end it.
        (rows(11, (0, "M"), 11, (0, "D"), (99, "M"), 0), [([(1, 0, 2)], 11, 5)]),
        (rows((11, "C"), (11, "C"), (11, "C"), (11, "C")), []),
        # Over range: at least its value.
        (rows((15, "T"), (15, "T"), (15, "T"), (5, "T"), 5), [([(1, 0, 2)], 15, 4)]),
        # Two exceedances.
        (rows(11, 11, 11, 0, 11, 12, 11, 0), [([(1, 0, 2)], 11, 3), ([(1, 4, 6)], 12, 7)]),
    ],
)
def test_cases_made_by_hand(values: list[Row], found: list[tuple[Any, ...]]) -> None:
    assert told(judged(limit(), values)) == found


def test_a_lower_limit_is_the_mirror_image() -> None:
    low = limit(below=(6.0, 4.0))
    assert told(judged(low, rows(7, 6, 5, 6, 6.5, 6.7))) == [([(1, 1, 3)], 5, 5)]
    # Over range leaves it and does not enter it.
    assert told(judged(low, rows((1, "T"), (1, "T"), (1, "T"), 5, 5, 5, (9, "T")))) == [([(1, 3, 5)], 5, 6)]


def test_without_hold_one_reading_is_enough() -> None:
    assert told(judged(limit(hold_s=0.0), rows(5, 21, 5))) == [([(1, 1, 1), (2, 1, 1)], 21, 2)]


def searched(bounds: tuple[float, ...], hold: int, band: float, values: list[Row]) -> list[tuple[Any, ...]]:
    """The same by the definition, looking back over everything at each reading: an upper limit, quadratic."""
    counting = [row for row in values if row.flag == "N"]

    def entered_at(level: int, at: int) -> int | None:
        """Stamp of the first of the run at or over a level that reaches back `hold` from reading number `at`."""
        first = at
        if counting[at].value < bounds[level]:
            return None
        while first > 0 and counting[first - 1].value >= bounds[level]:
            first -= 1
        return counting[first].stamp if counting[at].stamp - counting[first].stamp >= hold else None

    found: list[tuple[Any, ...]] = []
    inside: list[bool] = [False] * len(bounds)
    levels: dict[int, tuple[int, int]] = {}
    for at, row in enumerate(counting):
        for level, bound in enumerate(bounds):
            since = entered_at(level, at)
            if not inside[level] and since is not None:
                inside[level] = True
                levels.setdefault(level, (since, row.stamp))
            elif row.value < bound - band * abs(bound):
                inside[level] = False
        over = bool(levels) and not inside[0]
        if over or (levels and at == len(counting) - 1):
            since = levels[0][0]
            peak = max(each.value for each in counting if since <= each.stamp <= row.stamp)
            found.append(([(n + 1, *levels[n]) for n in sorted(levels)], peak, row.stamp if over else None))
            levels = {}
    return found


@given(
    st.lists(st.tuples(st.integers(1, 3), st.integers(0, 30), st.sampled_from("NNNNMC")), max_size=60),
    st.integers(0, 6),
    st.sampled_from([0.0, 0.1, 0.3]),
)
def test_it_finds_what_a_search_finds(steps: list[tuple[int, int, str]], hold: int, band: float) -> None:
    stamp, values = 0, []
    for step, value, flag in steps:
        stamp += 1000 * step
        values.append(Row(stamp, float(value), flag))
    found = judged(limit(hold_s=float(hold), band=band), values)
    plain = [([(e.level, e.since, e.at) for e in one.levels], one.peak.value, one.end) for one in found]
    assert plain == searched((10.0, 20.0), 1000 * hold, band, values)


def report(said_s: float, stamp_s: float, value: float) -> Report:
    readings = [Reading("a21026", {"Rtd": value, "ZsRtd": value}, 2)]
    return Report(START + round(1000 * said_s), START + round(1000 * stamp_s), "realtime", readings)


def heard(*reports: Report) -> list[dict[str, Any]]:
    plan = scenario()
    oracle = Oracle(plan.resolve(plan.devices[2]), "plant", "json-1")
    lines = [line.record for each in reports for line in oracle.hear(each, each.time)]
    return [*lines, *(line.record for line in oracle.last(reports[-1].time))]


def test_minute_data_have_limits_of_their_own() -> None:
    minute = Limit(factor="a21026", field="Avg", period="minute", above=(10.0,), hold_s=60.0)
    settings = scenario().types["objects"].model_copy(update={"limits": (minute,)})
    oracle = Oracle(settings, "plant", "json-1")
    told: list[dict[str, Any]] = []
    for number, value in enumerate((5.0, 11.0, 12.0, 5.0)):
        at = START + 60_000 * number
        live = Report(at, at, "realtime", [Reading("a21026", {"Rtd": 99.0}, 2)])
        mean = Report(at + 60_500, at, "minute", [Reading("a21026", {"Avg": value}, 2)])
        told += [line.record for report in (live, mean) for line in oracle.hear(report, report.time)]
    (found,) = told
    assert (found["period"], found["field"], found["start_ms"], found["end_ms"], found["peak"]) == (
        "minute", "Avg", START + 60_000, START + 180_000, 12.0,
    )  # fmt: skip


def test_what_comes_late_is_judged_by_its_stamps_and_apart() -> None:
    live = [report(s, s, 5.0) for s in (1, 2, 3, 10)]
    back = [report(11 + s / 10, s, 50.0) for s in (7, 6, 4, 8, 5)]
    (found,) = heard(*live, *back, report(20, 20, 5.0))
    assert (found["late"], found["start_ms"], found["end_ms"]) == (True, START + 4000, None)
    (early,) = heard(*live, *back, report(620, 620, 5.0), report(621, 621, 5.0))
    assert early == found


def test_late_readings_prove_nothing_over_a_hole() -> None:
    back = [report(30 + s / 10, s, 50.0) for s in (1, 2, 6, 7, 8, 9)]  # three seconds are held, and reached over
    (found,) = heard(report(20, 20, 5.0), *back)
    assert (found["late"], found["start_ms"], found["levels"][0]["to_ms"]) == (True, START + 6000, START + 9000)


def test_a_late_exceedance_that_begins_within_one_found_before_is_news_at_a_higher_level_only() -> None:
    live = [report(s, s, 50.0) for s in (1, 2, 3, 4, 6, 8, 10)]
    same = [report(20 + s / 10, s + 0.5, 50.0) for s in range(1, 9)]
    worse = [report(20 + s / 10, s + 0.5, 90.0) for s in range(1, 9)]
    ended = report(12, 12, 5.0)
    (first,) = heard(*live, ended, *same)
    assert first["late"] is False
    assert [one["late"] for one in heard(*live, ended, *worse)] == [False, True]
    assert [one["late"] for one in heard(*live, *same)] == [False]  # it goes on


def test_a_stamp_from_the_future_counts_as_its_arrival_and_makes_nothing_after_it_late() -> None:
    ahead = [report(s, s + 400, 50.0) for s in range(1, 6)]
    again = [report(s, 401, 50.0) for s in (12, 13, 14, 15)]
    (found,) = heard(report(0, 0, 5.0), *ahead, report(10, 10, 5.0), *again, report(20, 20, 5.0))
    assert (found["late"], found["start_ms"], found["end_ms"]) == (False, START + 1000, START + 10_000)


def test_what_is_said_again_is_no_news() -> None:
    live = [report(s, s, 50.0) for s in range(5)]
    again = [report(20 + s, s, 50.0) for s in range(5)]
    found = heard(*live, report(6, 6, 5.0), *again, report(90, 90, 5.0))
    assert [(one["late"], one["start_ms"], one["end_ms"]) for one in found] == [(False, START, START + 6000)]


def test_another_value_of_a_stamp_is_news() -> None:
    live = [report(s, s, 5.0) for s in range(10)]
    other = [report(20 + s, s, 50.0) for s in range(2, 8)]
    (found,) = heard(*live, *other)
    assert (found["late"], found["start_ms"]) == (True, START + 2000)


def test_an_exceedance_of_a_run_is_in_its_truth_with_its_level_its_peak_and_what_must_be_found() -> None:
    rise = {"kind": "exceedance", "device": "stack-1", "factor": "a21026", "reach": 90.0}
    plan = scenario(incidents=(rise,))
    (found,) = (line for line in truth(plan, 60.0) if line["layer"] == "expected" and line["kind"] == "exceedance")
    (expect,) = found["expect"]
    assert (expect["family"], expect["what"], expect["factor"], expect["field"]) == (
        "exceedance", "limit", "a21026", "ZsRtd",
    )  # fmt: skip
    assert [level["limit"] for level in found["levels"]] == [35.0, 70.0]
    assert START + 20_000 <= expect["from_ms"] < expect["to_ms"] - 2_999 < START + 23_000
    assert START + 38_000 < found["end_ms"] < START + 43_000
    assert 80 < found["peak"] < 100
    assert all(found[key] % 1000 == 0 for key in ("start_ms", "end_ms", "peak_ms"))  # HJ 212 has whole seconds


@given(
    st.lists(st.tuples(st.integers(1, 3), st.integers(0, 30), st.sampled_from("NNNNMT")), min_size=1, max_size=60),
    st.integers(0, 6),
    st.booleans(),
)
def test_it_agrees_with_the_gateways_own_detector(steps: list[tuple[int, int, str]], hold: int, upper: bool) -> None:
    levels = (10.0, 20.0) if upper else (20.0, 10.0)
    times = 1000 * np.cumsum([step for step, _, _ in steps])
    values = [Row(int(time), float(value), flag) for time, (_, value, flag) in zip(times, steps, strict=True)]
    found = judged(limit(hold_s=float(hold), **{"above" if upper else "below": levels}), values)

    rules = Limits.of([0], [+1 if upper else -1], [list(levels)], [1000 * hold], [0.1])
    column = np.zeros(len(values), np.int64)
    batch = Readings(
        column.astype(np.int32), times, times, np.array([row.value for row in values]),
        np.array([ord(row.flag) for row in values], np.uint8), column, column.astype(np.uint8),
    )  # fmt: skip
    findings = judge_batch(LimitState.empty(rules, channels=1), rules, batch).findings
    entered: dict[int, tuple[int, int]] = {}
    ended: list[int] = []
    for finding in findings:
        if finding.phase == Phase.ACTIVE:
            entered.setdefault(finding.since, (finding.since, finding.time))
        elif finding.phase == Phase.CLEAR and finding.since in entered:
            ended.append(finding.time)
    assert [(one.levels[0].since, one.levels[0].at) for one in found] == sorted(entered.values())
    assert [one.end for one in found if one.end is not None] == ended
