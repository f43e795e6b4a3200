"""The store of the settings is opened, with its files in the gateway's folder."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter

from gateway.channels import Channels
from gateway.config import Store as Settings
from gateway.errors import ConfigError
from gateway.records import Readings
from gateway.stores import open_store
from gateway.stores.duckdb_store import DuckDbStore
from gateway.stores.influxdb1_store import Influx1Store
from gateway.stores.influxdb_store import InfluxStore
from gateway.stores.position_file import Kept, PositionFile

settings_of = TypeAdapter[Settings](Settings).validate_python


@pytest.mark.parametrize(
    ("settings", "kind"),
    [
        ({"kind": "duckdb"}, DuckDbStore),
        ({"kind": "influxdb", "org": "o", "bucket": "b"}, InfluxStore),
        ({"kind": "influxdb1", "database": "d"}, Influx1Store),
    ],
)
def test_each_kind_has_its_store(settings: dict[str, Any], kind: type, tmp_path: Path, channels: Channels) -> None:
    store = open_store(settings_of(settings), tmp_path, channels)
    assert type(store) is kind
    assert store.position() == 0
    store.close()
    assert not (tmp_path / "readings.duckdb").exists() or kind is DuckDbStore


@pytest.mark.parametrize(
    "settings",
    [
        {"kind": "influxdb", "org": "o", "bucket": "b", "token_file": "/nowhere/token"},
        {"kind": "influxdb", "org": "o", "bucket": "b", "token_env": "A_VARIABLE_NOBODY_SET"},
        {"kind": "influxdb1", "database": "d", "login": {"username": "u", "password_file": "/nowhere/word"}},
    ],
)
def test_a_secret_that_cannot_be_read_is_a_mistake_of_the_configuration(
    settings: dict[str, Any], tmp_path: Path, channels: Channels
) -> None:
    with pytest.raises(ConfigError, match="token or password"):
        open_store(settings_of(settings), tmp_path, channels)


def test_another_database_is_filled_from_the_start_of_the_journal(tmp_path: Path, channels: Channels) -> None:
    for bucket in ("one", "two"):
        store = open_store(settings_of({"kind": "influxdb", "org": "o", "bucket": bucket}), tmp_path, channels)
        assert store.position() == 0
        assert isinstance(store, InfluxStore)
        store.write(Readings.empty(), 5)
        store.close()
    store = open_store(settings_of({"kind": "influxdb", "org": "o", "bucket": "one"}), tmp_path, channels)
    assert store.position() == 5


@pytest.mark.parametrize("content", [b"", b"12x", b"\xff\xfe", b"12 x", b"12 13 14"])
def test_a_position_file_without_a_number_means_the_start(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "p").write_bytes(content)
    file = PositionFile(tmp_path / "p")
    assert file.read() == Kept(0, None, [])
    file.write(77, 1_000, [])
    assert PositionFile(tmp_path / "p").read() == Kept(77, 1_000, [])
    file.write(78, -1_000, [(-5, 7), (2_000, 2_059)])
    assert PositionFile(tmp_path / "p").read() == Kept(78, -1_000, [(-5, 7), (2_000, 2_059)])
    assert [path.name for path in tmp_path.iterdir()] == ["p"]


def test_a_position_file_of_the_first_form_is_read_with_the_time_of_its_writing(tmp_path: Path) -> None:
    (tmp_path / "p").write_text("812\n")
    os.utime(tmp_path / "p", (1_719_835_200.5, 1_719_835_200.5))
    assert PositionFile(tmp_path / "p").read() == Kept(812, 1_719_835_200_500, [])
