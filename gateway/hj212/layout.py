"""What a row of item names means: which are readings, which flags, which parameters and text, and what is odd."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from gateway.hj212.factor_codes import is_known
from gateway.hj212.verdicts import Verdict
from gateway.names import default_field, split_name
from gateway.reasons import shown

# fmt: off
FIELDS: Final = {
    name.lower(): name
    for name in (
        "Rtd", "Avg", "Min", "Max", "Cou", "ZsRtd", "ZsAvg", "ZsMin", "ZsMax", "Flag", "EFlag", "SampleTime", "Data",
        "DayData", "NightData", "RS", "RT", "Info", "SN", "Ala", "UpValue", "LowValue", "SampleRd", "StandardValue",
        "ResultType", "CompleteTime", "SampleType", "RetentionTime", "PeakArea", "PeakHeight",
    )
}
"""Fields of a factor in any edition, to set right the case of what was sent. Other fields are kept as they come."""

PARAMETERS: Final = {
    name.lower(): name
    for name in (
        "DataTime", "SystemTime", "BeginTime", "EndTime", "RestartTime", "AlarmTime", "AlarmType", "AlarmTarget",
        "ReportTime", "WarnTime", "SampleTime", "CompleteTime", "SampleType", "QN", "QnRtn", "ExeRtn", "PolId",
        "InfoId", "NewPW", "VaseNo", "CstartTime", "Ctime", "Stime", "OverTime", "ReCount", "RtdInterval",
        "MinInterval", "RF", "SKCreateTime", "NewSK",
    )
}
"""Names without a dash that the standard gives to parameters; any other bare name is taken for a factor."""
# fmt: on

NOTES: Final = frozenset(("EFlag", "SN", "SampleType", "CompleteTime"))
"""Fields that say something about a reading and are none: the maker's own mark, serial number, kind and end of a
sample. (Its start, `SampleTime`, is a reading: ms UTC.)"""

_BOTH_CASES: Final = "CTime"
"""2017 defines `Ctime` and writes `CTime` in its examples."""


@dataclass(slots=True)
class Layout:
    """Where in the row of values each reading, its flag, and all else stand. Of a repeated item the last counts."""

    names: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    """Factor and field of each reading."""
    values: list[int] = field(default_factory=list[int])
    """Place of each reading's value; -1 where only a flag was sent."""
    flags: list[int] = field(default_factory=list[int])
    """Place of each reading's flag; -1 where none was sent."""
    time: int = -1
    """Place of DataTime; of AlarmTime where there is none."""
    alarm_time: bool = False
    """Whether the time is AlarmTime."""
    notes: list[tuple[int, str]] = field(default_factory=list[tuple[int, str]])
    """Place and name of each item that is no reading, flag or DataTime."""
    facts: int = 0
    """How many of the notes are of a factor."""
    unreadable: str = ""
    """The first name that is no name, for a sentence."""
    verdicts: Verdict = Verdict.NONE


def layout_of(
    names: Sequence[str], separators: str, period: str, analysers: Sequence[str] = (), *, reads: bool = True
) -> Layout:
    """Sort out the item names of one CP, trimmed. A flag is one of its factor, so it holds for all its fields.

    `separators` and, if given, `analysers` run parallel: what stands before each item, and the analyser that it is
    about (PolId), which becomes part of the field: `Info-w01018`. With `reads` False factors are notes too.
    """
    layout = Layout()
    readings: dict[tuple[str, str], int] = {}
    flags: dict[str, int] = {}
    parameters: dict[str, int] = {}
    default = default_field(period)
    factor_before = ""
    for place, (name, separator) in enumerate(zip(names, separators, strict=True)):
        parameter = PARAMETERS.get(name.lower())
        if parameter is not None:
            if name not in (parameter, _BOTH_CASES):
                layout.verdicts |= Verdict.NAME_CASE
            if parameter in parameters and parameter != "PolId":
                layout.verdicts |= Verdict.ITEM_REPEATED
            parameters[parameter] = place
            if parameter != "DataTime":
                layout.notes.append((place, parameter))
            factor_before = ""
            continue
        parts = split_name(name, default)
        if parts is None:
            layout.unreadable = layout.unreadable or shown(name)
            layout.verdicts |= Verdict.ITEM_UNREADABLE
            factor_before = ""
            continue
        factor, sent = parts
        suffix = FIELDS.get(sent.lower(), sent)
        layout.verdicts |= _of_name(name, factor, sent, suffix)
        if factor_before and (factor == factor_before) != (separator == ","):
            layout.verdicts |= Verdict.SEPARATOR
        factor_before = factor
        if suffix == "Flag" and reads:
            if factor in flags:
                layout.verdicts |= Verdict.ITEM_REPEATED
            flags[factor] = place
        elif suffix in NOTES or not reads:
            layout.notes.append((place, f"{factor}-{suffix}"))
            layout.facts += 1
        else:
            if analysers and analysers[place]:
                suffix = f"{suffix}-{analysers[place]}"
            if (factor, suffix) in readings:
                layout.verdicts |= Verdict.ITEM_REPEATED
            readings[factor, suffix] = place
    layout.alarm_time = "DataTime" not in parameters
    layout.time = parameters.get("AlarmTime" if layout.alarm_time else "DataTime", -1)
    valued = {factor for factor, _ in readings}
    readings |= {(factor, default): -1 for factor in flags if factor not in valued}
    layout.names = [*readings]
    layout.values = [*readings.values()]
    layout.flags = [flags.get(factor, -1) for factor, _ in readings]
    return layout


def _of_name(name: str, factor: str, sent: str, suffix: str) -> Verdict:
    """What is odd about one item name."""
    found = Verdict.NONE if is_known(factor) else Verdict.CODE_UNKNOWN
    if "-" not in name:
        return found | Verdict.SUFFIX_MISSING
    if sent.lower() not in FIELDS:
        return found | Verdict.SUFFIX_UNKNOWN
    return found | (Verdict.NAME_CASE if sent != suffix else Verdict.NONE)
