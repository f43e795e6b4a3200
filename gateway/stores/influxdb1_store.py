"""The store for InfluxDB 1.x: its `/write` and `/query` endpoints over one pool of connections."""

from __future__ import annotations

import gzip
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, cast
from urllib.parse import urlencode

import numpy as np
import urllib3

from gateway.channels import ChannelKey, Channels
from gateway.config import Influx1
from gateway.errors import StoreError
from gateway.flags import flag_code
from gateway.stores.connects import Connects
from gateway.stores.influx_lines import REVISIONS, field_key, mark_of, stored_name
from gateway.stores.line_store import (
    COMPRESSION,
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

_MARKS: Final = '"clock", "early", "late", "out_of_order", "backfilled", "revision"'
_FARTHEST: Final = (2**63 - 1) // 1_000_000
"""The last ms that InfluxDB's clock of int64 nanoseconds can show; the first is its negative."""


class Influx1Store(LineStore):
    """Readings in an InfluxDB 1.x database; makes the database when it is missing and we may."""

    def __init__(self, settings: Influx1, channels: Channels, position_file: Path) -> None:
        """Raises OSError or KeyError when the password cannot be read. Connects with the first request."""
        super().__init__(channels, position_file)
        self._database = settings.database
        self._policy = settings.retention_policy
        self._base = settings.url.rstrip("/")
        self._where = f"InfluxDB database {settings.database!r} at {host_of(settings.url)}"
        headers: dict[str, str] = {}
        if settings.login.username:
            login = f"{settings.login.username}:{settings.login.password or ''}"
            headers = dict(urllib3.make_headers(basic_auth=login))
        self._http, self._charts = (
            urllib3.PoolManager(headers=headers, retries=False, timeout=urllib3.Timeout(total=settings.timeout_s))
            for _ in range(2)  # the writer's is apart: a new connection of its own tells that the database was away
        )
        self._connects = Connects(self._http)

    def query(self, key: ChannelKey, start: int, end: int, limit: int) -> Series:
        name = channel_name(self._channels.inventory, key)
        tags = {"site": name.site, "device": name.device, "factor": name.factor}
        policy = f"{_identifier(self._policy)}." if self._policy else ""
        conditions = " and ".join(f"{tag} = ${tag}" for tag in tags)
        text = (
            f'select {_identifier(field_key(name.field))}, "flag", "received", {_MARKS}'  # noqa: S608 - identifiers
            f" from {policy}{_identifier(stored_name(name.period))} where {conditions}"
            f" and time >= {_bounded(start)}ms and time < {_bounded(end)}ms order by time desc limit {limit}"
        )
        bound = json.dumps({tag: stored_name(value) for tag, value in tags.items()})
        return _series(self._ask(text, {"db": self._database, "params": bound, "epoch": "ms"}, self._charts))

    def close(self) -> None:
        super().close()
        self._http.clear()
        self._charts.clear()

    def _look_up(self, period: str, devices: Sequence[str], first: int, last: int) -> dict[Instant, Stored]:
        found: dict[Instant, Stored] = {}
        for tags, columns, values in self._between(period, devices, first, last, ""):
            at = columns.index("time")
            for row in values:
                numbers = {
                    name: float(value)
                    for name, value in zip(columns, row, strict=True)
                    if isinstance(value, (int, float)) and not isinstance(value, bool) and name != "time"
                }
                flag = row[columns.index("flag")] if "flag" in columns else None
                key = (tags.get("site", ""), tags.get("device", ""), tags.get("factor", ""), int(row[at]))
                found[key] = Stored(numbers, str(flag or ""))
        return found

    def _look_up_changes(self, period: str, devices: Sequence[str], first: int, last: int) -> Changes:
        found: dict[tuple[ChannelName, int], list[Change]] = {}
        for tags, columns, values in self._between(REVISIONS, devices, first, last, " and period = $period", period):
            name = ChannelName(*(tags.get(tag, "") for tag in ChannelName._fields))
            for row in values:
                found.setdefault((name, int(row[columns.index("time")])), []).append(
                    change_of(int(tags["number"]), dict(zip(columns, row, strict=True)))
                )
        return found

    def _between(
        self, measurement: str, devices: Sequence[str], first: int, last: int, more: str, period: str = ""
    ) -> list[tuple[dict[str, str], list[str], list[list[Any]]]]:
        """Tags, columns and rows of each series of a measurement; nothing where there is no such database yet."""
        policy = f"{_identifier(self._policy)}." if self._policy else ""
        some = " or ".join(f"device = $device{n}" for n in range(len(devices)))
        of_these = f"({some}) and " if devices else ""
        text = (
            f"select * from {policy}{_identifier(measurement)}"  # noqa: S608 - identifiers are quoted
            f" where {of_these}time >= {_bounded(first)}ms and time <= {_bounded(last)}ms{more} group by *"
        )
        bound = {f"device{n}": device for n, device in enumerate(devices)} | {"period": period}
        try:
            result = self._ask(text, {"db": self._database, "params": json.dumps(bound), "epoch": "ms"})
        except StoreError as error:
            if "database not found" in str(error):
                return []
            raise
        return [
            (each.get("tags") or {}, cast(list[str], each["columns"]), cast(list[list[Any]], each["values"]))
            for each in cast(list[dict[str, Any]], result.get("series") or [])
        ]

    def _ping(self) -> None:
        try:
            self._http.request("GET", self._base + "/ping")
        except urllib3.exceptions.HTTPError as error:
            raise StoreError(f"{self._where} cannot be reached: {error}") from error

    def _connections(self) -> int:
        return self._connects.made

    def _send(self, lines: Sequence[bytes]) -> Refusal | None:
        answer = self._post_lines(lines)
        if answer.status == 404 and "database not found" in answer_text(answer.data):
            self._ask(f"create database {_identifier(self._database)}", {})
            answer = self._post_lines(lines)
        if answer.status in (200, 204):
            return None
        return judge(answer.status, answer_text(answer.data), answer.headers, self._where, "store.login")

    def _post_lines(self, lines: Sequence[bytes]) -> urllib3.BaseHTTPResponse:
        target = {"db": self._database, "precision": "ms"} | ({"rp": self._policy} if self._policy else {})
        body = gzip.compress(b"\n".join(lines), COMPRESSION)
        return self._post("/write?" + urlencode(target), body, {"Content-Encoding": "gzip"})

    def _ask(self, text: str, fields: dict[str, str], by: urllib3.PoolManager | None = None) -> dict[str, Any]:
        """Run one statement of InfluxQL; returns its result. Raises `StoreError` when it fails."""
        form = urlencode({"q": text} | fields).encode()
        answer = self._post("/query", form, {"Content-Type": "application/x-www-form-urlencoded"}, by)
        if answer.status != 200:
            raise StoreError(f"{self._where} answers {answer.status} to a query: {answer_text(answer.data)}")
        result = cast(dict[str, Any], json.loads(answer.data)["results"][0])
        if "error" in result:
            raise StoreError(f"{self._where}: {result['error']}")
        return result

    def _post(
        self, path: str, body: bytes, headers: dict[str, str], by: urllib3.PoolManager | None = None
    ) -> urllib3.BaseHTTPResponse:
        http = by or self._http
        try:
            return http.request("POST", self._base + path, body=body, headers={**http.headers, **headers})
        except urllib3.exceptions.HTTPError as error:
            raise StoreError(f"{self._where} cannot be reached: {error}") from error


def _identifier(name: str) -> str:
    """A name quoted for InfluxQL."""
    escaped = name.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def _bounded(time: int) -> int:
    return max(-_FARTHEST, min(time, _FARTHEST))


def _series(result: dict[str, Any]) -> Series:
    rows = cast(list[list[Any]], result["series"][0]["values"]) if result.get("series") else []
    rows.reverse()
    return Series(
        np.array([row[0] for row in rows], np.int64),
        np.array([np.nan if row[1] is None else row[1] for row in rows], np.float64),
        np.array([flag_code(row[2] or "") for row in rows], np.uint8),
        np.array([row[3] or 0 for row in rows], np.int64),
        np.array([mark_of(*row[4:9]) for row in rows], np.uint8),
        np.array([row[9] or 0 for row in rows], np.int64),
    )
