"""HJ 212 frames of all editions: check sum, length, times, splitting, codes, encryption."""

from __future__ import annotations

import re
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators.formats import hj212
from simulators.formats.hj212.sm4 import seal
from simulators.records import Reading, Report

SHANGHAI = ZoneInfo("Asia/Shanghai")
WRITER = hj212.Writer("31", "010000A8900016F000169DC0", SHANGHAI)
NEW_YEAR = 1_767_225_600_123  # 2026-01-01T08:00:00.123 in Shanghai


def by_the_standard(segment: bytes) -> int:
    """Annex A, bit by bit: the low byte of the register is dropped before each byte."""
    crc = 0xFFFF
    for byte in segment:
        crc = (crc >> 8) ^ byte
        for _ in range(8):
            carry = crc & 1
            crc >>= 1
            if carry:
                crc ^= 0xA001
    return crc


@pytest.mark.parametrize(
    ("segment", "crc"),
    [
        (b"", 0xFFFF),
        (b"\x00", 0x4040),
        (
            b"QN=20160801085857223;ST=32;CN=1062;PW=100000;MN=010000A8900016F000169DC0;Flag=5;CP=&&RtdInterval=30&&",
            0x1C80,
        ),
        (
            b"QN=20240601085857223;ST=32;CN=1011;PW=123456;MN=010000A8900016F000169DC0;Flag=9;CP=&&&&",
            0x2200,
        ),
    ],
)
def test_the_check_values_of_the_standards(segment: bytes, crc: int) -> None:
    assert hj212.crc16(segment) == crc


@given(st.binary(max_size=300))
def test_the_table_gives_what_the_bits_give(segment: bytes) -> None:
    assert hj212.crc16(segment) == by_the_standard(segment)


def parsed(frame: bytes) -> dict[str, str]:
    """Header fields and `CP` of a frame whose envelope is right."""
    assert frame.startswith(b"##") and frame.endswith(b"\r\n")
    segment = frame[6:-6]
    assert int(frame[2:6]) == len(segment)
    assert int(frame[-6:-2], 16) == by_the_standard(segment)
    head, cp = re.fullmatch(r"(.*?);?CP=&&(.*)&&", segment.decode("ascii")).groups()  # pyright: ignore[reportOptionalMemberAccess]
    return dict(pair.split("=") for pair in head.split(";")) | {"CP": cp}


def test_a_frame_carries_local_time_and_every_field_with_its_decimals() -> None:
    readings = [Reading("a21026", {"Rtd": 35.2, "ZsRtd": 33.0}, 2), Reading("a01012", {"Rtd": 50.0}, 1, "M")]
    ((frame, _),) = WRITER.packets(Report(NEW_YEAR, NEW_YEAR, "realtime", readings))
    assert parsed(frame) == {
        "QN": "20260101080000123",
        "ST": "31",
        "CN": "2011",
        "PW": "123456",
        "MN": "010000A8900016F000169DC0",
        "Flag": "4",
        "CP": "DataTime=20260101080000;a21026-Rtd=35.20,a21026-ZsRtd=33.00,a21026-Flag=N;a01012-Rtd=50.0,a01012-Flag=M",
    }


def test_what_is_too_long_for_one_packet_is_split_at_whole_factors() -> None:
    readings = [Reading(f"a{number:05d}", {"Avg": 1.0, "Min": 0.5, "Max": 1.5}, 2) for number in range(40)]
    packets = WRITER.packets(Report(NEW_YEAR, NEW_YEAR, "minute", readings))
    parts = [parsed(packet.payload) for packet in packets]
    assert len(parts) > 1
    assert [(p["Flag"], p["PNUM"], p["PNO"]) for p in parts] == [
        ("6", str(len(parts)), str(n)) for n in range(1, len(parts) + 1)
    ]
    assert len({p["QN"] for p in parts}) == len(parts)
    assert all(p["CP"].startswith("DataTime=20260101080000;") and len(p["CP"]) <= 950 for p in parts)
    assert re.findall(r"(a\d+)-Flag", ";".join(p["CP"] for p in parts)) == [reading.code for reading in readings]
    for packet, part in zip(packets, parts, strict=True):
        assert [reading.code for reading in packet.readings] == re.findall(r"(a\d+)-Flag", part["CP"])


@pytest.mark.parametrize(
    ("edition", "flag", "code", "again"),
    [("2005", "1", "02", None), ("2017", "5", "a21026", None), ("2025", "9", "a21026", "1")],
)
def test_each_edition_has_its_flag_its_codes_and_its_word_for_what_is_sent_again(
    edition: hj212.Edition, flag: str, code: str, again: str | None
) -> None:
    writer = hj212.Writer("31", "M", SHANGHAI, edition=edition, wants_reply=True)
    report = Report(NEW_YEAR, NEW_YEAR, "hour", [Reading("a21026", {"Avg": 1.0}, 2)], backfilled=True)
    ((frame, _),) = writer.packets(report)
    fields = parsed(frame)
    assert (fields["CN"], fields["Flag"], fields.get("RF")) == ("2061", flag, again)
    assert fields["CP"] == f"DataTime=20260101080000;{code}-Avg=1.00,{code}-Flag=N"


def test_a_total_has_digits_of_its_own() -> None:
    """A small stack lets out grams a minute: with the digits of its concentration that would be nothing."""
    readings = [Reading("a34013", {"Avg": 1.75, "Cou": 0.001785}, 2, total_decimals=6)]
    ((frame, _),) = WRITER.packets(Report(NEW_YEAR, NEW_YEAR, "minute", readings))
    assert "a34013-Avg=1.75,a34013-Cou=0.001785," in parsed(frame)["CP"]


def test_2005_has_two_decimals_at_most() -> None:
    readings = [Reading("w21003", {"Avg": 1.518, "Cou": 0.0126}, 3, total_decimals=6)]
    writer = hj212.Writer("32", "M", SHANGHAI, edition="2005")
    ((frame, _),) = writer.packets(Report(NEW_YEAR, NEW_YEAR, "minute", readings))
    assert "060-Avg=1.52,060-Cou=0.01," in parsed(frame)["CP"]


@pytest.mark.parametrize(
    ("edition", "system_type", "said"),
    [
        ("2017", "31", "NCMDFBT"),
        ("2025", "22", "NCMDFBT"),
        ("2005", "31", "NCMDFDT"),
        ("2005", "22", "3022222"),
    ],
)
def test_each_edition_has_its_data_flags(edition: hj212.Edition, system_type: str, said: str) -> None:
    readings = [Reading(f"a3400{n}", {"Rtd": 1.0}, 1, flag) for n, flag in enumerate("NCMDFBT")]
    ((frame, _),) = hj212.Writer(system_type, "M", SHANGHAI, edition=edition).packets(
        Report(NEW_YEAR, NEW_YEAR, "realtime", readings)
    )
    assert "".join(re.findall(r"-Flag=(.)", parsed(frame)["CP"])) == said


def test_the_encryption_is_that_of_the_printed_example() -> None:
    """HJ 212-2025, annex A.2, example 4: the key is sixteen times the character 0."""
    names = ("a01011", "1.35"), ("a01014", "3.20")
    items = [f"{code}-Min={value},{code}-Avg={value},{code}-Max={value},{code}-Flag=N" for code, value in names]
    cp = ";".join(["DataTime=20240520210600", *items]).encode()
    sealed = seal(cp, b"0" * 16)
    assert sealed[:16].hex().upper() == "E43E159ACFAB242CB53155FB8B9281A1"
    assert sealed[-5:] == b"\x03\xa4g=N"
    assert len(sealed) == len(cp) == 147
    head = b"QN=20240520210700000;ST=31;CN=2051;PW=123456;MN=010000A8900016F000169DC0;Flag=9;CP=&&"
    assert hj212.crc16(head + cp + b"&&") == 0xB541


def test_an_encrypted_frame_keeps_length_and_the_check_sum_of_the_plain_one() -> None:
    report = Report(NEW_YEAR, NEW_YEAR, "realtime", [Reading("a21026", {"Rtd": 35.2}, 2)])
    ((plain, _),) = hj212.Writer("31", "M", SHANGHAI, edition="2025").packets(report)
    ((sealed, _),) = hj212.Writer("31", "M", SHANGHAI, edition="2025", key=b"0" * 16).packets(report)
    assert (len(sealed), sealed[:6], sealed[-6:]) == (len(plain), plain[:6], plain[-6:])
    assert b"a21026" not in sealed and sealed.split(b"CP=&&")[0] == plain.split(b"CP=&&")[0]


def test_secrets_are_not_in_the_words_for_a_writer() -> None:
    writer = hj212.Writer("31", "M", SHANGHAI, edition="2025", password="geheim", key=b"0123456789abcdef")
    assert "geheim" not in repr(writer) and "0123456789abcdef" not in repr(writer)
