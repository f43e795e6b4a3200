"""Texts: what an alert says to people, in English and Chinese. The sentences of `wording`, filled from the inventory.

Names that the inventory no longer has (the alert is older than the configuration) are replaced by their ids.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final

from detectors.records import Finding
from gateway.alerts.records import CLAIMS, Alert, Family, Step, Subject
from gateway.alerts.subjects import CLOCKS, GAPS, IDENTITY, LATE, limit_of
from gateway.alerts.wording import CHINESE, ENGLISH, FIELDS, HEALTH, PERIODS, UNITS
from gateway.inventory import Inventory, Name

_LINK: Final = "link_"
"""A health check of this name and a link's is about that link."""


class Texts:
    """Writes the texts of alerts; an instance is the `Write` of `AlertMachine`."""

    def __init__(self, inventory: Inventory) -> None:
        sites = inventory.sites
        self._sites = {site.id: site for site in sites}
        self._names: dict[tuple[str, str, str], Name] = {
            ("device", sites[device.site].id, device.id): device.name for device in inventory.devices
        }
        self._names |= {("camera", sites[camera.site].id, camera.id): camera.name for camera in inventory.cameras}
        self._zones = {
            (sites[camera.site].id, camera.id, zone.id): zone.name
            for camera in inventory.cameras
            for zone in camera.zones
        }
        self._factors = {
            (sites[device.site].id, device.id, factor.code): factor.name
            for device in inventory.devices
            for factor in device.factors
        }
        self._periods = {rule.id: rule.period for rule in inventory.limits}

    def __call__(self, alert: Alert, step: Step, finding: Finding) -> tuple[str, str]:
        """English and Chinese text of an alert after the step that a finding made."""
        subject, at = alert.subject, finding.time
        kind = _kind_of(subject)
        who, what = self._who(subject), self._what(subject)
        site = self._sites.get(subject.site)
        zone = site.zone if site else UTC
        unit = "%" if kind == "motion" else subject.unit
        value, limit, peak = alert.value, alert.limit, alert.peak
        if kind == "motion":  # shares of a zone, of which a tenth of a per cent is more than is known
            value, limit, peak = (round(share * 100, 1) for share in (value, limit, peak))
        shared = {
            "value": _amount(value, unit),
            "limit": _amount(limit, unit),
            "peak": _amount(peak, unit),
            "level": str(alert.level),
            "claimed": _claimed(alert.evidence),
            "since": local_time(alert.since, zone),
            "at": local_time(at, zone),
            "received": local_time(finding.received, zone),
        }
        lasted = duration(at - alert.since)
        bound = duration(int(alert.limit * 1000)) if math.isfinite(alert.limit) else Name("?", "?")
        lost = duration(int(value * 1000)) if math.isfinite(value) else Name("?", "?")
        begun = at - alert.since >= 1000
        measured = bool(unit)  # a health check without a unit only says yes or no
        english = ENGLISH[kind][step].format(
            who=who.en,
            what=what.en,
            duration=lasted.en,
            bound=bound.en,
            lost=lost.en,
            lasting=f", for {lasted.en}" if begun else "",
            reading=f" ({shared['value']}, limit {shared['limit']})" if measured else "",
            ending=f"the reading then is {shared['value']}" if math.isfinite(value) else "no later one came",
            **shared,
        )
        chinese = CHINESE[kind][step].format(
            who=who.zh,
            what=what.zh,
            duration=lasted.zh,
            bound=bound.zh,
            lost=lost.zh,
            lasting=f"，已持续 {lasted.zh}" if begun else "",
            reading=f"（{shared['value']}，界限 {shared['limit']}）" if measured else "",
            ending=f"该时刻读数为 {shared['value']}" if math.isfinite(value) else "此后未收到补传读数",
            **shared,
        )
        return english, chinese

    def _who(self, subject: Subject) -> Name:
        name = self._names.get((subject.kind, subject.site, subject.id), Name(subject.id, subject.id))
        site = self._sites.get(subject.site)
        place = site.name if site else Name(subject.site, subject.site)
        return Name(f"{name.en}, {place.en}", f"{place.zh} {name.zh}")

    def _what(self, subject: Subject) -> Name:
        match subject.family:
            case Family.EXCEEDANCE:
                factor = self._factors.get((subject.site, subject.id, subject.factor), Name("", ""))
                field = FIELDS.get(subject.field, Name(subject.field, subject.field))
                period = PERIODS.get(self._periods.get(limit_of(subject), ""), Name("", ""))
                kind_en = " ".join(word for word in (period.en, field.en) if word)
                kind_zh = period.zh + field.zh
                return Name(
                    f"{_coded(factor.en, subject.factor)}{f', {kind_en}' if kind_en else ''}",
                    f"{_coded(factor.zh, subject.factor)}{kind_zh}",
                )
            case Family.SECURITY:
                return self._zones.get((subject.site, subject.id, subject.rule), Name(subject.rule, subject.rule))
            case Family.GATEWAY_HEALTH:
                if subject.id.startswith(_LINK):
                    link = subject.id.removeprefix(_LINK)
                    return Name(f"link {link} is not connected", f"链路 {link} 未连接")
                words = subject.id.replace("_", " ")
                return HEALTH.get(subject.id, Name(words, words))
            case Family.DATA_QUALITY:
                return PERIODS.get(GAPS.get(subject.rule, ""), Name(subject.rule, subject.rule))


def number(value: float) -> str:
    """A value for people: five significant digits, no exponent in the ranges that occur, `—` where there is none.

    >>> [number(x) for x in (41.2, 0.02, 1234.56, 1234567.8, 36.0, float("nan"))]
    ['41.2', '0.02', '1234.6', '1234568', '36', '—']
    """
    if math.isnan(value):
        return "—"
    if 99_999.5 <= abs(value) < 1e15:
        return f"{value:.0f}"
    return f"{value + 0.0:.5g}"


def local_time(ms: int, zone: tzinfo) -> str:
    """A time (ms UTC) on the clock of a place, with its offset; `—` for one outside the years 1 to 9999.

    >>> from zoneinfo import ZoneInfo
    >>> local_time(1_714_521_600_000, ZoneInfo("Asia/Shanghai"))
    '2024-05-01 08:00:00 +08:00'
    """
    try:
        moment = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=ms)).astimezone(zone)
    except OverflowError:
        return "—"
    offset = moment.strftime("%z")
    return f"{moment:%Y-%m-%d %H:%M:%S} {offset[:3]}:{offset[3:5]}"


def duration(ms: int) -> Name:
    """A stretch of time in its two largest units.

    >>> duration(7_500_000)
    Name(en='2 h 5 min', zh='2 小时 5 分钟')
    """
    seconds = max(round(ms / 1000), 0)
    english: list[str] = []
    chinese: list[str] = []
    for en, zh, size in UNITS:
        count, seconds = divmod(seconds, size)
        if count and len(english) < 2:
            english.append(f"{count} {en}")
            chinese.append(f"{count} {zh}")
        elif english:
            break  # the next smaller unit is nought or one too many: "2 h" says it
    return Name(" ".join(english) or "0 s", " ".join(chinese) or "0 秒")


def _kind_of(subject: Subject) -> str:
    match subject.family:
        case Family.EXCEEDANCE:
            side = subject.side or "above"
            return f"late_{side}" if subject.rule.endswith(LATE) else side
        case Family.DATA_QUALITY:
            if subject.rule in CLOCKS.values():
                return subject.rule
            return "gap" if subject.rule in GAPS else "identity" if subject.rule == IDENTITY else "silence"
        case Family.SECURITY:
            return "motion"
        case Family.GATEWAY_HEALTH:
            return "health"


def _claimed(evidence: Iterable[str]) -> str:
    """The name in the newest reference to one; `?` where none is among the evidence."""
    names = [reference.removeprefix(CLAIMS) for reference in evidence if reference.startswith(CLAIMS)]
    return names[-1] if names else "?"


def _amount(value: float, unit: str) -> str:
    return f"{number(value)} {unit}" if unit else number(value)


def _coded(name: str, code: str) -> str:
    return f"{name} ({code})" if name and name != code else code
