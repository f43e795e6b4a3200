"""What HJ 212 writes in codes, in words: header fields, system types, fields of a factor, flags, results.

English and Chinese each. The commands have a table of their own, and so have the factors.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

from gateway.hj212.editions import Edition


class Words(NamedTuple):
    """A meaning in both languages."""

    en: str
    zh: str


def _table(rows: dict[str, tuple[str, str]]) -> Mapping[str, Words]:
    return MappingProxyType({code: Words(*words) for code, words in rows.items()})


HEADER: Final = _table(
    {
        "QN": ("number of the message: time with milliseconds", "请求编码，精确到毫秒的时间戳"),
        "ST": ("system type", "系统编码"),
        "CN": ("command", "命令编码"),
        "PW": ("access password, not shown here", "访问密码，此处不显示"),
        "MN": ("number of the device", "设备唯一标识"),
        "FLAG": ("version and packing bits", "拆分包及应答标志"),
        "PNUM": ("packets of the message", "总包数"),
        "PNO": ("number of this packet", "包号"),
        "RF": ("sent again to fill a gap", "补传标志"),
    }
)

SYSTEM_TYPES: Final = _table(
    {
        "21": ("surface water quality", "地表水质量监测"),
        "22": ("ambient air quality", "空气质量监测"),
        "23": ("acoustic environment", "声环境质量监测"),
        "24": ("groundwater quality", "地下水质量监测"),
        "25": ("soil quality", "土壤质量监测"),
        "26": ("sea-water quality", "海水质量监测"),
        "27": ("volatile organics in ambient air", "挥发性有机物监测"),
        "31": ("air pollution source (flue gas)", "大气环境污染源"),
        "32": ("surface-water pollution source", "地表水体环境污染源"),
        "33": ("groundwater pollution source", "地下水体环境污染源"),
        "34": ("marine pollution source", "海洋环境污染源"),
        "35": ("soil pollution source", "土壤环境污染源"),
        "36": ("noise source", "声环境污染源"),
        "37": ("vibration source", "振动环境污染源"),
        "38": ("radioactive source", "放射性环境污染源"),
        "39": ("construction-site dust source", "工地扬尘污染源"),
        "41": ("electromagnetic source", "电磁环境污染源"),
        "44": ("electricity monitoring", "用电监控"),
        "45": ("key production conditions", "关键工况监控"),
        "51": ("flue gas emission process", "烟气排放过程监控"),
        "52": ("sewage discharge process", "污水排放过程监控"),
        "91": ("system interaction", "系统交互"),
    }
)

FIELDS: Final = _table(
    {
        "Rtd": ("real-time value", "实时值"),
        "Min": ("minimum of the period", "时段最小值"),
        "Avg": ("mean of the period", "时段均值"),
        "Max": ("maximum of the period", "时段最大值"),
        "Cou": ("total of the period", "时段累计值"),
        "ZsRtd": ("real-time value, corrected to reference oxygen", "实时折算值"),
        "ZsMin": ("minimum, corrected to reference oxygen", "最小折算值"),
        "ZsAvg": ("mean, corrected to reference oxygen", "平均折算值"),
        "ZsMax": ("maximum, corrected to reference oxygen", "最大折算值"),
        "Flag": ("data flag", "数据标记"),
        "EFlag": ("the analyser's own mark", "在线监控仪器仪表标记"),
        "SampleTime": ("start of sampling", "采样时间"),
        "CompleteTime": ("end of the analysis", "分析完成时间"),
        "SampleType": ("kind of sample", "样品类型"),
        "Data": ("noise of the period", "噪声时段值"),
        "DayData": ("noise of the day", "噪声昼间值"),
        "NightData": ("noise of the night", "噪声夜间值"),
        "RS": ("running state of equipment", "设施运行状态"),
        "RT": ("running time of the day, hours", "设施日运行时间（小时）"),
        "Info": ("on-site information", "现场端信息"),
        "SN": ("serial number of the instrument", "仪器仪表编码"),
        "Ala": ("value at the alarm", "报警时的值"),
        "UpValue": ("upper alarm limit", "报警上限"),
        "LowValue": ("lower alarm limit", "报警下限"),
        "SampleRd": ("measured value of the check", "核查测量值"),
        "StandardValue": ("value of the standard", "标准样品值"),
        "ResultType": ("result of the check", "核查结果"),
        "RetentionTime": ("retention time of the peak", "保留时间"),
        "PeakArea": ("area of the peak", "峰面积"),
        "PeakHeight": ("height of the peak", "峰高"),
    }
)

PARAMETERS: Final = _table(
    {
        "DataTime": ("time of the data", "数据时间"),
        "SystemTime": ("time of the clock", "系统时间"),
        "BeginTime": ("begin of what is asked for", "开始时间"),
        "EndTime": ("end of what is asked for", "结束时间"),
        "RestartTime": ("start of the logger", "数采仪开机时间"),
        "AlarmTime": ("time of the alarm", "报警时间"),
        "AlarmType": ("kind of alarm", "报警类型"),
        "AlarmTarget": ("address of the centre for alarms", "报警目标地址"),
        "WarnTime": ("duration after which an alarm is due", "超限报警时间"),
        "ReportTime": ("time of the daily report", "数据上报时间"),
        "SampleTime": ("start of sampling", "采样时间"),
        "CompleteTime": ("end of the analysis", "分析完成时间"),
        "SampleType": ("kind of sample", "样品类型"),
        "RF": ("sent again to fill a gap", "补传标志"),
        "QN": ("the message that this answers", "被应答的请求编码"),
        "QnRtn": ("answer to the request", "请求应答结果"),
        "ExeRtn": ("result of the command", "执行结果"),
        "PolId": ("factor", "污染因子编码"),
        "InfoId": ("kind of on-site information", "现场端信息编码"),
        "NewPW": ("new password, not shown here", "新密码，此处不显示"),
        "NewSK": ("new encryption key, not shown here", "新密钥，此处不显示"),
        "SKCreateTime": ("time from which the key holds", "密钥创建时间"),
        "OverTime": ("seconds to wait for an answer", "超时时间（秒）"),
        "ReCount": ("times to send again", "重发次数"),
        "RtdInterval": ("seconds between real-time data", "实时数据间隔（秒）"),
        "MinInterval": ("minutes between minute data", "分钟数据间隔（分钟）"),
        "VaseNo": ("sample bottle", "留样瓶号"),
        "CstartTime": ("first sampling of the day", "采样起始时间"),
        "Ctime": ("hours between samples", "采样周期（小时）"),
        "CTime": ("hours between samples", "采样周期（小时）"),
        "Stime": ("minutes to a sample's result", "出样时间（分钟）"),
    }
)

HIDDEN: Final = "******"
"""Stands for a secret."""
SECRETS: Final = frozenset(("PW", "NewPW", "NewSK"))
"""Header field and parameters whose values are not for a screen."""
TIMES: Final = frozenset(
    (
        *("QN", "DataTime", "SystemTime", "BeginTime", "EndTime", "RestartTime"),
        *("AlarmTime", "SKCreateTime", "SampleTime", "CompleteTime"),
    )
)
"""Fields and parameters that are stamps."""

_FLAGS_2017: Final = _table(
    {
        "N": ("normal", "正常"),
        "F": ("source stopped", "污染源停运"),
        "M": ("maintenance", "维护"),
        "S": ("entered by hand", "手工输入"),
        "D": ("instrument fault", "仪器故障"),
        "C": ("calibration", "校准"),
        "T": ("over the upper range", "超测定上限"),
        "B": ("communication error", "通讯异常"),
        "St": ("start-up of the plant", "启动"),
        "Sd": ("shut-down of the plant", "停机"),
        "Sr": ("start-up of the plant", "启动"),
        "Md": ("no data", "无数据"),
    }
)
_FLAGS_2005: Final = MappingProxyType(
    {
        **_FLAGS_2017,
        "S": Words("set value", "设定值"),
        "D": Words("fault", "故障"),
        "C": Words("check or calibration", "校验"),
        "T": Words("over the limit", "超限"),
        "P": Words("power failure", "电源故障"),
        "0": Words("calibration (ambient air)", "校准（空气站）"),
        "1": Words("weather (ambient air)", "气象因素（空气站）"),
        "2": Words("abnormal (ambient air)", "异常（空气站）"),
        "3": Words("normal (ambient air)", "正常（空气站）"),
    }
)

QN_RESULTS: Final = _table(
    {
        "1": ("accepted", "准备执行请求"),
        "2": ("refused", "请求被拒绝"),
        "3": ("PW wrong", "PW 错误"),
        "4": ("MN wrong", "MN 错误"),
        "5": ("ST wrong", "ST 错误"),
        "6": ("Flag wrong", "Flag 错误"),
        "7": ("QN wrong", "QN 错误"),
        "8": ("CN wrong", "CN 错误"),
        "9": ("CRC wrong", "CRC 校验错误"),
        "100": ("unknown error", "未知错误"),
    }
)
EXE_RESULTS: Final = _table(
    {
        "1": ("done", "执行成功"),
        "2": ("failed, reason unknown", "执行失败，原因未知"),
        "3": ("command condition wrong", "命令请求条件错误"),
        "4": ("communication timed out", "通讯超时"),
        "5": ("system busy", "系统繁忙"),
        "6": ("system fault", "系统故障"),
        "100": ("no data", "没有数据"),
    }
)


def flag_words(flag: str, edition: str) -> Words:
    """What a data flag says in an edition: 2025 marks data as 2017 does, as far as is known."""
    unknown = Words("of no edition: not normal", "标准未定义，视为不正常")
    return (_FLAGS_2005 if edition == Edition.E2005 else _FLAGS_2017).get(flag, unknown)
