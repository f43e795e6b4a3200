"""Back-off: the waits double, stay under their cap, and never all fall on the same instant."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gateway.links.backoff import Backoff


@given(st.floats(0.01, 100), st.floats(0.01, 100), st.lists(st.floats(0, 1, exclude_max=True), min_size=1, max_size=30))
def test_a_wait_is_between_half_its_span_and_the_whole(first: float, most: float, draws: list[float]) -> None:
    waits = Backoff(most, first, draw=iter(draws).__next__)
    for attempt in range(len(draws)):
        span = min(first * 2**attempt, most)
        assert span / 2 <= waits.next() <= span


def test_after_a_reset_it_begins_anew() -> None:
    waits = Backoff(most=60, first=1, draw=lambda: 1.0)
    assert [waits.next() for _ in range(8)] == [1, 2, 4, 8, 16, 32, 60, 60]
    waits.reset()
    assert waits.next() == 1


def test_two_links_do_not_wait_the_same() -> None:
    assert Backoff(60).next() != Backoff(60).next()
