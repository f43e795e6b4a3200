"""Stores: where readings stay. One file a store, one line here."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

from gateway.channels import Channels
from gateway.config import DuckDb, Influx, Influx1
from gateway.config import Store as Settings
from gateway.errors import ConfigError
from gateway.stores.duckdb_store import DuckDbStore
from gateway.stores.seam import Store

__all__ = ["Store", "open_store"]


def open_store(settings: Settings, data: Path, channels: Channels) -> Store:
    """The store of the settings; `data` is the gateway's folder.

    Raises `StoreError` when it cannot be opened (a database away is found by the first write) and `ConfigError` when
    its token or password cannot be read.
    """
    try:
        match settings:
            case DuckDb():
                return DuckDbStore(data / settings.file, channels)
            case Influx():
                from gateway.stores.influxdb_store import InfluxStore  # here: half a second of imports

                file = _position_file(data, settings.kind, settings.url, settings.org, settings.bucket)
                return InfluxStore(settings, channels, file)
            case Influx1():
                from gateway.stores.influxdb1_store import Influx1Store

                file = _position_file(data, settings.kind, settings.url, settings.database, settings.retention_policy)
                return Influx1Store(settings, channels, file)
    except (OSError, KeyError) as error:
        raise ConfigError(f"store: the token or password cannot be read: {error!r}") from error


def _position_file(data: Path, kind: str, *database: str) -> Path:
    """One file for each database, so that another one is filled from the start of the journal."""
    return data / f"{kind}-{sha256(repr(database).encode()).hexdigest()[:12]}.position"
