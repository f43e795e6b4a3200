"""HJ 212-2017 frames: check sum, length, times, splitting."""

from __future__ import annotations

import re
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators.formats import hj212
from simulators.records import Reading

SHANGHAI = ZoneInfo("Asia/Shanghai")
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
    (frame,) = hj212.frames(
        NEW_YEAR, NEW_YEAR, readings, zone=SHANGHAI, system_type="31", mn="010000A8900016F000169DC0"
    )
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
    frames = hj212.frames(
        NEW_YEAR, NEW_YEAR, readings, zone=SHANGHAI, system_type="31", mn="M" * 24, command=hj212.MINUTE
    )
    parts = [parsed(frame) for frame in frames]
    assert len(parts) > 1
    assert [(p["Flag"], p["PNUM"], p["PNO"]) for p in parts] == [
        ("6", str(len(parts)), str(n)) for n in range(1, len(parts) + 1)
    ]
    assert len({p["QN"] for p in parts}) == len(parts)
    assert all(p["CP"].startswith("DataTime=20260101080000;") and len(p["CP"]) <= 950 for p in parts)
    assert re.findall(r"(a\d+)-Flag", ";".join(p["CP"] for p in parts)) == [reading.code for reading in readings]
