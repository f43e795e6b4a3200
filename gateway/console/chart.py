"""The trend of one channel as options for ECharts: the values, the limit lines, and the stretches beyond a limit."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from gateway.console.words import Words
from gateway.inventory import LimitRule

MOST_POINTS: Final = 1_200
"""Points drawn: about one for each pixel of the chart's width."""
LEAST_SPAN_MS: Final = 60_000
"""The axis covers at least a minute, also when the first readings have just come."""

CALM: Final = "#2563a8"
LEVELS: Final = ("#d97706", "#c2410c", "#b91c1c")
"""Colours of levels 1, 2 and 3 or more; `console.css` has the same ones."""
_MUTED: Final = "#64748b"
_RULE: Final = "#e2e8f0"
_FAR: Final = 1e12
"""Beyond every value that occurs."""

Floats = NDArray[np.float64]
Times = NDArray[np.int64]


def thin(time: Times, value: Floats, most: int = MOST_POINTS) -> tuple[Times, Floats]:
    """At most `most` of n points, the extremes of each stretch among them: no exceedance is thinned away.

    Both columns have shape (n,); the result keeps their order.
    """
    n = len(time)
    if n <= most:
        return time, value
    per = -(-n // (most // 2))  # two points of each stretch
    stretches = -(-n // per)
    padded = np.full(stretches * per, np.nan)
    padded[:n] = value
    table = padded.reshape(stretches, per)
    first = np.arange(stretches) * per
    low = first + np.where(np.isnan(table), np.inf, table).argmin(axis=1)
    high = first + np.where(np.isnan(table), -np.inf, table).argmax(axis=1)
    rows = np.unique(np.concatenate([low, high]))
    rows = rows[rows < n]
    return time[rows], value[rows]


def severity(value: Floats, rules: Sequence[LimitRule]) -> NDArray[np.int64]:
    """The gravest level that each value is at or beyond, 0 for none. Shape (n,)."""
    gravest = np.zeros(len(value), np.int64)
    for rule in rules:
        for level, limit in enumerate(rule.levels, start=1):
            beyond = value >= limit if rule.side == "above" else value <= limit
            gravest = np.where(beyond, np.maximum(gravest, level), gravest)
    return gravest


def stretches(time: Times, beyond: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """First and last time of each run of points that are beyond a limit."""
    edges = np.diff(np.concatenate([[False], beyond, [False]]).astype(np.int8))
    begins, ends = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1) - 1
    return [(int(time[a]), int(time[b])) for a, b in zip(begins, ends, strict=True)]


def options(
    words: Words, unit: str, rules: Sequence[LimitRule], time: Times, value: Floats, span: tuple[int, int], shift: int
) -> dict[str, Any]:
    """Options of the chart for points of shape (n,) within `span` (ms UTC).

    `shift` is the site's offset from UTC in ms: the axis shows the clock of the site, wherever the reader is.
    """
    begin, end = span
    if len(time):
        begin = min(max(begin, int(time[0])), end - LEAST_SPAN_MS)
        end = max(end, int(time[-1]))
    numbers = [None if np.isnan(v) else v for v in np.where(np.isfinite(value), value, np.nan).tolist()]
    text_of_value = f"v => v == null ? '–' : Number(v.toPrecision(6)) + {json.dumps(' ' + unit if unit else '')}"
    return {
        "animation": False,
        "useUTC": True,
        "textStyle": {"fontFamily": "Roboto, sans-serif"},
        "grid": {"left": 56, "right": 78, "top": 34, "bottom": 30},
        "title": {
            "show": not len(time),
            "text": words.no_points,
            "left": "center",
            "top": "middle",
            "textStyle": {"color": _MUTED, "fontSize": 14, "fontWeight": "normal"},
        },
        "tooltip": {"trigger": "axis", ":valueFormatter": text_of_value, "confine": True},
        "xAxis": {
            "type": "time",
            "min": begin + shift,
            "max": end + shift,
            "axisLine": {"lineStyle": {"color": _RULE}},
            "axisTick": {"lineStyle": {"color": _RULE}},
            "axisLabel": {"color": _MUTED, "hideOverlap": True},
        },
        "yAxis": {
            "type": "value",
            "name": unit,
            "nameTextStyle": {"color": _MUTED, "align": "right"},
            "scale": True,
            **_room(rules, numbers),
            "axisLabel": {"color": _MUTED, "showMaxLabel": False},
            "splitLine": {"showMaxLine": False, "lineStyle": {"color": "#eef2f6"}},
        },
        "visualMap": {"show": False, "dimension": 1, "seriesIndex": 0, "type": "piecewise", "pieces": _pieces(rules)},
        "series": [
            {
                "type": "line",
                "name": words.value,
                "showSymbol": len(time) < 40,
                "symbolSize": 5,
                "lineStyle": {"width": 1.8},
                "data": [[t, v] for t, v in zip((time + shift).tolist(), numbers, strict=True)],
                "markLine": {
                    "silent": True,
                    "symbol": "none",
                    "animation": False,
                    "data": [_line(words, rule, k, unit) for rule in rules for k in range(len(rule.levels))],
                },
                "markArea": {
                    "silent": True,
                    "animation": False,
                    "itemStyle": {"color": "rgba(185, 28, 28, 0.09)"},
                    "data": [
                        [{"xAxis": a + shift}, {"xAxis": b + shift}]
                        for a, b in stretches(time, severity(value, rules) > 0)
                    ],
                },
            }
        ],
    }


def colour(level: int) -> str:
    """The colour of a level, 0 for within all limits."""
    return CALM if level == 0 else LEVELS[min(level, len(LEVELS)) - 1]


def _line(words: Words, rule: LimitRule, k: int, unit: str) -> dict[str, Any]:
    text = f"{words.limit} {rule.levels[k]:g}" if words.language == "en" else f"{words.limit}{rule.levels[k]:g}"
    return {
        "yAxis": rule.levels[k],
        "lineStyle": {"color": colour(k + 1), "type": "dashed", "width": 1.2},
        "label": {"formatter": text, "color": colour(k + 1), "position": "end", "fontSize": 11},
    }


def _pieces(rules: Sequence[LimitRule]) -> list[dict[str, Any]]:
    """The value axis cut at every limit, each piece in the colour of its gravest level.

    Every piece has two ends: ECharts fails on a line whose pieces are all open to one side.
    """
    cuts = [-_FAR, *sorted({limit for rule in rules for limit in rule.levels}), _FAR]
    inside = np.array([(a + b) / 2 for a, b in pairwise(cuts)])
    return [
        {"gte": a, "lt": b, "color": colour(level)}
        for (a, b), level in zip(pairwise(cuts), severity(inside, rules).tolist(), strict=True)
    ]


def _room(rules: Sequence[LimitRule], numbers: Sequence[float | None]) -> dict[str, float]:
    """Bounds of the value axis that take in the values and the nearest limit of each rule, with air around them."""
    seen = [v for v in numbers if v is not None]
    shown = [*seen, *(rule.levels[0] for rule in rules)]
    if seen:
        worst = max(seen)
        shown += [limit for rule in rules for limit in rule.levels if limit <= worst * 1.2]
    if not shown:
        return {}
    low, high = min(shown), max(shown)
    air = (high - low) * 0.08 or max(abs(high) * 0.1, 1.0)
    floor = 0.0 if 0 <= low < (high - low) else low - air
    digits = max(0, 2 - int(np.floor(np.log10(high + air - floor))))
    return {"min": round(floor, digits), "max": round(high + air, digits)}
