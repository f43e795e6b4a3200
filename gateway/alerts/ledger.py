"""The ledger: alerts, audit trail, outbox, dead letters and the pipeline's journal position, in one SQLite file.

What one block of the journal led to is committed with the position after it in one transaction: after a crash there
is both or neither, so no step is lost and none is made twice. The file is in WAL mode with `synchronous = NORMAL`:
a killed process loses nothing; a power cut may take the last commits, whole ones, and the journal is read again from
the position that is left. A commit that carries a snapshot is synced to the disk before it returns, so that the
journal may be trimmed up to a snapshot and never beyond.

One process writes (the pipeline's); `gateway deadletters replay` marks letters beside it. Methods may be called from
any thread and follow each other; a call waits for at most one transaction, so an event loop calls them in a thread.
"""

# ruff: noqa: S608  (what is put into statements are lists of columns of ours; values are always bound)

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Collection, Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from gateway.alerts import ledger_rows as rows
from gateway.alerts import ledger_schema as schema
from gateway.alerts.ledger_reader import LedgerReader
from gateway.alerts.records import Detection, Transition
from gateway.errors import GatewayError
from gateway.records import ClockStep, DeadLetter, DeviceEvent

LETTERS_KEPT: Final = 100_000
LETTER_BYTES_KEPT: Final = 512 * 1024 * 1024
"""A camera that sends broken pictures must not fill the disk with 100,000 of them."""
OUTBOX_KEPT: Final = 100_000
"""Unpublished transitions: a broker may be away through days of ordinary alarms."""
DETECTIONS_KEPT: Final = 200_000
"""Some 60 MB; two hours of motion on one camera at 25 frames a second."""

EVENTS_KEPT: Final = 50_000
"""Events of devices: some 10 MB as a rule, 500 MB of the longest texts that frames can hold."""

_FROM_JOURNAL: Final = "position >= 0 AND link <> 'store'"
_COUNT: Final = (
    "INSERT INTO totals (kind, label, n) VALUES (?, ?, ?) ON CONFLICT (kind, label) DO UPDATE SET n = n + excluded.n"
)


CLOCK_STEPS_KEPT: Final = 100_000
"""Verdicts on clocks that are kept; older ones go, and what they said of old readings is in the store."""


class Ledger(LedgerReader):
    """The write side of the ledger, made where there is no file yet."""

    def __init__(
        self,
        file: Path,
        *,
        letters_kept: int = LETTERS_KEPT,
        letter_bytes_kept: int = LETTER_BYTES_KEPT,
        outbox_kept: int = OUTBOX_KEPT,
        detections_kept: int = DETECTIONS_KEPT,
        events_kept: int = EVENTS_KEPT,
    ) -> None:
        """Open or make the file. Of each kind the newest are kept; what is evicted is counted.

        `outbox_kept` 0: nothing is to be published. Raises `GatewayError`.
        """
        super().__init__(file)
        self._letters_kept = letters_kept
        self._letter_bytes_kept = letter_bytes_kept
        self._outbox_kept = outbox_kept
        self._detections_kept = detections_kept
        self._events_kept = events_kept
        # Nobody else adds or deletes rows of these, so counting them again at each commit can be spared.
        self._letters: int
        self._letter_bytes: int
        self._waiting: int
        self._detections: int
        self._events: int
        self._letters, self._letter_bytes = self._all("SELECT count(*), coalesce(sum(size), 0) FROM dead_letters")[0]
        self._waiting = self._all("SELECT count(*) FROM outbox")[0][0]
        self._detections = self._all("SELECT count(*) FROM detections")[0][0]
        self._events = self._all("SELECT count(*) FROM device_events")[0][0]

    def _open(self) -> sqlite3.Connection:
        return schema.open_for_writing(self.file)

    @staticmethod
    def reader(file: Path) -> LedgerReader:
        """A read-only view of a ledger with its own connection, for the API. Raises `GatewayError`."""
        return LedgerReader(file)

    @contextmanager
    def _transaction(self, *, synced: bool = False) -> Generator[sqlite3.Connection]:
        """All or nothing; `synced`: on the disk when it ends. Raises `GatewayError` where the file takes no write."""
        connection = self._connection
        with self._guard:
            kept = (self._letters, self._letter_bytes, self._waiting, self._detections, self._events)
            try:
                if synced:
                    connection.execute("PRAGMA synchronous = FULL")
                connection.execute("BEGIN IMMEDIATE")
                yield connection
                connection.execute("COMMIT")
            except BaseException as error:
                self._letters, self._letter_bytes, self._waiting, self._detections, self._events = kept
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                if isinstance(error, sqlite3.Error) and not isinstance(error, sqlite3.IntegrityError):
                    raise GatewayError(f"the ledger {self.file} cannot be written: {error}") from error
                raise
            finally:
                if synced:
                    connection.execute("PRAGMA synchronous = NORMAL")

    def commit(
        self,
        position: int,
        transitions: Sequence[Transition] = (),
        dead: Sequence[DeadLetter] = (),
        snapshot: bytes | None = None,
        events: Sequence[DeviceEvent] = (),
        detections: Sequence[Detection] = (),
        clocks: Sequence[ClockStep] = (),
    ) -> list[Detection]:
        """Write what the journal up to `position` led to, and the position, in one transaction.

        Every transition goes to the alerts, the audit trail and the outbox. A dead letter or an event that is there
        already is left as it is; so is a detection, and those that were not there are returned. `snapshot` is the
        detectors' state at `position`. Raises `GatewayError` where the file takes no write (disk full): nothing was
        changed, the same call may be made again.
        """
        with self._transaction(synced=snapshot is not None) as connection:
            moved = connection.execute(
                "UPDATE progress SET position = ? WHERE position <= ?", (position, position)
            ).rowcount
            assert moved == 1, f"the position cannot go back to {position}"
            if transitions:
                self._add_transitions(connection, transitions)
            if dead:
                self._add_letters(connection, dead)
            if events:
                self._add_events(connection, events)
            if clocks:
                connection.executemany(
                    "INSERT INTO clock_steps (position, site, device, verdict, clock_offset, drift, at)"
                    " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (position, site, device) DO NOTHING",
                    clocks,
                )
                connection.execute(
                    "DELETE FROM clock_steps WHERE id <= (SELECT max(id) FROM clock_steps) - ?", (CLOCK_STEPS_KEPT,)
                )
            if snapshot is not None:
                connection.execute("INSERT OR REPLACE INTO snapshot VALUES (1, ?, ?)", (position, snapshot))
            new = [each for each in detections if self._add_new(connection, each)]
            self._evict_detections(connection)
        return new

    def _add_transitions(self, connection: sqlite3.Connection, transitions: Sequence[Transition]) -> None:
        outbox: list[tuple[int | None]] = []
        for transition in transitions:
            connection.execute(rows.PUT_ALERT, rows.row_of_alert(transition.alert))
            seq = connection.execute(rows.ADD_TRANSITION, rows.row_of_transition(transition)).lastrowid
            outbox.append((seq,))
        steps = Counter(f"{each.alert.subject.family} {each.step}" for each in transitions)
        connection.executemany(_COUNT, [("step", label, n) for label, n in steps.items()])
        if self._outbox_kept:
            connection.executemany("INSERT INTO outbox (seq) VALUES (?)", outbox)
            self._waiting += len(outbox)
            excess = self._waiting - self._outbox_kept
            if excess > 0:
                connection.execute(
                    "DELETE FROM outbox WHERE seq IN (SELECT seq FROM outbox ORDER BY seq LIMIT ?)", (excess,)
                )
                connection.execute(_COUNT, ("evicted", "outbox", excess))
                self._waiting -= excess

    # events of devices

    def _add_events(self, connection: sqlite3.Connection, events: Sequence[DeviceEvent]) -> None:
        self._events += connection.executemany(rows.ADD_EVENT, [rows.row_of_event(each) for each in events]).rowcount
        excess = self._events - self._events_kept
        if excess > 0:
            connection.execute(
                "DELETE FROM device_events WHERE id IN (SELECT id FROM device_events ORDER BY id LIMIT ?)", (excess,)
            )
            connection.execute(_COUNT, ("evicted", "device_events", excess))
            self._events -= excess

    # dead letters

    def bury(self, dead: Sequence[DeadLetter]) -> None:
        """Add dead letters apart from the pipeline's commits: those of the store writer, or of frames."""
        if dead:
            with self._transaction() as connection:
                self._add_letters(connection, dead)

    def _add_letters(self, connection: sqlite3.Connection, dead: Sequence[DeadLetter]) -> None:
        last = int(connection.execute("SELECT coalesce(max(id), 0) FROM dead_letters").fetchone()[0])
        offered = [rows.row_of_letter(letter) for letter in dead]
        added = connection.executemany(rows.ADD_LETTER, offered).rowcount
        if added == len(dead):
            reasons = Counter(letter.reason for letter in dead)
            size = sum(row[7] for row in offered)
        else:  # some were there already: count what is new
            found = connection.execute(
                "SELECT reason, count(*), sum(size) FROM dead_letters WHERE id > ? GROUP BY reason", (last,)
            ).fetchall()
            reasons = Counter({reason: n for reason, n, _ in found})
            size = sum(each for _, _, each in found)
        connection.executemany(_COUNT, [("dead", reason, n) for reason, n in reasons.items()])
        self._letters += added
        self._letter_bytes += size
        if self._letters > self._letters_kept or self._letter_bytes > self._letter_bytes_kept:
            self._evict_letters(connection)

    def _evict_letters(self, connection: sqlite3.Connection) -> None:
        letters, size, last = self._letters, self._letter_bytes, 0
        for id, each in connection.execute("SELECT id, size FROM dead_letters ORDER BY id"):
            if letters <= self._letters_kept and size <= self._letter_bytes_kept:
                break
            letters, size, last = letters - 1, size - each, id
        connection.execute("DELETE FROM dead_letters WHERE id <= ?", (last,))
        connection.execute(_COUNT, ("evicted", "dead_letters", self._letters - letters))
        self._letters, self._letter_bytes = letters, size

    def request_replay(self, ids: Collection[int] | None = None, reason: str | None = None) -> int:
        """Mark dead letters for replay and return how many were not marked before.

        By `ids` (those no longer kept are passed over), else all of a `reason`, else all. Without `ids` those that
        were replayed once are left out: they failed twice. Rows that the store refused and pictures are never
        replayed: they did not come from the journal as they are.
        """
        with self._transaction() as connection:
            if ids is not None:
                assert reason is None, "ids or a reason, not both"
                return connection.executemany(
                    f"UPDATE dead_letters SET replay = 1 WHERE id = ? AND replay <> 1 AND {_FROM_JOURNAL}",
                    [(id,) for id in ids],
                ).rowcount
            return connection.execute(
                "UPDATE dead_letters SET replay = 1 WHERE replay = 0 AND (?1 IS NULL OR reason = ?1) "
                f"AND {_FROM_JOURNAL}",
                (reason,),
            ).rowcount

    def take_replays(self, limit: int = 1000) -> list[tuple[int, DeadLetter]]:
        """Up to `limit` letters marked for replay with their ids, oldest first.

        They stay marked until `replayed`: call that once they are durable in the journal. A crash between the two
        replays them again; readings have an identity in the store, so that changes nothing there.
        """
        found = self._all(
            f"SELECT id, {rows.LETTER_COLUMNS} FROM dead_letters WHERE replay = 1 ORDER BY id LIMIT ?",
            (limit,),
        )
        return [(row[0], rows.letter_of(row[1:])) for row in found]

    def replayed(self, ids: Collection[int]) -> None:
        """Note that these letters are in the journal again. One that fails again becomes a new letter."""
        with self._transaction() as connection:
            connection.executemany("UPDATE dead_letters SET replay = 2 WHERE id = ?", [(id,) for id in ids])

    # outbox

    def outbox(self, limit: int = 100) -> list[tuple[int, Transition]]:
        """Up to `limit` transitions to publish, oldest first, with their number in the audit trail."""
        found = self._all(
            f"SELECT t.seq, {rows.TRANSITION_COLUMNS} FROM outbox o "
            "JOIN transitions t ON t.seq = o.seq JOIN alerts a ON a.id = t.alert ORDER BY o.seq LIMIT ?",
            (limit,),
        )
        return [(row[0], rows.transition_of(row[1:])) for row in found]

    def outbox_done(self, seqs: Collection[int]) -> None:
        """Note that the broker has acknowledged these transitions."""
        with self._transaction() as connection:
            self._waiting -= connection.executemany(
                "DELETE FROM outbox WHERE seq = ?", [(seq,) for seq in seqs]
            ).rowcount

    # detections

    def add_detections(self, detections: Sequence[Detection]) -> None:
        """Add what cameras saw, in one transaction."""
        if not detections:
            return
        with self._transaction() as connection:
            connection.executemany(rows.ADD_DETECTION, [rows.row_of_detection(each) for each in detections])
            self._detections += len(detections)
            self._evict_detections(connection)

    def _add_new(self, connection: sqlite3.Connection, detection: Detection) -> bool:
        """Add what an edge node saw, unless it is there: MQTT brings things twice, retained ones at every connect."""
        row = rows.row_of_detection(detection)
        if connection.execute(rows.FIND_DETECTION, rows.likeness_of(detection)).fetchone() is not None:
            return False
        connection.execute(rows.ADD_DETECTION, row)
        self._detections += 1
        return True

    def _evict_detections(self, connection: sqlite3.Connection) -> None:
        excess = self._detections - self._detections_kept
        if excess > 0:
            connection.execute(
                "DELETE FROM detections WHERE id IN (SELECT id FROM detections ORDER BY id LIMIT ?)", (excess,)
            )
            connection.execute(_COUNT, ("evicted", "detections", excess))
            self._detections -= excess
