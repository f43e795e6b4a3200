"""The CRC of HJ 212: the standard's check values, the recipe bit by bit, the batch against both."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.hj212.crc import NO_CRC, crc16, crc16_batch, sent_crcs

HEAD = b"MN=010000A8900016F000169DC0;"
CHECKS = [
    (b"", 0xFFFF),
    (b"\0", 0x4040),
    (b"QN=20160801085857223;ST=32;CN=1062;PW=100000;" + HEAD + b"Flag=5;CP=&&RtdInterval=30&&", 0x1C80),
    (b"QN=20240601085857223;ST=32;CN=1011;PW=123456;" + HEAD + b"Flag=9;CP=&&&&", 0x2200),
]


def by_the_book(segment: bytes) -> int:
    crc = 0xFFFF
    for byte in segment:
        crc = (crc >> 8) ^ byte
        for _ in range(8):
            crc = (crc >> 1) ^ 0xA001 if crc & 1 else crc >> 1
    return crc


@pytest.mark.parametrize(("segment", "crc"), CHECKS)
def test_check_values_of_the_standards(segment: bytes, crc: int) -> None:
    assert by_the_book(segment) == crc16(segment) == crc16_batch([segment])[0] == crc


@settings(max_examples=60, deadline=None)
@given(st.lists(st.binary(max_size=70)))
def test_the_batch_and_the_table_say_what_the_book_says(segments: list[bytes]) -> None:
    expected = [by_the_book(segment) for segment in segments]
    assert [crc16(segment) for segment in segments] == expected
    assert crc16_batch(segments).tolist() == expected


def test_eight_steps_bring_every_high_byte_back_to_itself() -> None:
    """What the batch rests on: a byte's part in the CRC depends on its distance from the end modulo 8."""
    for byte in range(256):
        high = byte
        for _ in range(8):
            high = (by_the_book_step(high)) >> 8
        assert high == byte


def by_the_book_step(byte: int) -> int:
    for _ in range(8):
        byte = (byte >> 1) ^ 0xA001 if byte & 1 else byte >> 1
    return byte


def test_digits_of_either_case_are_numbers_and_other_text_is_none() -> None:
    texts = [b"1C80", b"cc01", b"0000", b"FFFF", b"0x1F", b"+1F2", b"1_0F", b"   1", b"\xff\xff\xff\xff"]
    assert sent_crcs(texts).tolist() == [0x1C80, 0xCC01, 0, 0xFFFF] + [NO_CRC] * 5
