"""Frames out of reads: the same frames with the same line ends, however the bytes are cut into reads."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tcp_logger import upload

from gateway.hj212.cut import Cut
from gateway.hj212.stream import cut
from gateway.links.hj212_reads import Reads

FRAME = upload("MN", "20260101080000001")
BARE = FRAME.removesuffix(b"\r\n")


def frames(*reads: bytes) -> list[bytes]:
    cutter = Reads()
    found = [piece for read in reads for piece in cutter.feed(read)] + cutter.finish()
    return [piece.raw for piece in found]


@pytest.mark.parametrize(
    ("reads", "expected"),
    [
        ([FRAME], [FRAME]),
        ([BARE, b"\r\n"], [FRAME]),
        ([BARE + b"\r", b"\n"], [FRAME]),
        ([BARE, b"\r", b"\n"], [FRAME]),
        ([BARE, b"\r\n" + FRAME], [FRAME, FRAME]),
        ([BARE, FRAME], [BARE, FRAME]),
        ([BARE + b"\r", b"\r" + FRAME], [BARE, FRAME]),
        ([BARE + BARE], [BARE, BARE]),
        ([BARE], [BARE]),
    ],
)
def test_a_line_end_belongs_to_its_frame_whichever_read_brings_it(reads: list[bytes], expected: list[bytes]) -> None:
    assert frames(*reads) == expected


def test_only_a_frame_whose_line_end_may_still_come_is_held() -> None:
    reads = Reads()
    assert [piece.raw for piece in reads.feed(FRAME)] == [FRAME]
    assert not reads.waiting
    assert [piece.raw for piece in reads.feed(BARE + b"##01")] == [BARE]
    assert not reads.waiting
    assert reads.feed(BARE[4:]) == []
    assert reads.waiting
    assert [piece.raw for piece in reads.give_up()] == [BARE]
    assert not reads.waiting


@given(
    st.lists(st.sampled_from([FRAME, BARE, BARE + b"\r\r", BARE + b"\n", b"garbage\r\n"]), max_size=5).map(b"".join),
    st.lists(st.integers(0, 600)),
)
def test_how_the_bytes_are_cut_into_reads_changes_nothing(stream: bytes, cuts: list[int]) -> None:
    places = [0, *sorted(min(at, len(stream)) for at in cuts), len(stream)]
    whole = [piece.raw for piece in cut(stream) if isinstance(piece, Cut)]
    found = frames(*(stream[start:end] for start, end in pairwise(places)))
    assert [raw for raw in found if raw.startswith(b"##")] == whole
