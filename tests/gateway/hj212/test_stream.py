"""Frames out of a stream: the same ones however it is cut into reads, in bounded memory."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.hj212.crc import crc16
from gateway.hj212.cut import Cut, Stray
from gateway.hj212.stream import LONGEST_FRAME, LONGEST_STRAY, StreamCutter, cut

SEGMENT = b"ST=32;CN=2011;PW=123456;MN=A;CP=&&DataTime=20260301120000;w01001-Rtd=7.1&&"
CRC = b"%04X" % crc16(SEGMENT)
FRAME = b"##%04d%b%b" % (len(SEGMENT), SEGMENT, CRC)


def framed(segment: bytes, crc: bytes | None = None) -> bytes:
    return b"##%04d%b%b" % (len(segment), segment, crc or b"%04X" % crc16(segment))


CIPHER = framed(b"ST=32;CN=2011;MN=A;Flag=8;CP=&&\x01##0009\r\n&&0123\r\n##\xff&&7F7F\n\xfe\x80&&", b"B541")
"""Cipher text with everything in it that could be taken for an end or a beginning. The CRC is of the plain text."""


def pieces(stream: bytes, cuts: list[int] | None = None) -> list[Cut | Stray]:
    """What a cutter gives of a stream that comes in reads between `cuts`."""
    cutter = StreamCutter()
    places = [0, *sorted(cuts or []), len(stream)]
    found = [piece for start, end in pairwise(places) for piece in cutter.feed(stream[start:end])]
    return found + cutter.finish()


def but_for_line_ends(found: list[Cut | Stray]) -> list[Cut | Stray]:
    """The same pieces without what came behind the CRC: one may come in a later read."""
    return [
        piece._replace(raw=piece.raw.removesuffix(b"\r\n"), line_end=False) if isinstance(piece, Cut) else piece
        for piece in found
    ]


def test_a_frame_is_given_when_its_last_byte_has_come() -> None:
    cutter = StreamCutter()
    given_at = [at for at in range(len(FRAME)) if cutter.feed(FRAME[at : at + 1])]
    assert given_at == [len(FRAME) - 1], "a device without a line end waits for its answer too"


def test_several_frames_of_one_read_are_given_at_once() -> None:
    found = StreamCutter().feed(FRAME + b"\r\n" + FRAME + b"\r\r" + FRAME + FRAME[:40])
    assert [piece.raw for piece in found] == [FRAME + b"\r\n", FRAME, FRAME]


@pytest.mark.parametrize(
    ("frame", "segment", "length_ok", "name"),
    [
        (CIPHER, CIPHER[6:-4], True, "cipher text with marks and line ends in it"),
        (b"##0136" + SEGMENT + CRC, SEGMENT, False, "a length that is too great"),
        (b"##0020" + SEGMENT + CRC, SEGMENT, False, "a length that is too small"),
        (b"##%d" % len(SEGMENT) + SEGMENT + CRC, SEGMENT, True, "a length of two digits"),
        (b"##" + SEGMENT + CRC, SEGMENT, False, "no length"),
        (b"##0136" + SEGMENT + b"0000", SEGMENT, False, "wrong length and wrong CRC"),
        (framed(SEGMENT, b"880\r"), SEGMENT, True, "a CRC that has lost its zero"),
    ],
)
def test_one_after_another_in_a_stream(frame: bytes, segment: bytes, length_ok: bool, name: str) -> None:
    found = pieces((frame + b"\r\n") * 3 + FRAME)
    assert [(piece.segment, piece.length_ok) for piece in found if isinstance(piece, Cut)] == [
        *[(segment, length_ok)] * 3,
        (SEGMENT, True),
    ], name
    assert len(found) == 4


def test_a_frame_with_too_great_a_length_does_not_wait_for_the_next_if_its_crc_is_right() -> None:
    (piece,) = StreamCutter().feed(b"##0999" + SEGMENT + CRC + b"\r\n")
    assert isinstance(piece, Cut)
    assert piece.segment == SEGMENT


def test_a_mark_and_digits_within_text_do_not_end_a_frame() -> None:
    frame = framed(b"CN=3020;CP=&&a-Info=//see &&1C80\r\n//&&")
    assert [piece.raw for piece in pieces(frame)] == [frame]


def test_after_garbage_the_next_frame_is_found() -> None:
    found = pieces(b"\xff\x00noise#" + FRAME + b"\r\n##0099half a frame" + FRAME)
    assert [type(piece).__name__ for piece in found] == ["Stray", "Cut", "Stray", "Cut"]
    assert [str(piece.reason) for piece in found if isinstance(piece, Stray)] == ["not_hj212", "truncated_frame"]


@pytest.mark.parametrize(
    "garbage", [b"x", b"#", b"##", b"##9999", b"##9999&&0000\r\n", b"##9999QN=1;CP=&&", b"\n", b"# "]
)
def test_endless_garbage_is_given_in_pieces_and_not_held(garbage: bytes) -> None:
    cutter = StreamCutter()
    read = garbage * (4096 // len(garbage))
    given_back = 0
    for _ in range(64):
        given_back += sum(len(piece.raw) for piece in cutter.feed(read))
        assert cutter.held <= LONGEST_FRAME + LONGEST_STRAY
    given_back += sum(len(piece.raw) for piece in cutter.finish())
    assert given_back == (0 if garbage.isspace() else pytest.approx(len(read) * 64, rel=0.01)), "blanks at ends go"
    assert cutter.held == 0


def test_a_finished_cutter_is_as_new() -> None:
    cutter = StreamCutter()
    cutter.feed(FRAME[:30])
    assert [type(piece) for piece in cutter.finish()] == [Stray]
    assert [piece.raw for piece in cutter.feed(FRAME)] == [FRAME]


PARTS = [
    FRAME,
    CIPHER,
    FRAME[:50],
    FRAME[50:],
    b"##",
    b"#",
    b"&&1C80",
    b"&&",
    b"\r\n",
    b"\r\r",
    b"x",
    b"##0010",
    b"880",
]
LOOSE = [b"##0136" + SEGMENT + CRC, b"##0020" + SEGMENT + CRC, b"##" + SEGMENT + CRC, b"##20", b"A" * LONGEST_FRAME]
STREAMS = st.lists(st.sampled_from(PARTS + LOOSE) | st.binary(max_size=30), max_size=10).map(b"".join)


@settings(max_examples=300, deadline=None)
@given(STREAMS, st.data())
def test_any_cutting_into_reads_gives_the_same(stream: bytes, data: st.DataObject) -> None:
    cuts = data.draw(st.lists(st.integers(0, len(stream)), max_size=12))
    assert but_for_line_ends(pieces(stream, cuts)) == but_for_line_ends(cut(stream))


@settings(max_examples=100, deadline=None)
@given(STREAMS.filter(lambda stream: len(stream) < 2_000))
def test_reads_of_one_byte_give_the_same(stream: bytes) -> None:
    assert but_for_line_ends(pieces(stream, [*range(len(stream))])) == but_for_line_ends(cut(stream))
