"""What alerts say to people."""

from __future__ import annotations

import doctest
from collections.abc import Callable
from functools import partial
from itertools import product

import pytest

from detectors.records import Finding
from gateway.alerts import feeds, texts
from gateway.alerts.machine import AlertMachine
from gateway.alerts.records import Transition
from gateway.alerts.subjects import Subjects, health_subject
from gateway.alerts.texts import Texts, duration, local_time, number
from gateway.inventory import Inventory

NOON = 1_714_536_000_000  # 2024-05-01 12:00:00 +08:00
Find = Callable[..., Finding]

EXCEEDANCE = {
    "pending": (
        "SO2 (a21026), hourly corrected average at Stack 3, North Works: 41.2 mg/m3 has reached the limit of 35 mg/m3, "
        "since 2024-05-01 12:00:00 +08:00; not yet for the minimum duration",
        "北厂 3号烟囱：二氧化硫 (a21026)小时折算均值 41.2 mg/m3，自 2024-05-01 12:00:00 +08:00 起达到限值 35 mg/m3，"
        "尚未达到最短持续时间",
    ),
    "fired": (
        "SO2 (a21026), hourly corrected average at Stack 3, North Works: 44.5 mg/m3 against a limit of 35 mg/m3 "
        "(level 1), since 2024-05-01 12:00:00 +08:00, for 1 min",
        "北厂 3号烟囱：二氧化硫 (a21026)小时折算均值 44.5 mg/m3，限值 35 mg/m3（1 级超标），"
        "自 2024-05-01 12:00:00 +08:00 起，已持续 1 分钟",
    ),
    "level": (
        "SO2 (a21026), hourly corrected average at Stack 3, North Works: now level 2, 61 mg/m3 against a limit of "
        "50 mg/m3, since 2024-05-01 12:00:00 +08:00, for 2 min 30 s",
        "北厂 3号烟囱：二氧化硫 (a21026)小时折算均值超标变为 2 级，现为 61 mg/m3，限值 50 mg/m3，"
        "自 2024-05-01 12:00:00 +08:00 起，已持续 2 分钟 30 秒",
    ),
    "resolved": (
        "SO2 (a21026), hourly corrected average at Stack 3, North Works: back below its limit, 30 mg/m3 against "
        "35 mg/m3; it was over from 2024-05-01 12:00:00 +08:00 to 2024-05-01 14:05:00 +08:00 (2 h 5 min), "
        "at most 61 mg/m3",
        "北厂 3号烟囱：二氧化硫 (a21026)小时折算均值已恢复到限值以下，现为 30 mg/m3，限值 35 mg/m3；"
        "超标时段 2024-05-01 12:00:00 +08:00 至 2024-05-01 14:05:00 +08:00（2 小时 5 分钟），最高 61 mg/m3",
    ),
}


def steps_of(inventory: Inventory, subjects: Subjects, *findings: Finding) -> dict[str, Transition]:
    machine = AlertMachine((), Texts(inventory))
    made = [machine.apply(each, subjects.of(each), 0) for each in findings]
    return {step.step.value: step for step in made if step}


def test_an_exceedance_is_told_with_value_limit_place_and_local_time(
    inventory: Inventory, subjects: Subjects, find: Find
) -> None:
    steps = steps_of(
        inventory,
        subjects,
        find("pending", 0, 0, 41.2),
        find("active", 60, 0, 44.5),
        find("active", 150, 0, 61.0, level=2, limit=50.0),
        find("clear", 7500, 0, 30.0),
    )
    assert {name: (step.alert.text_en, step.alert.text_zh) for name, step in steps.items()} == EXCEEDANCE


def test_a_lower_limit_is_told_as_one(inventory: Inventory, subjects: Subjects, find: Find) -> None:
    low = {"rule": 1, "subject": 1, "limit": 6.0}
    steps = steps_of(inventory, subjects, find("active", 0, 0, 4.2, **low), find("clear", 90, 0, 6.5, **low))
    assert steps["fired"].alert.text_en == (
        "pH (w01001) at Outfall 1, River Outlet: 4.2 against a lower limit of 6 (level 1), "
        "since 2024-05-01 04:00:00 +00:00"
    )
    assert steps["resolved"].alert.text_zh == (
        "河口 1号排口：pH值 (w01001)已恢复到下限以上，现为 6.5，下限 6；低于下限时段 2024-05-01 04:00:00 +00:00 至 "
        "2024-05-01 04:01:30 +00:00（1 分钟 30 秒），最低 4.2"
    )


def test_silence_is_told_with_what_was_expected(inventory: Inventory, subjects: Subjects, find: Find) -> None:
    silent = {"detector": "silence", "value": 301.0, "limit": 300.0}
    steps = steps_of(inventory, subjects, find("active", 301, 0, **silent), find("clear", 900, 0, **silent))
    assert steps["fired"].alert.text_en == (
        "Stack 3, North Works is silent: nothing received since 2024-05-01 12:00:00 +08:00, for 5 min 1 s; "
        "expected at least every 5 min"
    )
    assert steps["fired"].alert.text_zh == (
        "北厂 3号烟囱失联：自 2024-05-01 12:00:00 +08:00 起未收到数据，已持续 5 分钟 1 秒；应至少每 5 分钟有一次"
    )
    assert steps["resolved"].alert.text_en == (
        "Stack 3, North Works is heard again at 2024-05-01 12:15:00 +08:00; it was silent since "
        "2024-05-01 12:00:00 +08:00 (15 min)"
    )


def test_an_identity_is_told_with_the_count_and_whom_the_newest_message_named(
    inventory: Inventory, subjects: Subjects, find: Find
) -> None:
    machine = AlertMachine((), Texts(inventory))
    subject = subjects.of(find("active", 0, detector="identity", subject=0))
    first = machine.apply(find("active", 0, detector="identity", value=1.0), subject, 0, ["claims:'{who} \\u202e'"])
    more = machine.apply(
        find("active", 90, detector="identity", value=10.0, level=2), subject, 0, ["frame:00", "claims:'d9'"]
    )
    over = machine.apply(find("clear", 900, detector="identity", value=12.0, limit=600.0), subject, 0)
    assert first is not None
    assert more is not None
    assert over is not None
    assert first.alert.text_en == (
        "Stack 3, North Works: what came by its topic or connection at 2024-05-01 12:00:00 +08:00 named "
        "'{who} \\u202e'; it was not taken"
    )
    assert more.alert.text_zh == (
        "北厂 3号烟囱：自 2024-05-01 12:00:00 +08:00 起经其主题或连接收到 10 条以他人名义发送的报文，"
        "最近一条自称 'd9'，已持续 1 分钟 30 秒；均未采用"
    )
    assert over.alert.text_en == (
        "Stack 3, North Works: no message under another name for 10 min, as of 2024-05-01 12:15:00 +08:00; since "
        "2024-05-01 12:00:00 +08:00 there were 12, last under 'd9', and none was taken"
    )


def test_motion_is_told_as_percent_of_its_zone(inventory: Inventory, subjects: Subjects, find: Find) -> None:
    moving = {"detector": "motion", "limit": 0.05}
    steps = steps_of(inventory, subjects, find("active", 2, 0, 0.123, **moving), find("clear", 62, 0, 0.01, **moving))
    assert steps["fired"].alert.text_en == (
        "Movement in door at Gate camera, North Works: 12.3 % of the zone, threshold 5 %, "
        "since 2024-05-01 12:00:00 +08:00, for 2 s"
    )
    assert steps["resolved"].alert.text_zh == (
        "北厂 大门摄像机：门口内移动已结束；时段 2024-05-01 12:00:00 +08:00 至 2024-05-01 12:01:02 +08:00"
        "（1 分钟 2 秒），最多占区域 12.3 %"
    )


@pytest.mark.parametrize(
    ("name", "unit", "english", "chinese"),
    [
        ("link_main", "", "link main is not connected", "链路 main 未连接"),
        ("store_away", "", "the store takes no writes", "数据库无法写入"),
        (
            "journal_filling",
            "%",
            "the journal is filling up (53.2 %, limit 50 %)",
            "接收日志接近上限（53.2 %，界限 50 %）",
        ),
        ("something_new", "", "something new", "something new"),
    ],
)
def test_the_gateway_tells_of_itself(
    name: str, unit: str, english: str, chinese: str, inventory: Inventory, find: Find
) -> None:
    finding = find("active", 10, 0, 53.2, limit=50.0, detector="health")
    step = AlertMachine((), Texts(inventory)).apply(finding, health_subject(name, unit), 0)
    assert step and (step.alert.text_en, step.alert.text_zh) == (
        f"Gateway: {english}, since 2024-05-01 04:00:00 +00:00, for 10 s",
        f"网关：{chinese}，自 2024-05-01 04:00:00 +00:00 起，已持续 10 秒",
    )


def test_late_data_are_told_with_when_they_were_measured_and_received(
    inventory: Inventory, subjects: Subjects, find: Find
) -> None:
    late = partial(find, detector="late_limit", received=NOON + 86_400_000)
    steps = steps_of(
        inventory, subjects, late("active", 60, 0, 44.5), late("active", 120, 0, 61.0, level=2, limit=50.0)
    )
    assert steps["fired"].alert.text_en == (
        "SO2 (a21026), hourly corrected average at Stack 3, North Works, in late data: 44.5 mg/m3 against a limit of "
        "35 mg/m3 (level 1), measured 2024-05-01 12:01:00 +08:00, received 2024-05-02 12:00:00 +08:00; "
        "over since 2024-05-01 12:00:00 +08:00, for 1 min"
    )
    assert steps["level"].alert.text_zh == (
        "北厂 3号烟囱：二氧化硫 (a21026)小时折算均值补传数据超标变为 2 级，61 mg/m3，限值 50 mg/m3，"
        "测量时间 2024-05-01 12:02:00 +08:00，接收时间 2024-05-02 12:00:00 +08:00；"
        "自 2024-05-01 12:00:00 +08:00 起超标，已持续 2 分钟"
    )


@pytest.mark.parametrize(
    ("value", "english", "chinese"),
    [
        (30.0, "the reading then is 30 mg/m3", "该时刻读数为 30 mg/m3"),
        (float("nan"), "no later one came", "此后未收到补传读数"),
    ],
)
def test_the_end_of_an_exceedance_in_late_data_says_whether_a_reading_ended_it(
    value: float, english: str, chinese: str, inventory: Inventory, subjects: Subjects, find: Find
) -> None:
    late = partial(find, detector="late_limit", received=NOON + 86_400_000)
    steps = steps_of(inventory, subjects, late("active", 60, 0, 44.5), late("clear", 120, 0, value))
    assert steps["resolved"].alert.text_en == (
        "SO2 (a21026), hourly corrected average at Stack 3, North Works, in late data: over its limit of 35 mg/m3 from "
        f"2024-05-01 12:00:00 +08:00 to 2024-05-01 12:02:00 +08:00 (2 min), at most 44.5 mg/m3; {english}; "
        "received 2024-05-02 12:00:00 +08:00"
    )
    assert steps["resolved"].alert.text_zh == (
        "北厂 3号烟囱：二氧化硫 (a21026)小时折算均值补传数据超标，限值 35 mg/m3；"
        "超标时段 2024-05-01 12:00:00 +08:00 至 2024-05-01 12:02:00 +08:00（2 分钟），最高 44.5 mg/m3；"
        f"{chinese}；接收时间 2024-05-02 12:00:00 +08:00"
    )


def test_names_that_left_the_inventory_are_replaced_by_their_ids(
    inventory: Inventory, subjects: Subjects, find: Find
) -> None:
    machine = AlertMachine((), Texts(Inventory((), (), (), ())))
    for detector in ("limit", "silence", "motion"):
        finding = find("active", detector=detector)
        step = machine.apply(finding, subjects.of(finding), 0)
        assert step and "north" in step.alert.text_en and "north" in step.alert.text_zh


@pytest.mark.parametrize(
    ("detector", "phases"),
    [
        *product(
            ("limit", "low", "silence", "camera_silence", "identity", "camera_identity", "motion", "health"),
            ("pending active level clear", "pending clear", "active clear"),
        ),
        ("late_limit", "active level clear"),
        ("late_low", "active level clear"),
    ],
)
def test_every_step_of_every_detector_has_both_texts(
    detector: str, phases: str, inventory: Inventory, subjects: Subjects, find: Find
) -> None:
    machine = AlertMachine((), Texts(inventory))
    for n, phase in enumerate(phases.split()):
        finding = find(
            "active" if phase == "level" else phase,
            60 * n,
            level=2 if phase == "level" else 1,
            detector={"low": "limit", "late_low": "late_limit"}.get(detector, detector),
            rule=int(detector in ("low", "late_low")),
            subject=int(detector in ("low", "late_low")),
            received=NOON,
        )
        subject = health_subject("store", "s") if detector == "health" else subjects.of(finding)
        step = machine.apply(finding, subject, 0)
        assert step is not None
        for text in (step.alert.text_en, step.alert.text_zh):
            assert text and "{" not in text and "  " not in text
        assert any("\u4e00" <= letter <= "\u9fff" for letter in step.alert.text_zh)
        assert step.alert.text_en.isascii()


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.0, "0"),
        (-0.0, "0"),
        (36.0, "36"),
        (0.000_12, "0.00012"),
        (1234.56, "1234.6"),
        (123_456.7, "123457"),
        (99_999.99, "100000"),
        (float("nan"), "—"),
        (float("inf"), "inf"),
    ],
)
def test_numbers_are_shown_without_noise(value: float, shown: str) -> None:
    assert number(value) == shown


@pytest.mark.parametrize(
    ("ms", "en"),
    [
        (0, "0 s"),
        (-5, "0 s"),
        (59_400, "59 s"),
        (60_000, "1 min"),
        (3_600_000, "1 h"),
        (3_605_000, "1 h"),
        (90_061_000, "1 d 1 h"),
    ],
)
def test_durations_have_at_most_two_units(ms: int, en: str) -> None:
    assert duration(ms).en == en


def test_a_time_that_never_was_is_a_dash(inventory: Inventory) -> None:
    assert local_time(-(2**63), inventory.sites[0].zone) == "—"


@pytest.mark.parametrize("module", [texts, feeds])
def test_examples_in_the_source_are_true(module: object) -> None:
    assert doctest.testmod(module).failed == 0  # pyright: ignore
