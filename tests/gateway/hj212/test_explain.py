"""One frame told to a person: what each part says, in both languages, and nothing that is secret."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.hj212.crc import crc16
from gateway.hj212.cut import Cut
from gateway.hj212.editions import RULES, Edition
from gateway.hj212.explain import Language, Section, explain
from gateway.hj212.keys import DeviceSecrets, KeyRing
from gateway.hj212.layout import FIELDS as FIELD_NAMES
from gateway.hj212.layout import PARAMETERS as PARAMETER_NAMES
from gateway.hj212.reader import parse_frame
from gateway.hj212.sm4 import seal_segment
from gateway.hj212.stream import cut
from gateway.hj212.words import FIELDS, PARAMETERS, SYSTEM_TYPES, flag_words

ZONE = ZoneInfo("Asia/Shanghai")
MN = "010000A8900016F000169DC0"
HEAD = f"QN=20260301120000123;ST=31;CN=2011;PW=123456;MN={MN};Flag=5;"
KEYS = KeyRing({MN: DeviceSecrets("123456", ((0, b"0" * 16),))})


def told(
    segment: bytes | str, language: Language = "en", crc: int | None = None, keys: KeyRing = KEYS
) -> list[Section]:
    data = segment.encode() if isinstance(segment, str) else segment
    (piece,) = cut(b"##%04d%b%04X\r\n" % (len(data), data, crc16(data) if crc is None else crc))
    assert isinstance(piece, Cut)
    return explain(piece, parse_frame(piece, keys=keys, zone=ZONE), ZONE, language)


def rows(sections: list[Section]) -> dict[str, tuple[str, str]]:
    return {row.name: (row.value, row.meaning) for section in sections for row in section.rows}


@pytest.mark.parametrize(
    ("segment", "name", "value", "meaning"),
    [
        (HEAD + "CP=&&&&", "length", "0087", "the data segment has 87 bytes"),
        (
            HEAD + "CP=&&&&",
            "QN",
            "20260301120000123",
            "number of the message: time with milliseconds: 2026-03-01 12:00:00.123+08:00 = 2026-03-01T04:00:00.123Z",
        ),
        (HEAD + "CP=&&&&", "ST", "31", "system type: air pollution source (flue gas)"),
        (HEAD + "CP=&&&&", "CN", "2011", "command: real-time data"),
        (HEAD + "CP=&&&&", "PW", "******", "access password, not shown here"),
        (HEAD + "CP=&&&&", "Flag", "5", "version and packing bits: version of 2017, reply wanted"),
        (
            HEAD.replace("Flag=5", "Flag=10"),
            "Flag",
            "10",
            "version and packing bits: version of 2025, split, with packet numbers, no reply wanted",
        ),
        (HEAD.replace("Flag=5", "Flag=x"), "Flag", "x", "version and packing bits: no number"),
        (HEAD.replace("ST=31", "ST=77"), "ST", "77", "system type: not in the standard"),
        (HEAD + "Nm=1;CP=&&&&", "Nm", "1", "not in the standard"),
        (
            HEAD + "CP=&&DataTime=20260301120000&&",
            "DataTime",
            "20260301120000",
            "time of the data: 2026-03-01 12:00:00+08:00 = 2026-03-01T04:00:00Z",
        ),
        (
            HEAD + "CP=&&DataTime=20260230&&",
            "DataTime",
            "20260230",
            "time of the data: is not of 12, 14 or 17 digits (YYYYMMDDhhmm[ss[zzz]])",
        ),
        (HEAD + "CP=&&a21026-ZsRtd=1&&", "a21026", "", "sulphur dioxide (SO2) 二氧化硫, in mg/m3 by the standard"),
        (HEAD + "CP=&&a21026-ZsRtd=1&&", "  ZsRtd", "1", "real-time value, corrected to reference oxygen"),
        (HEAD + "CP=&&a21026-zsrtd=x&&", "  zsrtd", "x", "real-time value, corrected to reference oxygen: no number"),
        (
            HEAD + "CP=&&a21026-Rtd=St&&",
            "  Rtd",
            "St",
            "real-time value: a mark in place of a number, start-up of the plant",
        ),
        (
            HEAD + "CP=&&02-Rtd=1&&",
            "02",
            "",
            "sulphur dioxide (SO2) 二氧化硫, in mg/m3 by the standard, code of 2005, since 2017 a21026",
        ),
        (HEAD + "CP=&&a21026-Flag=D&&", "  Flag", "D", "data flag: instrument fault"),
        (HEAD + "CP=&&a21026-Odd=1&&", "  Odd", "1", "a field of no edition"),
        (HEAD + "CP=&&zz9-Rtd=1&&", "zz9", "", "a code of no table of ours"),
        (HEAD.replace("2011", "9011") + "CP=&&QnRtn=3&&", "QnRtn", "3", "answer to the request: PW wrong"),
        (HEAD.replace("2011", "9012") + "CP=&&ExeRtn=100&&", "ExeRtn", "100", "result of the command: no data"),
        (
            HEAD.replace("2011", "3012") + "CP=&&PolId=a21026&&",
            "PolId",
            "a21026",
            "factor: sulphur dioxide (SO2) 二氧化硫, in mg/m3 by the standard",
        ),
        (
            HEAD.replace("2011", "1014") + "CP=&&NewSK=0123456789abcdef&&",
            "NewSK",
            "******",
            "new encryption key, not shown here",
        ),
        (HEAD + "CP=&&a21026=1&&", "suffix_missing", "", "A factor comes without -Rtd, -Avg or another field name."),
    ],
)
def test_each_part_is_put_into_words(segment: str, name: str, value: str, meaning: str) -> None:
    assert rows(told(segment))[name] == (value, meaning)


def test_a_crc_is_held_against_the_computed_one() -> None:
    segment = HEAD + "CP=&&&&"
    right = crc16(segment.encode())
    assert rows(told(segment))["CRC"] == (f"{right:04X}", f"computed {right:04X}, the same")
    assert rows(told(segment, crc=0))["CRC"] == ("0000", f"computed {right:04X}, another")
    assert "crc_wrong" in rows(told(segment, crc=0))


def test_an_encrypted_frame_is_told_when_a_key_opens_it_and_else_only_its_header() -> None:
    plain = (HEAD.replace("Flag=5", "Flag=9") + "CP=&&DataTime=20260301120000;a21026-Rtd=35.2&&").encode()
    sealed = seal_segment(plain, b"0" * 16)
    opened = rows(told(sealed, crc=crc16(plain)))
    assert opened["SM4"] == ("encrypted", "opened with a key that is kept")
    assert opened["  Rtd"] == ("35.2", "real-time value")
    closed = told(sealed, crc=crc16(plain), keys=KeyRing())
    assert rows(closed)["SM4"] == ("encrypted", "no key that is kept opens it")
    assert [section.title for section in closed] == ["Frame", "Header", "Deviations from the standard"]


def test_chinese_is_chinese_throughout() -> None:
    sections = told(HEAD + "CP=&&DataTime=20260301120000;a21026-Rtd=35.2,a21026-Flag=N;zz9=1&&", "zh")
    assert [section.title for section in sections] == ["报文", "报文头", "数据区（CP）", "与标准不符之处"]
    for section in sections:
        for row in section.rows:
            assert any("\u4e00" <= letter <= "\u9fff" for letter in row.meaning), row


def test_the_words_are_those_of_all_that_the_reader_knows() -> None:
    assert set(PARAMETER_NAMES.values()) <= {*PARAMETERS}
    assert set(FIELD_NAMES.values()) <= {*FIELDS}
    for rules in RULES.values():
        assert {*rules.systems} <= {*SYSTEM_TYPES}


@pytest.mark.parametrize(
    ("flag", "edition", "words"),
    [
        ("S", Edition.E2005, "set value"),
        ("S", Edition.E2017, "entered by hand"),
        ("B", Edition.E2025, "communication error"),
        ("P", Edition.E2005, "power failure"),
        ("P", Edition.E2017, "of no edition: not normal"),
    ],
)
def test_a_flag_means_what_its_edition_says(flag: str, edition: Edition, words: str) -> None:
    assert flag_words(flag, edition).en == words


@given(st.binary(max_size=200).map(lambda tail: HEAD.encode() + tail), st.sampled_from(["en", "zh"]))
def test_any_frame_is_told_without_its_password(segment: bytes, language: Language) -> None:
    for section in told(segment, language):
        for row in section.rows:
            if row.name == "PW":
                assert row.value == "******"
