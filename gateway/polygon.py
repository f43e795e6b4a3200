"""Polygons of zones: whether the corners make a plain area."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

Point = tuple[float, float]


def crossing(corners: Sequence[Point]) -> tuple[int, int] | None:
    """Two edges that meet where they should not, by the numbers of the corners they start at; None for a plain area.

    Neighbouring edges share their corner; they meet elsewhere only when one folds back onto the other. O(n^2).
    """
    count = len(corners)
    edges = [(corners[n], corners[(n + 1) % count]) for n in range(count)]
    for first, second in combinations(range(count), 2):
        (a, b), (c, d) = edges[first], edges[second]
        if second == first + 1:
            meets = _folds_back(a, b, d)
        elif (first, second) == (0, count - 1):
            meets = _folds_back(c, d, b)
        else:
            meets = _meet(a, b, c, d)
        if meets:
            return first, second
    return None


def area(corners: Sequence[Point]) -> float:
    """Area, from the corners in either direction."""
    count = len(corners)
    doubled = sum(x * corners[(n + 1) % count][1] - corners[(n + 1) % count][0] * y for n, (x, y) in enumerate(corners))
    return abs(doubled) / 2


def _turn(a: Point, b: Point, c: Point) -> float:
    """Over 0 where a-b-c turns left, under 0 where right, 0 on one line."""
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])


def _folds_back(a: Point, b: Point, c: Point) -> bool:
    """Whether b-c runs back over a-b, or either has no length."""
    along = (b[0] - a[0]) * (c[0] - b[0]) + (b[1] - a[1]) * (c[1] - b[1])
    return a == b or b == c or (_turn(a, b, c) == 0 and along < 0)


def _meet(a: Point, b: Point, c: Point, d: Point) -> bool:
    """Whether the segments a-b and c-d have a point in common."""
    over = _sign(_turn(a, b, c)) * _sign(_turn(a, b, d))
    under = _sign(_turn(c, d, a)) * _sign(_turn(c, d, b))
    if over < 0 and under < 0:
        return True
    return any(
        _turn(p, q, r) == 0
        and min(p[0], q[0]) <= r[0] <= max(p[0], q[0])
        and min(p[1], q[1]) <= r[1] <= max(p[1], q[1])
        for p, q, r in ((a, b, c), (a, b, d), (c, d, a), (c, d, b))
    )


def _sign(value: float) -> int:
    return (value > 0) - (value < 0)
