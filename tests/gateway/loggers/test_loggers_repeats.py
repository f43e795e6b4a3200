"""Repeats: the same message again is counted as that, and nothing else is."""

from __future__ import annotations

import numpy as np
import pytest
import small_city
from hypothesis import given
from hypothesis import strategies as st
from logger_frames import NEVER, NOW, decoded, frame, head

from gateway.config import Hj212
from gateway.hj212.verdicts import Verdict
from gateway.loggers.loggers import Loggers
from gateway.loggers.repeats import Repeats
from gateway.loggers.views import LoggerView
from gateway.records import LoggerFrame

QN = b"20260501160000123"
FIRST = frame(head(), qn=QN)
BARE = frame(head(), qn=b"", crc=0x1C80)

CASES: dict[str, tuple[LoggerFrame, LoggerFrame, bool]] = {
    "same QN, command and packet": (FIRST, FIRST, True),
    "sent again with another Flag": (FIRST, frame(head(flag=4), qn=QN), True),
    "sent again as back-filled": (FIRST, frame(head(rf=True), qn=QN), True),
    "another QN": (FIRST, frame(head(), qn=b"20260501160000124"), False),
    "another command with this QN": (FIRST, frame(head(cn="2051"), qn=QN), False),
    "another packet with this QN": (frame(head(pnum=2, pno=1), qn=QN), frame(head(pnum=2, pno=2), qn=QN), False),
    "another device with this QN": (FIRST, frame(head(1), qn=QN), False),
    "without QN: same time and content": (BARE, BARE, True),
    "without QN: other content": (BARE, frame(head(), qn=b"", crc=0x2200), False),
    "without QN: another time": (BARE, frame(head(), NOW + 1000, qn=b"", crc=0x1C80), False),
    "with QN after one without": (BARE, FIRST, False),
    "heartbeats without QN are all alike": (
        frame(head(cn="9015"), NEVER, qn=b""),
        frame(head(cn="9015"), NEVER, qn=b""),
        False,
    ),
    "answers are sent again because we asked again": (
        frame(head(cn="9011"), NEVER, qn=QN),
        frame(head(cn="9011"), NEVER, qn=QN),
        False,
    ),
    "a quarantined frame does not make the good one a repeat": (FIRST._replace(taken=False), FIRST, False),
}


def loggers() -> Loggers:
    return Loggers(small_city.inventory(2), Hj212())


def view(of: Loggers, device: int = 0) -> LoggerView:
    return of.views([device])[0]


@pytest.mark.parametrize(("first", "second", "repeat"), CASES.values(), ids=CASES.keys())
@pytest.mark.parametrize("together", [True, False], ids=["in one block", "in two"])
def test_which_message_is_a_repeat(first: LoggerFrame, second: LoggerFrame, repeat: bool, together: bool) -> None:
    some = loggers()
    if together:
        some.step(decoded(first, second))
    else:
        some.step(decoded(first))
        some.step(decoded(second, first=1))
    assert some.totals().repeats == int(repeat)
    assert some.totals().verdicts["repeated"] == int(repeat)


def test_a_repeat_is_a_verdict_with_its_example_and_marks_a_clean_frame() -> None:
    some = loggers()
    some.step(decoded(FIRST, first=10))
    some.step(decoded(FIRST, first=20, received=NOW + 5))
    found = view(some)
    (verdict,) = found.verdicts
    assert (verdict.word, verdict.frames, verdict.last, verdict.example) == ("repeated", 1, NOW + 5, 20)
    assert (found.frames, found.marked, found.repeats) == (2, 1, 1)


def test_a_repeat_that_has_verdicts_already_is_marked_once() -> None:
    some = loggers()
    bad = FIRST._replace(verdicts=int(Verdict.CRC_LOWER_CASE))
    some.step(decoded(bad, bad))
    assert (view(some).marked, view(some).repeats) == (2, 1)


def test_repeats_are_known_over_a_restart() -> None:
    some = loggers()
    some.step(decoded(FIRST, BARE))
    saved = some.dump()
    some = loggers()
    some.load(saved)
    some.step(decoded(FIRST, BARE, frame(head(), NOW + 1)))
    assert view(some).repeats == 2


def test_a_repeat_tells_nothing_again() -> None:
    some = loggers()
    started = frame(head(cn="2081"), qn=QN, items=[("RestartTime", "20260501155900")])
    assert len(some.step(decoded(started, started))) == 1
    assert some.step(decoded(started, first=2)) == []


@given(
    blocks=st.lists(st.lists(st.integers(0, 40), max_size=8), max_size=20),
    saves=st.sets(st.integers(0, 20)),
)
def test_among_the_newest_half_of_its_bound_no_repeat_is_missed_and_none_invented(
    blocks: list[list[int]], saves: set[int]
) -> None:
    repeats = Repeats(kept=32)
    seen: list[int] = []
    for at, block in enumerate(blocks):
        found = set(repeats.step(np.array(block, np.uint64)))
        for row, key in enumerate(block):
            recent = list(dict.fromkeys(seen[::-1]))[:8]  # a block of at most 8 may bring the young half over 16
            if key in recent and key:
                assert row in found
            if key not in seen or not key:
                assert row not in found
            seen.append(key)
        if at in saves:
            saved = repeats.dump()
            repeats = Repeats(kept=32)
            repeats.load(saved)


def test_what_is_remembered_is_bounded() -> None:
    repeats = Repeats(kept=1000)
    for start in range(1, 100_001, 100):
        repeats.step(np.arange(start, start + 100, dtype=np.uint64))
    old, young = repeats.dump()
    assert len(old) + len(young) <= 1000
    assert repeats.step(np.array([100_000, 1], np.uint64)) == [0], "the oldest are forgotten, the newest are not"
