"""The store of the settings is opened, with its files in the gateway's folder."""

from __future__ import annotations

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
from gateway.stores.position_file import PositionFile

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


@pytest.mark.parametrize("content", [b"", b"12x", b"\xff\xfe"])
def test_a_position_file_without_a_number_means_the_start(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "p").write_bytes(content)
    file = PositionFile(tmp_path / "p")
    assert file.read() == 0
    file.write(77)
    assert PositionFile(tmp_path / "p").read() == 77
    assert [path.name for path in tmp_path.iterdir()] == ["p"]
