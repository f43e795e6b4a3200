"""What is asked is in the file, with every step; the audit trail stays, and what is finished is bounded."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from made_up_requests import NOW, SPAN, asked

from gateway.alerts.ledger import Ledger
from gateway.errors import GatewayError
from gateway.requests.ledger import RequestLedger, RequestReader
from gateway.requests.records import Request, State, Step, Why


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "state.sqlite"


@pytest.fixture
def ledger(file: Path) -> Iterator[RequestLedger]:
    with RequestLedger(file) as opened:
        yield opened


def sent(request: Request) -> Step:
    return Step(replace(request, state=State.SENT, qn="20260801100000000", tries=1), NOW + 5, Why.FIRST_TRY, "try 1")


def done(request: Request) -> Step:
    after = replace(request, state=State.DONE, why=Why.EXECUTED, frames=1, answer=(("SystemTime", "2026"),))
    return Step(after, NOW + 9, Why.EXECUTED, "ExeRtn=1")


def test_a_request_comes_back_as_it_was_asked(ledger: RequestLedger) -> None:
    request = asked("fetch-hours", **SPAN)
    assert ledger.add(request) == request
    assert ledger.request("r-1") == request
    assert [one for _, one in ledger.asked()] == [request]


def test_every_step_is_kept_with_who_asked_first(ledger: RequestLedger) -> None:
    request = ledger.add(asked())
    ledger.write([sent(request), done(request)])
    trail = [(step.at, step.request.state, step.why, step.detail) for _, step in ledger.steps("r-1")]
    assert trail == [
        (NOW, State.ASKED, Why.ASKED, "cli alice"),
        (NOW + 5, State.SENT, Why.FIRST_TRY, "try 1"),
        (NOW + 9, State.DONE, Why.EXECUTED, "ExeRtn=1"),
    ]
    kept = ledger.request("r-1")
    assert kept is not None
    assert (kept.state, kept.frames, kept.answer) == (State.DONE, 1, (("SystemTime", "2026"),))


def test_steps_are_read_on_from_where_one_was(ledger: RequestLedger) -> None:
    request = ledger.add(asked())
    ((number, _),) = ledger.steps("r-1")
    assert ledger.steps("r-1", number) == []
    ledger.write([sent(request)])
    assert [step.why for _, step in ledger.steps("r-1", number)] == [Why.FIRST_TRY]


def test_what_was_under_way_is_found_after_a_restart_and_what_was_asked_too(file: Path) -> None:
    with RequestLedger(file) as ledger:
        first = ledger.add(asked(id="r-1"))
        second = ledger.add(asked(id="r-2"))
        ledger.add(asked(id="r-3"))
        ledger.write([sent(first), sent(second), done(second)])
    with RequestLedger(file) as again:
        assert [request.id for request in again.under_way()] == ["r-1"]
        assert [request.id for _, request in again.asked()] == ["r-3"]


def test_new_ones_are_found_beside_the_writer(ledger: RequestLedger, file: Path) -> None:
    ledger.add(asked(id="r-1"))
    ((number, _),) = ledger.asked()
    with RequestLedger(file) as beside:
        beside.add(asked(id="r-2"))
    assert [request.id for _, request in ledger.asked(number)] == ["r-2"]


@pytest.mark.parametrize(
    ("bounds", "told"),
    [
        ({"open_per_device": 2, "open_most": 9}, "the device has 2 requests that are not finished"),
        ({"open_per_device": 9, "open_most": 2}, "there are 2 requests that are not finished"),
    ],
)
def test_one_more_than_may_be_open_is_refused_and_audited(file: Path, bounds: dict[str, int], told: str) -> None:
    with RequestLedger(file, **bounds) as ledger:
        first = ledger.add(asked(id="r-1"))
        ledger.add(asked(id="r-2"))
        refused = ledger.add(asked(id="r-3"))
        assert (refused.state, refused.why) == (State.REFUSED, Why.QUEUE_FULL)
        assert ledger.steps("r-3")[-1][1].detail == told
        ledger.write([done(first)])
        assert ledger.add(asked(id="r-4")).state is State.ASKED


def test_another_device_has_room_of_its_own(file: Path) -> None:
    with RequestLedger(file, open_per_device=1) as ledger:
        ledger.add(asked(id="r-1"))
        assert ledger.add(asked(id="r-2", device="d1")).state is State.ASKED


def test_the_oldest_finished_ones_go_with_their_steps_and_are_counted(file: Path) -> None:
    with RequestLedger(file, kept=2) as ledger:
        opened = ledger.add(asked(id="r-open"))
        for n in range(5):
            ledger.write([done(ledger.add(asked(id=f"r-{n}")))])
        ledger.add(asked(id="r-last"))
        assert {request.id for request in ledger.requests()} == {"r-open", "r-3", "r-4", "r-last"}
        assert ledger.steps("r-0") == []
        assert ledger.evicted() == 3
        assert ledger.request(opened.id) == opened, "what is not finished is never evicted"


def test_the_audit_trail_cannot_be_rewritten(ledger: RequestLedger, file: Path) -> None:
    request = ledger.add(asked())
    ledger.write([done(request)])
    with sqlite3.connect(file) as connection:
        for statement, told in (
            ("UPDATE request_steps SET detail = ''", "append-only"),
            ("DELETE FROM request_steps", "append-only"),
            ("UPDATE requests SET state = 'asked'", "never changes"),
        ):
            with pytest.raises(sqlite3.IntegrityError, match=told):
                connection.execute(statement)
    ledger.add(asked(id="r-2"))
    with sqlite3.connect(file) as connection, pytest.raises(sqlite3.IntegrityError, match="not finished"):
        connection.execute("DELETE FROM requests WHERE id = 'r-2'")


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({}, ["r-4", "r-3", "r-2", "r-1"]),
        ({"device": "d1"}, ["r-4", "r-2"]),
        ({"site": "elsewhere"}, []),
        ({"state": State.DONE}, ["r-1"]),
        ({"limit": 1}, ["r-4"]),
        ({"before": "r-3"}, ["r-2", "r-1"]),
        ({"before": "r-9"}, []),
    ],
)
def test_requests_are_found_latest_first(ledger: RequestLedger, wanted: dict[str, str], expected: list[str]) -> None:
    for n, device in enumerate(("d0", "d1", "d0", "d1"), 1):
        ledger.add(asked(id=f"r-{n}", device=device))
    ledger.write([done(asked(id="r-1"))])
    assert [request.id for request in ledger.requests(**wanted)] == expected  # pyright: ignore[reportArgumentType]


def test_it_is_the_file_of_the_alerts_and_both_write_to_it(file: Path) -> None:
    with Ledger(file) as alerts, RequestLedger(file) as ledger:
        alerts.commit(5)
        ledger.add(asked())
        alerts.commit(6)
        assert alerts.position() == 6
    with RequestReader(file) as reader:
        assert reader.request("r-1") == asked()


def test_a_reader_takes_no_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(GatewayError, match="cannot be read"):
        RequestReader(tmp_path / "none.sqlite")
