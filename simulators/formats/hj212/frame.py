"""HJ 212 frames: `##`, length, data segment, CRC, CR LF. The same in all editions."""

from __future__ import annotations

from typing import Final


def _crc_table() -> tuple[int, ...]:
    table: list[int] = []
    for byte in range(256):
        crc = byte
        for _ in range(8):
            crc = (crc >> 1) ^ 0xA001 if crc & 1 else crc >> 1
        table.append(crc)
    return tuple(table)


_TABLE: Final = _crc_table()


def crc16(segment: bytes) -> int:
    """Check sum of a data segment.

    HJ 212's own: the register's low byte is dropped at each byte instead of being mixed in, so this is not
    CRC-16/MODBUS.

    >>> f"{crc16(b''):04X} {crc16(bytes(1)):04X}"
    'FFFF 4040'
    """
    crc = 0xFFFF
    for byte in segment:
        low = (crc >> 8) ^ byte
        crc = _TABLE[low]
    return crc


def enclose(segment: bytes, crc: int | None = None) -> bytes:
    """The whole frame of a data segment; `crc` is that of the segment before it was encrypted."""
    if len(segment) > 9999:
        raise ValueError(f"a data segment of {len(segment)} bytes does not fit the four digits of its length")
    return b"##%04d%b%04X\r\n" % (len(segment), segment, crc16(segment) if crc is None else crc)
