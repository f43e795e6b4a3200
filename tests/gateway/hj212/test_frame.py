"""Frames cut out of payloads, and the field frames that others have collected."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.config import outside_data
from gateway.hj212.crc import crc16
from gateway.hj212.frame import number, read_segment
from gateway.hj212.stream import Cut, Stray, cut

VECTORS = outside_data() / "domain" / "hj212_vectors.jsonl"
SEGMENT = b"ST=32;CN=2011;PW=123456;MN=A;CP=&&DataTime=20260301120000;w01001-Rtd=7.1&&"
CRC = b"%04X" % crc16(SEGMENT)
LENGTH = b"%04d" % len(SEGMENT)
FRAME = b"##" + LENGTH + SEGMENT + CRC


def words(payload: bytes) -> list[tuple[bytes, bool] | str]:
    """Each frame as its segment and whether the length was right, each stray as its reason."""
    return [(piece.segment, piece.length_ok) if isinstance(piece, Cut) else str(piece.reason) for piece in cut(payload)]


GOOD, LOOSE = (SEGMENT, True), (SEGMENT, False)


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        (FRAME + b"\r\n", [GOOD]),
        (FRAME, [GOOD]),
        (FRAME + b"\r\r", [GOOD]),
        (b"\r\n" + FRAME + b"\r\n\0\0", [GOOD]),
        (FRAME + FRAME + b"\r\n" + FRAME, [GOOD, GOOD, GOOD]),
        (b"##" + LENGTH + SEGMENT + CRC.lower(), [GOOD]),
        (b"##0136" + SEGMENT + CRC, [LOOSE]),
        (b"##0020" + SEGMENT + CRC + b"\r\n", [LOOSE]),
        (b"##%d" % len(SEGMENT) + SEGMENT + CRC, [GOOD]),
        (b"##" + SEGMENT + CRC, [LOOSE]),
        (b"##0136" + SEGMENT + CRC + b"\r\n" + FRAME, [LOOSE, GOOD]),
        (b"#" + FRAME, ["not_hj212", GOOD]),
        (b"tail of another&&1C80\r\n" + FRAME, ["not_hj212", GOOD]),
        (FRAME[:40] + FRAME, ["truncated_frame", GOOD]),
        (FRAME + FRAME[:40], [GOOD, "truncated_frame"]),
        (FRAME + b"noise", [GOOD, "not_hj212"]),
        (FRAME[:-6], ["truncated_frame"]),
        (b"##", ["truncated_frame"]),
        (b"#" * 9, ["truncated_frame"]),
        (b"hello", ["not_hj212"]),
        (b" \r\n", []),
        (b"", []),
    ],
)
def test_frames_are_cut_and_the_rest_is_named(payload: bytes, expected: list[Any]) -> None:
    assert words(payload) == expected


def test_a_frame_is_cut_by_its_length_even_with_marks_inside() -> None:
    segment = b"CN=2011;CP=&&a-Info=//##0010 &&1C80\r\n//&&"
    assert words(b"##%04d%b%04X\r\n" % (len(segment), segment, crc16(segment))) == [(segment, True)]


@pytest.mark.parametrize("digits", [b"880", b"08", b"0"])
def test_leading_zeros_of_the_crc_may_be_lost(digits: bytes) -> None:
    (piece,) = cut(b"##" + LENGTH + SEGMENT + digits + b"\r\n")
    assert isinstance(piece, Cut)
    assert piece.crc == int(digits, 16)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from([FRAME, FRAME[:50], b"##", b"#", b"&&1C80", b"\r\n", b"x", b"##0010"]) | st.binary()))
def test_no_byte_is_lost_in_cutting_but_blanks(parts: list[bytes]) -> None:
    payload = b"".join(parts)
    blank = b" \t\r\n\v\f\0"
    found = b"".join(piece.raw for piece in cut(payload))
    assert found.translate(None, blank) == payload.translate(None, blank)


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=200) | st.text("=;,&/-aCPN0 ", max_size=60).map(str.encode))
def test_any_bytes_are_a_segment(data: bytes) -> None:
    read_segment(data)
    read_segment(b"CN=2011;CP=&&" + data + b"&&")


def test_a_header_is_read_by_name_however_it_is_written() -> None:
    packet = read_segment(b"st=22, CN = 2051;MN=abC_1;PNO=0002;PNUM=0002;QN=1,Flag=5CP= && a-Avg =1 ; ;&&")
    assert (packet.st, packet.cn, packet.mn, packet.period) == ("22", "2051", "abC_1", "minute")
    assert [tuple(reading) for reading in packet.readings] == [("a", "Avg", "1", "")]


def test_text_between_slashes_may_hold_separators() -> None:
    packet = read_segment("CN=3020;CP=&&PolId=w01018,i11001-Info=//a;b=c,d 清洗//;x-Rtd=1&&".encode())
    assert [tuple(reading) for reading in packet.readings] == [
        ("i11001", "Info", "//a;b=c,d 清洗//", ""),
        ("x", "Rtd", "1", ""),
    ]


def test_text_that_is_no_utf8_is_gb18030() -> None:
    assert read_segment("CN=2011;CP=&&a-Info=//清洗//&&".encode("gbk")).readings[0].text == "//清洗//"


@pytest.mark.parametrize(
    ("text", "value"),
    [("1", 1.0), ("-0.5", -0.5), ("+.5", 0.5), ("5.", 5.0), ("1e3", 1000.0)]
    + [(text, None) for text in ("", "nan", "inf", "1e999", "1_0", "0x1", "１", "1 2", "N", "--1")],
)
def test_numbers_are_decimal_and_finite(text: str, value: float | None) -> None:
    assert number(text) == value


@pytest.mark.outside_data
@pytest.mark.skipif(not VECTORS.exists(), reason=f"no field frames at {VECTORS} (GATEWAY_OUTSIDE_DATA)")
def test_field_frames_have_the_length_crc_and_header_that_others_found() -> None:
    vectors = [json.loads(line) for line in VECTORS.read_text().splitlines()]
    assert len(vectors) >= 17
    for vector in vectors:
        (piece,) = cut(vector["frame"].encode())
        assert not isinstance(piece, Stray)
        verdict = (piece.length_ok, piece.crc == crc16(piece.segment))
        assert verdict == (vector["length_ok"], vector["crc_ok"]), vector["frame"]
        packet = read_segment(piece.segment)
        assert (packet.cn, packet.st) == (vector["cn"], vector["st"])
        assert packet.faults == []
        assert bool(packet.readings) != vector["frame"].endswith("CP=&&&&2080")
        assert all(number(reading.text or "") is not None for reading in packet.readings)
