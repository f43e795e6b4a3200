"""One block on disk: whatever its bytes became, decoding gives the block that was written or none, and never raises."""

from __future__ import annotations

import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.journal import format as blocks
from gateway.records import Block

BLOCK = Block(7, 1_767_225_600_000, "city", ["pollution/plant/d1/data", "主题"], [b"first", b"second"])
WHOLE = blocks.encode(BLOCK)
PARTS = {
    "magic": range(4),
    "checksum": range(4, 8),
    "length": range(8, 12),
    "count": range(12, 16),
    "position": range(16, 24),
    "received": range(24, 32),
    "body": range(32, len(WHOLE)),
}


def sealed(data: bytes) -> bytes:
    """The bytes of a block with the checksum that belongs to them."""
    return data[:4] + zlib.crc32(data[8:]).to_bytes(4, "little") + data[8:]


@pytest.mark.parametrize("part", PARTS)
def test_no_flipped_bit_is_taken_for_a_block_and_the_next_one_is_found(part: str) -> None:
    for at in PARTS[part]:
        for bit in range(8):
            data = bytearray(WHOLE + WHOLE)
            data[at] ^= 1 << bit
            assert blocks.decode(memoryview(data), 0) is None
            assert blocks.next_valid(memoryview(data), 1) == len(WHOLE)


def test_the_checksum_covers_header_and_body() -> None:
    assert sealed(WHOLE) == WHOLE
    assert blocks.decode(memoryview(WHOLE), 0) == (BLOCK, len(WHOLE))


@pytest.mark.parametrize(
    "body",
    [WHOLE[32:].replace(b"city", b"\xff\xff\xff\xff"), b"\xdd\xff\xff\xff\xff", b"\x91" * 50, b"", b"\xc1"],
    ids=["no UTF-8", "a row of 4 thousand million", "nested", "empty", "no MessagePack"],
)
def test_nonsense_under_a_right_checksum_is_no_block(body: bytes) -> None:
    data = sealed(WHOLE[:8] + len(body).to_bytes(4, "little") + WHOLE[12:32] + body)
    assert blocks.decode(memoryview(data), 0) is None


@given(st.lists(st.tuples(st.integers(12, len(WHOLE) - 1), st.integers(0, 255)), max_size=6))
def test_whatever_has_the_right_checksum_is_a_block_with_as_many_topics_as_payloads_or_none(
    changes: list[tuple[int, int]],
) -> None:
    data = bytearray(WHOLE)
    for at, byte in changes:
        data[at] = byte
    found = blocks.decode(memoryview(sealed(bytes(data))), 0)
    if found is not None:
        assert len(found[0].topics) == len(found[0].payloads) == int.from_bytes(data[12:16], "little")
