"""The wording of alerts: the sentences and words that `texts` fills and joins, in English and Chinese.

`{who}` is a device or camera with its site; `{what}` a factor, zone or health check; `{lasting}` and `{reading}` are
empty where there is nothing to say.
"""

from __future__ import annotations

from typing import Final

from gateway.alerts.records import Step
from gateway.inventory import Name

ENGLISH: Final = {
    "above": {
        Step.PENDING: "{what} at {who}: {value} has reached the limit of {limit}, since {since}; not yet for the "
        "minimum duration",
        Step.FIRED: "{what} at {who}: {value} against a limit of {limit} (level {level}), since {since}{lasting}",
        Step.LEVEL: "{what} at {who}: now level {level}, {value} against a limit of {limit}, since {since}{lasting}",
        Step.RESOLVED: "{what} at {who}: back below its limit, {value} against {limit}; it was over from {since} "
        "to {at} ({duration}), at most {peak}",
        Step.WITHDRAWN: "{what} at {who}: back below its limit before the minimum duration, {value} against "
        "{limit}; it was over from {since} to {at} ({duration})",
    },
    "below": {
        Step.PENDING: "{what} at {who}: {value} has fallen to the lower limit of {limit}, since {since}; not yet "
        "for the minimum duration",
        Step.FIRED: "{what} at {who}: {value} against a lower limit of {limit} (level {level}), since {since}{lasting}",
        Step.LEVEL: "{what} at {who}: now level {level}, {value} against a lower limit of {limit}, since "
        "{since}{lasting}",
        Step.RESOLVED: "{what} at {who}: back above its lower limit, {value} against {limit}; it was under from "
        "{since} to {at} ({duration}), at least {peak}",
        Step.WITHDRAWN: "{what} at {who}: back above its lower limit before the minimum duration, {value} "
        "against {limit}; it was under from {since} to {at} ({duration})",
    },
    "silence": {
        Step.PENDING: "{who}: nothing received since {since}",
        Step.FIRED: "{who} is silent: nothing received since {since}{lasting}; expected at least every {bound}",
        Step.LEVEL: "{who} is silent, now level {level}: nothing received since {since}{lasting}",
        Step.RESOLVED: "{who} is heard again at {at}; it was silent since {since} ({duration})",
        Step.WITHDRAWN: "{who} is heard again at {at}, nothing received since {since} ({duration})",
    },
    "gap": {
        Step.PENDING: "{who}: {what} data missing since {since}",
        Step.FIRED: "{who}: {what} data missing, {lost} in all, the first from {since}; not sent later within {bound}",
        Step.LEVEL: "{who}: {what} data missing, now level {level}, {lost} in all, the first from {since}",
        Step.RESOLVED: "{who}: no {what} data missing any more at {at}; the first had been missing from {since}",
        Step.WITHDRAWN: "{who}: no {what} data missing any more at {at}",
    },
    "motion": {
        Step.PENDING: "Movement in {what} at {who}: {value} of the zone, threshold {limit}, since {since}; not "
        "yet for the minimum duration",
        Step.FIRED: "Movement in {what} at {who}: {value} of the zone, threshold {limit}, since {since}{lasting}",
        Step.LEVEL: "Movement in {what} at {who}: now level {level}, {value} of the zone, threshold {limit}, "
        "since {since}{lasting}",
        Step.RESOLVED: "Movement in {what} at {who} is over; it lasted from {since} to {at} ({duration}), at "
        "most {peak} of the zone",
        Step.WITHDRAWN: "Movement in {what} at {who} is over before the minimum duration; it lasted from {since} "
        "to {at} ({duration})",
    },
    "health": {
        Step.PENDING: "Gateway: {what}{reading}, since {since}; not yet for the minimum duration",
        Step.FIRED: "Gateway: {what}{reading}, since {since}{lasting}",
        Step.LEVEL: "Gateway: now level {level}, {what}{reading}, since {since}{lasting}",
        Step.RESOLVED: "Gateway, over: {what}{reading}; it lasted from {since} to {at} ({duration})",
        Step.WITHDRAWN: "Gateway, over before the minimum duration: {what}{reading}",
    },
}

CHINESE: Final = {
    "above": {
        Step.PENDING: "{who}：{what} {value}，自 {since} 起达到限值 {limit}，尚未达到最短持续时间",
        Step.FIRED: "{who}：{what} {value}，限值 {limit}（{level} 级超标），自 {since} 起{lasting}",
        Step.LEVEL: "{who}：{what}超标变为 {level} 级，现为 {value}，限值 {limit}，自 {since} 起{lasting}",
        Step.RESOLVED: "{who}：{what}已恢复到限值以下，现为 {value}，限值 {limit}；"
        "超标时段 {since} 至 {at}（{duration}），最高 {peak}",
        Step.WITHDRAWN: "{who}：{what}未达到最短持续时间即恢复到限值以下，现为 {value}，限值 {limit}；"
        "时段 {since} 至 {at}（{duration}）",
    },
    "below": {
        Step.PENDING: "{who}：{what} {value}，自 {since} 起降至下限 {limit}，尚未达到最短持续时间",
        Step.FIRED: "{who}：{what} {value}，下限 {limit}（{level} 级，低于下限），自 {since} 起{lasting}",
        Step.LEVEL: "{who}：{what}低于下限变为 {level} 级，现为 {value}，下限 {limit}，自 {since} 起{lasting}",
        Step.RESOLVED: "{who}：{what}已恢复到下限以上，现为 {value}，下限 {limit}；"
        "低于下限时段 {since} 至 {at}（{duration}），最低 {peak}",
        Step.WITHDRAWN: "{who}：{what}未达到最短持续时间即恢复到下限以上，现为 {value}，下限 {limit}；"
        "时段 {since} 至 {at}（{duration}）",
    },
    "silence": {
        Step.PENDING: "{who}：自 {since} 起未收到数据",
        Step.FIRED: "{who}失联：自 {since} 起未收到数据{lasting}；应至少每 {bound}有一次",
        Step.LEVEL: "{who}失联变为 {level} 级：自 {since} 起未收到数据{lasting}",
        Step.RESOLVED: "{who}已于 {at} 恢复通信；自 {since} 起失联（{duration}）",
        Step.WITHDRAWN: "{who}已于 {at} 恢复通信；自 {since} 起未收到数据（{duration}）",
    },
    "gap": {
        Step.PENDING: "{who}：自 {since} 起缺少{what}数据",
        Step.FIRED: "{who}：缺少{what}数据，共 {lost}，最早自 {since} 起；{bound}内未补传",
        Step.LEVEL: "{who}：缺少{what}数据变为 {level} 级，共 {lost}，最早自 {since} 起",
        Step.RESOLVED: "{who}：{what}数据于 {at} 已无缺失；最早缺失自 {since} 起",
        Step.WITHDRAWN: "{who}：{what}数据于 {at} 已无缺失",
    },
    "motion": {
        Step.PENDING: "{who}：{what}内有移动，占区域 {value}，阈值 {limit}，自 {since} 起，尚未达到最短持续时间",
        Step.FIRED: "{who}：{what}内有移动，占区域 {value}，阈值 {limit}，自 {since} 起{lasting}",
        Step.LEVEL: "{who}：{what}内移动变为 {level} 级，占区域 {value}，阈值 {limit}，自 {since} 起{lasting}",
        Step.RESOLVED: "{who}：{what}内移动已结束；时段 {since} 至 {at}（{duration}），最多占区域 {peak}",
        Step.WITHDRAWN: "{who}：{what}内移动未达到最短持续时间即结束；时段 {since} 至 {at}（{duration}）",
    },
    "health": {
        Step.PENDING: "网关：{what}{reading}，自 {since} 起，尚未达到最短持续时间",
        Step.FIRED: "网关：{what}{reading}，自 {since} 起{lasting}",
        Step.LEVEL: "网关：变为 {level} 级，{what}{reading}，自 {since} 起{lasting}",
        Step.RESOLVED: "网关，已恢复：{what}{reading}；时段 {since} 至 {at}（{duration}）",
        Step.WITHDRAWN: "网关，未达到最短持续时间即恢复：{what}{reading}",
    },
}

FIELDS: Final = {
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

PERIODS: Final = {"minute": Name("minute", "分钟"), "hour": Name("hourly", "小时"), "day": Name("daily", "日")}

HEALTH: Final = {
    "disk_full": Name(
        "the disk of the journal is full; nothing is acknowledged", "接收日志所在磁盘已满，已停止确认接收"
    ),
    "ledger_refuses": Name("the alert ledger could not be written, and all stood still", "告警台账无法写入，处理暂停"),
    "store_away": Name("the store takes no writes", "数据库无法写入"),
    "store_skipped": Name("messages left the journal before they were stored", "部分数据入库前已从接收日志删除"),
    "journal_filling": Name("the journal is filling up", "接收日志接近上限"),
    "journal_refuses": Name("the journal takes no messages", "接收日志无法写入"),
}
"""Checks of the gateway itself; another is shown by its name."""

UNITS: Final = (("d", "天", 86_400), ("h", "小时", 3_600), ("min", "分钟", 60), ("s", "秒", 1))
