"""Frames, JSON and garbage of one stream, in pieces that do not depend on the reads, in bounded memory."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.commands.decode_stream import LONGEST_LINE, Codec, Piece, Pieces
from gateway.hj212.crc import crc16
from gateway.hj212.cut import Cut, Stray
from gateway.hj212.stream import LONGEST_FRAME, cut

SEGMENT = b"ST=32;CN=2011;PW=123456;MN=A;CP=&&DataTime=20260301120000;w01001-Rtd=7.1&&"
FRAME = b"##%04d%b%04X" % (len(SEGMENT), SEGMENT, crc16(SEGMENT))
JSON = b'{"v": 1, "text": "##0101 is no frame&&1C80 here"}'


def words(pieces: list[Piece]) -> list[str]:
    """`frame`, `json`, or the reason of what is neither."""
    return [
        "frame" if isinstance(piece, Cut) else str(piece.reason) if isinstance(piece, Stray) else "json"
        for piece in pieces
    ]


def all_pieces(stream: bytes, cuts: list[int], codec: Codec = "auto") -> list[Piece]:
    pieces = Pieces(codec)
    places = [0, *sorted(cuts), len(stream)]
    return [piece for start, end in pairwise(places) for piece in pieces.feed(stream[start:end])] + pieces.finish()


@pytest.mark.parametrize(
    ("codec", "stream", "expected"),
    [
        ("auto", FRAME + b"\r\n" + JSON + b"\n" + FRAME, ["frame", "json", "frame"]),
        ("auto", FRAME + JSON + b"\n" + FRAME + FRAME, ["frame", "json", "frame", "frame"]),
        ("auto", b"\xef\xbb\xbf\0" + JSON, ["json"]),
        ("auto", FRAME[:50] + b"\n" + JSON + b"\n" + FRAME, ["truncated_frame", "json", "frame"]),
        ("auto", b"one\ntwo\r\n\r\n" + FRAME, ["unknown_format", "unknown_format", "frame"]),
        ("auto", b"noise " + FRAME + b" more", ["unknown_format", "frame", "unknown_format"]),
        ("hj212", b"one\n{}\n" + FRAME, ["not_hj212", "not_hj212", "frame"]),
        ("json", JSON + b"\n" + FRAME + b"\n", ["json", "json"]),
        ("auto", b"#########\n#\n", ["truncated_frame", "unknown_format"]),
        ("auto", b" \r\n\n", []),
    ],
)
def test_a_mixed_stream_is_told_apart(codec: Codec, stream: bytes, expected: list[str]) -> None:
    assert words(all_pieces(stream, [], codec)) == expected


def test_a_line_is_given_when_it_ends_and_a_frame_when_its_crc_has_come() -> None:
    pieces = Pieces("auto")
    assert words(pieces.feed(b"hello\n")) == ["unknown_format"]
    assert words(pieces.feed(JSON)) == []
    assert words(pieces.feed(b"\n" + FRAME)) == ["json", "frame"]


@pytest.mark.parametrize("codec", ["auto", "json", "hj212"])
@pytest.mark.parametrize("start", [b"x", b"{", b"#", b"##", b"##9999&&"])
def test_an_endless_line_is_one_error_and_is_not_held(codec: Codec, start: bytes) -> None:
    pieces = Pieces(codec)
    found = pieces.feed(start)
    for _ in range(3 * LONGEST_LINE // 65_536):
        found += pieces.feed(b"x" * 65_536)
        assert pieces.held <= LONGEST_LINE + LONGEST_FRAME
    found += pieces.feed(b"\n" + (FRAME if codec == "hj212" else JSON) + b"\n")
    assert words(found) == ["too_long", "frame" if codec == "hj212" else "json"]


def test_a_frame_within_an_endless_line_is_found() -> None:
    pieces = Pieces("auto")
    found = pieces.feed(b"x" * (LONGEST_LINE + 1)) + pieces.feed(FRAME + b"\nx\n")
    assert words(found) == ["too_long", "frame", "unknown_format"]


def but_for_line_ends(found: list[Piece]) -> list[Piece]:
    """The same pieces without what came behind the CRC: one may come in a later read."""
    return [
        piece._replace(raw=piece.raw.removesuffix(b"\r\n"), line_end=False) if isinstance(piece, Cut) else piece
        for piece in found
    ]


PARTS = [FRAME, FRAME[:50], FRAME[50:], JSON, b'{"v":1}', b"##", b"#", b"{", b"&&1C80", b"\r\n", b"\n", b"##0010", b" "]
STREAMS = st.lists(st.sampled_from(PARTS) | st.binary(max_size=30), max_size=12).map(b"".join)


@settings(max_examples=300, deadline=None)
@given(STREAMS, st.sampled_from(["auto", "json", "hj212"]), st.data())
def test_any_cutting_into_reads_gives_the_same(stream: bytes, codec: Codec, data: st.DataObject) -> None:
    cuts = data.draw(st.lists(st.integers(0, len(stream)), max_size=12))
    read_whole = all_pieces(stream, [], codec)
    assert but_for_line_ends(all_pieces(stream, cuts, codec)) == but_for_line_ends(read_whole)


@settings(max_examples=200, deadline=None)
@given(STREAMS)
def test_its_frames_are_those_of_a_payload(stream: bytes) -> None:
    mine = [piece for piece in all_pieces(stream, [], "hj212") if isinstance(piece, Cut)]
    assert mine == [piece for piece in cut(stream) if isinstance(piece, Cut)]
