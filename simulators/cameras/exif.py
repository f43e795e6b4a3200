"""Capture time in a JPEG: an EXIF segment with DateTimeOriginal, its milliseconds and its offset from UTC.

Every receiver can read it, whether the broker carries user properties (MQTT 5) or not.
Layout after CIPA DC-008 (EXIF 2.32): APP1, `Exif`, TIFF header, IFD0 with a pointer to the Exif IFD.
"""

from __future__ import annotations

import struct
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

SOI: Final = b"\xff\xd8"
APP1: Final = b"\xff\xe1"
EXIF_IFD: Final = 0x8769
EXIF_VERSION: Final = 0x9000
DATE_TIME_ORIGINAL: Final = 0x9003
OFFSET_TIME_ORIGINAL: Final = 0x9011
SUB_SEC_TIME_ORIGINAL: Final = 0x9291
ASCII, LONG, UNDEFINED = 2, 4, 7


def with_capture_time(jpeg: bytes, captured: int, zone: ZoneInfo) -> bytes:
    """The JPEG with an EXIF segment put right behind its first marker. `captured`: ms UTC, written in `zone`."""
    assert jpeg.startswith(SOI), "not a JPEG"
    return b"".join((SOI, _segment(captured, zone), jpeg[2:]))


def _segment(captured: int, zone: ZoneInfo) -> bytes:
    local = datetime.fromtimestamp(captured // 1000, zone)
    offset = local.utcoffset() or timedelta(0)
    minutes = round(abs(offset).total_seconds() / 60)
    sign = "-" if offset < timedelta(0) else "+"
    entries = (
        (EXIF_VERSION, UNDEFINED, b"0232"),
        (DATE_TIME_ORIGINAL, ASCII, f"{local:%Y:%m:%d %H:%M:%S}\0".encode()),
        (OFFSET_TIME_ORIGINAL, ASCII, f"{sign}{minutes // 60:02d}:{minutes % 60:02d}\0".encode()),
        (SUB_SEC_TIME_ORIGINAL, ASCII, f"{captured % 1000:03d}\0".encode()),
    )
    header = b"MM\x00\x2a" + struct.pack(">I", 8)
    exif_at = 8 + 2 + 12 + 4
    pointer = struct.pack(">HHHIII", 1, EXIF_IFD, LONG, 1, exif_at, 0)
    data_at = exif_at + 2 + 12 * len(entries) + 4
    table, data = struct.pack(">H", len(entries)), b""
    for tag, kind, value in entries:
        table += struct.pack(">HHI", tag, kind, len(value))
        if len(value) <= 4:
            table += value.ljust(4, b"\0")
        else:
            table += struct.pack(">I", data_at + len(data))
            data += value + b"\0" * (len(value) % 2)  # values begin on even offsets
    body = b"Exif\0\0" + header + pointer + table + struct.pack(">I", 0) + data
    return APP1 + struct.pack(">H", len(body) + 2) + body
