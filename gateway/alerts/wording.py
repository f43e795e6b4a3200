"""The wording of alerts: the sentences and words that `texts` fills and joins, in English and Chinese.

`{who}` is a device or camera with its site; `{claimed}` whom a message named; `{what}` a factor, zone or health
check; `{lasting}` and `{reading}` are empty where there is nothing to say; `{ending}` is what ended an exceedance in
late data, which is never pending.
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
    "late_above": {
        Step.FIRED: "{what} at {who}, in late data: {value} against a limit of {limit} (level {level}), measured {at}, "
        "received {received}; over since {since}{lasting}",
        Step.LEVEL: "{what} at {who}, in late data: level {level}, {value} against a limit of {limit}, measured {at}, "
        "received {received}; over since {since}{lasting}",
        Step.RESOLVED: "{what} at {who}, in late data: over its limit of {limit} from {since} to {at} ({duration}), at "
        "most {peak}; {ending}; received {received}",
    },
    "late_below": {
        Step.FIRED: "{what} at {who}, in late data: {value} against a lower limit of {limit} (level {level}), measured "
        "{at}, received {received}; under since {since}{lasting}",
        Step.LEVEL: "{what} at {who}, in late data: level {level}, {value} against a lower limit of {limit}, measured "
        "{at}, received {received}; under since {since}{lasting}",
        Step.RESOLVED: "{what} at {who}, in late data: under its lower limit of {limit} from {since} to {at} "
        "({duration}), at least {peak}; {ending}; received {received}",
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
    "clock_ahead": {
        **dict.fromkeys(
            (Step.PENDING, Step.FIRED, Step.LEVEL),
            "{who}: its clock is {lost} ahead (allowed {bound}), found at {since}; readings are judged as received",
        ),
        **dict.fromkeys(
            (Step.RESOLVED, Step.WITHDRAWN), "{who}: its clock is no longer ahead at {at}; it was since {since}"
        ),
    },
    "clock_behind": {
        **dict.fromkeys(
            (Step.PENDING, Step.FIRED, Step.LEVEL),
            "{who}: its clock is {lost} behind (allowed {bound}), found at {since}",
        ),
        **dict.fromkeys(
            (Step.RESOLVED, Step.WITHDRAWN), "{who}: its clock is no longer behind at {at}; it was since {since}"
        ),
    },
    "no_clock": {
        **dict.fromkeys(
            (Step.PENDING, Step.FIRED, Step.LEVEL),
            "{who}: it has no clock (its stamps are missing, of long ago, or stand still), found at {since}",
        ),
        **dict.fromkeys(
            (Step.RESOLVED, Step.WITHDRAWN), "{who}: it has a clock again at {at}; it had none since {since}"
        ),
    },
    "clock_drifting": {
        **dict.fromkeys(
            (Step.PENDING, Step.FIRED, Step.LEVEL),
            "{who}: its clock drifts by {lost} a day (allowed {bound}), found at {since}",
        ),
        **dict.fromkeys(
            (Step.RESOLVED, Step.WITHDRAWN), "{who}: its clock does not drift any more at {at}; it did since {since}"
        ),
    },
    "identity": {
        Step.PENDING: "{who}: what came by its topic or connection named {claimed}, since {since}",
        Step.FIRED: "{who}: what came by its topic or connection at {since} named {claimed}; it was not taken",
        Step.LEVEL: "{who}: {value} messages that came by its topic or connection named another, last {claimed}, "
        "since {since}{lasting}; none was taken",
        Step.RESOLVED: "{who}: no message under another name for {bound}, as of {at}; since {since} there were "
        "{value}, last under {claimed}, and none was taken",
        Step.WITHDRAWN: "{who}: no message under another name for {bound}, as of {at}",
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
    "late_above": {
        Step.FIRED: "{who}：{what}补传数据 {value}，限值 {limit}（{level} 级超标），测量时间 {at}，"
        "接收时间 {received}；自 {since} 起超标{lasting}",
        Step.LEVEL: "{who}：{what}补传数据超标变为 {level} 级，{value}，限值 {limit}，测量时间 {at}，"
        "接收时间 {received}；自 {since} 起超标{lasting}",
        Step.RESOLVED: "{who}：{what}补传数据超标，限值 {limit}；超标时段 {since} 至 {at}（{duration}），最高 {peak}；"
        "{ending}；接收时间 {received}",
    },
    "late_below": {
        Step.FIRED: "{who}：{what}补传数据 {value}，下限 {limit}（{level} 级，低于下限），测量时间 {at}，"
        "接收时间 {received}；自 {since} 起低于下限{lasting}",
        Step.LEVEL: "{who}：{what}补传数据低于下限变为 {level} 级，{value}，下限 {limit}，测量时间 {at}，"
        "接收时间 {received}；自 {since} 起低于下限{lasting}",
        Step.RESOLVED: "{who}：{what}补传数据低于下限 {limit}；低于下限时段 {since} 至 {at}（{duration}），"
        "最低 {peak}；{ending}；接收时间 {received}",
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
    "clock_ahead": {
        **dict.fromkeys(
            (Step.PENDING, Step.FIRED, Step.LEVEL),
            "{who}：时钟快 {lost}（允许 {bound}），发现于 {since}；其数据按接收时间判定",
        ),
        **dict.fromkeys((Step.RESOLVED, Step.WITHDRAWN), "{who}：时钟于 {at} 不再偏快；自 {since} 起偏快"),
    },
    "clock_behind": {
        **dict.fromkeys((Step.PENDING, Step.FIRED, Step.LEVEL), "{who}：时钟慢 {lost}（允许 {bound}），发现于 {since}"),
        **dict.fromkeys((Step.RESOLVED, Step.WITHDRAWN), "{who}：时钟于 {at} 不再偏慢；自 {since} 起偏慢"),
    },
    "no_clock": {
        **dict.fromkeys(
            (Step.PENDING, Step.FIRED, Step.LEVEL),
            "{who}：没有可用时钟（时间缺失、过于久远或停走），发现于 {since}",
        ),
        **dict.fromkeys((Step.RESOLVED, Step.WITHDRAWN), "{who}：时钟于 {at} 恢复可用；自 {since} 起不可用"),
    },
    "clock_drifting": {
        **dict.fromkeys(
            (Step.PENDING, Step.FIRED, Step.LEVEL), "{who}：时钟每日漂移 {lost}（允许 {bound}），发现于 {since}"
        ),
        **dict.fromkeys((Step.RESOLVED, Step.WITHDRAWN), "{who}：时钟于 {at} 不再漂移；自 {since} 起漂移"),
    },
    "identity": {
        Step.PENDING: "{who}：自 {since} 起，经其主题或连接收到自称 {claimed} 的报文",
        Step.FIRED: "{who}：{since} 经其主题或连接收到自称 {claimed} 的报文，未予采用",
        Step.LEVEL: "{who}：自 {since} 起经其主题或连接收到 {value} 条以他人名义发送的报文，最近一条自称 {claimed}"
        "{lasting}；均未采用",
        Step.RESOLVED: "{who}：截至 {at}，已有 {bound}未收到以他人名义发送的报文；自 {since} 起共 {value} 条，"
        "最近一条自称 {claimed}，均未采用",
        Step.WITHDRAWN: "{who}：截至 {at}，已有 {bound}未收到以他人名义发送的报文",
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
    "strangers_dropped": Name(
        "messages under too many names that are not in the inventory are dropped", "名录外名称过多，部分报文已丢弃"
    ),
    "journal_refuses": Name("the journal takes no messages", "接收日志无法写入"),
    "journal_damaged": Name(
        "part of the journal cannot be read; its bytes are in the journal's quarantine folder",
        "接收日志部分损坏无法读取，损坏部分已移入隔离目录",
    ),
}
"""Checks of the gateway itself; another is shown by its name."""

UNITS: Final = (("d", "天", 86_400), ("h", "小时", 3_600), ("min", "分钟", 60), ("s", "秒", 1))
