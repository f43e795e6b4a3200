"""Split messages: joined as loggers in the field send them, told of where a packet does not come in time."""

from __future__ import annotations

import pytest
import small_city
from logger_frames import NEVER, NOW, decoded, frame, head, qn_of

from gateway.config import Hj212
from gateway.hj212.verdicts import Verdict
from gateway.loggers import sets
from gateway.loggers.loggers import Loggers
from gateway.loggers.sets import Key, Sets, ranges
from gateway.loggers.views import LoggerView
from gateway.records import LoggerFrame

TIMEOUT = 60_000


def packet(pno: int, pnum: int = 3, *, time: int = NOW, qn: int = 0, device: int = 0, cn: str = "2011") -> LoggerFrame:
    """One packet, with a QN of its own as the standard has it."""
    return frame(head(device, cn, flag=7, pnum=pnum, pno=pno), time, qn=qn_of(pno + 10 * qn))


def loggers() -> Loggers:
    return Loggers(small_city.inventory(2), Hj212(set_timeout_s=60))


def outcome(of: Loggers, device: int = 0) -> tuple[int, int, int]:
    """Complete, incomplete, waiting."""
    found: LoggerView = of.views([device])[0]
    return found.sets_complete, found.sets_incomplete, found.sets_open


COMPLETE = {
    "in order": [packet(1), packet(2), packet(3)],
    "out of order": [packet(3), packet(1), packet(2)],
    "with one QN for all": [frame(head(pnum=2, pno=n), qn=qn_of(5)) for n in (1, 2)],
    "with a packet sent again": [packet(1), packet(2), packet(2), packet(2, qn=9), packet(3)],
    "without DataTime": [packet(1, 2, time=NEVER, cn="3020"), packet(2, 2, time=NEVER, cn="3020")],
}


@pytest.mark.parametrize("frames", COMPLETE.values(), ids=COMPLETE.keys())
def test_a_set_whose_packets_all_come_is_complete(frames: list[LoggerFrame]) -> None:
    some = loggers()
    events = some.step(decoded(*frames))
    assert [event for event in events if event.kind == "set_incomplete"] == []
    assert outcome(some) == (1, 0, 0)
    assert some.tick(NOW + 10 * TIMEOUT) == []


APART = {
    "of two times": [packet(1, 2), packet(2, 2, time=NOW + 1000, qn=1)],
    "of two commands": [packet(1, 2), packet(2, 2, cn="2051")],
    "of two sizes": [packet(1, 2), packet(2, 3)],
    "a number that is none of the set": [packet(1, 2), packet(3, 2)],
}


@pytest.mark.parametrize("frames", APART.values(), ids=APART.keys())
def test_packets_that_do_not_belong_together_complete_nothing(frames: list[LoggerFrame]) -> None:
    some = loggers()
    some.step(decoded(*frames))
    assert outcome(some)[0] == 0
    assert len(some.tick(NOW + 10 * TIMEOUT)) == outcome(some)[1] > 0


def test_a_packet_that_does_not_come_in_time_makes_the_set_incomplete_with_its_number() -> None:
    some = loggers()
    assert some.step(decoded(packet(1, 5), packet(4, 5), first=70)) == []
    assert some.step(decoded(received=NOW + TIMEOUT)) == [], "the time is not over yet"
    (event,) = some.step(decoded(received=NOW + TIMEOUT + 1))
    assert event == (70, -1, "set_incomplete", "plant", "d0", "2011", NOW, NOW, (("PNUM", "5"), ("missing", "2-3,5")))
    assert outcome(some) == (0, 1, 0)
    (verdict,) = some.views([0])[0].verdicts
    assert (verdict.word, verdict.frames, verdict.example) == ("set_incomplete", 1, 70)


def test_where_nothing_comes_any_more_the_clock_tells_of_it_a_little_later() -> None:
    some = loggers()
    some.step(decoded(packet(1)))
    assert some.tick(NOW + TIMEOUT + sets.SETTLE_MS) == []
    assert len(some.tick(NOW + TIMEOUT + sets.SETTLE_MS + 1)) == 1
    assert some.tick(NOW + 2 * TIMEOUT) == []


def test_a_packet_in_time_counts_though_the_block_brings_later_ones() -> None:
    some = loggers()
    some.step(decoded(packet(1, 2)))
    some.step(decoded(packet(2, 2), received=NOW + TIMEOUT, first=1))
    assert outcome(some) == (1, 0, 0)


def test_a_packet_that_comes_too_late_begins_no_new_set() -> None:
    some = loggers()
    some.step(decoded(packet(1, 2)))
    assert len(some.step(decoded(packet(2, 2), received=NOW + TIMEOUT + 1, first=1))) == 1
    assert outcome(some) == (0, 1, 0)
    assert some.tick(NOW + 10 * TIMEOUT) == []


def test_a_whole_set_sent_again_is_no_second_one() -> None:
    some = loggers()
    some.step(decoded(packet(1, 2), packet(2, 2), packet(1, 2, qn=5), packet(2, 2, qn=5)))
    assert outcome(some) == (1, 0, 0)


def test_quarantined_packets_are_missing() -> None:
    some = loggers()
    bad = packet(2, 2)._replace(taken=False, verdicts=int(Verdict.CRC_WRONG))
    some.step(decoded(packet(1, 2), bad))
    (event,) = some.tick(NOW + 10 * TIMEOUT)
    assert event.items == (("PNUM", "2"), ("missing", "2"))


def test_sets_under_way_survive_a_restart() -> None:
    some = loggers()
    some.step(decoded(packet(1, 2), packet(1, 3, device=1), packet(2, 3, device=1)))
    saved = some.dump()
    some = loggers()
    some.load(saved)
    some.step(decoded(packet(2, 2), first=3))
    assert outcome(some) == (1, 0, 0)
    assert outcome(some, 1) == (0, 0, 1)
    assert [event.items[1] for event in some.tick(NOW + 10 * TIMEOUT)] == [("missing", "3")]


def test_sets_that_wait_are_bounded_and_those_let_go_are_counted() -> None:
    some = Sets(TIMEOUT)
    for n in range(sets.OPEN_KEPT + 7):
        some.take(Key(0, "31", "2011", NOW + n, 2), 1, NOW, n, 0, clean=True)
    assert some.waiting().total() == sets.OPEN_KEPT
    assert some.dropped == 7


def test_of_a_set_of_many_packets_ranges_are_told() -> None:
    assert ranges([]) == ""
    assert ranges(range(2, 9_999)) == "2-9998"
