"""Texts: what an alert says to people, in English and Chinese. Two tables of templates, filled from the inventory.

Names that the inventory no longer has (the alert is older than the configuration) are replaced by their ids.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final

from gateway.alerts.records import Alert, Family, Step, Subject
from gateway.inventory import Inventory, Name

_EN: Final = {
    (
        "above",
        Step.PENDING,
    ): "{what} at {who}: {value} has reached the limit of {limit}, since {since}; not yet for the minimum duration",
    (
        "above",
        Step.FIRED,
    ): "{what} at {who}: {value} against a limit of {limit} (level {level}), since {since}{lasting}",
    ("above", Step.LEVEL): "{what} at {who}: now level {level}, {value} against a limit of {limit}, "
    "since {since}{lasting}",
    (
        "above",
        Step.RESOLVED,
    ): "{what} at {who}: back below its limit, {value} against {limit}; it was over from {since} "
    "to {at} ({duration}), at most {peak}",
    ("above", Step.WITHDRAWN): "{what} at {who}: back below its limit before the minimum duration, {value} against "
    "{limit}; it was over from {since} to {at} ({duration})",
    (
        "below",
        Step.PENDING,
    ): "{what} at {who}: {value} has fallen to the lower limit of {limit}, since {since}; not yet "
    "for the minimum duration",
    ("below", Step.FIRED): "{what} at {who}: {value} against a lower limit of {limit} (level {level}), "
    "since {since}{lasting}",
    ("below", Step.LEVEL): "{what} at {who}: now level {level}, {value} against a lower limit of {limit}, "
    "since {since}{lasting}",
    ("below", Step.RESOLVED): "{what} at {who}: back above its lower limit, {value} against {limit}; it was under from "
    "{since} to {at} ({duration}), at least {peak}",
    (
        "below",
        Step.WITHDRAWN,
    ): "{what} at {who}: back above its lower limit before the minimum duration, {value} against "
    "{limit}; it was under from {since} to {at} ({duration})",
    ("silence", Step.PENDING): "{who}: nothing received since {since}",
    (
        "silence",
        Step.FIRED,
    ): "{who} is silent: nothing received since {since}{lasting}; expected at least every {bound}",
    ("silence", Step.LEVEL): "{who} is silent, now level {level}: nothing received since {since}{lasting}",
    ("silence", Step.RESOLVED): "{who} is heard again at {at}; it was silent since {since} ({duration})",
    ("silence", Step.WITHDRAWN): "{who} is heard again at {at}, nothing received since {since} ({duration})",
    ("motion", Step.PENDING): "Movement in {what} at {who}: {value} of the zone, threshold {limit}, since {since}; not "
    "yet for the minimum duration",
    (
        "motion",
        Step.FIRED,
    ): "Movement in {what} at {who}: {value} of the zone, threshold {limit}, since {since}{lasting}",
    ("motion", Step.LEVEL): "Movement in {what} at {who}: now level {level}, {value} of the zone, threshold {limit}, "
    "since {since}{lasting}",
    (
        "motion",
        Step.RESOLVED,
    ): "Movement in {what} at {who} is over; it lasted from {since} to {at} ({duration}), at most {peak} of the zone",
    (
        "motion",
        Step.WITHDRAWN,
    ): "Movement in {what} at {who} is over before the minimum duration; it lasted from {since} to {at} ({duration})",
    (
        "health",
        Step.PENDING,
    ): "Gateway, {what}: {value} against {limit}, since {since}; not yet for the minimum duration",
    ("health", Step.FIRED): "Gateway, {what}: {value} against {limit} (level {level}), since {since}{lasting}",
    ("health", Step.LEVEL): "Gateway, {what}: now level {level}, {value} against {limit}, since {since}{lasting}",
    ("health", Step.RESOLVED): "Gateway, {what}: over, {value} against {limit}; it lasted from {since} to {at} "
    "({duration})",
    ("health", Step.WITHDRAWN): "Gateway, {what}: over before the minimum duration, {value} against {limit}",
}

_ZH: Final = {
    ("above", Step.PENDING): "{who}：{what} {value}，自 {since} 起达到限值 {limit}，尚未达到最短持续时间",
    ("above", Step.FIRED): "{who}：{what} {value}，限值 {limit}（{level} 级超标），自 {since} 起{lasting}",
    ("above", Step.LEVEL): "{who}：{what}超标变为 {level} 级，现为 {value}，限值 {limit}，自 {since} 起{lasting}",
    ("above", Step.RESOLVED): "{who}：{what}已恢复到限值以下，现为 {value}，限值 {limit}；超标时段 {since} 至 {at}"
    "（{duration}），最高 {peak}",
    ("above", Step.WITHDRAWN): "{who}：{what}未达到最短持续时间即恢复到限值以下，现为 {value}，限值 {limit}；"
    "时段 {since} 至 {at}（{duration}）",
    ("below", Step.PENDING): "{who}：{what} {value}，自 {since} 起降至下限 {limit}，尚未达到最短持续时间",
    ("below", Step.FIRED): "{who}：{what} {value}，下限 {limit}（{level} 级，低于下限），自 {since} 起{lasting}",
    ("below", Step.LEVEL): "{who}：{what}低于下限变为 {level} 级，现为 {value}，下限 {limit}，自 {since} 起{lasting}",
    ("below", Step.RESOLVED): "{who}：{what}已恢复到下限以上，现为 {value}，下限 {limit}；低于下限时段 {since} 至 {at}"
    "（{duration}），最低 {peak}",
    ("below", Step.WITHDRAWN): "{who}：{what}未达到最短持续时间即恢复到下限以上，现为 {value}，下限 {limit}；"
    "时段 {since} 至 {at}（{duration}）",
    ("silence", Step.PENDING): "{who}：自 {since} 起未收到数据",
    ("silence", Step.FIRED): "{who}失联：自 {since} 起未收到数据{lasting}；应至少每 {bound}有一次",
    ("silence", Step.LEVEL): "{who}失联变为 {level} 级：自 {since} 起未收到数据{lasting}",
    ("silence", Step.RESOLVED): "{who}已于 {at} 恢复通信；自 {since} 起失联（{duration}）",
    ("silence", Step.WITHDRAWN): "{who}已于 {at} 恢复通信；自 {since} 起未收到数据（{duration}）",
    (
        "motion",
        Step.PENDING,
    ): "{who}：{what}内有移动，占区域 {value}，阈值 {limit}，自 {since} 起，尚未达到最短持续时间",
    ("motion", Step.FIRED): "{who}：{what}内有移动，占区域 {value}，阈值 {limit}，自 {since} 起{lasting}",
    ("motion", Step.LEVEL): "{who}：{what}内移动变为 {level} 级，占区域 {value}，阈值 {limit}，自 {since} 起{lasting}",
    ("motion", Step.RESOLVED): "{who}：{what}内移动已结束；时段 {since} 至 {at}（{duration}），最多占区域 {peak}",
    ("motion", Step.WITHDRAWN): "{who}：{what}内移动未达到最短持续时间即结束；时段 {since} 至 {at}（{duration}）",
    ("health", Step.PENDING): "网关 {what}：{value}，界限 {limit}，自 {since} 起，尚未达到最短持续时间",
    ("health", Step.FIRED): "网关 {what}：{value}，界限 {limit}（{level} 级），自 {since} 起{lasting}",
    ("health", Step.LEVEL): "网关 {what}：变为 {level} 级，{value}，界限 {limit}，自 {since} 起{lasting}",
    ("health", Step.RESOLVED): "网关 {what}：已结束，{value}，界限 {limit}；时段 {since} 至 {at}（{duration}）",
    ("health", Step.WITHDRAWN): "网关 {what}：未达到最短持续时间即结束，{value}，界限 {limit}",
}

_FIELDS: Final = {
    "Rtd": Name("", ""),
    "Avg": Name("average", "均值"),
    "Min": Name("minimum", "最小值"),
    "Max": Name("maximum", "最大值"),
    "Cou": Name("total", "累计值"),
    "ZsRtd": Name("corrected", "折算值"),
    "ZsAvg": Name("corrected average", "折算均值"),
    "ZsMin": Name("corrected minimum", "折算最小值"),
    "ZsMax": Name("corrected maximum", "折算最大值"),
}
"""Fields of HJ 212-2017; another is shown as it is."""

_PERIODS: Final = {"minute": Name("minute", "分钟"), "hour": Name("hourly", "小时"), "day": Name("daily", "日")}

_HEALTH: Final = {
    "links": Name("links", "接入链路"),
    "store": Name("store", "数据库"),
    "journal": Name("journal", "接收日志"),
    "ledger": Name("alert ledger", "报警台账"),
}
"""What of the gateway is judged; another is shown by its name."""

_UNITS: Final = (("d", "天", 86_400), ("h", "小时", 3_600), ("min", "分钟", 60), ("s", "秒", 1))


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

    def __call__(self, alert: Alert, step: Step, at: int) -> tuple[str, str]:
        """English and Chinese text of an alert after a step at `at`, ms UTC."""
        subject = alert.subject
        kind = _kind_of(subject)
        who, what = self._who(subject), self._what(subject)
        site = self._sites.get(subject.site)
        zone = site.zone if site else UTC
        unit = "%" if kind == "motion" else subject.unit
        scale = 100.0 if kind == "motion" else 1.0
        shared = {
            "value": _amount(alert.value * scale, unit),
            "limit": _amount(alert.limit * scale, unit),
            "peak": _amount(alert.peak * scale, unit),
            "level": str(alert.level),
            "since": local_time(alert.since, zone),
            "at": local_time(at, zone),
        }
        lasted = duration(at - alert.since)
        bound = duration(int(alert.limit * 1000)) if math.isfinite(alert.limit) else Name("?", "?")
        begun = at - alert.since >= 1000
        english = _EN[kind, step].format(
            who=who.en,
            what=what.en,
            duration=lasted.en,
            bound=bound.en,
            lasting=f", for {lasted.en}" if begun else "",
            **shared,
        )
        chinese = _ZH[kind, step].format(
            who=who.zh,
            what=what.zh,
            duration=lasted.zh,
            bound=bound.zh,
            lasting=f"，已持续 {lasted.zh}" if begun else "",
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
                field = _FIELDS.get(subject.field, Name(subject.field, subject.field))
                period = _PERIODS.get(self._periods.get(subject.rule, ""), Name("", ""))
                kind_en = " ".join(word for word in (period.en, field.en) if word)
                kind_zh = period.zh + field.zh
                return Name(
                    f"{_coded(factor.en, subject.factor)}{f', {kind_en}' if kind_en else ''}",
                    f"{_coded(factor.zh, subject.factor)}{kind_zh}",
                )
            case Family.SECURITY:
                return self._zones.get((subject.site, subject.id, subject.rule), Name(subject.rule, subject.rule))
            case Family.GATEWAY_HEALTH:
                words = subject.id.replace("_", " ")
                return _HEALTH.get(subject.id, Name(words, words))
            case Family.DATA_QUALITY:
                return Name(subject.rule, subject.rule)


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
    for en, zh, size in _UNITS:
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
            return subject.side or "above"
        case Family.DATA_QUALITY:
            return "silence"
        case Family.SECURITY:
            return "motion"
        case Family.GATEWAY_HEALTH:
            return "health"


def _amount(value: float, unit: str) -> str:
    return f"{number(value)} {unit}" if unit else number(value)


def _coded(name: str, code: str) -> str:
    return f"{name} ({code})" if name and name != code else code
