"""The score as one HTML file that needs nothing else: tables, and plots as inline SVG, in a light and a dark scheme."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from statistics import median
from typing import Final

from simulators.score import plots
from simulators.score.figures import Row, Score, percentile
from simulators.score.pictures import Figures
from simulators.score.points import Points, whole
from simulators.score.records import Truth
from simulators.score.result import Result

_STYLE: Final = """
:root { color-scheme: light dark; --bg: #fff; --ink: #1b1f24; --soft: #57606a; --line: #d0d7de; --right: #0969da;
  --found: #1a7f37; --missed: #b3261e; --false: #bc4c00; --early: #8250df; --other: #8c959f; --world: #57606a;
  --fault: #9a6700; --fraud: #bf3989; }
@media (prefers-color-scheme: dark) { :root { --bg: #0d1117; --ink: #e6edf3; --soft: #9198a1; --line: #30363d;
  --right: #58a6ff; --found: #3fb950; --missed: #ff7b72; --false: #f0883e; --early: #bc8cff; --other: #6e7681;
  --world: #9198a1; --fault: #d29922; --fraud: #f778ba; } }
body { background: var(--bg); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto;
  max-width: 1080px; padding: 0 1rem; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.1rem; margin-top: 2rem; } h3 { font-size: 1rem; }
p, .soft { color: var(--soft); }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { border-bottom: 1px solid var(--line); padding: .3rem .5rem; text-align: right; }
th { color: var(--soft); font-weight: 500; } .words th, .words td, th:first-child, td:first-child { text-align: left; }
tr.all td { font-weight: 600; }
.scroll { overflow-x: auto; } svg { width: 100%; min-width: 720px; } svg text { fill: var(--ink); font-size: 12px; }
svg .tick { fill: var(--soft); font-size: 11px; } .grid, .rule { stroke: var(--line); stroke-width: 1; }
.right { fill: var(--right); } .found { fill: var(--found); } .missed { fill: var(--missed); }
.false { fill: var(--false); } .early { fill: var(--early); } .other { fill: var(--other); }
[class^="layer-"] { fill: var(--fault); } .layer-fraud, .layer-tamper { fill: var(--fraud); }
.layer-incident, .layer-weather, .layer-nuisance { fill: var(--world); }
.key { display: inline-block; width: .8rem; height: .8rem; border-radius: 2px; margin: 0 .3rem 0 1rem; }
"""
_KEY: Final = (
    ("world", "happened"),
    ("fault", "fault"),
    ("fraud", "fraud or tampering"),
    ("found", "to be found, and was"),
    ("missed", "missed"),
    ("right", "alert"),
    ("early", "alert ended too early"),
    ("false", "false alert"),
    ("other", "alert not judged"),
)
_NOTHING: Final = "–"


def report(title: str, truth: Truth, result: Result) -> str:
    """The whole file."""
    score, points, pictures = result.score, result.points, result.pictures
    span = plots.span_of(truth, score)
    days = "" if score.device_days is None else f", {score.device_days:.4g} device-days"
    parts = [
        f"<h1>{escape(title)}</h1>",
        f"<p>{plots.clock(span.start)} to {plots.clock(span.end)} UTC{days}. Begin and end of an alert may be "
        f"{score.tolerance_ms / 1000:g} s off. Times are UTC; point at a bar to read it.</p>",
        "<h2>Alerts by detector</h2>",
        _alerts(score),
    ]
    told = plots.delays(score.rows)
    if told:
        parts += ["<h2>Delay from begin to alert</h2>", f'<div class="scroll">{told}</div>']
    parts.append("<h2>Timelines</h2><p>" + "".join(_key(*each) for each in _KEY) + "</p>")
    for site, drawing in plots.timelines(truth, score, span):
        parts.append(f'<h3>{escape(site)}</h3><div class="scroll">{drawing}</div>')
    parts += _lists(score)
    if points:
        parts += ["<h2>Points</h2>", _points(points)]
    if pictures:
        parts += ["<h2>Cameras</h2>", _pictures(pictures)]
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><meta name="viewport" '
        f'content="width=device-width"><title>{escape(title)}</title><style>{_STYLE}</style></head>\n<body>'
        + "\n".join(parts)
        + "</body></html>\n"
    )


def _alerts(score: Score) -> str:
    heads = ("detector", "expected", "found", "missed", "false", "again", "precision", "recall", "delay p50")
    rows = [_row(row, score.device_days, "") for row in score.rows]
    rows.append(_row(score.whole, score.device_days, ' class="all"'))
    return _table((*heads, "delay p95", "ended early", "false/device-day"), rows)


def _row(row: Row, days: float | None, kind: str) -> str:
    delays = row.delays
    cells = [
        f"{row.family} {row.what}",
        *map(str, (row.expected, len(row.pairs), len(row.missed), len(row.false), row.again)),
        _share(row.precision),
        _share(row.recall),
        f"{median(delays) / 1000:.1f} s" if delays else _NOTHING,
        f"{percentile(delays, 95) / 1000:.1f} s" if delays else _NOTHING,
        str(row.false_resolves),
        f"{len(row.false) / days:.3g}" if days else _NOTHING,
    ]
    return f"<tr{kind}>{_cells(cells)}</tr>"


def _lists(score: Score) -> list[str]:
    whole = score.whole
    parts: list[str] = []
    if whole.missed:
        rows = [
            _cells([each.family, each.what, each.site, " ".join(each.subjects), each.factor or each.zone, each.kind])
            + _cells([plots.clock(each.begins), _NOTHING if each.ends is None else plots.clock(each.ends)])
            for each in whole.missed
        ]
        heads = ("family", "what", "site", "device or camera", "factor or zone", "of", "from", "to")
        parts += ["<h2>Missed</h2>", _table(heads, [f"<tr>{row}</tr>" for row in rows], "words")]
    if whole.false:
        rows = [
            _cells([said.family, said.rule, said.site, said.subject, said.factor, "told again" if again else "nothing"])
            + _cells([plots.clock(said.since), _NOTHING if said.ended is None else plots.clock(said.ended)])
            for said, again in ((each.said, each.again) for each in whole.false)
        ]
        heads = ("family", "rule", "site", "device or camera", "factor", "about", "since", "until")
        parts += ["<h2>False alerts</h2>", _table(heads, [f"<tr>{row}</tr>" for row in rows], "words")]
    early = [pair for pair in whole.pairs if pair.too_early]
    if early:
        rows = [
            _cells([pair.said.family, pair.said.rule, pair.said.site, pair.said.subject])
            + _cells(
                [plots.clock(time) if time is not None else _NOTHING for time in (pair.said.ended, pair.expected.ends)]
            )
            for pair in early
        ]
        heads = ("family", "rule", "site", "device or camera", "said to be over", "was over")
        parts += ["<h2>Ended too early</h2>", _table(heads, [f"<tr>{row}</tr>" for row in rows], "words")]
    return parts


def _points(points: Sequence[Points]) -> str:
    heads = ("device", "sent", "lost", "duplicate", "corrupt", "invented")
    rows = [
        f"<tr{kind}>"
        + _cells([f"{each.site} {each.device}", each.sent, each.lost, each.duplicated, each.corrupt, each.invented])
        + "</tr>"
        for kind, each in (*(("", each) for each in points), (' class="all"', whole(points)))
    ]
    return _table(heads, rows)


def _pictures(pictures: Sequence[Figures]) -> str:
    keys = ("frame_precision", "frame_recall", "box_precision", "box_recall", "iou_mean", "event_recall")
    heads = ("camera", "label", "frames", "shown", "precision", "recall", "box precision", "box recall", "IoU")
    rows: list[str] = []
    for each in pictures:
        said = each.json()
        cells = [
            f"{each.site} {each.camera}",
            each.label,
            each.frames,
            each.shown,
            *(_share(said[key]) for key in keys),
        ]
        rows.append(f"<tr>{_cells([*cells, f'{each.events_seen} of {each.events}'])}</tr>")
    return _table((*heads, "event recall", "events seen"), rows)


def _table(heads: Iterable[str], rows: Iterable[str], kind: str = "") -> str:
    head = "".join(f"<th>{escape(each)}</th>" for each in heads)
    named = f' class="{kind}"' if kind else ""
    return f'<div class="scroll"><table{named}><tr>{head}</tr>{"".join(rows)}</table></div>'


def _cells(cells: Iterable[object]) -> str:
    return "".join(f"<td>{escape(str(cell))}</td>" for cell in cells)


def _share(share: object) -> str:
    return f"{share:.3f}" if isinstance(share, float) else _NOTHING


def _key(colour: str, text: str) -> str:
    return f'<span class="key" style="background: var(--{colour})"></span>{escape(text)}'
