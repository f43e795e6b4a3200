"""HJ 212-2017 frames: `##`, length, data segment, CRC, CR LF."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from simulators.records import Reading

REALTIME: Final = "2011"
MINUTE: Final = "2051"
CP_MOST: Final = 950
"""Bytes of the CP field before a message is split (HJ 212-2017)."""
VERSION_2017: Final = 4
SPLIT: Final = 2
"""Bits of `Flag`: version in bits 7-2, packet numbers in bit 1."""


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


def enclose(segment: bytes) -> bytes:
    """The whole frame of a data segment."""
    if len(segment) > 9999:
        raise ValueError(f"a data segment of {len(segment)} bytes does not fit the four digits of its length")
    return b"##%04d%b%04X\r\n" % (len(segment), segment, crc16(segment))


def frames(
    sent: int,
    data_time: int,
    readings: Sequence[Reading],
    *,
    zone: ZoneInfo,
    system_type: str,
    mn: str,
    command: str = REALTIME,
    password: str = "123456",
) -> list[bytes]:
    """One message of readings: one frame, or several with PNUM and PNO where CP would be over 950 bytes.

    `sent` and `data_time` are ms UTC; on the wire stands local time of `zone`, DataTime to the second.
    Each packet of a split message has its own QN and repeats DataTime (HJ 212-2017 annex C).
    """
    stamp = f"DataTime={_local(data_time, zone):%Y%m%d%H%M%S}"
    parts = _parts(stamp, [_item(reading) for reading in readings])
    head = f"ST={system_type};CN={command};PW={password};MN={mn};"
    made: list[bytes] = []
    for number, cp in enumerate(parts, 1):
        qn = _local(sent + number - 1, zone)
        flag = f"Flag={VERSION_2017 | SPLIT};PNUM={len(parts)};PNO={number}" if len(parts) > 1 else "Flag=4"
        segment = f"QN={qn:%Y%m%d%H%M%S}{qn.microsecond // 1000:03d};{head}{flag};CP=&&{cp}&&"
        made.append(enclose(segment.encode("ascii")))
    return made


def _local(time: int, zone: ZoneInfo) -> datetime:
    return datetime.fromtimestamp(time // 1000, zone) + timedelta(milliseconds=time % 1000)


def _item(reading: Reading) -> str:
    fields = [f"{reading.code}-{field}={value:.{reading.decimals}f}" for field, value in reading.values.items()]
    return ",".join((*fields, f"{reading.code}-Flag={reading.flag}"))


def _parts(stamp: str, items: Sequence[str]) -> list[str]:
    parts: list[str] = []
    part = stamp
    for item in items:
        if len(part) + 1 + len(item) > CP_MOST and part != stamp:
            parts.append(part)
            part = stamp
        part += f";{item}"
    return [*parts, part]
