"""Numbers as columns of ASCII digits, and the check sum of HJ 212 over many segments of one length."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]

_ZERO: Final = ord("0")
_HEX: Final = np.frombuffer(b"0123456789ABCDEF", np.uint8)


def put_digits(numbers: NDArray[np.int64], out: Bytes) -> None:
    """Write each number into its row of `out`, shape (n, width), with leading zeros."""
    rest = numbers.copy()
    for column in range(out.shape[1] - 1, -1, -1):
        rest, digit = np.divmod(rest, 10)
        out[:, column] = digit + _ZERO


def put_hex(numbers: NDArray[np.uint16], out: Bytes) -> None:
    """Write each number as four hexadecimal digits into its row of `out`, shape (n, 4)."""
    for column in range(4):
        out[:, column] = _HEX[(numbers >> np.uint16(12 - 4 * column)) & np.uint16(15)]


def _table() -> NDArray[np.uint16]:
    table = np.arange(256, dtype=np.uint16)
    for _ in range(8):
        table = np.where(table & 1, (table >> 1) ^ 0xA001, table >> 1).astype(np.uint16)
    return table


_TABLE: Final = _table()


def crc16_columns(segments: Bytes) -> NDArray[np.uint16]:
    """HJ 212's check sum of each row; shape (n, length) to (n,). One look-up a column for all rows at once."""
    crc = np.full(len(segments), 0xFFFF, np.uint16)
    for column in np.ascontiguousarray(segments.T):
        crc = _TABLE[(crc >> np.uint16(8)) ^ column]
    return crc
