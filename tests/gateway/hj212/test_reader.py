"""One frame read with patience: header by name, items, text, and the field frames that others have collected."""

from __future__ import annotations

import json
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.config import outside_data
from gateway.hj212.crc import crc16
from gateway.hj212.cut import Cut
from gateway.hj212.items import number
from gateway.hj212.reader import Packet, Parsed, parse_frame
from gateway.hj212.stream import cut

VECTORS = outside_data() / "domain" / "hj212_vectors.jsonl"
ZONE = ZoneInfo("Asia/Shanghai")


def parse(segment: bytes) -> Parsed:
    return parse_frame(Cut(segment, segment, b"%04X" % crc16(segment), b"0000", True, True), zone=ZONE)


def read_segment(segment: bytes) -> Packet:
    return parse(segment).packet


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
    packet = read_segment("CN=3020;CP=&&PolId=w01018,i11001-Info=//a;b=c,d 清洗//;i12001-Info=1&&".encode())
    assert packet.notes == [("PolId", "w01018"), ("i11001-Info", "//a;b=c,d 清洗//")]
    assert [tuple(reading) for reading in packet.readings] == [("i12001", "Info-w01018", "1", "")]


def test_text_that_is_no_utf8_is_gb18030() -> None:
    assert read_segment("CN=2011;CP=&&a-Info=//清洗//&&".encode("gbk")).notes == [("a-Info", "//清洗//")]


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
        assert isinstance(piece, Cut)
        parsed = parse_frame(piece, zone=ZONE)
        verdict = (piece.length_ok, parsed.crc == parsed.crc_sent)
        assert verdict == (vector["length_ok"], vector["crc_ok"]), vector["frame"]
        packet = parsed.packet
        assert (packet.cn, packet.st) == (vector["cn"], vector["st"])
        assert packet.faults == []
        assert bool(packet.readings) != vector["frame"].endswith("CP=&&&&2080")
        assert all(number(reading.text or "") is not None for reading in packet.readings)
