"""The console's own words, in English and Chinese."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from gateway.alerts.records import Family
from gateway.inventory import Name

Language = Literal["en", "zh"]


@dataclass(frozen=True, slots=True)
class Words:
    """One language."""

    language: Language
    html_lang: Literal["en-US", "zh-CN"]
    title: str
    readings_rate: str
    messages_rate: str
    frames_rate: str
    open_alerts: str
    pending: str
    dead_letters: str
    journal: str
    store: str
    stored: str
    behind: str
    away: str
    unknown: str
    level: str
    what: str
    where: str
    since: str
    value: str
    limit: str
    of_zone: str
    no_alerts: str
    newest_first: str
    more: str
    resolved: str
    no_resolved: str
    lasted: str
    at_most: str
    at_least: str
    trend: str
    site: str
    device: str
    factor: str
    local_time: str
    no_points: str
    store_away: str
    cameras: str
    no_cameras: str
    no_frame: str
    detections: str
    no_detections: str
    box: str
    boxes: str
    silence: str
    identity: str
    late: str
    """Of a factor: what it is called where its data came late."""
    missing: dict[str, str]
    clocks: dict[str, str]
    """Rule of an alert on a clock to what it judges."""
    loggers: str
    worst_first: str
    logger: str
    edition: str
    recognised: str
    configured: str
    last_frame: str
    with_verdicts: str
    of_frames: str
    verdicts: str
    no_verdicts: str
    gaps: str
    no_gaps: str
    and_more: str
    more_loggers: str
    first_heard: str
    strangers: str
    last_first: str
    stranger: str
    link: str
    reason: str
    last_heard: str
    messages: str
    more_strangers: str
    encrypted: str
    quarantined_frame: str
    counts: dict[str, str]
    data_of: dict[str, str]
    told: str
    nothing_told: str
    incomplete_set: str
    families: dict[Family, str]
    periods: dict[str, str]
    kinds: dict[str, str]
    windows: dict[int, str]
    under_a_minute: str

    def pick(self, name: Name) -> str:
        """The name in this language."""
        return name.zh if self.language == "zh" else name.en


MINUTE: Final = 60_000
HOUR: Final = 60 * MINUTE

ENGLISH: Final = Words(
    language="en",
    html_lang="en-US",
    title="Pollution and video gateway",
    readings_rate="Readings/s",
    messages_rate="Messages/s",
    frames_rate="Frames/s",
    open_alerts="Open alerts",
    pending="{} pending",
    dead_letters="Dead letters",
    journal="Journal",
    store="Store",
    stored="up to date",
    behind="{} behind",
    away="away",
    unknown="—",
    level="Level",
    what="What",
    where="Where",
    since="Since",
    value="Value",
    limit="limit",
    of_zone="{} of the zone",
    no_alerts="No open alerts",
    newest_first="newest first",
    more="and {} more, at /api/v1/alerts",
    resolved="Recently resolved",
    no_resolved="Nothing resolved yet",
    lasted="lasted",
    at_most="at most",
    at_least="at least",
    trend="Trend",
    site="Site",
    device="Device",
    factor="Factor",
    local_time="local time of the site",
    no_points="No readings in this window",
    store_away="The store does not answer; live values only",
    cameras="Cameras",
    no_cameras="No cameras in the inventory",
    no_frame="No frame yet",
    detections="Last detections",
    no_detections="Nothing detected yet",
    box="1 box",
    boxes="{} boxes",
    silence="Silence",
    identity="Under another name",
    late="{}, late data",
    missing={"minute": "Minute data missing", "hour": "Hour data missing"},
    clocks={
        "clock_ahead": "Clock ahead",
        "clock_behind": "Clock behind",
        "no_clock": "No clock",
        "clock_drifting": "Clock drifting",
    },
    loggers="Loggers (HJ 212)",
    worst_first="most verdicts first",
    logger="Logger",
    edition="Edition",
    recognised="recognised",
    configured="configured",
    last_frame="Last frame",
    with_verdicts="Frames with verdicts",
    of_frames="{} of {}",
    verdicts="Verdicts",
    no_verdicts="Keeps to the standard",
    gaps="Gaps",
    no_gaps="Nothing missing",
    and_more="+{}",
    more_loggers="and {} more, at /api/v1/protocol",
    first_heard="first heard",
    strangers="Not in the inventory",
    last_first="last heard first",
    stranger="Name and topic",
    link="Link",
    reason="Reason",
    last_heard="last heard",
    messages="Messages",
    more_strangers="and {} more, at /api/v1/strangers",
    encrypted="encrypted",
    quarantined_frame="quarantined",
    counts={
        "frames": "frames",
        "quarantined": "quarantined",
        "repeats": "repeated",
        "back_filled": "back-filled",
        "encrypted": "encrypted",
        "sets_complete": "sets complete",
        "sets_incomplete": "sets incomplete",
    },
    data_of={"minute": "Minute data", "hour": "Hour data"},
    told="Told beside readings",
    nothing_told="Nothing yet",
    incomplete_set="packets {} of {} missing",
    families={
        Family.EXCEEDANCE: "Exceedance",
        Family.DATA_QUALITY: "Data quality",
        Family.GATEWAY_HEALTH: "Gateway health",
        Family.SECURITY: "Security",
    },
    periods={"realtime": "real time", "minute": "minute", "hour": "hour", "day": "day"},
    kinds={"motion": "Motion"},
    windows={10 * MINUTE: "10 min", HOUR: "1 h", 6 * HOUR: "6 h", 24 * HOUR: "24 h"},
    under_a_minute="< 1 min",
)

CHINESE: Final = Words(
    language="zh",
    html_lang="zh-CN",
    title="污染与视频传感网关",
    readings_rate="读数/秒",
    messages_rate="消息/秒",
    frames_rate="图像/秒",
    open_alerts="未解除报警",
    pending="{} 条待定",
    dead_letters="死信",
    journal="消息日志",
    store="数据库",
    stored="已同步",
    behind="滞后 {}",
    away="无法连接",
    unknown="—",
    level="级别",
    what="内容",
    where="位置",
    since="开始时间",
    value="数值",
    limit="限值",
    of_zone="占区域 {}",
    no_alerts="当前没有未解除的报警",
    newest_first="最新在前",
    more="另有 {} 条，见 /api/v1/alerts",
    resolved="最近解除",
    no_resolved="尚无已解除的报警",
    lasted="持续",
    at_most="最高",
    at_least="最低",
    trend="趋势",
    site="站点",
    device="设备",
    factor="因子",
    local_time="站点当地时间",
    no_points="该时段内没有读数",
    store_away="数据库无响应，仅显示实时值",
    cameras="摄像机",
    no_cameras="清单中没有摄像机",
    no_frame="尚无图像",
    detections="最近检测",
    no_detections="尚无检测结果",
    box="1 个目标框",
    boxes="{} 个目标框",
    silence="失联",
    identity="以他人名义发送",
    late="{}（补传数据）",
    missing={"minute": "分钟数据缺失", "hour": "小时数据缺失"},
    clocks={
        "clock_ahead": "时钟偏快",
        "clock_behind": "时钟偏慢",
        "no_clock": "无可用时钟",
        "clock_drifting": "时钟漂移",
    },
    loggers="数采仪（HJ 212）",
    worst_first="问题最多在前",
    logger="数采仪",
    edition="版本",
    recognised="自动识别",
    configured="已配置",
    last_frame="最近报文",
    with_verdicts="有问题的报文",
    of_frames="{} / {}",
    verdicts="问题",
    no_verdicts="符合标准",
    gaps="数据缺失",
    no_gaps="无缺失",
    and_more="+{}",
    more_loggers="另有 {} 台，见 /api/v1/protocol",
    first_heard="首次收到",
    strangers="名录外来源",
    last_first="最近收到的在前",
    stranger="名称与主题",
    link="链路",
    reason="原因",
    last_heard="最近收到",
    messages="消息",
    more_strangers="另有 {} 个，见 /api/v1/strangers",
    encrypted="已加密",
    quarantined_frame="已隔离",
    counts={
        "frames": "报文",
        "quarantined": "隔离",
        "repeats": "重发",
        "back_filled": "补传",
        "encrypted": "加密",
        "sets_complete": "完整分包",
        "sets_incomplete": "不完整分包",
    },
    data_of={"minute": "分钟数据", "hour": "小时数据"},
    told="其他上报信息",
    nothing_told="暂无",
    incomplete_set="共 {1} 包，缺第 {0} 包",
    families={
        Family.EXCEEDANCE: "超标",
        Family.DATA_QUALITY: "数据质量",
        Family.GATEWAY_HEALTH: "网关状态",
        Family.SECURITY: "安防",
    },
    periods={"realtime": "实时", "minute": "分钟", "hour": "小时", "day": "日"},
    kinds={"motion": "运动"},
    windows={10 * MINUTE: "10 分钟", HOUR: "1 小时", 6 * HOUR: "6 小时", 24 * HOUR: "24 小时"},
    under_a_minute="不足 1 分钟",
)

LANGUAGES: Final[dict[str, Words]] = {"en": ENGLISH, "zh": CHINESE}


def choose(asked: str | None, accepted: str) -> Words:
    """The language that was asked for, else the first of an Accept-Language header that we speak, else English."""
    if asked in LANGUAGES:
        return LANGUAGES[asked]
    for part in accepted.split(","):
        words = LANGUAGES.get(part.strip()[:2].lower())
        if words is not None:
            return words
    return ENGLISH
