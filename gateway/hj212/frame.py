"""HJ 212 data segments: header by name, readings by factor. `stream` cuts them out of bytes. Knows no inventory.

Written for the 2017 edition and tolerant of what 2005 devices and the field send: header fields in any order or
missing, blanks, empty items, wrong or missing lengths, bare names, unknown suffixes.

    ##0101QN=20160801085857223;ST=32;CN=1062;PW=100000;MN=010000A8900016F000169DC0;Flag=5;CP=&&RtdInterval=30&&1C80
    | length  data segment                                                                                    CRC
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from gateway.names import default_field, split_name
from gateway.reasons import BadPayload, Reason, shown

_PERIODS: Final = {"2011": "realtime", "2051": "minute", "2061": "hour", "2031": "day"}
FIELDS: Final = {
    name.lower(): name
    for name in ("Rtd", "Avg", "Min", "Max", "Cou", "ZsRtd", "ZsAvg", "ZsMin", "ZsMax", "Flag", "Data", "RS", "RT")
}
"""Fields of the standard, to set right the case of what was sent. Other fields are kept as they come."""

SIDE_NOTES: Final = frozenset(("EFlag", "SampleTime", "CompleteTime", "SampleType", "SN"))
"""Fields that say something about a reading and are none: the maker's own mark, sampling times, serial number."""

# fmt: off
NOT_FACTORS: Final = frozenset(
    (
        "DataTime", "SystemTime", "BeginTime", "EndTime", "RestartTime", "AlarmTime", "AlarmType", "AlarmTarget",
        "ReportTime", "WarnTime", "SampleTime", "CompleteTime", "SampleType", "QN", "QnRtn", "ExeRtn", "PolId",
        "InfoId", "NewPW", "VaseNo", "CstartTime", "Ctime", "CTime", "Stime", "OverTime", "ReCount", "RtdInterval",
        "MinInterval", "RF", "SKCreateTime", "NewSK",
    )
)
# fmt: on
"""Names without a dash that the standard gives to parameters; any other bare name is taken for a factor."""

CP_MARK: Final = re.compile(r"CP\s*=\s*&&", re.IGNORECASE)
_SEPARATOR: Final = re.compile("[;,]")
_ITEM: Final = re.compile(r"(?://.*?//|[^;,])+", re.DOTALL)
"""An item with text between `//`, which may hold separators."""
_NUMBER: Final = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)


class Reading(NamedTuple):
    """One value of a frame, as text."""

    factor: str
    field: str
    text: str | None
    """None where the factor came with a flag and no value."""
    flag: str
    """Empty where none was sent."""


@dataclass(slots=True)
class Layout:
    """What a row of item names means: where in the row of values each reading and its flag stand."""

    names: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    """Factor and field of each reading."""
    values: list[int] = field(default_factory=list[int])
    """Place of each reading's value; -1 where only a flag was sent."""
    flags: list[int] = field(default_factory=list[int])
    """Place of each reading's flag; -1 where none was sent."""
    time: int = -1
    """Place of DataTime."""
    notes: int = 0
    """How many items say something that is no reading (`SIDE_NOTES`)."""
    unreadable: str = ""
    """The first name that is no name."""


def layout_of(names: Iterable[str], period: str) -> Layout:
    """Sort out the item names of one CP. A flag is one of its factor, so it holds for all fields of the factor."""
    layout = Layout()
    places: dict[tuple[str, str], int] = {}
    flags: dict[str, int] = {}
    default = default_field(period)
    for place, name in enumerate(names):
        name = name.strip()
        if name in NOT_FACTORS:
            if name == "DataTime":
                layout.time = place
            continue
        parts = split_name(name, default)
        if parts is None:
            layout.unreadable = layout.unreadable or shown(name)
            continue
        factor, suffix = parts[0], FIELDS.get(parts[1].lower(), parts[1])
        if suffix == "Flag":
            flags[factor] = place
        elif suffix in SIDE_NOTES:
            layout.notes += 1
        else:
            places[factor, suffix] = place
    valued = {factor for factor, _ in places}
    places |= {(factor, default): -1 for factor in flags if factor not in valued}
    layout.names = [*places]
    layout.values = [*places.values()]
    layout.flags = [flags.get(factor, -1) for factor, _ in places]
    return layout


@dataclass(frozen=True, slots=True)
class Packet:
    """One data segment, read. Absent header fields are empty."""

    st: str
    cn: str
    mn: str
    period: str
    time: str
    """DataTime as text, empty where there is none."""
    readings: list[Reading]
    notes: int
    """Items that say something about a reading and are none."""
    faults: list[BadPayload]
    """Items that could not be read, at most one of each kind; the others are good all the same."""


def is_data(cn: str) -> bool:
    """Whether a command is of the data group, 2000-2999."""
    return len(cn) == 4 and cn[0] == "2" and cn.isascii() and cn.isdigit()


def period_of(cn: str) -> str:
    """The period of readings under a command: under those of no fixed period `realtime`, told apart by their fields."""
    return _PERIODS.get(cn, "realtime")


def decode_text(data: bytes) -> str:
    """The text of bytes: UTF-8 as the standard has it, else GB 18030 as field devices do. Never fails."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data.decode("gb18030", "replace")


def read_header(text: str) -> dict[str, str]:
    """The header fields by name in upper case, in whatever order they come; of a repeated field the last."""
    fields = (part.partition("=") for part in _SEPARATOR.split(text))
    return {name.strip().upper(): value.strip() for name, _, value in fields}


def read_segment(segment: bytes) -> Packet:
    """Read one data segment, with patience. Never raises."""
    text = decode_text(segment)
    start = CP_MARK.search(text)
    header = read_header(text[: start.start()] if start else text)
    names, values, unreadable = _items(text[start.end() :].removesuffix("&&") if start else "")
    cn = header.get("CN", "")
    period = period_of(cn)
    layout = layout_of(names, period)
    faults: list[BadPayload] = []
    if unreadable:
        faults.append(BadPayload(Reason.BAD_ITEM, f"CP has the item {unreadable}; expected name=value"))
    if layout.unreadable:
        detail = f"CP has the name {layout.unreadable}; expected factor or factor-Field"
        faults.append(BadPayload(Reason.BAD_FACTOR, detail))
    readings = [
        Reading(*name, values[value] if value >= 0 else None, values[flag] if flag >= 0 else "")
        for name, value, flag in zip(layout.names, layout.values, layout.flags, strict=True)
    ]
    time = values[layout.time] if layout.time >= 0 else ""
    return Packet(header.get("ST", ""), cn, header.get("MN", ""), period, time, readings, layout.notes, faults)


def _items(body: str) -> tuple[Sequence[str], Sequence[str], str]:
    """Names and values of a CP, of a repeated name the last, and the first item that is no `name=value`."""
    found: dict[str, str] = {}
    unreadable = ""
    parts = (match[0] for match in _ITEM.finditer(body)) if "//" in body else _SEPARATOR.split(body)
    for part in parts:
        name, equals, value = part.partition("=")
        if equals:
            found[name.strip()] = value.strip()
        elif part.strip():
            unreadable = unreadable or shown(part.strip())
    return [*found], [*found.values()], unreadable


def number(text: str) -> float | None:
    """The number a value's text stands for, None where it is no finite decimal number."""
    if _NUMBER.fullmatch(text) is None:
        return None
    value = float(text)
    return value if math.isfinite(value) else None
