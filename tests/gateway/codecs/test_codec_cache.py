"""The bounded memory of codecs."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.codecs.cache import Cache


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 10_000), st.integers(1, 5)), unique_by=lambda pair: pair[0]))
def test_what_is_held_never_weighs_more_than_the_bound(kept: list[tuple[int, int]]) -> None:
    cache: Cache[int, int] = Cache(12)
    for key, weight in kept:
        cache.keep(key, weight, weight)
        assert cache[key] == weight
        assert sum(cache.values()) <= 12
