"""The commands that a centre may send, as a table: one line here adds one to the API, to `gateway send` and its help.

Written from HJ 212-2017; which edition has a command is in the notes of `docs/hj212.md`. What needs no asking back
(new passwords, keys, calibrations that touch the instrument) is left out on purpose.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum, auto
from types import MappingProxyType
from typing import Final
from zoneinfo import ZoneInfo

from gateway.hj212.editions import Edition
from gateway.requests.records import Parameters
from gateway.stamps import EARLIEST, LATEST

DAY: Final = 86_400_000
_ALL: Final = frozenset(Edition)
_SINCE_2017: Final = frozenset((Edition.E2017, Edition.E2025))
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Kind(Enum):
    """What a parameter is."""

    MOMENT = auto()
    """ms UTC; on the wire YYYYMMDDhhmmss, local time of the site."""
    NUMBER = auto()
    CODE = auto()
    """A factor code."""


class Answer(Enum):
    """What a device sends between 9011 and 9012."""

    NOTHING = auto()
    VALUE = auto()
    """One frame of the same CN with the value."""
    DATA = auto()
    """Frames of data of the same CN, each with a QN of its own."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of a command."""

    name: str
    item: str
    """Its name in CP."""
    kind: Kind
    text: str
    unit: str = ""
    least: int = 0
    most: int = 0
    choices: tuple[int, ...] = ()
    """The only values; empty: all between `least` and `most`."""
    required: bool = True
    editions: frozenset[Edition] = _ALL


@dataclass(frozen=True, slots=True)
class Command:
    """One command."""

    name: str
    cn: str
    group: str
    """The word of a device's `hj212.commands` that allows it."""
    answer: Answer
    en: str
    zh: str
    parameters: tuple[Parameter, ...] = ()
    editions: frozenset[Edition] = _ALL
    period: str = ""
    """Of its data: `minute`, `hour`, `day`; empty where there is none."""
    most_span: int = 0
    """Longest time between `begin` and `end`, ms."""


class WrongParameter(ValueError):
    """A parameter that is missing, not of this command, or out of bounds."""

    def __init__(self, parameter: str, detail: str) -> None:
        super().__init__(detail)
        self.parameter = parameter


_POL_ID: Final = Parameter(
    "pol_id",
    "PolId",
    Kind.CODE,
    "factor of the instrument that is meant; left out: the logger itself",
    required=False,
    editions=_SINCE_2017,
)
_TIME: Final = Parameter(
    "time", "SystemTime", Kind.MOMENT, "left out: that of the gateway when it sends", required=False
)
_SECONDS: Final = Parameter("seconds", "RtdInterval", Kind.NUMBER, "between two real-time messages", "s", 30, 3600)
_MINUTES: Final = Parameter(
    "minutes",
    "MinInterval",
    Kind.NUMBER,
    "of one minute value",
    "min",
    1,
    30,
    (1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30),
)
_SPAN: Final = (
    Parameter("begin", "BeginTime", Kind.MOMENT, "start of the first period"),
    Parameter("end", "EndTime", Kind.MOMENT, "start of the last period"),
)
_VASE: Final = Parameter(
    "vase", "VaseNo", Kind.NUMBER, "bottle, where the sampler lets it be chosen", "", 1, 99, (), False
)
_2025: Final = frozenset((Edition.E2025,))
_2017: Final = frozenset((Edition.E2017,))

COMMANDS: Final = MappingProxyType(
    {
        command.name: command
        for command in (
            Command("read-time", "1011", "time", Answer.VALUE, "Read the clock", "提取时间", (_POL_ID,)),
            Command("set-time", "1012", "time", Answer.NOTHING, "Set the clock", "设置时间", (_POL_ID, _TIME)),
            Command(
                "read-interval", "1061", "intervals", Answer.VALUE, "Read the real-time interval", "提取实时数据间隔"
            ),
            Command(
                "set-interval",
                "1062",
                "intervals",
                Answer.NOTHING,
                "Set the real-time interval",
                "设置实时数据间隔",
                (_SECONDS,),
            ),
            Command(
                "read-minute-interval",
                "1063",
                "intervals",
                Answer.VALUE,
                "Read the minute interval",
                "提取分钟数据间隔",
                (),
                _SINCE_2017,
            ),
            Command(
                "set-minute-interval",
                "1064",
                "intervals",
                Answer.NOTHING,
                "Set the minute interval",
                "设置分钟数据间隔",
                (_MINUTES,),
                _SINCE_2017,
            ),
            Command(
                "fetch-realtime",
                "2011",
                "history",
                Answer.DATA,
                "Fetch real-time data of the past",
                "提取实时历史数据",
                _SPAN,
                _2025,
                "",
                DAY,
            ),
            Command(
                "fetch-minutes",
                "2051",
                "history",
                Answer.DATA,
                "Fetch minute data",
                "提取分钟历史数据",
                _SPAN,
                _ALL,
                "minute",
                31 * DAY,
            ),
            Command(
                "fetch-hours",
                "2061",
                "history",
                Answer.DATA,
                "Fetch hour data",
                "提取小时历史数据",
                _SPAN,
                _ALL,
                "hour",
                366 * DAY,
            ),
            Command(
                "fetch-days",
                "2031",
                "history",
                Answer.DATA,
                "Fetch day data",
                "提取日历史数据",
                _SPAN,
                _ALL,
                "day",
                3660 * DAY,
            ),
            Command("keep-sample", "3015", "sample", Answer.VALUE, "Keep a sample now", "超标留样", (_VASE,), _2017),
        )
    }
)
GROUPS: Final = tuple(dict.fromkeys(command.group for command in COMMANDS.values()))

_CODE: Final = re.compile(r"[0-9A-Za-z]{1,6}")


def check(command: Command, given: Mapping[str, int | str]) -> Parameters:
    """The parameters in the command's order. Raises `WrongParameter` for the first that cannot be used."""
    known = {parameter.name for parameter in command.parameters}
    for name in given:
        if name not in known:
            expected = ", ".join(sorted(known)) or "none"
            raise WrongParameter(name, f"{command.name} has no parameter {name!r}; it has: {expected}")
    checked: Parameters = {}
    for parameter in command.parameters:
        if parameter.name in given:
            checked[parameter.name] = _checked(parameter, given[parameter.name])
        elif parameter.required:
            raise WrongParameter(parameter.name, f"{command.name} needs {parameter.name}: {parameter.text}")
    begin, end = checked.get("begin"), checked.get("end")
    if isinstance(begin, int) and isinstance(end, int):
        if end < begin:
            raise WrongParameter("end", "end must not be before begin")
        if end - begin > command.most_span:
            raise WrongParameter("end", f"at most {command.most_span // DAY} days at once with {command.name}")
    return checked


def _checked(parameter: Parameter, value: int | str) -> int | str:
    name = parameter.name
    if parameter.kind is Kind.CODE:
        if not isinstance(value, str) or not _CODE.fullmatch(value):
            raise WrongParameter(name, f"{name}: expected a factor code of up to 6 letters and digits")
        return value
    if not isinstance(value, int) or isinstance(value, bool):
        raise WrongParameter(name, f"{name}: expected a whole number")
    if parameter.kind is Kind.MOMENT:
        if not EARLIEST <= value < LATEST:
            raise WrongParameter(name, f"{name}: expected a time between the years 2000 and 2100")
    elif parameter.choices and value not in parameter.choices:
        allowed = ", ".join(map(str, parameter.choices))
        raise WrongParameter(name, f"{name}: expected one of {allowed} {parameter.unit}")
    elif not parameter.least <= value <= parameter.most:
        raise WrongParameter(name, f"{name}: expected {parameter.least} to {parameter.most} {parameter.unit}".rstrip())
    return value


def lacking(command: Command, parameters: Parameters, edition: Edition) -> str:
    """Why a command cannot be said in an edition, as a sentence; empty where it can."""
    if edition not in command.editions:
        others = ", ".join(sorted(command.editions))
        hint = "; 2025 keeps samples with 3022" if command.cn == "3015" and edition is Edition.E2025 else ""
        return f"HJ 212-{edition} has no {command.cn} to be sent with these parameters (it is of {others}){hint}"
    for parameter in command.parameters:
        if parameter.name in parameters and edition not in parameter.editions:
            return f"HJ 212-{edition} has no {parameter.item} in {command.cn}"
    return ""


def content(
    command: Command, parameters: Parameters, edition: Edition, zone: ZoneInfo, now: int, shift: int = 0
) -> str:
    """What stands between the two `&&`. `now` is what `time` is where it was left out.

    `shift` (ms) is added to `begin` and `end`: the period, of a device that stamps the end of it.

    >>> span = {"begin": 1_785_549_600_000, "end": 1_785_560_400_000}
    >>> content(COMMANDS["fetch-hours"], span, Edition.E2017, ZoneInfo("Asia/Shanghai"), 0)
    'BeginTime=20260801100000;EndTime=20260801130000'
    """
    items: list[str] = []
    for parameter in command.parameters:
        value = parameters.get(parameter.name, now if parameter is _TIME else None)
        if value is None:
            continue
        if parameter.kind is Kind.MOMENT:
            assert isinstance(value, int)
            value = stamp(value + (0 if parameter is _TIME else shift), zone)
        items.append(f"{parameter.item}={value}")
    # The examples of 2005 put a comma between BeginTime and EndTime; by its grammar 2017 puts a semicolon.
    return ("," if edition is Edition.E2005 and command.answer is Answer.DATA else ";").join(items)


def stamp(ms: int, zone: ZoneInfo) -> str:
    """YYYYMMDDhhmmss, local time."""
    return f"{(_EPOCH + timedelta(milliseconds=ms)).astimezone(zone):%Y%m%d%H%M%S}"


def number(ms: int, zone: ZoneInfo) -> str:
    """A QN: 17 digits, local time with milliseconds."""
    return f"{stamp(ms, zone)}{ms % 1000:03d}"
