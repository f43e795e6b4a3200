"""The ledger: what was committed is there, once, in bounds, and seen by its readers."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from detectors.records import Box, Finding
from gateway.alerts.ledger import Ledger
from gateway.alerts.machine import AlertMachine
from gateway.alerts.records import Alert, Detection, Family, State, Step, Transition, ZoneShare
from gateway.alerts.subjects import Subjects
from gateway.errors import GatewayError
from gateway.records import DeadLetter

Life = Callable[..., list[Transition]]


def letter(position: int, reason: str = "bad_json", payload: bytes = b"{", detail: str = "cut short") -> DeadLetter:
    return DeadLetter(position, 1_000 + position, "main", "pollution/north/stack-3/data", payload, reason, detail)


def detection(captured: int, site: str = "north", camera: str = "gate") -> Detection:
    boxes = (Box(1, 2, 30, 40), Box(5, 6, 7, 8, "person", 0.75))
    return Detection(site, camera, captured, captured + 3, 640, 360, boxes, (ZoneShare("door", 0.5),), "ab" * 32)


def plain(alert: Alert, step: Step, at: int) -> tuple[str, str]:
    return f"{step} {alert.value}", f"{step}：{alert.value}"


def test_a_new_ledger_is_at_position_nought_and_empty(ledger: Ledger) -> None:
    assert ledger.position() == 0
    assert ledger.snapshot() is None
    assert ledger.open_alerts() == ledger.alerts() == ledger.dead_letters() == ledger.outbox() == []
    counts = ledger.counts()
    assert (counts.fired, counts.resolved, counts.dead_letters_kept, counts.outbox_waiting) == (0, 0, 0, 0)


def test_what_was_committed_is_there_after_closing(ledger_file: Path, machine: AlertMachine, life: Life) -> None:
    steps = life(machine, phases="pending active")
    with Ledger(ledger_file) as first:
        first.commit(17, steps, [letter(16)], b"state at 17")
        first.commit(20)
    with Ledger(ledger_file) as second:
        assert second.position() == 20
        assert second.snapshot() == (17, b"state at 17")
        assert second.open_alerts() == [steps[-1].alert]
        assert second.history(steps[0].alert.id) == steps
        assert [kept.letter for kept in second.dead_letters()] == [letter(16)]


def test_a_newer_snapshot_takes_the_place_of_the_older(ledger: Ledger) -> None:
    ledger.commit(1, snapshot=b"one")
    ledger.commit(2, snapshot=b"two")
    assert ledger.snapshot() == (2, b"two")


def test_the_position_never_goes_back(ledger: Ledger) -> None:
    ledger.commit(5)
    with pytest.raises(AssertionError):
        ledger.commit(4)
    assert ledger.position() == 5


def test_the_history_has_the_alert_as_it_was_after_each_step(ledger: Ledger, machine: AlertMachine, life: Life) -> None:
    steps = life(machine)
    for n, step in enumerate(steps):
        ledger.commit(n + 1, [step])
    history = ledger.history(steps[0].alert.id)
    assert history == steps
    assert [step.alert.state for step in history] == [State.PENDING, State.FIRING, State.RESOLVED]
    assert ledger.alert(steps[0].alert.id) == steps[-1].alert


def test_a_value_that_is_no_number_comes_back_as_none(ledger: Ledger, machine: AlertMachine, life: Life) -> None:
    step = life(machine, phases="active")[0]
    nan = replace(step, value=math.nan, alert=replace(step.alert, value=math.nan))
    ledger.commit(1, [nan])
    alert = ledger.alert(step.alert.id)
    assert alert and math.isnan(alert.value) and alert.peak == step.alert.peak


def test_a_commit_that_cannot_be_whole_changes_nothing(ledger: Ledger, machine: AlertMachine, life: Life) -> None:
    steps = life(machine)
    ledger.commit(1, steps)
    with pytest.raises(sqlite3.IntegrityError, match="never changes"):
        ledger.commit(2, [steps[0]], [letter(1)], b"snapshot")
    assert ledger.position() == 1
    assert ledger.history(steps[0].alert.id) == steps
    assert ledger.dead_letters() == []
    assert ledger.counts().dead_letters == {}
    assert ledger.snapshot() is None


def test_two_open_alerts_of_one_subject_are_refused(ledger: Ledger, machine: AlertMachine, life: Life) -> None:
    step = life(machine, phases="active")[0]
    ledger.commit(1, [step])
    with pytest.raises(sqlite3.IntegrityError):
        ledger.commit(2, [replace(step, alert=replace(step.alert, id="e-other"))])


def test_the_audit_trail_cannot_be_rewritten(
    ledger: Ledger, ledger_file: Path, machine: AlertMachine, life: Life
) -> None:
    ledger.commit(1, life(machine))
    with sqlite3.connect(ledger_file) as other:
        for statement in ("UPDATE transitions SET at = 0", "DELETE FROM transitions", "UPDATE alerts SET level = 9"):
            with pytest.raises(sqlite3.IntegrityError):
                other.execute(statement)
    other.close()


def test_a_machine_goes_on_from_the_ledger_as_if_nothing_had_been(
    ledger: Ledger, machine: AlertMachine, subjects: Subjects, find: Callable[..., Finding]
) -> None:
    def run(machine: AlertMachine, phases: str, start: int) -> list[Transition]:
        made: list[Transition] = []
        for n, phase in enumerate(phases.split(), start):
            finding = find(phase, n + 1, since=0)  # each life of the same `since`: only the ledger knows them all
            step = machine.apply(finding, subjects.of(finding), 0)
            assert step
            made.append(step)
        return made

    undisturbed = run(AlertMachine((), plain), "active clear active clear active clear", 0)
    first = run(AlertMachine((), plain), "active clear active", 0)
    ledger.commit(1, first)
    second = run(AlertMachine(ledger.alerts_to_resume(), plain), "clear active clear", 3)
    assert first + second == undisturbed
    ledger.commit(2, second)
    assert len({step.alert.id for step in undisturbed}) == 3
    assert len(ledger.alerts()) == 3


def many_alerts(ledger: Ledger, machine: AlertMachine, life: Life) -> None:
    for n in range(5):
        ledger.commit(n, life(machine, since=1000 * n))
    ledger.commit(9, life(machine, since=9000, phases="pending clear"))
    ledger.commit(10, life(machine, since=10_000, phases="active"))


def test_alerts_come_newest_first_and_the_withdrawn_only_when_asked(
    ledger: Ledger, machine: AlertMachine, life: Life
) -> None:
    many_alerts(ledger, machine, life)
    starts = [alert.since for alert in ledger.alerts()]
    assert starts == sorted(starts, reverse=True) and len(starts) == 6
    assert len(ledger.alerts(include_withdrawn=True)) == 7


FILTERS = {
    "state": ({"state": State.RESOLVED}, 5),
    "family": ({"family": Family.EXCEEDANCE}, 6),
    "another family": ({"family": Family.SECURITY}, 0),
    "site": ({"site": "north"}, 6),
    "another site": ({"site": "river"}, 0),
    "subject": ({"subject": "stack-3"}, 6),
    "state and site": ({"state": State.FIRING, "site": "north"}, 1),
    "limit": ({"limit": 2}, 2),
}


@pytest.mark.parametrize(("asked", "number"), FILTERS.values(), ids=FILTERS.keys())
def test_alerts_are_found_by(
    asked: dict[str, object], number: int, ledger: Ledger, machine: AlertMachine, life: Life
) -> None:
    many_alerts(ledger, machine, life)
    assert len(ledger.alerts(**asked)) == number  # pyright: ignore


def test_pages_of_alerts_join_without_gap_or_repeat_though_all_began_at_once(
    ledger: Ledger, machine: AlertMachine, life: Life
) -> None:
    step = life(machine, phases="active")[0]
    for n in range(7):
        subject = replace(step.alert.subject, id=f"stack-{n}")
        ledger.commit(n, [replace(step, alert=replace(step.alert, id=f"e-{n}", subject=subject))])
    pages: list[str] = []
    before = None
    while page := ledger.alerts(limit=3, before=before):
        pages += [alert.id for alert in page]
        before = page[-1].id
    assert pages == [f"e-{n}" for n in reversed(range(7))]
    assert ledger.alerts(before="e-unknown") == []


def test_totals_are_kept_by_family_and_step(ledger: Ledger, machine: AlertMachine, life: Life) -> None:
    many_alerts(ledger, machine, life)
    counts = ledger.counts()
    assert (counts.fired, counts.resolved, counts.stepped(Step.WITHDRAWN)) == (6, 5, 1)
    assert counts.steps["exceedance", "pending"] == 6
    assert counts.open == {("exceedance", "firing"): 1}


# dead letters


def test_a_replay_makes_no_second_dead_letter(ledger: Ledger) -> None:
    dead = [letter(3), letter(4, "bad_crc")]
    ledger.commit(5, dead=dead)
    ledger.commit(6, dead=[*dead, letter(5)])
    assert [kept.letter.position for kept in ledger.dead_letters()] == [5, 4, 3]
    assert ledger.counts().dead_letters == {"bad_json": 2, "bad_crc": 1}


def test_two_faults_of_one_message_are_two_letters_whoever_finds_them(ledger: Ledger) -> None:
    ledger.commit(5, dead=[letter(4, detail="factor a")])
    ledger.bury([letter(4, detail="factor b"), letter(4, "store_rejected", b"line", "type conflict")])
    assert len(ledger.dead_letters()) == 3


def test_a_letter_is_kept_whole_whatever_bytes_it_has(ledger: Ledger) -> None:
    odd = DeadLetter(-1, 5, "main", "camera/北厂/x", bytes(range(256)) * 40, "bad_jpeg", "half a pair: \ud83d")
    ledger.bury([odd])
    kept = ledger.dead_letters()[0].letter
    assert (kept.payload, kept.topic) == (odd.payload, odd.topic)
    assert kept.detail == "half a pair: \\ud83d"


def test_only_the_newest_letters_are_kept_and_the_totals_outlive_the_others(ledger_file: Path) -> None:
    with Ledger(ledger_file, letters_kept=10) as ledger:
        for start in range(0, 35, 7):
            ledger.commit(start + 7, dead=[letter(start + n, f"reason_{n % 2}") for n in range(7)])
    with Ledger(ledger_file, letters_kept=10) as ledger:
        ledger.commit(40, dead=[letter(39)])
        counts = ledger.counts()
        assert [kept.letter.position for kept in ledger.dead_letters()] == [39, *range(34, 25, -1)]
        assert (counts.dead_letters_kept, counts.dead_letters_evicted) == (10, 26)
        assert counts.dead_letters == {"reason_0": 20, "reason_1": 15, "bad_json": 1}


def test_letters_are_bounded_in_bytes_too(ledger_file: Path) -> None:
    with Ledger(ledger_file, letter_bytes_kept=10_000) as ledger:
        for n in range(10):
            ledger.commit(n + 1, dead=[letter(n, payload=bytes(3_000))])
        counts = ledger.counts()
        assert (counts.dead_letters_kept, counts.dead_letters_evicted) == (3, 7)


def test_letters_are_listed_by_reason_and_page(ledger: Ledger) -> None:
    ledger.commit(10, dead=[letter(n, "bad_crc" if n % 2 else "bad_json") for n in range(10)])
    page = ledger.dead_letters("bad_crc", limit=3)
    assert [kept.letter.position for kept in page] == [9, 7, 5]
    assert [kept.letter.position for kept in ledger.dead_letters("bad_crc", before=page[-1].id)] == [3, 1]
    assert ledger.dead_letter(page[0].id) == page[0]
    assert ledger.dead_letter(999) is None


def test_letters_marked_for_replay_stay_marked_until_they_are_in_the_journal_again(ledger_file: Path) -> None:
    with Ledger(ledger_file) as ledger:
        ledger.commit(4, dead=[letter(n) for n in range(4)])
        assert ledger.request_replay(ids=[2, 3, 77]) == 2
        assert ledger.request_replay(ids=[2]) == 0
        assert ledger.counts().replays_waiting == 2
        taken = ledger.take_replays()
    with Ledger(ledger_file) as ledger:  # the process died before it was done
        assert ledger.take_replays() == taken == [(2, letter(1)), (3, letter(2))]
        ledger.replayed([2])
        assert ledger.take_replays() == [(3, letter(2))]
        kept = ledger.dead_letter(2)
        assert kept and kept.replay == 2


def test_a_letter_that_failed_twice_is_replayed_by_its_id_only(ledger: Ledger) -> None:
    ledger.commit(3, dead=[letter(0), letter(1), letter(2, "bad_crc")])
    ledger.replayed([1])
    assert ledger.request_replay(reason="bad_json") == 1
    assert ledger.request_replay() == 1  # the one of bad_crc
    assert ledger.request_replay(ids=[1]) == 1


# outbox


def test_every_step_goes_to_the_outbox_and_leaves_it_when_done(
    ledger: Ledger, machine: AlertMachine, life: Life
) -> None:
    steps = life(machine) + life(machine, since=500, phases="pending clear")
    ledger.commit(1, steps)
    waiting = ledger.outbox(limit=100)
    assert [step for _, step in waiting] == steps
    assert ledger.outbox(limit=2) == waiting[:2]
    ledger.outbox_done([seq for seq, _ in waiting[:4]])
    assert ledger.outbox() == waiting[4:]
    assert ledger.counts().outbox_waiting == 1


def test_a_full_outbox_drops_its_oldest_and_counts_them(ledger_file: Path, machine: AlertMachine, life: Life) -> None:
    with Ledger(ledger_file, outbox_kept=4) as ledger:
        for n in range(3):
            ledger.commit(n, life(machine, since=1000 * n))
        counts = ledger.counts()
        assert (counts.outbox_waiting, counts.outbox_dropped) == (4, 5)
        assert [seq for seq, _ in ledger.outbox()] == [6, 7, 8, 9]


def test_nothing_is_queued_where_nothing_is_to_be_published(
    ledger_file: Path, machine: AlertMachine, life: Life
) -> None:
    with Ledger(ledger_file, outbox_kept=0) as ledger:
        ledger.commit(1, life(machine))
        assert ledger.outbox() == []
        assert ledger.counts().outbox_dropped == 0


# detections


def test_detections_are_found_by_camera_and_time(ledger: Ledger) -> None:
    ledger.add_detections([detection(100), detection(200), detection(150, "river", "yard")])
    assert ledger.detections() == [detection(200), detection(150, "river", "yard"), detection(100)]
    assert ledger.detections("north", "gate", 100, 200) == [detection(100)]
    assert ledger.detections("north", limit=1) == [detection(200)]


def test_only_the_newest_detections_are_kept(ledger_file: Path) -> None:
    with Ledger(ledger_file, detections_kept=5) as ledger:
        for n in range(4):
            ledger.add_detections([detection(10 * n), detection(10 * n + 1)])
        assert [each.captured for each in ledger.detections()] == [31, 30, 21, 20, 11]
        assert ledger.counts().detections_evicted == 3


def test_detections_of_edge_nodes_are_committed_once_and_bounded_like_the_others(ledger_file: Path) -> None:
    with Ledger(ledger_file, detections_kept=3) as ledger:
        seen = [replace(detection(10 * n), kind="object") for n in range(3)]
        assert ledger.commit(1, detections=seen[:2]) == seen[:2]
        assert ledger.commit(2, detections=[seen[1], seen[2], seen[2]]) == [seen[2]]
        other = replace(seen[2], boxes=(Box(1, 1, 1, 1, "car"),))
        assert ledger.commit(3, detections=[other, detection(20), replace(detection(20), camera="yard")]) == [
            other,
            detection(20),
            replace(detection(20), camera="yard"),
        ], "another box, another kind and another camera are others"
        assert len(ledger.detections()) == 3
        assert ledger.counts().detections_evicted == 3


# readers and files


def test_a_reader_sees_each_commit_and_takes_no_write(
    ledger: Ledger, ledger_file: Path, machine: AlertMachine, life: Life
) -> None:
    with Ledger.reader(ledger_file) as reader:
        steps = life(machine)
        for n, step in enumerate(steps, 1):
            ledger.commit(n, [step])
            assert reader.position() == n
            assert reader.alert(step.alert.id) == step.alert
        assert reader.counts() == ledger.counts()
        with pytest.raises(sqlite3.OperationalError, match="readonly"):
            reader._connection.execute("DELETE FROM outbox")  # pyright: ignore[reportPrivateUsage]


def test_a_reader_does_not_see_nor_wait_for_a_transaction_under_way(ledger: Ledger, ledger_file: Path) -> None:
    ledger.commit(1)
    with Ledger.reader(ledger_file) as reader:
        writer = sqlite3.connect(ledger_file, isolation_level=None)
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("UPDATE progress SET position = 2")
        assert reader.position() == 1
        writer.execute("COMMIT")
        assert reader.position() == 2
        writer.close()


def test_a_ledger_that_is_not_there_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(GatewayError, match=r"none\.sqlite"):
        Ledger.reader(tmp_path / "none.sqlite")


def test_a_file_that_is_no_ledger_is_refused_and_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("these are notes, and they are long enough to be taken for a database header by nobody " * 20)
    before = file.read_bytes()
    for use in (Ledger, Ledger.reader):
        with pytest.raises(GatewayError, match="not a database"):
            use(file)
    assert file.read_bytes() == before


def test_a_ledger_of_another_version_is_refused(ledger_file: Path) -> None:
    Ledger(ledger_file).close()
    other = sqlite3.connect(ledger_file)
    other.execute("PRAGMA user_version = 99")
    other.close()
    for use in (Ledger, Ledger.reader):
        with pytest.raises(GatewayError, match="schema 99"):
            use(ledger_file)


def test_a_disk_that_takes_no_write_is_said_and_the_same_commit_works_later(
    ledger: Ledger, machine: AlertMachine, life: Life
) -> None:
    pages = ledger._connection.execute("PRAGMA page_count").fetchone()[0]  # pyright: ignore[reportPrivateUsage]
    ledger._connection.execute(f"PRAGMA max_page_count = {pages}")  # pyright: ignore[reportPrivateUsage]
    steps = life(machine)
    dead = [letter(n, payload=bytes(5000)) for n in range(20)]
    with pytest.raises(GatewayError, match="full"):
        ledger.commit(1, steps, dead)
    assert ledger.position() == 0
    assert ledger.outbox() == []
    ledger._connection.execute("PRAGMA max_page_count = 100000")  # pyright: ignore[reportPrivateUsage]
    ledger.commit(1, steps, dead)
    counts = ledger.counts()
    assert (ledger.position(), counts.dead_letters_kept, counts.outbox_waiting) == (1, 20, 3)
