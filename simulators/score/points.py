"""Readings that a receiver stored, held against those that were sent: lost, duplicate and corrupt points.

Both are CSV or JSON lines with `site`, `device`, `factor`, `field`, `period`, `time` (ms or ISO 8601) and `value`: the
identity of a point, and what it says. DuckDB joins them, so neither has to fit into memory.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import duckdb

from simulators.errors import SimulatorError, first_line

IDENTITY: Final = ("site", "device", "factor", "field", "period")
_COUNTS: Final = ("sent", "lost", "duplicated", "corrupt", "invented")
_JSON: Final = (".json", ".jsonl", ".ndjson")
_POINTS: Final = """
    select site, device, factor, field, period,
        coalesce(try_cast(time as bigint), epoch_ms(try_cast(time as timestamptz))) as time,
        list(distinct case when isfinite(try_cast(value as double))
            then cast(round(try_cast(value as double), 6) + 0 as varchar) else '' end) as said,
        count(*) as n
    from {rows} group by all
"""
"""One row a point; what is no finite number is said as nothing. Values are held together to six decimals."""
_JOINED: Final = """
    with sent as ({sent}), got as ({got})
    select site, device, count(sent.n) as sent,
        count(*) filter (where got.n is null or (got.said = [''] and sent.said <> [''])) as lost,
        coalesce(sum(got.n - 1), 0) as duplicated,
        count(*) filter (where not list_has_any(sent.said, got.said) and got.said <> ['']) as corrupt,
        count(*) filter (where sent.n is null) as invented
    from sent full join got using (site, device, factor, field, period, time)
    group by site, device order by site, device
"""


@dataclass(frozen=True, slots=True)
class Points:
    """What became of the points of one device, or of all."""

    site: str
    device: str
    sent: int
    """Points that were sent, each once, however often it was said."""
    lost: int
    """Sent, and not there, or there without a value."""
    duplicated: int
    """There more than once: how many too many."""
    corrupt: int
    """There with another value."""
    invented: int
    """There, and never sent."""

    def json(self) -> dict[str, object]:
        """For JSON."""
        return asdict(self)


def score_points(sent: Path, readings: Path) -> list[Points]:
    """The points of each device. Raises `SimulatorError` where a file cannot be read or a column is missing."""
    for file in (sent, readings):
        if not file.is_file():
            raise SimulatorError(f"{file}: no such file")
    joined = _JOINED.format(sent=_POINTS.format(rows=_reader(sent)), got=_POINTS.format(rows=_reader(readings)))
    try:
        with duckdb.connect() as connection:
            connection.execute("set timezone = 'UTC'")
            found = connection.execute(joined).fetchall()
    except duckdb.Error as error:
        raise SimulatorError(f"{sent}, {readings}: {first_line(error)}") from error
    return [Points(str(row[0]), str(row[1]), *map(int, row[2:])) for row in found]


def whole(points: Sequence[Points]) -> Points:
    """All devices together."""
    counts = (sum(getattr(each, name) for each in points) for name in _COUNTS)
    return Points("all", "", *counts)


def _reader(file: Path) -> str:
    """What reads a file in DuckDB, all columns as text; it unpacks `.gz` by itself."""
    path = str(file).replace("'", "''")
    if file.name.removesuffix(".gz").endswith(_JSON):
        columns = ", ".join(f"{name}: 'varchar'" for name in (*IDENTITY, "time", "value"))
        return f"read_json('{path}', format = 'newline_delimited', columns = {{{columns}}})"
    return f"read_csv('{path}', header = true, all_varchar = true)"
