"""The ledger's tables, and opening its file. `docs/alerts.md` describes them for people who query it themselves."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Final

from gateway.errors import GatewayError

VERSION: Final = 3
"""`user_version` of the file; each later version brings a step that turns its predecessor into it."""
BUSY_MS: Final = 10_000
"""Longest wait for another process (a command marking letters for replay) to end its transaction."""
WAL_KEPT_BYTES: Final = 64 * 1024 * 1024
"""The write-ahead log is cut back to this after a large transaction."""

_V2: Final = """
CREATE TABLE device_events (           -- what devices tell beside readings: start-ups, alarms, samples kept, log texts
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    position INTEGER NOT NULL, row INTEGER NOT NULL,   -- of the message in the journal; frame within its block,
                                                       -- below 0 for a set of packets that stayed incomplete
    kind TEXT NOT NULL CHECK (kind IN ('message', 'mark', 'set_incomplete')),
    site TEXT NOT NULL, device TEXT NOT NULL,
    cn TEXT NOT NULL,
    time INTEGER NOT NULL, received INTEGER NOT NULL,
    items TEXT NOT NULL                -- JSON array of [name, text]
) STRICT;
CREATE UNIQUE INDEX device_events_once ON device_events (position, row);
CREATE INDEX device_events_by_device ON device_events (site, device, id);

CREATE TABLE requests (                -- commands to devices
    id TEXT PRIMARY KEY,
    site TEXT NOT NULL, device TEXT NOT NULL,
    command TEXT NOT NULL, cn TEXT NOT NULL,
    parameters TEXT NOT NULL,          -- JSON object, moments in ms UTC
    asked INTEGER NOT NULL, asked_by TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('asked', 'sent', 'accepted', 'done', 'refused', 'failed', 'timed_out')),
    why TEXT NOT NULL,                 -- of its last step
    qn TEXT NOT NULL,                  -- empty until it is sent
    tries INTEGER NOT NULL,
    changed INTEGER NOT NULL,
    frames INTEGER NOT NULL,           -- of data that came for it
    answer TEXT NOT NULL               -- JSON array of [name, text]: what the device answered
) STRICT;
CREATE INDEX requests_by_state ON requests (state, asked);
CREATE INDEX requests_by_device ON requests (site, device, asked);
CREATE INDEX requests_by_time ON requests (asked, id);
CREATE TRIGGER finished_requests_stay BEFORE UPDATE ON requests
    WHEN old.state IN ('done', 'refused', 'failed', 'timed_out')
    BEGIN SELECT RAISE(ABORT, 'a finished request never changes'); END;
CREATE TRIGGER open_requests_are_kept BEFORE DELETE ON requests
    WHEN old.state IN ('asked', 'sent', 'accepted')
    BEGIN SELECT RAISE(ABORT, 'a request that is not finished is kept'); END;

CREATE TABLE request_steps (           -- the audit trail of commands; the state is that after the step
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    request TEXT NOT NULL,
    at INTEGER NOT NULL, state TEXT NOT NULL, why TEXT NOT NULL, detail TEXT NOT NULL
) STRICT;
CREATE INDEX request_steps_by_request ON request_steps (request, seq);
CREATE TRIGGER request_steps_stay BEFORE UPDATE ON request_steps
    BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END;
CREATE TRIGGER request_steps_are_kept BEFORE DELETE ON request_steps   -- they go with a request that is evicted
    WHEN EXISTS (SELECT 1 FROM requests WHERE id = old.request)
    BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END;
"""
"""What version 2 adds."""

_V3: Final = """
CREATE TABLE clock_steps (             -- the verdicts on the clocks of devices, each from a journal position on
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    position INTEGER NOT NULL,
    site TEXT NOT NULL, device TEXT NOT NULL,
    verdict INTEGER NOT NULL,          -- 0 ok, 1 ahead, 2 behind, 3 no clock, 4 drifting
    clock_offset INTEGER NOT NULL, drift INTEGER NOT NULL,   -- ms ahead, ms a day
    at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX clock_steps_once ON clock_steps (position, site, device);
"""
"""What version 3 adds."""

_TABLES: Final = """
CREATE TABLE progress (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    position INTEGER NOT NULL          -- the journal is handled up to here
) STRICT;
INSERT INTO progress VALUES (1, 0);

CREATE TABLE snapshot (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    position INTEGER NOT NULL,         -- the journal position that the state is of
    state BLOB NOT NULL
) STRICT;

CREATE TABLE alerts (
    id TEXT PRIMARY KEY,
    family TEXT NOT NULL, rule TEXT NOT NULL, site TEXT NOT NULL, kind TEXT NOT NULL, subject TEXT NOT NULL,
    factor TEXT NOT NULL, field TEXT NOT NULL, unit TEXT NOT NULL, side TEXT NOT NULL,
    repeat INTEGER NOT NULL,
    since INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('pending', 'firing', 'resolved')),
    level INTEGER NOT NULL, highest INTEGER NOT NULL,
    fired INTEGER NOT NULL, resolved INTEGER NOT NULL,
    value REAL, peak REAL, threshold REAL,   -- NULL: no number
    text_en TEXT NOT NULL, text_zh TEXT NOT NULL,
    evidence TEXT NOT NULL,            -- JSON array of references
    CHECK ((state = 'resolved') = (resolved <> 0)),
    CHECK (state <> 'firing' OR fired <> 0),
    CHECK (state <> 'pending' OR fired = 0)
) STRICT;
CREATE INDEX alerts_by_time ON alerts (since, id);
CREATE INDEX alerts_by_state ON alerts (state, since, id);
CREATE INDEX alerts_by_subject ON alerts (family, rule, site, kind, subject, factor, field, since);
CREATE UNIQUE INDEX one_open_alert_a_subject ON alerts (family, rule, site, kind, subject, factor, field)
    WHERE state <> 'resolved';
CREATE TRIGGER resolved_alerts_stay BEFORE UPDATE ON alerts WHEN old.state = 'resolved'
    BEGIN SELECT RAISE(ABORT, 'a resolved alert never changes'); END;

CREATE TABLE transitions (             -- the audit trail; the alert's columns are as they were after the step
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    alert TEXT NOT NULL REFERENCES alerts (id),
    step TEXT NOT NULL,
    at INTEGER NOT NULL, recorded INTEGER NOT NULL, position INTEGER NOT NULL,
    state TEXT NOT NULL,
    level INTEGER NOT NULL, highest INTEGER NOT NULL,
    fired INTEGER NOT NULL, resolved INTEGER NOT NULL,
    value REAL, peak REAL, threshold REAL,
    text_en TEXT NOT NULL, text_zh TEXT NOT NULL,
    evidence TEXT NOT NULL
) STRICT;
CREATE INDEX transitions_by_alert ON transitions (alert, seq);
CREATE TRIGGER transitions_stay BEFORE UPDATE ON transitions
    BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END;
CREATE TRIGGER transitions_are_kept BEFORE DELETE ON transitions
    BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END;

CREATE TABLE outbox (                  -- transitions not yet published
    seq INTEGER PRIMARY KEY REFERENCES transitions (seq)
) STRICT;

CREATE TABLE dead_letters (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    position INTEGER NOT NULL,
    digest BLOB NOT NULL,              -- of all the rest: the same letter comes to the same row
    received INTEGER NOT NULL, link TEXT NOT NULL, topic TEXT NOT NULL,
    reason TEXT NOT NULL, detail TEXT NOT NULL,
    size INTEGER NOT NULL,
    replay INTEGER NOT NULL DEFAULT 0 CHECK (replay IN (0, 1, 2)),  -- 1: asked for, 2: done
    payload BLOB NOT NULL              -- last, so that the others are read without it
) STRICT;
CREATE UNIQUE INDEX dead_letters_once ON dead_letters (position, digest);
CREATE INDEX dead_letters_by_reason ON dead_letters (reason, id);
CREATE INDEX dead_letters_to_replay ON dead_letters (id) WHERE replay = 1;

CREATE TABLE detections (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    site TEXT NOT NULL, camera TEXT NOT NULL, kind TEXT NOT NULL,
    captured INTEGER NOT NULL, received INTEGER NOT NULL,
    width INTEGER NOT NULL, height INTEGER NOT NULL,
    boxes TEXT NOT NULL,               -- JSON array of [x, y, w, h, label, score]
    zones TEXT NOT NULL,               -- JSON array of [id, share]
    frame TEXT NOT NULL
) STRICT;
CREATE INDEX detections_by_camera ON detections (site, camera, captured);

CREATE TABLE totals (                  -- since the file was made, over all that was evicted since
    kind TEXT NOT NULL, label TEXT NOT NULL, n INTEGER NOT NULL,
    PRIMARY KEY (kind, label)
) STRICT, WITHOUT ROWID;
"""


def open_for_writing(file: Path) -> sqlite3.Connection:
    """Open the file, made with its tables where there is none. Raises `GatewayError`."""
    _can_use_strict_tables()
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(file, timeout=BUSY_MS / 1000, isolation_level=None, check_same_thread=False)
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.execute(f"PRAGMA journal_size_limit = {WAL_KEPT_BYTES}")
            _make(connection, file)
        except BaseException:
            connection.close()
            raise
    except (sqlite3.Error, OSError) as error:
        raise GatewayError(f"the ledger {file} cannot be opened: {error}") from error
    return connection


def open_for_reading(file: Path) -> sqlite3.Connection:
    """Open an existing file read-only. Raises `GatewayError`."""
    _can_use_strict_tables()
    try:
        connection = sqlite3.connect(
            f"{file.resolve().as_uri()}?mode=ro",
            uri=True,
            timeout=BUSY_MS / 1000,
            isolation_level=None,
            check_same_thread=False,
        )
        try:
            version = _version(connection)
        except BaseException:
            connection.close()
            raise
    except (sqlite3.Error, OSError) as error:
        raise GatewayError(f"the ledger {file} cannot be read: {error}") from error
    if version != VERSION:
        connection.close()
        raise _other_version(file, version)
    return connection


def _make(connection: sqlite3.Connection, file: Path) -> None:
    if _version(connection) == VERSION:
        return  # and nothing is written: a disk that is full must not keep the gateway from starting
    connection.execute("BEGIN IMMEDIATE")
    try:
        version = _version(connection)
        if version > VERSION:
            raise _other_version(file, version)
        for script in (_TABLES, _V2, _V3)[version:]:
            for statement in _statements(script):
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {VERSION}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _statements(script: str) -> list[str]:
    """The statements of a script. `executescript` would end the transaction they must share."""
    statements: list[str] = []
    gathered = ""
    for line in script.splitlines(keepends=True):
        gathered += line
        if sqlite3.complete_statement(gathered):
            statements.append(gathered)
            gathered = ""
    assert not gathered.strip()
    return statements


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _other_version(file: Path, version: int) -> GatewayError:
    what = "is not a ledger" if version == 0 else f"was made by another version of the gateway (schema {version})"
    return GatewayError(f"{file} {what}; this one reads schema {VERSION}")


def _can_use_strict_tables() -> None:
    if sqlite3.sqlite_version_info < (3, 37):
        raise GatewayError(f"SQLite {sqlite3.sqlite_version} is too old: 3.37 or newer is needed")
