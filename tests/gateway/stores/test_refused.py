"""Bad lines are found among many, with few requests, and whatever the database says of them."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import StoreError
from gateway.stores.refused import MOST_REQUESTS, Refusal, send_all


def line(field: str, device: int, time: int) -> bytes:
    return f'minute,site=s,device=d{device},factor=f {field}=1.0,flag="N",received=1i {time}'.encode()


class Database:
    """Refuses bad lines. `partial`: stores the good ones of a refused request and counts the others, as 1.x does."""

    def __init__(self, bad: set[bytes], partial: bool) -> None:
        self.bad, self.partial = bad, partial
        self.stored: list[bytes] = []
        self.requests = 0

    def send(self, lines: Sequence[bytes]) -> Refusal | None:
        self.requests += 1
        dropped = sum(sent in self.bad for sent in lines)
        if self.partial or not dropped:
            self.stored += [sent for sent in lines if sent not in self.bad]
        if not dropped:
            return None
        return Refusal.of(f"partial write: no dropped={dropped}" if self.partial else "unable to parse")


@given(st.integers(1, 80), st.sets(st.integers(0, 79), max_size=12), st.booleans())
def test_the_bad_lines_are_refused_and_the_good_ones_stored(count: int, bad: set[int], partial: bool) -> None:
    lines = [line("avg" if n % 3 else "max", n % 7, n) for n in range(count)]
    refused = {n for n in bad if n < count}
    database = Database({lines[n] for n in refused}, partial)
    assert set(send_all(lines, database.send)) == refused
    assert set(database.stored) == {sent for n, sent in enumerate(lines) if n not in refused}


@pytest.mark.parametrize(
    ("bad", "most"),
    [
        pytest.param(range(0), 1, id="none"),
        pytest.param(range(2_500, 2_501), 27, id="one of 5,000"),
        pytest.param(range(0, 5_000, 4), 10, id="one field of four"),
        pytest.param(range(5_000), 1, id="all of them"),
        pytest.param(range(0, 5_000, 250), 400, id="20 scattered"),
    ],
)
def test_few_requests_are_needed(bad: range, most: int) -> None:
    lines = [line(("avg", "min", "max", "cou")[n % 4], n % 50, n) for n in range(5_000)]
    database = Database({lines[n] for n in bad}, partial=True)
    assert set(send_all(lines, database.send)) == set(bad)
    assert database.requests <= most


def test_the_requests_are_bounded_and_what_is_not_told_apart_is_refused_whole() -> None:
    lines = [line("avg", n % 50, n) for n in range(5_000)]
    bad = set(range(0, 5_000, 2))
    database = Database({lines[n] for n in bad}, partial=False)
    refused = send_all(lines, database.send)
    assert database.requests <= MOST_REQUESTS
    assert set(refused) >= bad
    assert set(refused) | {lines.index(sent) for sent in database.stored} == set(range(5_000))
    assert any("not told apart" in detail for detail in refused.values())


def test_of_lines_with_equal_series_and_time_the_last_is_stored_last() -> None:
    lines = [line("avg", 0, 5), line("avg", 1, 5), line("avg", 0, 5) + b"", line("max", 0, 5)]
    database = Database({lines[3]}, partial=False)
    sent = [lines[0].replace(b"1.0", b"2.0"), *lines]
    send_all(sent, database.send)
    same = [stored for stored in database.stored if b"device=d0" in stored]
    assert same[-1] == lines[2]


def test_an_outage_in_the_middle_of_the_search_is_raised() -> None:
    lines = [line("avg", n, n) for n in range(10)]
    database = Database({lines[3]}, partial=False)

    def send(some: Sequence[bytes]) -> Refusal | None:
        if database.requests == 3:
            raise StoreError("away")
        return database.send(some)

    with pytest.raises(StoreError):
        send_all(lines, send)


def test_a_long_answer_is_cut_and_its_count_still_read() -> None:
    refusal = Refusal.of("partial write: " + "unable to parse " * 100 + "dropped=3")
    assert (len(refusal.detail), refusal.dropped) == (500, 3)
