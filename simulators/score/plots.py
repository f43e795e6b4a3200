"""Plots of the report as inline SVG: what happened over what was said, device by device, and how long it took.

Colours are classes of the report's style sheet, so that they follow its light or dark scheme. Everything that is drawn
has a `<title>`: the words behind a bar are there for whoever points at it, and for a screen reader.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from typing import Final

from simulators.score.figures import Row, Score
from simulators.score.records import Expected, Said, Truth

WIDTH: Final = 1000
LEFT: Final = 190
"""Room for names."""
BAR: Final = 9
"""Height of a bar with the room below it."""
ROOM: Final = 8
"""Between two lanes."""
AXIS: Final = 26
TICKS: Final = 8
"""Most of them."""
DAY_S: Final = 86_400
STEPS_S: Final = (
    *(0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 10_800, 21_600, 43_200),
    *(DAY_S, 2 * DAY_S, 7 * DAY_S, 14 * DAY_S, 28 * DAY_S, 91 * DAY_S, 364 * DAY_S),
)
"""From one to the next, in seconds."""


@dataclass(frozen=True, slots=True)
class Span:
    """The time that a plot shows, ms UTC."""

    start: int
    end: int

    def x(self, time: float) -> float:
        """Where a time is, in pixels."""
        share = (time - self.start) / max(1, self.end - self.start)
        return LEFT + (WIDTH - LEFT - 8) * min(1.0, max(0.0, share))


@dataclass(frozen=True, slots=True)
class _Bar:
    row: int
    """0: happened, 1: to be found, 2: said."""
    style: str
    start: int
    end: int | None
    title: str


def span_of(truth: Truth, score: Score) -> Span:
    """From the first to the last moment of which the truth speaks, or at which an alert was told."""
    times = [time for each in truth.counted for time in (each.start, each.end)]
    times += [time for each in truth.happened for time in (each.start, each.end) if time is not None]
    times += [time for each in truth.expected for time in (each.begins, each.ends) if time is not None]
    times += [each.told for each in _said(score)]
    return Span(min(times), max(times)) if times else Span(0, 1)


def timelines(truth: Truth, score: Score, span: Span) -> list[tuple[str, str]]:
    """Site and SVG: a lane for each device and camera of which anything is known."""
    lanes: dict[tuple[str, str], list[_Bar]] = {}

    def put(site: str, subjects: Iterable[str], bar: _Bar) -> None:
        for subject in subjects:
            lanes.setdefault((site, subject), []).append(bar)

    for each in truth.happened:
        put(
            each.site, each.subjects, _Bar(0, f"layer-{each.layer}", each.start, each.end, f"{each.layer}: {each.kind}")
        )
    for pair in score.whole.pairs:
        put(pair.expected.site, pair.expected.subjects, _expected(pair.expected, "found"))
        style = "early" if pair.too_early else "right"
        why = f"told after {pair.delay / 1000:.1f} s"
        put(pair.said.site, (pair.said.subject,), _alert(pair.said, why, style, span))
    for each in score.whole.missed:
        put(each.site, each.subjects, _expected(each, "missed"))
    for alert in score.whole.false:
        why = "told again" if alert.again else "nothing to be found"
        put(alert.said.site, (alert.said.subject,), _alert(alert.said, why, "false", span))
    for said in score.not_judged:
        put(said.site, (said.subject,), _alert(said, "not judged", "other", span))
    sites = sorted({site for site, _ in lanes})
    return [
        (site, _timeline({name: bars for (at, name), bars in sorted(lanes.items()) if at == site}, span))
        for site in sites
    ]


def delays(rows: Sequence[Row]) -> str:
    """A dot for each thing found, by detector, at the seconds that it took to be told; empty where there is none."""
    told = [row for row in rows if row.delays]
    if not told:
        return ""
    most = max(1.0, max(row.delays[-1] for row in told) / 1000)
    least = min(0.0, min(row.delays[0] for row in told) / 1000)
    height = 22 * len(told) + AXIS
    parts = [_open(height, "Delays by detector")]
    step, seconds = ticks(least, most)
    parts += [_tick(_at(each, least, most), height, f"{each:.{int(step < 1)}f} s") for each in seconds]
    for number, row in enumerate(told):
        y = 14 + 22 * number
        parts.append(f'<text x="{LEFT - 8}" y="{y + 4}" text-anchor="end">{escape(f"{row.family} {row.what}")}</text>')
        for pair in row.pairs:
            x, title = _at(pair.delay / 1000, least, most), _of(pair.expected)
            parts.append(
                f'<circle class="right" cx="{x:.1f}" cy="{y}" r="4.5"><title>{escape(title)}: '
                f"{pair.delay / 1000:.1f} s</title></circle>"
            )
    return "".join((*parts, "</svg>"))


def ticks(least: float, most: float) -> tuple[float, list[float]]:
    """The step in seconds, and its multiples from `least` to `most`.

    >>> ticks(3.0, 13.1)
    (2, [4, 6, 8, 10, 12])
    """
    step = next((step for step in STEPS_S if (most - least) / step <= TICKS), STEPS_S[-1])
    return step, [number * step for number in range(math.ceil(least / step), math.floor(most / step) + 1)]


def clock(time: int) -> str:
    """A time for people, UTC."""
    return datetime.fromtimestamp(time / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")


def _timeline(lanes: dict[str, list[_Bar]], span: Span) -> str:
    parts: list[str] = []
    y = ROOM // 2
    for name, bars in lanes.items():
        top = y
        for row in range(3):
            tracks = _tracks([bar for bar in bars if bar.row == row], span)
            for track in tracks:
                parts += [_rect(bar, y, span) for bar in track]
                y += BAR
            y += 0 if tracks else BAR
        parts.append(f'<text x="{LEFT - 8}" y="{(top + y) // 2 + 3}" text-anchor="end">{escape(name)}</text>')
        parts.append(f'<line class="rule" x1="0" x2="{WIDTH}" y1="{y + ROOM // 2}" y2="{y + ROOM // 2}"/>')
        y += ROOM
    height = y + AXIS
    step, seconds = ticks(span.start / 1000, span.end / 1000)
    shown = slice(5, 10) if step >= DAY_S else slice(11, 16) if step >= 60 else slice(11, 19)
    grid = [_tick(span.x(1000 * each), height, clock(round(1000 * each))[shown]) for each in seconds]
    return "".join((_open(height, "Timeline"), *grid, *parts, "</svg>"))


def _tracks(bars: Sequence[_Bar], span: Span) -> list[list[_Bar]]:
    """Bars of one kind in as many rows as they need to hide none of them."""
    tracks: list[list[_Bar]] = []
    for bar in sorted(bars, key=lambda bar: (bar.start, span.end if bar.end is None else bar.end)):
        for track in tracks:
            last = track[-1].end
            if last is not None and last <= bar.start:
                track.append(bar)
                break
        else:
            tracks.append([bar])
    return tracks


def _rect(bar: _Bar, y: int, span: Span) -> str:
    end = span.end if bar.end is None else bar.end
    x = span.x(bar.start)
    width = max(2.0, span.x(end) - x)
    title = f"{bar.title}, {clock(bar.start)} to {clock(end)}{'' if bar.end is not None else ', open'}"
    return (
        f'<rect class="{escape(bar.style)}" x="{x:.1f}" y="{y}" width="{width:.1f}" height="{BAR - 2}" rx="1.5">'
        f"<title>{escape(title)}</title></rect>"
    )


def _open(height: int, label: str) -> str:
    return f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{label}">'


def _tick(x: float, height: int, text: str) -> str:
    line = f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="0" y2="{height - AXIS + 6}"/>'
    anchor = "end" if x > WIDTH - 60 else "middle"
    return f'{line}<text class="tick" x="{x:.1f}" y="{height - 6}" text-anchor="{anchor}">{escape(text)}</text>'


def _at(seconds: float, least: float, most: float) -> float:
    return LEFT + (WIDTH - LEFT - 40) * (seconds - least) / (most - least)


def _expected(each: Expected, style: str) -> _Bar:
    return _Bar(1, style, each.begins, each.ends, f"{style}: {_of(each)}")


def _alert(said: Said, why: str, style: str, span: Span) -> _Bar:
    """Where it began by a clock that is far off, an alert is drawn when it was told."""
    title = f"alert {said.family} {said.rule} {said.factor}: {why}"
    if span.start <= said.since <= span.end:
        return _Bar(2, style, said.since, said.ended, title)
    return _Bar(2, style, said.told, said.ended if said.ended_told is None else said.ended_told, title)


def _of(each: Expected) -> str:
    words = (each.family, each.what, each.factor, each.zone, "in late data" if each.late else "", *each.subjects)
    return " ".join(word for word in words if word)


def _said(score: Score) -> list[Said]:
    whole = score.whole
    return [*(pair.said for pair in whole.pairs), *(alert.said for alert in whole.false), *score.not_judged]
