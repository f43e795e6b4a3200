"""How far back a store that was reached anew is written again: all that may be lost, and no more."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gateway.stores.recheck import STEP_MS, Recheck

KEEP_S = 900.0
MINUTE = 60_000


def test_a_store_with_transactions_is_never_written_again() -> None:
    recheck = Recheck(KEEP_S, 10, 0)
    for end in range(20, 100, 10):
        assert not recheck.written(end, end * MINUTE, 0, reconnected=False)
        assert recheck.back == recheck.until == end


def test_nothing_is_let_go_before_the_first_write_says_what_store_it_is() -> None:
    assert Recheck(KEEP_S, 500, 20).back == 20
    assert Recheck(KEEP_S, 500, 600).back == 500


def test_the_first_write_goes_back_to_what_the_journal_still_has() -> None:
    recheck = Recheck(KEEP_S, 500, 20)
    assert recheck.written(510, 0, 20, reconnected=True)
    assert (recheck.back, recheck.until) == (20, 510)
    assert not recheck.written(300, 1, 20, reconnected=False)
    assert recheck.until == 510, "until there it is being written again"
    assert not recheck.written(510, 2, 20, reconnected=False)


def test_with_nothing_to_go_back_over_it_goes_on() -> None:
    assert not Recheck(KEEP_S, 0, 0).written(0, 0, 0, reconnected=True)


def test_the_first_write_of_all_is_not_written_again_but_a_later_one_is() -> None:
    recheck = Recheck(KEEP_S, 0, 0)
    assert not recheck.written(20, 0, 0, reconnected=True)
    assert (recheck.back, recheck.until) == (0, 20)
    assert not recheck.written(30, 1, 0, reconnected=False)
    assert recheck.written(30, 2, 0, reconnected=True)
    assert (recheck.back, recheck.until) == (0, 30)


def test_zero_seconds_switch_it_off() -> None:
    recheck = Recheck(0.0, 5, 0)
    assert not recheck.written(10, 0, 0, reconnected=True)
    assert recheck.back == 10


def test_what_the_journal_has_no_more_is_not_gone_back_to() -> None:
    recheck = Recheck(KEEP_S, 0, 0)
    recheck.written(10, 0, 0, reconnected=True)
    recheck.written(50, MINUTE, 0, reconnected=False)
    assert recheck.written(90, 2 * MINUTE, 40, reconnected=True)
    assert recheck.back == 40


@given(st.lists(st.tuples(st.integers(1, 400_000), st.integers(0, 50), st.booleans()), min_size=1, max_size=60))
def test_all_that_was_written_in_the_last_while_is_gone_back_over(steps: list[tuple[int, int, bool]]) -> None:
    recheck = Recheck(KEEP_S, 0, 0)
    recheck.written(0, 0, 0, reconnected=True)
    now = position = 0
    written: dict[int, int] = {}
    """Position to when it was written last."""
    for wait, more, reconnected in steps:
        now, end = now + wait, position + more
        written |= dict.fromkeys(range(position, end), now)
        back = recheck.written(end, now, 0, reconnected=reconnected)
        recent = [at for at, when in written.items() if when > now - KEEP_S * 1000]
        assert recheck.back <= min(recent, default=end)
        position = recheck.back if back else end


def test_what_is_older_is_let_go() -> None:
    recheck = Recheck(KEEP_S, 0, 0)
    recheck.written(1, 0, 0, reconnected=True)
    recheck.written(1, 1, 0, reconnected=False)
    for minute in range(1, 61):
        recheck.written(1 + minute, minute * MINUTE, 0, reconnected=False)
        assert recheck.back >= minute - KEEP_S / 60 - STEP_MS / MINUTE - 1
    assert recheck.back == 1 + 45
