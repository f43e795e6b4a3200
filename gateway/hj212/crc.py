"""The CRC of HJ 212 (all editions), of one data segment and of many at once.

For each byte: `crc = (crc >> 8) ^ byte`, then eight shifts with 0xA001. The register's low byte is dropped before
each byte comes in, which sets this CRC apart from CRC-16/MODBUS. So what goes from byte to byte is eight bits wide,
and as all is linear over GF(2), a byte's part in the result depends on its distance from the end only:

    crc = part[0][last byte] ^ part[1][the one before] ^ ... ^ part[n - 1][first byte ^ 0xFF]

where `part[k]` is the table of one step after k steps of high bytes. Eight steps bring every high byte back to
itself (the map has order 8; a test shows it), so `part[k] == part[k % 8]`: a whole segment may be folded to eight
bytes by XOR, eight at a time, and then takes eight look-ups. For a batch numpy folds all segments in one call,
right-aligned to words of eight with zeros, which add nothing. Measured 0.3 us a frame of 449 bytes in batches of
1,000, against 13 us by the table.
"""

from __future__ import annotations

from collections.abc import Sequence
from sys import byteorder
from typing import Final

import numpy as np
from numpy.typing import NDArray

from gateway.hj212.verdicts import Verdict

START: Final = 0xFFFF
NO_CRC: Final = -1
"""What `sent_crcs` gives for text that is no CRC."""


def _step(byte: int) -> int:
    for _ in range(8):
        byte = (byte >> 1) ^ 0xA001 if byte & 1 else byte >> 1
    return byte


_TABLE: Final = tuple(_step(byte) for byte in range(256))


def _parts() -> NDArray[np.uint16]:
    """`part[k][byte]` for k in 0-7, shape (8, 256)."""
    table = np.array(_TABLE, np.uint16)
    parts = [table]
    for _ in range(7):
        parts.append(parts[-1][table >> 8])
    return np.stack(parts)


_PARTS: Final = _parts()
_OF_START: Final = _PARTS[:, 0xFF].copy()
"""What the start value adds, by the distance of the first byte from the end modulo 8."""


_OF_START_AS_INTS: Final[list[int]] = _OF_START.tolist()
_PARTS_REVERSED: Final[list[list[int]]] = _PARTS[::-1].tolist()


def _nibbles() -> NDArray[np.int64]:
    values = np.full(256, -(1 << 20), np.int64)
    for digit in "0123456789abcdefABCDEF":
        values[ord(digit)] = int(digit, 16)
    return values


_NIBBLES: Final = _nibbles()


def crc16(segment: bytes) -> int:
    """The CRC of one data segment."""
    length = len(segment)
    if not length:
        return START
    folded = 0
    for word in memoryview(segment.rjust(length + 7 >> 3 << 3, b"\0")).cast("Q"):
        folded ^= word
    crc = _OF_START_AS_INTS[(length - 1) & 7]
    for part, byte in zip(_PARTS_REVERSED, folded.to_bytes(8, byteorder), strict=True):
        crc ^= part[byte]
    return crc


def crc16_batch(segments: Sequence[bytes]) -> NDArray[np.uint16]:
    """The CRC of each data segment, shape (n,)."""
    if not segments:
        return np.zeros(0, np.uint16)
    lengths = np.array([len(segment) for segment in segments], np.int64)
    words = np.maximum((lengths + 7) >> 3, 1)
    padded = b"".join([segment.rjust((len(segment) + 7 >> 3 << 3) or 8, b"\0") for segment in segments])
    starts = np.cumsum(words) - words
    folded = np.bitwise_xor.reduceat(np.frombuffer(padded, np.uint64), starts)
    in_order = folded.view(np.uint8).reshape(-1, 8)
    crc = _OF_START[(lengths - 1) & 7]
    for column in range(8):
        crc ^= _PARTS[7 - column][in_order[:, column]]
    crc[lengths == 0] = START
    return crc


def crc_verdict(sent: bytes, segment: bytes, computed: int) -> Verdict:
    """What is wrong with the CRC that was sent with a segment, `computed` being the right one."""
    try:
        number = int(sent, 16)
    except ValueError:
        return Verdict.CRC_WRONG
    if number == computed:
        found = Verdict.CRC_SHORT if len(sent) < 4 else Verdict.NONE
        return found if sent == sent.upper() else found | Verdict.CRC_LOWER_CASE
    if number == _swapped(computed):
        return Verdict.CRC_SWAPPED
    modbus = _crc16_modbus(segment)
    return Verdict.CRC_MODBUS if number in (modbus, _swapped(modbus)) else Verdict.CRC_WRONG


def _swapped(crc: int) -> int:
    return (crc & 0xFF) << 8 | crc >> 8


def _crc16_modbus(segment: bytes) -> int:
    crc = START
    for byte in segment:
        crc = _TABLE[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    return crc


def sent_crcs(texts: Sequence[bytes]) -> NDArray[np.int64]:
    """The numbers of texts of four hexadecimal digits, either case, `NO_CRC` for other texts; shape (n,)."""
    digits = _NIBBLES[np.frombuffer(b"".join(texts), np.uint8).reshape(-1, 4)]
    numbers = digits @ np.array([4096, 256, 16, 1])
    return np.where(numbers < 0, NO_CRC, numbers)
