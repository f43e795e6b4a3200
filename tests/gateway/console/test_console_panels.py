"""The panels from records: what they show, in both languages, and that nothing from outside gets in as HTML."""

from __future__ import annotations

from dataclasses import replace

import pytest
from made_up_views import NOW, exceedance, inventory, make_views, silence

from gateway.alerts.records import Alert, Detection, ZoneShare
from gateway.console import panels
from gateway.console.board import Board, Look
from gateway.console.words import CHINESE, ENGLISH, Words, choose

NAMES = panels.Names(inventory())


async def look_at(firing: list[Alert] | None = None) -> Look:
    look = await Board(make_views().views).look()
    return look if firing is None else replace(look, firing=firing, firing_count=len(firing))


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (ENGLISH, ["Sulphur dioxide", "Exceedance", "Stack 1", "East Works", "41.5 mg/m3", "limit 35 mg/m3", "1 min"]),
        (CHINESE, ["二氧化硫", "超标", "1号烟囱", "东厂", "41.5 mg/m3", "限值 35 mg/m3", "1 分钟"]),
    ],
)
async def test_an_open_alert_tells_level_what_where_since_and_value(words: Words, expected: list[str]) -> None:
    html = panels.open_alerts(words, NAMES, await look_at([exceedance()]))
    for text in [*expected, "15:58:25", exceedance().text_en, exceedance().text_zh]:
        assert text in html


async def test_a_silence_is_told_in_minutes_and_motion_in_per_cent() -> None:
    html = panels.open_alerts(ENGLISH, NAMES, await look_at())
    assert "6 min 40 s" in html
    assert "21.3 %" in html


async def test_a_message_under_another_name_is_told_with_how_many() -> None:
    found = silence()
    found = replace(found, value=12.0, subject=replace(found.subject, rule="identity", unit=""))
    look = await look_at([found])
    for words, what in ((ENGLISH, "Under another name"), (CHINESE, "以他人名义发送")):
        html = panels.open_alerts(words, NAMES, look)
        assert what in html
        assert ">12<" in html.replace("\n", "")


async def test_text_from_outside_is_escaped() -> None:
    html = panels.open_alerts(ENGLISH, NAMES, await look_at([replace(silence(), id='"><script>')]))
    assert "<script>" not in html
    assert "&lt;b&gt;since&lt;/b&gt;" in html


async def test_an_alert_of_a_device_that_the_inventory_no_longer_has_is_shown_by_its_id() -> None:
    old = exceedance()
    gone = replace(old, subject=replace(old.subject, id="stack-9", factor="a99999", rule="gone"))
    html = panels.open_alerts(ENGLISH, NAMES, await look_at([gone]))
    assert "stack-9" in html
    assert "a99999" in html


async def test_alerts_beyond_those_shown_are_counted() -> None:
    look = replace(await look_at(), firing_count=60)
    assert "and 57 more" in panels.open_alerts(ENGLISH, NAMES, look)


async def test_no_open_alert_is_said_plainly() -> None:
    assert "No open alerts" in panels.open_alerts(ENGLISH, NAMES, await look_at([]))
    assert "当前没有未解除的报警" in panels.open_alerts(CHINESE, NAMES, await look_at([]))


async def test_the_header_shows_that_the_store_is_away_or_behind() -> None:
    look = await look_at()
    assert "up to date" in panels.header(ENGLISH, look)
    assert "away" in panels.header(ENGLISH, replace(look, about={**look.about, "store_away": True}))
    assert "500,000 behind" in panels.header(ENGLISH, replace(look, about={**look.about, "store_behind": 500_000}))


async def test_what_the_gateway_does_not_say_of_itself_is_left_out() -> None:
    look = replace(await look_at(), about={"name": "n", "version": "v"})
    assert 'data-figure="store"' not in panels.header(ENGLISH, look)
    assert 'data-figure="journal"' not in panels.header(ENGLISH, look)


async def test_a_resolved_alert_tells_how_long_it_lasted_and_how_bad_it_was() -> None:
    html = panels.resolved_alerts(ENGLISH, NAMES, await look_at())
    assert "lasted 1 min · at most 43.25 mg/m3" in html


def detection(captured: int, camera: str = "gate", share: float = 0.1) -> Detection:
    return Detection("east", camera, captured, captured, 640, 360, (), (ZoneShare("fence", share),))


def test_detections_in_quick_succession_are_one_episode_each_camera_its_own() -> None:
    found = panels.episodes(
        [
            detection(20_000),
            detection(19_000, "yard"),
            detection(16_000, share=0.4),
            detection(10_000),
        ]
    )
    assert [(one.camera, one.first, one.last, one.frames, one.share) for one in found] == [
        ("gate", 16_000, 20_000, 2, 0.4),
        ("yard", 19_000, 19_000, 1, 0.1),
        ("gate", 10_000, 10_000, 1, 0.1),
    ]


@pytest.mark.parametrize(
    ("asked", "accepted", "expected"),
    [
        (None, "zh-CN,zh;q=0.9,en;q=0.8", CHINESE),
        (None, "en-US,en;q=0.9,zh;q=0.8", ENGLISH),
        (None, "fr-FR, zh;q=0.5", CHINESE),
        (None, "", ENGLISH),
        ("en", "zh-CN", ENGLISH),
        ("zh", "en", CHINESE),
        ("tlh", "zh", CHINESE),
    ],
)
def test_the_language_is_the_one_asked_for_else_the_browser_s(
    asked: str | None, accepted: str, expected: Words
) -> None:
    assert choose(asked, accepted) is expected


async def test_the_board_looks_once_a_second_however_many_ask() -> None:
    now = 0.0
    made_up = make_views()
    board = Board(made_up.views, clock=lambda: now)
    first = await board.look()
    made_up.ledger.kept.clear()
    now = 0.5
    assert await board.look() is first
    now = 1.0
    assert (await board.look()).firing == []
    assert first.taken == NOW
