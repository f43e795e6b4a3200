"""Requests in the ledger: asked by API and command, moved on by the service, audited step by step.

The same SQLite file as that of alerts, with a connection of its own: who asks writes here beside the running
gateway, and waits for at most one transaction of its. A request and its step are written in one transaction, and a
try before it is sent: after a crash a command that may have gone out has its QN and its step in the file.
"""

# ruff: noqa: S608  (what is put into statements are lists of columns of ours; values are always bound)

from __future__ import annotations

import sqlite3
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import msgspec

from gateway.alerts import ledger_schema as schema
from gateway.alerts.ledger_file import LedgerFile
from gateway.errors import GatewayError
from gateway.requests.policy import Refusal
from gateway.requests.records import Parameters, Request, State, Step, Why

REQUESTS_KEPT: Final = 20_000
"""Finished requests kept with their steps, some 30 MB; the oldest go first and are counted."""
OPEN_MOST: Final = 2_000
"""Requests that are not finished, of all devices; what would be one more is refused."""
OPEN_PER_DEVICE: Final = 16
"""The same of one device."""

_COLUMNS: Final = (
    "id, site, device, command, cn, parameters, asked, asked_by, state, why, qn, tries, changed, frames, answer"
)
_OPEN: Final = "state IN ('asked', 'sent', 'accepted')"
_ADD: Final = f"INSERT INTO requests ({_COLUMNS}) VALUES ({', '.join('?' * len(_COLUMNS.split(', ')))})"
_MOVE: Final = (
    "UPDATE requests SET state = ?, why = ?, qn = ?, tries = ?, changed = ?, frames = ?, answer = ? WHERE id = ?"
)
_ADD_STEP: Final = "INSERT INTO request_steps (request, at, state, why, detail) VALUES (?, ?, ?, ?, ?)"


class RequestReader(LedgerFile):
    """The read side. Opens an existing ledger read-only; close it, or use it in `with`. For any thread."""

    def request(self, id: str) -> Request | None:
        """One request as it stands, None where it is not there or no longer kept."""
        found = self._all(f"SELECT {_COLUMNS} FROM requests WHERE id = ?", (id,))
        return _request_of(found[0]) if found else None

    def steps(self, id: str, after: int = 0) -> list[tuple[int, Step]]:
        """The audit trail of one request with the number of each step, in order; only those after a number.

        Each step's request is the request as it stands, with state and `why` of the step.
        """
        request = self.request(id)
        if request is None:
            return []
        found = self._all(
            "SELECT seq, at, state, why, detail FROM request_steps WHERE request = ? AND seq > ? ORDER BY seq",
            (id, after),
        )
        return [
            (seq, Step(replace(request, state=State(state), why=Why(why)), at, Why(why), detail))
            for seq, at, state, why, detail in found
        ]

    def requests(
        self,
        site: str | None = None,
        device: str | None = None,
        state: State | None = None,
        limit: int = 100,
        before: str | None = None,
    ) -> list[Request]:
        """Requests, the latest asked first. For the next page `before` is the id of the last one of this."""
        conditions: list[str] = []
        values: list[object] = []
        for column, wanted in (("site", site), ("device", device), ("state", state)):
            if wanted is not None:
                conditions.append(f"{column} = ?")
                values.append(wanted)
        if before is not None:
            conditions.append("(asked, id) < (SELECT asked, id FROM requests WHERE id = ?)")
            values.append(before)
        where = f"WHERE {' AND '.join(conditions)}" if conditions else ""
        found = self._all(
            f"SELECT {_COLUMNS} FROM requests {where} ORDER BY asked DESC, id DESC LIMIT ?", (*values, limit)
        )
        return [_request_of(row) for row in found]

    def asked(self, after: int = 0, limit: int = 500) -> list[tuple[int, Request]]:
        """Requests that were asked and not yet sent, with their numbers, in their order; only those after one."""
        found = self._all(
            f"SELECT rowid, {_COLUMNS} FROM requests WHERE state = 'asked' AND rowid > ? ORDER BY rowid LIMIT ?",
            (after, limit),
        )
        return [(row[0], _request_of(row[1:])) for row in found]

    def under_way(self) -> list[Request]:
        """Requests that were sent and are not finished."""
        found = self._all(f"SELECT {_COLUMNS} FROM requests WHERE state IN ('sent', 'accepted') ORDER BY asked, rowid")
        return [_request_of(row) for row in found]

    def evicted(self) -> int:
        """Finished requests that are no longer kept."""
        found = self._all("SELECT n FROM totals WHERE kind = 'evicted' AND label = 'requests'")
        return int(found[0][0]) if found else 0


class RequestLedger(RequestReader):
    """The write side; the ledger is made where there is none."""

    def __init__(
        self,
        file: Path,
        *,
        kept: int = REQUESTS_KEPT,
        open_most: int = OPEN_MOST,
        open_per_device: int = OPEN_PER_DEVICE,
    ) -> None:
        """Raises `GatewayError`."""
        super().__init__(file)
        self._kept = kept
        self._open_most = open_most
        self._open_per_device = open_per_device

    def _open(self) -> sqlite3.Connection:
        connection = schema.open_for_writing(self.file)
        connection.execute("PRAGMA synchronous = FULL")  # a try is on the disk before it is sent
        return connection

    @contextmanager
    def _transaction(self) -> Generator[sqlite3.Connection]:
        """All or nothing, on the disk when it ends. Raises `GatewayError` where the file takes no write."""
        connection = self._connection
        with self._guard:
            try:
                connection.execute("BEGIN IMMEDIATE")
                yield connection
                connection.execute("COMMIT")
            except BaseException as error:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                if isinstance(error, sqlite3.Error) and not isinstance(error, sqlite3.IntegrityError):
                    raise GatewayError(f"the ledger {self.file} cannot be written: {error}") from error
                raise

    def add(self, request: Request, refused: Refusal | None = None) -> Request:
        """Write down what is asked, as it stands then: refused for that reason, or because too many are open."""
        with self._transaction() as connection:
            of_device, of_all = connection.execute(
                f"SELECT coalesce(sum(site = ? AND device = ?), 0), count(*) FROM requests WHERE {_OPEN}",
                (request.site, request.device),
            ).fetchone()
            connection.execute(_ADD, _row(request))
            connection.execute(_ADD_STEP, _step_row(Step(request, request.asked, Why.ASKED, request.asked_by)))
            if refused is None and of_device >= self._open_per_device:
                refused = Why.QUEUE_FULL, f"the device has {of_device} requests that are not finished"
            elif refused is None and of_all >= self._open_most:
                refused = Why.QUEUE_FULL, f"there are {of_all} requests that are not finished"
            if refused is not None:
                why, detail = refused
                request = replace(request, state=State.REFUSED, why=why)
                self._write(connection, [Step(request, request.asked, why, detail)])
            self._evict(connection)
        return request

    def write(self, steps: Sequence[Step]) -> None:
        """Write steps, and the requests as they stand after them, in one transaction."""
        with self._transaction() as connection:
            self._write(connection, steps)

    def _write(self, connection: sqlite3.Connection, steps: Sequence[Step]) -> None:
        connection.executemany(
            _MOVE,
            [
                (one.state, one.why, one.qn, one.tries, one.changed, one.frames, _json(one.answer), one.id)
                for one in (step.request for step in steps)
            ],
        )
        connection.executemany(_ADD_STEP, [_step_row(step) for step in steps])

    def _evict(self, connection: sqlite3.Connection) -> None:
        finished = int(connection.execute(f"SELECT count(*) FROM requests WHERE NOT {_OPEN}").fetchone()[0])
        if finished <= self._kept:
            return
        old = connection.execute(
            f"SELECT id FROM requests WHERE NOT {_OPEN} ORDER BY asked, rowid LIMIT ?", (finished - self._kept,)
        ).fetchall()
        connection.executemany("DELETE FROM requests WHERE id = ?", old)
        connection.executemany("DELETE FROM request_steps WHERE request = ?", old)
        connection.execute(
            "INSERT INTO totals (kind, label, n) VALUES ('evicted', 'requests', ?) "
            "ON CONFLICT (kind, label) DO UPDATE SET n = n + excluded.n",
            (len(old),),
        )


def _row(request: Request) -> tuple[object, ...]:
    return (
        request.id,
        request.site,
        request.device,
        request.command,
        request.cn,
        _json(request.parameters),
        request.asked,
        request.asked_by,
        request.state,
        request.why,
        request.qn,
        request.tries,
        request.changed,
        request.frames,
        _json(request.answer),
    )


def _request_of(row: tuple[Any, ...]) -> Request:
    (id, site, device, command, cn, parameters, asked, asked_by, state, why, qn, tries, changed, frames, answer) = row
    return Request(
        id=id,
        site=site,
        device=device,
        command=command,
        cn=cn,
        parameters=msgspec.json.decode(parameters, type=Parameters),
        asked=asked,
        asked_by=asked_by,
        state=State(state),
        why=Why(why),
        qn=qn,
        tries=tries,
        changed=changed,
        frames=frames,
        answer=msgspec.json.decode(answer, type=tuple[tuple[str, str], ...]),
    )


def _step_row(step: Step) -> tuple[object, ...]:
    return (step.request.id, step.at, step.request.state, step.why, _storable(step.detail))


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()


def _storable(text: str) -> str:
    """SQLite takes UTF-8 only: half a surrogate pair, out of a broken frame, is written as an escape."""
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()
