"""Columns of a CSV file as a source: each row becomes what its device would have said then.

A table in TOML says what the columns are:

    site = "pond"
    device = "buoy-1"                # or device_column = "station"
    time = "datetime"                # several columns are joined by blanks: time = ["year", "month", "day", "hour"]
    format = "%Y-%m-%d %H:%M"        # of strptime; default ISO 8601; "s" and "ms" are since 1970
    columns = [{ name = "ph", factor = "w01001", unit = "1" }, { name = "temp", factor = "w01010", unit = "C" }]
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated, Final, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, model_validator

from simulators import library
from simulators.clock import moment
from simulators.csv_rows import Rows, lines_of
from simulators.formats import hj212, json_v1, senml
from simulators.formats.seam import Format
from simulators.records import Period, Report
from simulators.settings.tables import Id, Table
from simulators.traffic import Arrival

NO_DEVICE: Final = frozenset("/+#\0")
"""What no name of a device has in it, for it is a part of a topic."""


class Column(Table):
    """One column of values."""

    name: str
    """As in the file's first line."""
    factor: Annotated[str, Field(pattern=r"^[A-Za-z0-9]+$")]
    field: str = "Rtd"
    unit: str = ""
    """The inventory's; only SenML says it."""
    scale: float = 1.0
    """What the file's numbers are multiplied by."""


class Columns(Table):
    """What a CSV file holds."""

    site: Id
    device: Id | None = None
    device_column: str | None = None
    """A column that names the device, instead of `device`."""
    time: str | tuple[str, ...]
    format: str = "iso"
    zone: str = "Asia/Shanghai"
    """Of times without an offset, and of the stamps of HJ 212."""
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] = ","
    missing: tuple[str, ...] = ("", "NA", "NaN", "nan", "NULL", "null", "-")
    """What stands where there is no value."""
    period: Period = "realtime"
    codec: Literal["json", "hj212", "senml"] = "json"
    edition: hj212.Edition = "2017"
    mn: str = ""
    """Of HJ 212."""
    system_type: Annotated[str, Field(pattern=r"^\d\d$")] = "32"
    """`ST` of HJ 212."""
    columns: Annotated[tuple[Column, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if (self.device is None) == (self.device_column is None):
            raise ValueError("give either `device` or `device_column`")
        if self.codec == "hj212" and (not self.mn or self.device is None):
            raise ValueError("HJ 212 needs an `mn`, and so one `device`")
        if self.codec == "senml" and self.period != "realtime":
            raise ValueError("SenML has no periods")
        try:
            ZoneInfo(self.zone)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError(f"no time zone {self.zone!r}") from error
        return self

    def writer(self, device: str) -> Format:
        """What writes for a device of the file."""
        if self.codec == "hj212":
            return hj212.Writer(self.system_type, self.mn, ZoneInfo(self.zone), edition=self.edition)
        if self.codec == "senml":
            return senml.Writer(device, {column.factor: column.unit for column in self.columns})
        return json_v1.Writer()


def arrivals_of(file: Path, table: Path) -> Iterator[Arrival]:
    """The messages of a CSV file by its table, in order of time, each due at its own time.

    The whole file is read first. Raises `ScenarioError` for the table and `SimulatorError` with the line for the file.
    """
    columns = library.read_model(table, Columns)
    writers: dict[str, Format] = {}
    for time, device, readings in _rows(file, columns).in_order():
        if device not in writers:
            writers[device] = columns.writer(device)
        for payload, _ in writers[device].packets(Report(time, time, columns.period, readings)):
            yield Arrival(time, f"pollution/{columns.site}/{device}/data", payload)


def _rows(file: Path, columns: Columns) -> Rows:
    """Each row that has any value."""
    times = (columns.time,) if isinstance(columns.time, str) else columns.time
    whose = () if columns.device_column is None else (columns.device_column,)
    read_time = _time_reader(columns)
    devices: dict[str, int] = {}
    names: list[str] = []
    rows = Rows(
        names, [(each.factor, each.field) for each in columns.columns], [each.scale for each in columns.columns]
    )
    missing = frozenset(columns.missing)

    def add(cells: Sequence[str]) -> None:
        texts = ["" if text.strip() in missing else text.strip() for text in cells[len(times) + len(whose) :]]
        if not any(texts):
            return
        device = columns.device or cells[len(times)]
        if device not in devices:
            if not device or set(device) & NO_DEVICE:
                raise ValueError(f"{device!r} is no name of a device that could stand in a topic")
            devices[device] = len(names)
            names.append(device)
        rows.add(read_time(" ".join(cells[: len(times)])), devices[device], texts)

    lines_of(file, columns.delimiter, [*times, *whose, *(each.name for each in columns.columns)], add)
    return rows


def _time_reader(columns: Columns) -> Callable[[str], int]:
    """From the text of a time to ms UTC; raises `ValueError` or `SimulatorError`."""
    zone = ZoneInfo(columns.zone)
    if columns.format == "iso":
        return lambda text: moment(text.strip(), zone)
    if columns.format in ("s", "ms"):
        factor = 1000 if columns.format == "s" else 1
        return lambda text: round(float(text) * factor)

    def read(text: str) -> int:
        time = datetime.strptime(text, columns.format)  # noqa: DTZ007 - the zone follows
        return round((time if time.tzinfo is not None else time.replace(tzinfo=zone)).timestamp() * 1000)

    return read
