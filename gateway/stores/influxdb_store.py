"""The store for InfluxDB 2.x and 3.x: `/api/v2/write` and Flux through the official client.

InfluxDB 3 takes the writes but has no Flux: there `query` raises, and charts are drawn from its own SQL.
"""

# The client is generated code without types.
# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false

from __future__ import annotations

import gzip
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, cast

import numpy as np
import urllib3
from influxdb_client.client.influxdb_client import InfluxDBClient
from influxdb_client.domain.write_precision import WritePrecision
from influxdb_client.rest import ApiException
from influxdb_client.service.write_service import WriteService

from gateway.channels import ChannelKey, Channels
from gateway.config import Influx, Secret
from gateway.errors import StoreError
from gateway.flags import flag_code
from gateway.stores.connects import Connects
from gateway.stores.influx_lines import REVISIONS, field_key, mark_of, stored_name
from gateway.stores.line_store import (
    COMPRESSION,
    CannotLookUp,
    Change,
    Changes,
    Instant,
    LineStore,
    Stored,
    answer_text,
    change_of,
    host_of,
    judge,
)
from gateway.stores.names import ChannelName, channel_name
from gateway.stores.refused import Refusal
from gateway.stores.seam import Series

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MS: Final = timedelta(milliseconds=1)
_EARLIEST, _LATEST = datetime(1678, 1, 1, tzinfo=UTC), datetime(2262, 1, 1, tzinfo=UTC)
"""Whole years within InfluxDB's clock of int64 nanoseconds."""

_OTHERS: Final = ("flag", "received", "clock", "early", "late", "out_of_order", "backfilled", "revision")
QUERY: Final = """
from(bucket: askedBucket)
  |> range(start: askedStart, stop: askedStop)
  |> filter(fn: (r) => r._measurement == askedPeriod)
  |> filter(fn: (r) => r.site == askedSite and r.device == askedDevice and r.factor == askedFactor)
  |> filter(fn: (r) => r._field == askedField or contains(value: r._field, set: askedOthers))
  |> pivot(rowKey: ["_time"], columnKey: ["_field"], valueColumn: "_value")
  |> sort(columns: ["_time"], desc: true)
  |> limit(n: askedLimit)
"""
"""What is asked for goes along as parameters, never as text."""
LOOK_UP: Final = """
from(bucket: askedBucket)
  |> range(start: askedStart, stop: askedStop)
  |> filter(fn: (r) => r._measurement == askedPeriod)
  |> filter(fn: (r) => askedAll or contains(value: r.device, set: askedDevices))
  |> pivot(rowKey: ["_time", "site", "device", "factor"], columnKey: ["_field"], valueColumn: "_value")
"""
LOOK_UP_CHANGES: Final = """
from(bucket: askedBucket)
  |> range(start: askedStart, stop: askedStop)
  |> filter(fn: (r) => r._measurement == askedMeasurement and r.period == askedPeriod)
  |> filter(fn: (r) => askedAll or contains(value: r.device, set: askedDevices))
  |> pivot(
      rowKey: ["_time", "site", "device", "factor", "field", "period", "number"],
      columnKey: ["_field"],
      valueColumn: "_value",
  )
"""
_NO_FLUX: Final = (404, 405, 501)
"""Answers to a query of servers that take writes and have no Flux (InfluxDB 3, VictoriaMetrics)."""


class InfluxStore(LineStore):
    """Readings in a bucket of InfluxDB 2.x or 3.x."""

    def __init__(self, settings: Influx, channels: Channels, position_file: Path) -> None:
        """Raises OSError or KeyError when the token cannot be read. Connects with the first request."""
        super().__init__(channels, position_file)
        token = Secret(
            username=settings.org, password_file=settings.token_file, password_env=settings.token_env
        ).password
        self._org = settings.org
        self._bucket = settings.bucket
        self._where = f"InfluxDB bucket {settings.bucket!r} at {host_of(settings.url)}"
        self._url, self._timeout_s = settings.url.rstrip("/"), settings.timeout_s
        self._client, self._charts = (
            InfluxDBClient(self._url, token or "", org=settings.org, timeout=int(settings.timeout_s * 1000))
            for _ in range(2)  # the writer's is apart: a new connection of its own tells that the database was away
        )
        api = self._client.api_client
        assert api is not None, "a client that is open"
        self._writes = WriteService(api)
        self._pools: urllib3.PoolManager = api.rest_client.pool_manager
        self._connects = Connects(self._pools)

    def query(self, key: ChannelKey, start: int, end: int, limit: int) -> Series:
        name = channel_name(self._channels.inventory, key)
        field = field_key(name.field)
        asked = {
            "askedBucket": self._bucket,
            "askedStart": _instant(start),
            "askedStop": _instant(end),
            "askedPeriod": stored_name(name.period),
            "askedSite": stored_name(name.site),
            "askedDevice": stored_name(name.device),
            "askedFactor": stored_name(name.factor),
            "askedField": field,
            "askedOthers": list(_OTHERS),
            "askedLimit": limit,
        }
        try:
            tables = self._charts.query_api().query(QUERY, params=asked)
        except (ApiException, urllib3.exceptions.HTTPError) as error:
            raise StoreError(f"{self._where} did not answer a query: {_said(error)}") from error
        rows = [cast(dict[str, Any], record.values) for table in tables for record in table.records]
        rows.reverse()
        return Series(
            np.array([(row["_time"] - _EPOCH) // _MS for row in rows], np.int64),
            np.array([np.nan if row.get(field) is None else row[field] for row in rows], np.float64),
            np.array([flag_code(row.get("flag") or "") for row in rows], np.uint8),
            np.array([row.get("received") or 0 for row in rows], np.int64),
            np.array([mark_of(*(row.get(name) for name in _OTHERS[2:7])) for row in rows], np.uint8),
            np.array([row.get("revision") or 0 for row in rows], np.int64),
        )

    def _look_up(self, period: str, devices: Sequence[str], first: int, last: int) -> dict[Instant, Stored]:
        found: dict[Instant, Stored] = {}
        asked = {"askedPeriod": period, "askedDevices": list(devices), "askedAll": not devices}
        for row in self._between(LOOK_UP, asked, first, last):
            numbers = {
                name: float(value)
                for name, value in row.items()
                if isinstance(value, (int, float)) and not isinstance(value, bool) and name != "table"
            }
            time = (row["_time"] - _EPOCH) // _MS
            key = (row.get("site") or "", row.get("device") or "", row.get("factor") or "", time)
            found[key] = Stored(numbers, row.get("flag") or "")
        return found

    def _look_up_changes(self, period: str, devices: Sequence[str], first: int, last: int) -> Changes:
        found: dict[tuple[ChannelName, int], list[Change]] = {}
        asked = {"askedMeasurement": REVISIONS, "askedPeriod": period}
        asked |= {"askedDevices": list(devices), "askedAll": not devices}
        for row in self._between(LOOK_UP_CHANGES, asked, first, last):
            name = ChannelName(*(row.get(tag) or "" for tag in ChannelName._fields))
            time = (row["_time"] - _EPOCH) // _MS
            found.setdefault((name, time), []).append(change_of(int(row["number"]), row))
        return found

    def _between(self, text: str, asked: dict[str, Any], first: int, last: int) -> list[dict[str, Any]]:
        """The rows of a query. Raises `CannotLookUp` where the server has no Flux."""
        start, stop = _instant(first), _instant(last + 1)
        if start >= stop:
            return []  # beyond what InfluxDB's clock can show
        asked = {"askedBucket": self._bucket, "askedStart": start, "askedStop": stop, **asked}
        try:
            tables = self._client.query_api().query(text, params=asked)
        except ApiException as error:
            said = _said(error)
            if (error.status in _NO_FLUX and "bucket" not in said) or "unsupported path" in said:
                raise CannotLookUp(f"{self._where} has no Flux: {said}") from error
            raise StoreError(f"{self._where} did not answer a query: {said}") from error
        except urllib3.exceptions.HTTPError as error:
            raise StoreError(f"{self._where} cannot be reached: {error}") from error
        return [cast(dict[str, Any], record.values) for table in tables for record in table.records]

    def close(self) -> None:
        super().close()
        self._client.close()
        self._charts.close()

    def _ping(self) -> None:
        try:
            self._pools.request("GET", self._url + "/ping", timeout=self._timeout_s, retries=False)
        except urllib3.exceptions.HTTPError as error:
            raise StoreError(f"{self._where} cannot be reached: {error}") from error

    def _connections(self) -> int:
        return self._connects.made

    def _send(self, lines: Sequence[bytes]) -> Refusal | None:
        # The client's WriteApi would do the same at ten times the CPU: it compresses at level 9.
        body = gzip.compress(b"\n".join(lines), COMPRESSION)
        try:
            self._writes.post_write(self._org, self._bucket, body, precision=WritePrecision.MS, content_encoding="gzip")
        except ApiException as error:
            if not error.status:
                raise StoreError(f"{self._where} cannot be reached: {error.reason}") from error
            text = answer_text(error.body or error.reason or "")
            access = "store.token_file or store.token_env, and that the token may write to the bucket"
            return judge(error.status, text, error.headers or {}, self._where, access)
        except urllib3.exceptions.HTTPError as error:
            raise StoreError(f"{self._where} cannot be reached: {error}") from error
        return None


def _instant(time: int) -> datetime:
    """A time in ms UTC, moved to the nearest that InfluxDB has."""
    if time <= (_EARLIEST - _EPOCH) // _MS:
        return _EARLIEST
    return min(_LATEST, _EPOCH + min(time, (_LATEST - _EPOCH) // _MS) * _MS)


def _said(error: Exception) -> str:
    """The text of an error without its headers."""
    if isinstance(error, ApiException):
        return f"{error.status} {answer_text(error.body or error.reason or '')}"
    return str(error)
