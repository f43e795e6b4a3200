"""One block on disk: a header of 32 bytes and a MessagePack body.

```
 0  4  magic `PVJ1`
 4  4  CRC-32 (zlib) of everything after it, header and body
 8  4  length of the body in bytes
12  4  number of messages
16  8  position of the first message
24  8  received, ms UTC
32     body: MessagePack [link, [topic, ...], [payload, ...]]
```

Little endian. A block is written by one write and is valid only whole. MessagePack, so that any tool can read it.
"""

from __future__ import annotations

import struct
import zlib
from typing import Final

import msgspec

from gateway.records import Block

MAGIC: Final = b"PVJ1"
HEADER: Final = struct.Struct("<4sIIIQq")
_AFTER_CRC: Final = struct.Struct("<IIQq")
MAX_BODY: Final = 256 * 1024 * 1024
"""A length above this is damage, not a block: batches are bounded far below."""


class Body(msgspec.Struct, array_like=True, gc=False):
    link: str
    topics: list[str]
    payloads: list[bytes]


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Body)


def encode(block: Block) -> bytes:
    """The block as it stands on disk."""
    body = _encoder.encode(Body(block.link, block.topics, block.payloads))
    rest = _AFTER_CRC.pack(len(body), len(block), block.first, block.received)
    return b"".join((MAGIC, zlib.crc32(body, zlib.crc32(rest)).to_bytes(4, "little"), rest, body))


def decode(data: memoryview, at: int) -> tuple[Block, int] | None:
    """The block that starts at offset `at`, and the offset after it; None where no whole valid block starts."""
    start = at + HEADER.size
    if start > len(data):
        return None
    magic, crc, length, count, first, received = HEADER.unpack_from(data, at)
    if magic != MAGIC or length > MAX_BODY or start + length > len(data):
        return None
    if zlib.crc32(data[at + 8 : start + length]) != crc:
        return None
    try:
        body = _decoder.decode(data[start : start + length])
    except (msgspec.DecodeError, UnicodeDecodeError):  # once in four thousand million, damage has the right checksum
        return None
    if len(body.topics) != count or len(body.payloads) != count:
        return None
    return Block(first, received, body.link, body.topics, body.payloads), start + length


def looks_whole(data: memoryview, at: int) -> bool:
    """Whether a block begins at `at` whose every byte is there, valid or not: then no write was cut short."""
    if at + HEADER.size > len(data):
        return False
    magic, _, length, _, _, _ = HEADER.unpack_from(data, at)
    return magic == MAGIC and length <= MAX_BODY and at + HEADER.size + length <= len(data)


def next_valid(data: memoryview, at: int) -> int | None:
    """Offset of the next whole valid block at or after `at`, None where there is none: how a reader resynchronises."""
    whole = data.obj if isinstance(data.obj, (bytes, bytearray)) and len(data.obj) == len(data) else bytes(data)
    assert isinstance(whole, (bytes, bytearray))
    while (at := whole.find(MAGIC, at)) >= 0:
        if decode(data, at) is not None:
            return at
        at += 1
    return None
