"""Medians, ratios and losses of the rounds of a benchmark."""

from __future__ import annotations

import pytest
from benchmark_modules import benchmark

figures = benchmark("figures")
Round, Summary = figures.Round, figures.Summary

NULL = [Round(100.0, 1.0), Round(200.0, 3.0), Round(400.0, 2.0)]


def test_the_median_round_counts_and_the_spread_is_kept() -> None:
    rounds = [Round(90.0, 5.0, 1.0, 70.0, 1), Round(300.0, 9.0, 2.0, 60.0, 0), Round(200.0, 4.0, 3.0, 50.0, 4)]
    one = Summary.of(rounds, NULL)
    assert (one.rate, one.rate_least, one.rate_most) == (200, 90, 300)
    assert (one.cpu_us, one.sink_cpu_us) == (5.0, 2.0)
    assert one.peak_mb == 70
    assert one.lost == 5


def test_a_ratio_is_taken_within_its_round() -> None:
    """Ratios 0.5, 1.5 and 0.4: the ratio of the medians would be 1.0."""
    one = Summary.of([Round(50.0, 1.0), Round(300.0, 1.0), Round(160.0, 1.0)], NULL)
    assert one.ratio == 0.5


def test_readers_with_other_rounds_than_the_null_reader_are_not_compared() -> None:
    with pytest.raises(ValueError, match="longer"):
        Summary.of([Round(50.0, 1.0)], NULL)


def test_the_table_has_a_line_for_each_reader_and_tells_what_was_lost() -> None:
    readers = {"null reader": Summary.of(NULL, NULL), "peer": Summary.of([Round(2.0, 1.0, 7.0, 5.0, 3)], NULL[:1])}
    head, null, peer = figures.table(readers)
    assert head.split()[0] == "messages/s"
    assert null.split() == ["null", "reader", "200", "100", "to", "400", "1.00", "2.0", "-", "-", "0"]
    assert peer.split() == ["peer", "2", "2", "to", "2", "0.02", "1.0", "7.0", "5", "3"]
