"""Incidents as functions of time, and the truth made of them."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators import library
from simulators.incidents import Exceedance, Silence
from simulators.truth import happenings


def exceedance(every_s: float | None = None) -> Exceedance:
    return Exceedance(
        kind="exceedance",
        site="s",
        device="d",
        factor="a21026",
        reach=60.0,
        start_s=5.0,
        duration_s=20.0,
        ramp_s=2.0,
        every_s=every_s,
    )


@pytest.mark.parametrize(
    ("t", "share"), [(0.0, 0.0), (5.0, 0.0), (6.0, 0.5), (7.0, 1.0), (23.0, 1.0), (24.0, 0.5), (25.0, 0.0), (99.0, 0.0)]
)
def test_an_exceedance_rises_stays_and_falls(t: float, share: float) -> None:
    assert exceedance().share(t) == pytest.approx(share)


@given(st.floats(0, 1e5), st.integers(0, 100))
def test_a_repeated_one_is_the_same_every_time(t: float, times: int) -> None:
    repeated = exceedance(every_s=180.0)
    if t >= repeated.start_s:
        assert repeated.share(t + times * 180.0) == pytest.approx(repeated.share(t), abs=1e-6)


def test_silence_without_an_end_never_ends() -> None:
    silence = Silence(kind="silence", site="s", device="d", start_s=8.0)
    assert [silence.active(t) for t in (7.999, 8.0, 1e9)] == [False, True, True]
    assert list(silence.occurrences()) == [(8.0, None)]


def test_the_truth_lists_what_happens_in_order() -> None:
    start = 1_767_225_600_000
    first = [h.record for h in itertools.islice(happenings(library.load("demo"), start), 12)]
    assert first[:3] == [
        {
            "layer": "incident",
            "kind": "exceedance",
            "site": "nanyang-power",
            "device": "stack-2",
            "factor": "a21026",
            "reach": 58.0,
            "ramp_s": 1.5,
            "start_ms": start + 5_200,
            "end_ms": start + 25_200,
        },
        {
            "layer": "incident",
            "kind": "silence",
            "site": "baihe-water",
            "device": "basin-2",
            "start_ms": start + 8_000,
            "end_ms": None,
        },
        {
            "layer": "incident",
            "kind": "person",
            "site": "nanyang-power",
            "camera": "yard",
            "zone": "closed-area",
            "start_ms": start + 12_000,
            "end_ms": start + 20_000,
            "expect": [
                {
                    "family": "security",
                    "what": "motion",
                    "zone": "closed-area",
                    "from_ms": start + 12_000,
                    "to_ms": start + 20_000,
                }
            ],
        },
    ]
    starts = [record["start_ms"] for record in first]
    assert starts == sorted(starts)  # pyright: ignore[reportArgumentType, reportCallIssue]
    assert start + 185_200 in starts  # and again after three minutes
