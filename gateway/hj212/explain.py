"""One HJ 212 frame told to a person, field by field: what stands there, what it means, and what the standard has else.

Pure: makes sections of rows; `gateway decode --explain` prints them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Literal, NamedTuple
from zoneinfo import ZoneInfo

from gateway.hj212.commands import command
from gateway.hj212.cut import Cut
from gateway.hj212.editions import REPLY_BIT, RULES, SPLIT_BIT
from gateway.hj212.factor_codes import new_code, table
from gateway.hj212.items import number
from gateway.hj212.layout import FIELDS as FIELD_NAMES
from gateway.hj212.layout import PARAMETERS as PARAMETER_NAMES
from gateway.hj212.reader import PROCESS_MARKS, Parsed
from gateway.hj212.verdict_texts import texts_of
from gateway.hj212.words import (
    EXE_RESULTS,
    FIELDS,
    HEADER,
    HIDDEN,
    PARAMETERS,
    QN_RESULTS,
    SECRETS,
    SYSTEM_TYPES,
    TIMES,
    Words,
    flag_words,
)
from gateway.names import default_field, split_name
from gateway.stamps import hj212_ms

Language = Literal["en", "zh"]

_TITLES: Final = {
    "frame": Words("Frame", "报文"),
    "header": Words("Header", "报文头"),
    "data": Words("Data (CP)", "数据区（CP）"),
    "deviations": Words("Deviations from the standard", "与标准不符之处"),
}


class Row(NamedTuple):
    """What stands in one place of a frame."""

    name: str
    value: str
    """As sent, or as computed."""
    meaning: str


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a frame."""

    title: str
    rows: list[Row]


def explain(cut: Cut, parsed: Parsed, zone: ZoneInfo, language: Language) -> list[Section]:
    """The sections of one frame: layout, header, data, deviations; those that are empty are left out.

    Times are given in `zone` and in UTC. Passwords and keys are not shown.
    """
    speaker = _Speaker(parsed, zone, language)
    parts = {
        "frame": speaker.layout(cut),
        "header": speaker.header(),
        "data": speaker.data(),
        "deviations": speaker.deviations(),
    }
    sections = [Section(speaker.say(_TITLES[name]), [*rows]) for name, rows in parts.items()]
    return [section for section in sections if section.rows]


class _Speaker:
    """Rows of one frame in one language."""

    def __init__(self, parsed: Parsed, zone: ZoneInfo, language: Language) -> None:
        self._parsed = parsed
        self._zone = zone
        self._language = language

    def say(self, words: Words) -> str:
        return words.en if self._language == "en" else words.zh

    def layout(self, cut: Cut) -> Iterator[Row]:
        parsed, size = self._parsed, len(cut.segment)
        has = Words(f"the data segment has {size} bytes", f"数据段共 {size} 字节")
        yield Row(self.say(Words("length", "长度")), cut.length_text.decode(), self.say(has))
        computed = (
            Words(f"computed {parsed.crc:04X}, the same", f"计算值 {parsed.crc:04X}，一致")
            if parsed.crc == parsed.crc_sent
            else Words(f"computed {parsed.crc:04X}, another", f"计算值 {parsed.crc:04X}，不一致")
        )
        yield Row("CRC", cut.crc_text.decode("ascii", "replace"), self.say(computed))
        edition = Words("of the standard, as recognised or given", "标准版本（识别或指定）")
        yield Row(self.say(Words("edition", "版本")), parsed.edition, self.say(edition))
        if parsed.encrypted:
            opened = Words("opened with a key that is kept", "已用所存密钥解密")
            closed = Words("no key that is kept opens it", "所存密钥均不能解密")
            yield Row("SM4", self.say(Words("encrypted", "已加密")), self.say(opened if parsed.key_used else closed))

    def header(self) -> Iterator[Row]:
        for name, value in self._parsed.header.items():
            upper = name.upper()
            detail = ""
            if upper == "QN":
                detail = self._time(value)
            elif upper == "ST":
                detail = self.say(SYSTEM_TYPES.get(value, _UNKNOWN))
            elif upper == "CN":
                detail = self._command(value)
            elif upper == "FLAG":
                detail = self._flag()
            shown = HIDDEN if upper in SECRETS else value
            yield Row(name, shown, _joined(self.say(HEADER.get(upper, _UNKNOWN)), detail))

    def data(self) -> Iterator[Row]:
        parsed = self._parsed
        if parsed.encrypted and not parsed.key_used:
            return
        default = default_field(parsed.packet.period)
        before = ""
        for name, value in parsed.items:
            parameter = PARAMETER_NAMES.get(name.lower())
            parts = None if parameter else split_name(name, default)
            if parts is None:
                yield self._parameter(name, parameter or name, value)
                before = ""
                continue
            factor, suffix = parts
            if factor != before:
                yield Row(factor, "", self._factor(factor))
                before = factor
            yield Row(f"  {suffix}", value, self._field(FIELD_NAMES.get(suffix.lower(), suffix), value))

    def deviations(self) -> Iterator[Row]:
        for word, text in texts_of(self._parsed.verdicts):
            yield Row(word, "", text.en if self._language == "en" else text.zh)

    def _command(self, cn: str) -> str:
        known = command(cn, self._parsed.edition) or command(cn)
        return self.say(Words(known.en, known.zh) if known else _UNKNOWN)

    def _flag(self) -> str:
        bits = self._parsed.head.flag
        if bits < 0:
            return self.say(_NO_NUMBER)
        version = _VERSIONS.get(bits >> 2)
        words = [Words(f"version of {version}", f"{version} 版") if version else Words("no version", "版本未定义")]
        if bits & SPLIT_BIT:
            words.append(Words("split, with packet numbers", "有包号"))
        words.append(Words("reply wanted", "需应答") if bits & REPLY_BIT else Words("no reply wanted", "不需应答"))
        return ", ".join(map(self.say, words))

    def _parameter(self, sent: str, name: str, value: str) -> Row:
        meaning = self.say(PARAMETERS.get(name, _UNKNOWN))
        if name in SECRETS:
            return Row(sent, HIDDEN, meaning)
        detail = ""
        if name in TIMES:
            detail = self._time(value)
        elif name == "QnRtn":
            detail = self.say(QN_RESULTS.get(value, _UNKNOWN))
        elif name == "ExeRtn":
            detail = self.say(EXE_RESULTS.get(value, _UNKNOWN))
        elif name == "PolId":
            detail = self._factor(value)
        return Row(sent, value, _joined(meaning, detail))

    def _factor(self, sent: str) -> str:
        code = new_code(sent, self._parsed.packet.st)
        known = table().get(code)
        if known is None:
            return self.say(Words("a code of no table of ours", "未收录的因子编码"))
        words = [f"{known.name.en} {known.name.zh}"]
        if known.unit:
            words.append(self.say(Words(f"in {known.unit} by the standard", f"标准单位 {known.unit}")))
        if code != sent:
            words.append(self.say(Words(f"code of 2005, since 2017 {code}", f"2005 版编码，2017 版为 {code}")))
        return ", ".join(words)

    def _field(self, name: str, value: str) -> str:
        words = FIELDS.get(name)
        meaning = self.say(words or Words("a field of no edition", "标准未定义的字段"))
        if name == "Flag":
            return _joined(meaning, self.say(flag_words(value, self._parsed.edition)))
        if name in TIMES:
            return _joined(meaning, self._time(value))
        if value in PROCESS_MARKS:
            mark = self.say(flag_words(value, self._parsed.edition))
            return _joined(meaning, f"{self.say(Words('a mark in place of a number', '以标记代替数值'))}, {mark}")
        if words is not None and name not in _TEXTS and number(value) is None:
            return _joined(meaning, self.say(_NO_NUMBER))
        return meaning

    def _time(self, text: str) -> str:
        """A stamp in local time and in UTC."""
        try:
            moment = datetime.fromtimestamp(hj212_ms(text, self._zone) / 1000, UTC)
        except ValueError as error:
            return self.say(Words(str(error), "不是有效时间"))
        precision = "milliseconds" if len(text) == 17 else "seconds"
        local = moment.astimezone(self._zone).isoformat(" ", precision)
        return f"{local} = {moment.isoformat('T', precision).replace('+00:00', 'Z')}"


_UNKNOWN: Final = Words("not in the standard", "标准未定义")
_NO_NUMBER: Final = Words("no number", "不是数值")
_VERSIONS: Final = {rules.version: edition.value for edition, rules in RULES.items()}
_TEXTS: Final = frozenset(("Info", "SN", "EFlag", "SampleType"))
"""Fields that hold text."""


def _joined(meaning: str, detail: str) -> str:
    return f"{meaning}: {detail}" if detail else meaning
