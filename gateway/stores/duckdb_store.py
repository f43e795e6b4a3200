"""The embedded store: DuckDB in this process. Rows and journal position in one transaction: exactly once.

Of rows with the same channel, time, value and flag the first one stored stays; the others are counted as duplicates.
Another value for an instant is a revision, kept beside the first. A value that is no finite number is stored as NULL,
which aggregates pass over. A time outside the years 1 to 9999 is rejected: half of the tools that read the file could
not show it.
"""

from __future__ import annotations

import threading
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, cast

import duckdb
import numpy as np
from numpy.typing import NDArray

from gateway.channels import ChannelKey, Channels
from gateway.errors import StoreError
from gateway.records import Readings
from gateway.stores.duckdb_schema import create_tables
from gateway.stores.duckdb_sql import AHEAD, NEWEST, QUERY, RECEIVED, REVISIONS, STORED
from gateway.stores.identity import clusters
from gateway.stores.influx_lines import Lines
from gateway.stores.instants import Instants, Present
from gateway.stores.names import ChannelName, channel_name, channel_unit
from gateway.stores.newest_times import MOST_ASIDE, STEP_MS, NewestTimes
from gateway.stores.seam import Rejected, Revision, Series, WhichRevisions, Written

_MEMORY: Final = "256MB"
"""Bound on DuckDB's buffers; what needs more spills into `<file>.tmp`."""
_EARLIEST: Final = -62_135_596_800_000
_LATEST: Final = 253_402_300_799_999
"""First and last ms of the years 1 to 9999."""
_FIRST_BEYOND: Final = 2**63 - 1
"""No row has this number."""


class DuckDbStore:
    """Readings in one DuckDB file. One thread writes; `query` may be called from any other at the same time."""

    def __init__(self, file: Path, channels: Channels) -> None:
        """Open the file, or make it with its folder. Raises `StoreError` when it cannot be opened."""
        self._file = file
        self._channels = channels
        self._reader_lock = threading.Lock()
        self._open()

    def position(self) -> int:
        return self._position

    def write(self, readings: Readings, end: int) -> Written:
        if not len(readings) and end == self.position():
            return Written(0, 0)
        if self._in_doubt:
            self.close()
            self._open()
        self._in_doubt = True  # until it is committed; if it never is, the next write reads from the file what is
        try:
            written = self._write(readings, end)
        except duckdb.Error as error:
            raise StoreError(f"{self._file}: {error}") from error
        self._in_doubt = False
        return written

    def query(self, key: ChannelKey, start: int, end: int, limit: int) -> Series:
        number = self._numbers.get(channel_name(self._channels.inventory, key))
        if number is None:
            return Series.nothing()
        with self._asking() as cursor:
            return _series(_columns(cursor.execute(QUERY, [number, *_within(start, end), limit])))

    def revisions(self, which: WhichRevisions) -> list[Revision]:
        within = _within(_EARLIEST if which.start is None else which.start, _LATEST if which.end is None else which.end)
        before = _FIRST_BEYOND if which.before is None else which.before
        with self._asking() as cursor:
            rows = cursor.execute(
                REVISIONS, [which.site, which.device, which.factor, *within, before, which.limit]
            ).fetchall()
        return [Revision(*row) for row in rows]

    @contextmanager
    def _asking(self) -> Generator[duckdb.DuckDBPyConnection]:
        """A cursor beside the writer's. Raises `StoreError` for what goes wrong with it."""
        try:
            with self._reader_lock:
                cursor = self._reader.cursor()
            with cursor:
                yield cursor
        except duckdb.Error as error:
            raise StoreError(f"{self._file}: {error}") from error

    def close(self) -> None:
        with self._reader_lock:
            self._reader.close()
        self._writer.close()

    def _open(self) -> None:
        """Open the file and load what is remembered of it: position, channels, newest times."""
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            self._writer = duckdb.connect(
                self._file,
                config={
                    "threads": 1,  # queries run on the thread that asks; two cost 10 to 30 % more CPU a row
                    "memory_limit": _MEMORY,
                    "temp_directory": f"{self._file}.tmp",
                    "autoinstall_known_extensions": False,
                    "autoload_known_extensions": False,
                },
            )
        except (duckdb.Error, OSError) as error:
            raise StoreError(
                f"{self._file} cannot be opened; only one process may have it open at a time: {error}"
            ) from error
        try:
            create_tables(self._writer)
            self._load()
            self._reader = self._writer.cursor()
        except duckdb.Error as error:
            self._writer.close()
            raise StoreError(f"{self._file} cannot be read: {error}") from error
        self._in_doubt = False

    def _load(self) -> None:
        fetched = self._writer.execute("select position from journal_position").fetchone()
        assert fetched is not None
        self._position = int(fetched[0])
        rows = self._writer.execute("select site, device, factor, field, period, id from channels").fetchall()
        self._numbers = {ChannelName(*row[:5]): int(row[5]) for row in rows}
        self._number_of = np.full(1024, -1, np.int32)
        """Gateway channel to the id of this file, -1 where it is not yet known; grows with the gateway's channels."""
        self._instants = Instants(self._newest_times())

    def _newest_times(self) -> NewestTimes:
        """What is stored of each channel, read from the file."""
        newest = NewestTimes()
        newest.grow(len(self._numbers))
        fetched = self._writer.execute(RECEIVED).fetchone()
        if fetched is None or fetched[0] is None:
            return newest
        newest.reach(int(fetched[0]))
        stored = _columns(self._writer.execute(NEWEST, [min(newest.ahead, _LATEST)]))
        newest.advance(stored["channel"].astype(np.int32), stored["time"].astype("M8[ms]").view(np.int64))
        ahead = _columns(self._writer.execute(AHEAD, [min(newest.ahead, _LATEST), STEP_MS, MOST_ASIDE]))
        time = ahead["time"].astype("M8[ms]").view(np.int64)
        newest.advance(ahead["channel"].astype(np.int32), time)
        if len(time) == MOST_ASIDE:  # and maybe more beyond
            newest.may_hold(int(time[-1]), _LATEST)
        return newest

    def _write(self, readings: Readings, end: int) -> Written:
        readings, rejected = self._within_calendar(readings)
        self._writer.begin()
        channel = self._numbered(readings.channel)
        found = self._instants.sort(readings, channel, lambda rows: self._stored(rows, channel, readings.time))
        if len(found.new):
            self._insert("points", found.new, channel=found.new_channel)
        if len(found.revised):
            self._insert("revisions", found.revised, channel=found.revised_channel, number=found.number)
        self._writer.execute("update journal_position set position = ?", [end])
        self._writer.commit()
        self._instants.advance(readings, channel)
        self._position = end
        return Written(len(found.new), found.duplicates, rejected, revisions=len(found.revised))

    def _within_calendar(self, readings: Readings) -> tuple[Readings, list[Rejected]]:
        """The rows whose time the file can hold, and the others."""
        time = readings.time
        if not len(time) or (int(time.min()) >= _EARLIEST and int(time.max()) <= _LATEST):
            return readings, []
        inside = (time >= _EARLIEST) & (time <= _LATEST)
        outside = readings.take(~inside)
        lines = Lines(self._channels).write(outside)
        columns = zip(outside.position.tolist(), outside.received.tolist(), lines, strict=True)
        return readings.take(inside), [Rejected(*row, "the time is outside the years 1 to 9999") for row in columns]

    def _numbered(self, channel: NDArray[np.int32]) -> NDArray[np.int32]:
        """Gateway channels as ids of this file, shape (n,); those not met before are added to it."""
        known = len(self._channels)
        if known > len(self._number_of):
            more = np.full(max(known, 2 * len(self._number_of)) - len(self._number_of), -1, np.int32)
            self._number_of = np.concatenate([self._number_of, more])
        numbers = self._number_of[channel]
        if not len(numbers) or numbers.min() >= 0:
            return numbers
        inventory = self._channels.inventory
        added: list[tuple[int | str, ...]] = []
        for gateway_number in cast(list[int], np.unique(channel[numbers < 0]).tolist()):
            key = self._channels.keys[gateway_number]
            name = channel_name(inventory, key)
            number = self._numbers.get(name)
            if number is None:
                number = self._numbers[name] = len(self._numbers)
                added.append((number, *name, channel_unit(inventory, key)))
            self._number_of[gateway_number] = number
        if added:
            columns = zip(("id", *ChannelName._fields, "unit"), zip(*added, strict=True), strict=True)
            self._writer.register("added", {name: np.array(column, object) for name, column in columns})
            self._writer.execute("insert into channels select * from added")
            self._instants.newest.grow(len(self._numbers))
        return self._number_of[channel]

    def _stored(self, late: NDArray[np.intp], channel: NDArray[np.int32], time: NDArray[np.int64]) -> Present:
        """What the file has of the instants of these rows; exact."""
        parts: list[dict[str, NDArray[Any]]] = []
        for rows in clusters(late, time):
            self._writer.register("late", {"row": rows, "channel": channel[rows], "time": time[rows].view("M8[ms]")})
            asked = [int(time[rows].min()), int(time[rows].max())]
            parts.append(_columns(self._writer.execute(STORED, asked)))
        return Present(
            np.concatenate([part["row"] for part in parts]).astype(np.intp),
            np.concatenate([np.ma.filled(part["value"].astype(np.float64), np.nan) for part in parts]),
            np.concatenate([np.ma.filled(part["flag"], 0) for part in parts]).astype(np.uint8),
            np.concatenate([np.ma.filled(part["number"], 0) for part in parts]).astype(np.int64),
        )

    def _insert(self, table: str, readings: Readings, **more: NDArray[Any]) -> None:
        value = readings.value
        if np.isinf(value).any():
            value = np.where(np.isinf(value), np.nan, value)
        # A dict of numpy columns costs the same as an Arrow table or less, and its NaN arrives as NULL.
        self._writer.register(
            "batch",
            {
                **more,
                "time": readings.time.view("M8[ms]"),
                "value": value,
                "flag": readings.flag,
                "received": readings.received.view("M8[ms]"),
                "position": readings.position,
                **({"mark": readings.mark} if readings.mark.any() else {}),  # 0 unless given
            },
        )
        self._writer.execute(f"insert into {table} by name select * from batch")  # noqa: S608 - one of two names


def _columns(result: duckdb.DuckDBPyConnection) -> dict[str, NDArray[Any]]:
    """All rows of a result, by column; where a column has NULLs it is a masked array."""
    return cast(dict[str, NDArray[Any]], result.fetchnumpy())  # pyright: ignore[reportUnknownMemberType]


def _within(start: int, end: int) -> tuple[int, int]:
    """Both ends of a stretch as far as DuckDB can show them."""
    return max(start, _EARLIEST), min(end, _LATEST)


def _series(columns: dict[str, NDArray[Any]]) -> Series:
    """Columns newest first, as DuckDB gives them, to a series ascending in time."""
    return Series(
        columns["time"][::-1].astype("M8[ms]").view(np.int64),
        np.ma.filled(columns["value"][::-1].astype(np.float64), np.nan),
        columns["flag"][::-1].astype(np.uint8),
        columns["received"][::-1].astype("M8[ms]").view(np.int64),
        columns["mark"][::-1].astype(np.uint8),
        columns["revision"][::-1].astype(np.int64),
    )
