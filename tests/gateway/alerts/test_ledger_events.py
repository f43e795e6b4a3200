"""Events of devices in the ledger: committed with the position, each once, the newest kept."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from gateway.alerts.ledger import Ledger
from gateway.records import DeviceEvent

NOW = 1_777_622_400_000


def event(position: int, row: int = 0, *, device: str = "d0", text: str = "20260501155900") -> DeviceEvent:
    items = (("RestartTime", text),)
    return DeviceEvent(position, row, "message", "plant", device, "2081", NOW, NOW + 5, items)


def test_an_event_comes_back_as_it_was_told(tmp_path: Path) -> None:
    with Ledger(tmp_path / "state.sqlite") as ledger:
        told = event(3, text="//标定完成; a=1,\x00//")
        ledger.commit(4, events=[told])
        assert [kept.event for kept in ledger.device_events("plant", "d0")] == [told]
        assert ledger.position() == 4


def test_text_that_is_no_utf8_is_kept_with_an_escape(tmp_path: Path) -> None:
    with Ledger(tmp_path / "state.sqlite") as ledger:
        ledger.commit(1, events=[event(0, text="a\udcffb")])
        assert ledger.device_events("plant", "d0")[0].event.items == (("RestartTime", "a\\udcffb"),)


def test_the_same_event_again_is_kept_once_and_others_of_its_message_are_not_lost(tmp_path: Path) -> None:
    with Ledger(tmp_path / "state.sqlite") as ledger:
        ledger.commit(1, events=[event(0)])
        ledger.commit(1, events=[event(0), event(0, 1), event(0, -1)])
        assert sorted(kept.event.row for kept in ledger.device_events("plant", "d0")) == [-1, 0, 1]
        assert ledger.counts().device_events_kept == 3


def test_events_are_read_by_device_newest_first_and_by_page(tmp_path: Path) -> None:
    with Ledger(tmp_path / "state.sqlite") as ledger:
        ledger.commit(9, events=[event(n, device=f"d{n % 2}") for n in range(9)])
        page = ledger.device_events("plant", "d0", limit=3)
        assert [kept.event.position for kept in page] == [8, 6, 4]
        rest = ledger.device_events("plant", "d0", limit=3, before=page[-1].id)
        assert [kept.event.position for kept in rest] == [2, 0]
        assert ledger.device_events("elsewhere", "d0") == []


def test_the_newest_are_kept_and_what_is_evicted_is_counted_over_a_restart(tmp_path: Path) -> None:
    file = tmp_path / "state.sqlite"
    with Ledger(file, events_kept=10) as ledger:
        ledger.commit(8, events=[event(n) for n in range(8)])
    with Ledger(file, events_kept=10) as ledger:
        ledger.commit(13, events=[event(n) for n in range(5, 13)])
        assert [kept.event.position for kept in ledger.device_events("plant", "d0")] == list(range(12, 2, -1))
        counts = ledger.counts()
        assert (counts.device_events_kept, counts.device_events_evicted) == (10, 3)


def test_a_refused_commit_leaves_no_event(tmp_path: Path) -> None:
    with Ledger(tmp_path / "state.sqlite", events_kept=2) as ledger:
        with pytest.raises(sqlite3.IntegrityError):
            ledger.commit(1, events=[event(0)._replace(kind="none of ours")])  # a CHECK refuses it
        assert ledger.position() == 0
        ledger.commit(3, events=[event(n) for n in range(3)])
        assert len(ledger.device_events("plant", "d0")) == 2
