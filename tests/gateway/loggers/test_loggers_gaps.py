"""Missing minute and hour data of a device, and how they become alerts."""

from __future__ import annotations

from dataclasses import replace
from zoneinfo import ZoneInfo

import small_city
from logger_frames import HOUR, MINUTE, NOW, decoded, frame, head

from detectors.readings.gaps import PATIENCE_MS
from detectors.records import Phase
from gateway.alerts.machine import AlertMachine
from gateway.alerts.subjects import Subjects
from gateway.alerts.texts import Texts
from gateway.channels import Channels
from gateway.config import Hj212
from gateway.inventory import Hj212Device, Inventory
from gateway.loggers.loggers import Loggers
from gateway.loggers.regular import Gap


def inventory(minute: int = 10 * MINUTE, zone: str = "Asia/Shanghai") -> Inventory:
    small = small_city.inventory(2)
    site = replace(small.sites[0], zone=ZoneInfo(zone))
    devices = tuple(replace(device, hj212=Hj212Device(minute=minute)) for device in small.devices)
    return Inventory((site,), devices, small.cameras, small.limits)


def loggers(minute: int = 10 * MINUTE) -> Loggers:
    return Loggers(inventory(minute), Hj212())


def test_minutes_and_hours_are_followed_apart_and_by_device() -> None:
    some = loggers()
    some.step(
        decoded(
            frame(head(0, "2051"), NOW - 60 * MINUTE),
            frame(head(1, "2051"), NOW - 60 * MINUTE),
            frame(head(0, "2061"), NOW - 5 * HOUR),
            frame(head(0, "2051"), NOW - 20 * MINUTE),
            frame(head(1, "2051"), NOW - 50 * MINUTE),
            frame(head(0, "2061"), NOW - 2 * HOUR),
        )
    )
    assert some.gaps(0) == [
        Gap("minute", NOW - 50 * MINUTE, NOW - 20 * MINUTE),
        Gap("hour", NOW - 4 * HOUR, NOW - 2 * HOUR),
    ]
    assert some.gaps(1) == []
    assert some.totals().gaps == 2


def test_the_interval_of_the_device_says_what_a_period_is() -> None:
    some = loggers(minute=MINUTE)
    some.step(decoded(frame(head(0, "2051"), NOW - 3 * MINUTE), frame(head(0, "2051"), NOW)))
    assert some.gaps(0) == [Gap("minute", NOW - 2 * MINUTE, NOW)]


def test_real_time_data_and_quarantined_frames_say_nothing() -> None:
    some = loggers()
    some.step(
        decoded(
            frame(head(0, "2011"), NOW - HOUR),
            frame(head(0, "2011"), NOW),
            frame(head(0, "2051"), NOW - HOUR),
            frame(head(0, "2051"), NOW, taken=False),
        )
    )
    assert some.gaps(0) == []


def test_hours_are_those_of_the_site_s_clock() -> None:
    some = Loggers(inventory(zone="Asia/Kolkata"), Hj212())
    half = 30 * MINUTE
    some.step(decoded(frame(head(0, "2061"), NOW - 3 * HOUR - half), frame(head(0, "2061"), NOW - half)))
    assert some.gaps(0) == [Gap("hour", NOW - 2 * HOUR - half, NOW - half)]


def test_data_sent_later_close_the_gap_whether_marked_as_back_filled_or_not() -> None:
    some = loggers()
    some.step(decoded(frame(head(0, "2051"), NOW - 40 * MINUTE), frame(head(0, "2051"), NOW)))
    some.step(decoded(frame(head(0, "2051", rf=True), NOW - 20 * MINUTE), first=2))
    assert some.gaps(0) == [
        Gap("minute", NOW - 30 * MINUTE, NOW - 20 * MINUTE),
        Gap("minute", NOW - 10 * MINUTE, NOW),
    ]
    some.step(decoded(frame(head(0, "2051"), NOW - 30 * MINUTE), frame(head(0, "2051"), NOW - 10 * MINUTE), first=3))
    assert some.gaps(0) == []


def test_a_gap_that_stays_is_told_in_both_languages_and_resolved_when_it_is_closed() -> None:
    city = inventory()
    some = Loggers(city, Hj212())
    subjects, machine = Subjects(city, Channels(city)), AlertMachine([], Texts(city))
    some.step(decoded(frame(head(1, "2051"), NOW - 40 * MINUTE), frame(head(1, "2051"), NOW)))
    assert some.judge(NOW + PATIENCE_MS) == [], "two intervals of 10 min are the longer patience"
    (found,) = some.judge(NOW + 2 * PATIENCE_MS)
    subject = subjects.of(found)
    fired = machine.apply(found, subject, NOW)
    assert fired is not None
    assert (subject.rule, subject.id, subject.site) == ("gap_minute", "d1", "plant")
    assert fired.alert.text_en == (
        "Stack 1, Plant: minute data missing, 30 min in all, the first from 2026-05-01 15:30:00 +08:00; "
        "not sent later within 20 min"
    )
    assert fired.alert.text_zh == (
        "电厂 1号烟囱：缺少分钟数据，共 30 分钟，最早自 2026-05-01 15:30:00 +08:00 起；20 分钟内未补传"
    )
    assert some.judge(NOW + 3 * PATIENCE_MS) == []
    some.step(decoded(*(frame(head(1, "2051"), NOW - n * MINUTE) for n in (10, 20, 30)), first=2))
    (over,) = some.judge(NOW + 4 * PATIENCE_MS)
    ended = machine.apply(over, subjects.of(over), NOW)
    assert ended is not None and ended.alert.id == fired.alert.id
    assert ended.alert.text_en == (
        "Stack 1, Plant: no minute data missing any more at 2026-05-01 16:40:00 +08:00; "
        "the first had been missing from 2026-05-01 15:30:00 +08:00"
    )
    assert "已无缺失" in ended.alert.text_zh


def test_hour_data_are_a_subject_of_their_own() -> None:
    city = inventory()
    some = Loggers(city, Hj212())
    some.step(decoded(frame(head(1, "2061"), NOW - 4 * HOUR), frame(head(1, "2061"), NOW - HOUR)))
    (found,) = some.judge(NOW + 2 * HOUR)
    assert Subjects(city, Channels(city)).of(found).rule == "gap_hour"


def test_alerts_that_are_open_are_resolved_after_a_restart_and_not_made_twice() -> None:
    some = loggers()
    some.step(decoded(frame(head(0, "2051"), NOW - 40 * MINUTE), frame(head(0, "2051"), NOW)))
    (told,) = some.judge(NOW + HOUR)
    saved = some.dump()
    some = loggers()
    some.load(saved)
    some.resume_gaps({(0, "minute"): told.since})
    assert some.judge(NOW + HOUR) == []
    some.step(decoded(*(frame(head(0, "2051"), NOW - n * MINUTE) for n in (10, 20, 30)), first=2))
    assert [(found.phase, found.since) for found in some.judge(NOW + HOUR)] == [(Phase.CLEAR, told.since)]
