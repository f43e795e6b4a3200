"""Frames cut out of payloads, with what a verdict on the cut needs."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.hj212.crc import crc16
from gateway.hj212.cut import Cut
from gateway.hj212.stream import cut

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


@pytest.mark.parametrize(
    ("payload", "length", "crc", "line_end"),
    [
        (FRAME + b"\r\n", LENGTH, CRC, True),
        (FRAME + b"\n", LENGTH, CRC, False),
        (FRAME + b"\r\r", LENGTH, CRC, False),
        (FRAME, LENGTH, CRC, False),
        (b"##%d" % len(SEGMENT) + SEGMENT + CRC.lower() + b"\r\n", b"%d" % len(SEGMENT), CRC.lower(), True),
        (b"##" + SEGMENT + b"01a\r\n", b"", b"01a", True),
    ],
)
def test_a_cut_tells_what_was_sent(payload: bytes, length: bytes, crc: bytes, line_end: bool) -> None:
    (piece,) = cut(payload)
    assert isinstance(piece, Cut)
    assert (piece.length_text, piece.crc_text, piece.line_end) == (length, crc, line_end)
