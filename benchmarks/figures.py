"""Figures of several rounds: medians, spread, ratios within a round, and the table that shows them."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Round:
    """What one reader did with the stream of one round."""

    rate: float
    """Messages a second."""
    cpu_us: float
    """CPU of its processes a message."""
    sink_cpu_us: float = 0.0
    """CPU of a database beside it, a message; 0 where it has none."""
    peak_mb: float = 0.0
    """Peak of its resident memory; 0 where it was not measured."""
    lost: int = 0
    """Messages published that it has not stored in the end."""


@dataclass(frozen=True)
class Summary:
    """All rounds of one reader: medians, the rate's extremes, the largest memory, the sum of what was lost."""

    rate: float
    rate_least: float
    rate_most: float
    ratio: float
    """Median of the ratios to the null reader's rate in the same round."""
    cpu_us: float
    sink_cpu_us: float
    peak_mb: float
    lost: int

    @staticmethod
    def of(rounds: Sequence[Round], null: Sequence[Round]) -> Summary:
        """`null` has the null reader's rounds, in the same order. Raises ValueError where their numbers differ."""
        rates = [each.rate for each in rounds]
        return Summary(
            rate=round(statistics.median(rates)),
            rate_least=round(min(rates)),
            rate_most=round(max(rates)),
            ratio=round(statistics.median(a.rate / b.rate for a, b in zip(rounds, null, strict=True)), 3),
            cpu_us=round(statistics.median(each.cpu_us for each in rounds), 2),
            sink_cpu_us=round(statistics.median(each.sink_cpu_us for each in rounds), 2),
            peak_mb=round(max(each.peak_mb for each in rounds)),
            lost=sum(each.lost for each in rounds),
        )


COLUMNS = ("messages/s", "least to most", "of null", "CPU us", "+ database", "peak MB", "lost")


def table(readers: Mapping[str, Summary]) -> list[str]:
    """Lines of a table, a reader in each."""
    rows = [("", *COLUMNS)]
    for name, one in readers.items():
        spread = f"{one.rate_least:,.0f} to {one.rate_most:,.0f}"
        database = f"{one.sink_cpu_us:.1f}" if one.sink_cpu_us else "-"
        memory = f"{one.peak_mb:.0f}" if one.peak_mb else "-"
        rows.append(
            (name, f"{one.rate:,.0f}", spread, f"{one.ratio:.2f}", f"{one.cpu_us:.1f}", database, memory, f"{one.lost}")
        )
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]).rstrip() for row in rows]
