"""Arrivals out of what a receiver stored: a DuckDB file, a CSV or JSON lines file, InfluxDB 1.x.

All come to one form, rows of device, factor, time, value and received; sequence and send time are the values of the
factors `seq` and `sent` that have device and time in common, the second of each being the message's second arrival.
What was received at one time counts as in order: stored values do not tell what came first within it.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, cast
from urllib.parse import quote

import duckdb
import numpy as np
import urllib3
from numpy.typing import NDArray

from simulators.errors import SimulatorError, first_line
from simulators.load.plan import SITE
from simulators.load.stamped import SENT, SEQ, SEQ_BASE
from simulators.verify.tally import Arrivals

ROWS: Final = 500_000
"""Messages reckoned at once."""
_PIVOT: Final = """
    select cast(regexp_extract(device, '^dev-([0-9]{{1,9}})$', 1) as varchar) as number,
        max(value) filter (where factor = $seq) as sequence, max(value) filter (where factor = $sent) as sent,
        min(received) as received
    from (
        select *, row_number() over (partition by device, factor, time order by received) as copy
        from ({rows}) where factor in ($seq, $sent)
    ) group by device, time, copy order by received, sequence
"""
_DUCKDB: Final = """
    select device, factor, time, value, epoch_us(received) as received from store.readings
    where site = $site and period = 'realtime'
"""
_RECEIVED: Final = "describe select received from {reader}(?)"
_INFLUX: Final = (
    "select rtd, received from realtime where site = '{site}' and (factor = '{seq}' or factor = '{sent}')"
    " group by device, factor"
)
_FILE: Final = """
    select cast(device as varchar) as device, cast(factor as varchar) as factor, time,
        cast(value as double) as value, {received} as received
    from {reader}($file)
"""


def from_duckdb(file: Path) -> list[Arrivals]:
    """What the embedded store of the gateway holds. Raises `SimulatorError`: only one process may have it open."""
    return _ask(_DUCKDB, {"site": SITE}, attach=file)


def from_file(file: Path) -> list[Arrivals]:
    """A CSV or JSON lines file (`.jsonl`, `.json`) with device, factor, time, value, received.

    `received` is ms since the epoch or a time in ISO 8601. Raises `SimulatorError`.
    """
    reader = "read_json_auto" if file.suffix in (".json", ".jsonl", ".ndjson") else "read_csv_auto"
    with duckdb.connect() as connection:
        try:
            described = connection.execute(_RECEIVED.format(reader=reader), [str(file)]).fetchall()
        except duckdb.Error as error:
            raise SimulatorError(f"{file}: {first_line(error)}") from error
    number = str(described[0][1]) in ("BIGINT", "DOUBLE", "HUGEINT", "UBIGINT", "INTEGER")
    received = "cast(received * 1000 as bigint)" if number else "epoch_us(cast(received as timestamptz))"
    return _ask(_FILE.format(reader=reader, received=received), {"file": str(file)})


def from_influxdb(url: str, database: str, user: str | None = None, password: str | None = None) -> list[Arrivals]:
    """What an InfluxDB 1.x database holds, as the gateway writes it. Raises `SimulatorError`."""
    text = _INFLUX.format(site=SITE, seq=SEQ, sent=SENT)
    headers = {"Accept": "application/csv"}
    if user:
        headers |= dict(urllib3.make_headers(basic_auth=f"{user}:{password or ''}"))
    query = f"{url.rstrip('/')}/query?db={quote(database)}"
    address = f"{query}&epoch=ms&chunked=true&q={quote(text)}"
    with tempfile.NamedTemporaryFile("wb", suffix=".csv") as file:
        try:
            _try_influxdb(url, f"{query}&q={quote(f'{text} limit 1')}", headers)
            answer = urllib3.request("GET", address, headers=headers, preload_content=False)
            if answer.status != 200:
                raise SimulatorError(f"{url}: {answer.status} {answer.read(1000).decode('utf-8', 'replace').strip()}")
            file.write(b"device,factor,time,value,received\n")
            rest = b""
            for part in answer.stream(1 << 20):
                *lines, rest = (rest + part).split(b"\n")
                file.write(b"".join(_row(line) for line in lines))
            file.write(_row(rest))
            file.flush()
        except urllib3.exceptions.HTTPError as error:
            raise SimulatorError(f"{url}: {error}") from error
        return from_file(Path(file.name))


def _try_influxdb(url: str, address: str, headers: Mapping[str, str]) -> None:
    """Ask in JSON first: answers in CSV say nothing of errors. Raises `SimulatorError`."""
    answer = urllib3.request("GET", address, headers={**headers, "Accept": "application/json"})
    try:
        said = answer.json()
        errors = [said["error"]] if "error" in said else [one["error"] for one in said["results"] if "error" in one]
    except (ValueError, KeyError, TypeError) as error:
        raise SimulatorError(f"{url}: {answer.status}, no answer of an InfluxDB 1.x") from error
    if errors:
        raise SimulatorError(f"{url}: {errors[0]}")


def _row(line: bytes) -> bytes:
    """`realtime,"device=dev-00001,factor=seq",1767225600000,12.0,1767225600001` as a row of the file."""
    parts = line.strip().rsplit(b",", 3)
    if len(parts) != 4 or not parts[0].startswith(b"realtime,"):
        return b""  # the head of each chunk, empty lines
    tags = parts[0].partition(b",")[2].strip(b'"')
    named = dict(tag.split(b"=", 1) for tag in tags.split(b",") if b"=" in tag)
    return b",".join((named.get(b"device", b""), named.get(b"factor", b""), *parts[1:])) + b"\n"


def _ask(rows: str, named: dict[str, object], attach: Path | None = None) -> list[Arrivals]:
    where = attach or named["file"]
    try:
        with duckdb.connect() as connection:
            if attach is not None:
                path = str(attach).replace("'", "''")
                connection.execute(f"attach '{path}' as store (read_only)")
            result = connection.execute(_PIVOT.format(rows=rows), {**named, "seq": SEQ, "sent": SENT})
            columns = cast(dict[str, NDArray[Any]], result.fetchnumpy())  # pyright: ignore[reportUnknownMemberType]
    except duckdb.Error as error:
        raise SimulatorError(f"{where}: {first_line(error)}") from error
    return _parts(columns)


def _parts(columns: dict[str, NDArray[Any]]) -> list[Arrivals]:
    names = [str(name) for name in np.ma.filled(columns["number"], "").tolist()]
    device = np.array([int(name) if name.isdigit() else -1 for name in names], np.int64)
    sequence = np.ma.filled(columns["sequence"].astype(np.float64), np.nan)
    sent = np.ma.filled(columns["sent"].astype(np.float64), np.nan)
    whole = np.isfinite(sequence) & np.isfinite(sent)
    number = np.where(whole, np.nan_to_num(sequence) - SEQ_BASE, -1).astype(np.int64)
    sent_us = np.rint(np.where(whole, np.nan_to_num(sent), 0) * 1000).astype(np.int64)
    received = np.ma.filled(columns["received"], 0).astype(np.int64)
    if not np.any(received % 1000):
        received += 500  # whole milliseconds: their middle
    return [
        Arrivals(device[at : at + ROWS], number[at : at + ROWS], sent_us[at : at + ROWS], received[at : at + ROWS])
        for at in range(0, len(device), ROWS)
    ]
