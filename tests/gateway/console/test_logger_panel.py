"""The panel of loggers: how each keeps to HJ 212, in both languages, and one of them in full."""

from __future__ import annotations

from dataclasses import replace

import pytest
from made_up_views import NOW, make_views

from gateway.alerts.ledger_reader import KeptEvent
from gateway.console.board import Board, Look
from gateway.console.logger_panel import logger_detail, logger_rows
from gateway.console.words import CHINESE, ENGLISH, Words
from gateway.loggers.regular import Gap
from gateway.loggers.views import LoggerView
from gateway.records import DeviceEvent

VIEWS = make_views().views
OUTLET = 2


@pytest.fixture
async def look() -> Look:
    return await Board(VIEWS).look()


def outlet() -> LoggerView:
    return VIEWS.loggers.views([OUTLET])[0]


def detail(words: Words, found: LoggerView, *events: DeviceEvent) -> str:
    kept = [KeptEvent(n, event) for n, event in enumerate(events)]
    return logger_detail(words, VIEWS.inventory, found, kept, NOW)


def event(kind: str, *items: tuple[str, str], cn: str = "2081") -> DeviceEvent:
    return DeviceEvent(1, 0, kind, "river", "outlet", cn, NOW, NOW, items)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (ENGLISH, ["Outlet", "River Plant", "2005", "recognised", "15:59:40", "80%", "8 of 10", "QN missing"]),
        (CHINESE, ["总排口", "河畔水厂", "2005", "自动识别", "15:59:40", "80%", "8 / 10", "缺少 QN"]),
    ],
    ids=["English", "Chinese"],
)
def test_a_row_tells_edition_last_frame_verdicts_and_gaps(words: Words, expected: list[str], look: Look) -> None:
    rows = logger_rows(words, VIEWS.inventory, look, OUTLET)
    first = rows.split("<tr ")[1]
    assert [text for text in expected if text not in first] == []
    assert "6 h 10 min" in first or "6 小时 10 分钟" in first


def test_the_worst_logger_is_first_and_the_chosen_one_is_marked(look: Look) -> None:
    rows = logger_rows(ENGLISH, VIEWS.inventory, look, 0).split("<tr ")
    assert [part.split('"')[1] for part in rows[1:]] == ["river/outlet", "east/stack-1"]
    assert ["chosen" in part for part in rows[1:]] == [False, True]


def test_loggers_that_are_not_shown_are_counted(look: Look) -> None:
    assert "and 7 more" in logger_rows(ENGLISH, VIEWS.inventory, replace(look, loggers_count=9), 0)
    assert "more," not in logger_rows(ENGLISH, VIEWS.inventory, look, 0)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (
            ENGLISH,
            ["QN is missing: the message", "Minute data 11:10:00", "2 h 40 min", "2061 hour data", "1</b> quarantined"],
        ),
        (
            CHINESE,
            ["缺少请求编码 QN，无法应答", "分钟数据 11:10:00", "2 小时 40 分钟", "2061 污染物小时数据", "1</b> 隔离"],
        ),
    ],
    ids=["English", "Chinese"],
)
def test_one_logger_in_full_has_sentences_gaps_and_counts(words: Words, expected: list[str]) -> None:
    shown = detail(words, outlet())
    assert [text for text in expected if text not in shown] == []


def test_a_logger_without_fault_says_so() -> None:
    shown = detail(ENGLISH, replace(outlet(), verdicts=[], gaps=[]))
    assert "Keeps to the standard" in shown and "Nothing missing" in shown and "Nothing yet" in shown


def test_of_many_gaps_the_newest_are_shown_and_the_others_counted() -> None:
    gaps = [Gap("minute", NOW - k * 3_600_000, NOW - k * 3_600_000 + 600_000) for k in range(9, 0, -1)]
    shown = detail(ENGLISH, replace(outlet(), gaps=gaps))
    assert "15:00:00 – 15:10:00" in shown and "+5" in shown and "07:00:00" not in shown


def test_events_are_told_on_a_line_and_what_they_hold_is_text() -> None:
    shown = detail(
        ENGLISH,
        outlet(),
        event("message", ("i11001-Info", "<b>//x//</b>" + "y" * 500)),
        event("set_incomplete", ("PNUM", "5"), ("missing", "2-3"), cn="2011"),
    )
    assert "&lt;b&gt;" in shown and "<b>//x" not in shown and "y" * 200 not in shown
    assert "packets 2-3 of 5 missing" in shown
    assert "共 5 包，缺第 2-3 包" in detail(
        CHINESE, outlet(), event("set_incomplete", ("PNUM", "5"), ("missing", "2-3"))
    )


def test_markup_in_a_frame_is_shown_as_text() -> None:
    bad = outlet()
    last = replace(bad.last, cn="<i>", qn="<script>")
    shown = detail(ENGLISH, replace(bad, last=last, st="<u>", edition="<p>"))
    assert "<script>" not in shown and "<i>" not in shown and "<u>" not in shown and "e<p>" not in shown
