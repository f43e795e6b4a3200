"""The queries of docs/storage.md are run as they stand there, on data as the gateway stores them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import duckdb
import pytest
from servers import Influxd

from gateway.channels import Channels
from gateway.config import Influx1
from gateway.records import Readings
from gateway.stores.duckdb_store import DuckDbStore
from gateway.stores.influxdb1_store import Influx1Store

NOON = 1_719_835_200_000
DOCUMENT = (Path(__file__).parents[3] / "docs" / "storage.md").read_text("utf-8")


def blocks(language: str) -> list[str]:
    found = re.findall(rf"^```{language}\n(.*?)^```$", DOCUMENT, re.DOTALL | re.MULTILINE)
    assert found
    return found


@pytest.fixture
def day(readings_of: Callable[..., Readings]) -> list[Readings]:
    """Some hours of 2024-07-01, with a fault and a value that was changed later."""
    rows = [(n % 8, NOON + n // 8 * 60_000, float(n % 50)) for n in range(8 * 200)]
    faulty = readings_of([(0, NOON + 90_000, 9.0)], position=1_600, flag=ord("D"))
    return [readings_of(rows), faulty, readings_of([(0, NOON, 77.0)], position=1_601)]


@pytest.mark.parametrize("query", blocks("sql"), ids=range(len(blocks("sql"))))
def test_every_sql_query_gives_rows(
    query: str, day: list[Readings], tmp_path: Path, channels: Channels, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = DuckDbStore(tmp_path / "readings.duckdb", channels)
    for end, readings in enumerate(day, start=1):
        store.write(readings, end)
    store.close()
    monkeypatch.chdir(tmp_path)
    with duckdb.connect(tmp_path / "readings.duckdb", read_only=True) as connection:
        rows = connection.execute(query).fetchall()
    assert rows
    assert all(value is not None for row in rows for value in row)
    if query.startswith("copy"):
        assert (tmp_path / "stack-1.parquet").exists()


@pytest.fixture
def filled(influxd: Influxd, day: list[Readings], tmp_path: Path, channels: Channels) -> Influxd:
    store = Influx1Store(Influx1(url=influxd.url, database="pollution"), channels, tmp_path / "position")
    for end, readings in enumerate(day, start=1):
        assert store.write(readings, end).rejected == []
    store.close()
    return influxd


def test_every_influxql_query_gives_rows(filled: Influxd) -> None:
    for query in blocks("influxql"):
        answer: dict[str, Any] = json.loads(
            filled.request("/query", urlencode({"q": query, "db": "pollution"}).encode())
        )
        assert answer["results"][0].get("series"), (query, answer)


def test_series_are_no_more_than_devices_factors_and_periods(filled: Influxd, channels: Channels) -> None:
    text = urlencode({"q": "SHOW SERIES", "db": "pollution"}).encode()
    series = json.loads(filled.request("/query", text))["results"][0]["series"][0]["values"]
    own = [name for (name,) in series if not name.startswith("revisions,")]
    assert len(series) == len(own) + 1, "and one for each channel that was revised, and how often"
    assert len(own) == len({(key.device, key.factor, key.period) for key in channels.keys[:8]})


def test_flux_queries_name_measurements_tags_and_fields_that_are_written() -> None:
    for query in blocks("flux"):
        names = set(re.findall(r"r\.(\w+)", query)) - {"_measurement", "_field"}
        assert names <= {"site", "device", "factor", "flag"}
        assert set(re.findall(r'_measurement == "(\w+)"', query)) <= {"realtime", "minute", "hour", "day"}
        assert set(re.findall(r'_field == "(\w+)"', query)) <= {"rtd", "flag", "received"}


def test_the_tables_are_those_of_the_document(tmp_path: Path, channels: Channels) -> None:
    DuckDbStore(tmp_path / "readings.duckdb", channels).close()
    tables = r"^(points|revisions|channels|flags|journal_position) +((?:\w+, )*\w+)"
    described = dict(re.findall(tables, DOCUMENT, re.MULTILINE))
    with duckdb.connect(tmp_path / "readings.duckdb") as connection:
        for table, columns in described.items():
            found = connection.execute(
                "select column_name from duckdb_columns() where table_name = ?", [table]
            ).fetchall()
            assert [name for (name,) in found] == columns.split(", ")
    assert len(described) == 5
