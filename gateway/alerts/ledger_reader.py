"""Reading the ledger: alerts and their history, dead letters, detections, totals, positions.

`LedgerReader` opens the file read-only with a connection of its own: it never waits for the writer nor makes it wait,
and sees what was committed last. Every method may be called from any thread; calls on one reader follow each other.
"""

# ruff: noqa: S608  (what is put into statements are lists of columns of ours; values are always bound)

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from gateway.alerts import ledger_rows as rows
from gateway.alerts.ledger_file import LedgerFile
from gateway.alerts.records import Alert, Detection, Family, State, Step, Transition
from gateway.records import ClockStep, DeadLetter, DeviceEvent


@dataclass(frozen=True, slots=True)
class Counts:
    """How much there is, and how much there has been since the ledger was made: totals outlive what is evicted."""

    steps: dict[tuple[str, str], int]
    """Transitions so far by family and step."""
    open: dict[tuple[str, str], int]
    """Open alerts by family and state, pending or firing."""
    dead_letters: dict[str, int]
    """Dead letters so far by reason."""
    dead_letters_kept: int
    dead_letters_evicted: int
    replays_waiting: int
    """Dead letters marked for replay and not yet replayed."""
    detections_kept: int
    detections_evicted: int
    device_events_kept: int
    device_events_evicted: int
    outbox_waiting: int
    """Transitions not yet published."""
    outbox_dropped: int
    """Transitions that were never published because the broker was away for too long."""

    def stepped(self, step: Step) -> int:
        """Transitions with this step so far, of all families."""
        return sum(n for (_, each), n in self.steps.items() if each == step)

    @property
    def fired(self) -> int:
        return self.stepped(Step.FIRED)

    @property
    def resolved(self) -> int:
        return self.stepped(Step.RESOLVED)


@dataclass(frozen=True, slots=True)
class KeptLetter:
    """A dead letter as it is kept."""

    id: int
    letter: DeadLetter
    replay: int
    """0: no, 1: asked for, 2: done."""


@dataclass(frozen=True, slots=True)
class KeptEvent:
    """An event of a device as it is kept."""

    id: int
    event: DeviceEvent


class LedgerReader(LedgerFile):
    """The read side of the ledger. Close it, or use it in `with`."""

    def position(self) -> int:
        """Journal position up to which everything is handled; 0 at first."""
        return int(self._all("SELECT position FROM progress")[0][0])

    def snapshot(self) -> tuple[int, bytes] | None:
        """The newest snapshot of the detectors' state with the journal position it is of."""
        found = self._all("SELECT position, state FROM snapshot")
        return (found[0][0], found[0][1]) if found else None

    def open_alerts(self) -> list[Alert]:
        """Pending and firing alerts, oldest first."""
        found = self._all(f"SELECT {rows.ALERT_COLUMNS} FROM alerts WHERE state <> 'resolved' ORDER BY since, id")
        return [rows.alert_of(row) for row in found]

    def alerts_to_resume(self) -> list[Alert]:
        """What an `AlertMachine` goes on from: open alerts, and of each subject the ended ones nearest to a new id."""
        columns, subject = rows.ALERT_COLUMNS, rows.SUBJECT_COLUMNS
        found = self._all(
            f"SELECT {columns} FROM alerts WHERE state <> 'resolved' "
            # With max(), SQLite takes the other columns from the row that has the maximum.
            f"UNION SELECT {columns} FROM (SELECT *, max(since) FROM alerts GROUP BY {subject}) "
            f"UNION SELECT {columns} FROM (SELECT *, max(repeat) FROM alerts WHERE repeat > 0 GROUP BY {subject})"
        )
        return [rows.alert_of(row) for row in found]

    def alerts(
        self,
        state: State | None = None,
        family: Family | None = None,
        site: str | None = None,
        subject: str | None = None,
        limit: int = 100,
        before: str | None = None,
        include_withdrawn: bool = False,
    ) -> list[Alert]:
        """Alerts, latest `since` first. `subject` is a device or camera id.

        For the next page `before` is the id of the last alert of this one; an id not known gives nothing.
        Withdrawn alerts never fired: they are left out unless asked for.
        """
        conditions: list[str] = []
        values: list[object] = []
        for column, wanted in (("state", state), ("family", family), ("site", site), ("subject", subject)):
            if wanted is not None:
                conditions.append(f"{column} = ?")
                values.append(wanted)
        if before is not None:
            conditions.append("(since, id) < (SELECT since, id FROM alerts WHERE id = ?)")
            values.append(before)
        if not include_withdrawn:
            conditions.append("NOT (state = 'resolved' AND fired = 0)")
        found = self._all(
            f"SELECT {rows.ALERT_COLUMNS} FROM alerts {_where(conditions)} ORDER BY since DESC, id DESC LIMIT ?",
            (*values, limit),
        )
        return [rows.alert_of(row) for row in found]

    def alert(self, id: str) -> Alert | None:
        """One alert as it stands."""
        found = self._all(f"SELECT {rows.ALERT_COLUMNS} FROM alerts WHERE id = ?", (id,))
        return rows.alert_of(found[0]) if found else None

    def history(self, id: str) -> list[Transition]:
        """The audit trail of one alert, in the order of its steps; empty for an id not known."""
        found = self._all(
            f"SELECT {rows.TRANSITION_COLUMNS} FROM transitions t JOIN alerts a ON a.id = t.alert "
            "WHERE t.alert = ? ORDER BY t.seq",
            (id,),
        )
        return [rows.transition_of(row) for row in found]

    def dead_letters(self, reason: str | None = None, limit: int = 100, before: int | None = None) -> list[KeptLetter]:
        """Dead letters, newest first. For the next page `before` is the id of the last one of this."""
        conditions: list[str] = []
        values: list[object] = []
        if reason is not None:
            conditions.append("reason = ?")
            values.append(reason)
        if before is not None:
            conditions.append("id < ?")
            values.append(before)
        found = self._all(
            f"SELECT id, replay, {rows.LETTER_COLUMNS} FROM dead_letters {_where(conditions)} ORDER BY id DESC LIMIT ?",
            (*values, limit),
        )
        return [_kept(row) for row in found]

    def dead_letter(self, id: int) -> KeptLetter | None:
        """One dead letter, None where it is not there or no longer kept."""
        found = self._all(f"SELECT id, replay, {rows.LETTER_COLUMNS} FROM dead_letters WHERE id = ?", (id,))
        return _kept(found[0]) if found else None

    def device_events(self, site: str, device: str, limit: int = 100, before: int | None = None) -> list[KeptEvent]:
        """Events of a device, newest first. For the next page `before` is the id of the last one of this."""
        found = self._all(
            f"SELECT id, {rows.EVENT_COLUMNS} FROM device_events WHERE site = ? AND device = ? "
            "AND (?3 IS NULL OR id < ?3) ORDER BY id DESC LIMIT ?",
            (site, device, before, limit),
        )
        return [KeptEvent(row[0], rows.event_of(row[1:])) for row in found]

    def clock_steps(self) -> list[ClockStep]:
        """The verdicts on clocks that are kept, by position."""
        columns = "position, site, device, verdict, clock_offset, drift, at"
        return [ClockStep(*row) for row in self._all(f"SELECT {columns} FROM clock_steps ORDER BY position, id")]

    def detections(
        self,
        site: str | None = None,
        camera: str | None = None,
        start: int | None = None,
        end: int | None = None,
        limit: int = 100,
    ) -> list[Detection]:
        """Detections with start <= captured < end (ms UTC), newest first."""
        conditions: list[str] = []
        values: list[object] = []
        for condition, wanted in (
            ("site = ?", site),
            ("camera = ?", camera),
            ("captured >= ?", start),
            ("captured < ?", end),
        ):
            if wanted is not None:
                conditions.append(condition)
                values.append(wanted)
        found = self._all(
            f"SELECT {rows.DETECTION_COLUMNS} FROM detections {_where(conditions)} "
            "ORDER BY captured DESC, id DESC LIMIT ?",
            (*values, limit),
        )
        return [rows.detection_of(row) for row in found]

    def counts(self) -> Counts:
        """What there is and has been, of one moment."""
        found = self._all(
            "SELECT kind, label, n FROM totals "
            "UNION ALL SELECT 'open', family || ' ' || state, count(*) FROM alerts "
            "WHERE state <> 'resolved' GROUP BY family, state "
            "UNION ALL SELECT 'kept', 'dead_letters', count(*) FROM dead_letters "
            "UNION ALL SELECT 'kept', 'detections', count(*) FROM detections "
            "UNION ALL SELECT 'kept', 'device_events', count(*) FROM device_events "
            "UNION ALL SELECT 'kept', 'outbox', count(*) FROM outbox "
            "UNION ALL SELECT 'kept', 'replays', count(*) FROM dead_letters WHERE replay = 1"
        )
        by_kind: dict[str, Counter[str]] = {kind: Counter() for kind in ("step", "open", "dead", "kept", "evicted")}
        for kind, label, n in found:
            by_kind[kind][label] = n
        kept, evicted = by_kind["kept"], by_kind["evicted"]
        return Counts(
            steps=_pairs(by_kind["step"]),
            open=_pairs(by_kind["open"]),
            dead_letters=dict(by_kind["dead"]),
            dead_letters_kept=kept["dead_letters"],
            dead_letters_evicted=evicted["dead_letters"],
            replays_waiting=kept["replays"],
            detections_kept=kept["detections"],
            detections_evicted=evicted["detections"],
            device_events_kept=kept["device_events"],
            device_events_evicted=evicted["device_events"],
            outbox_waiting=kept["outbox"],
            outbox_dropped=evicted["outbox"],
        )


def _where(conditions: list[str]) -> str:
    return f"WHERE {' AND '.join(conditions)}" if conditions else ""


def _kept(row: rows.Row) -> KeptLetter:
    return KeptLetter(row[0], rows.letter_of(row[2:]), row[1])


def _pairs(counted: Counter[str]) -> dict[tuple[str, str], int]:
    pairs: dict[tuple[str, str], int] = {}
    for label, n in counted.items():
        first, _, second = label.partition(" ")
        pairs[first, second] = n
    return pairs
