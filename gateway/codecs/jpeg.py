"""Camera frames: is it a whole JPEG picture of a sane size, and when was it taken? Reads headers, no pixels.

Marker segments as ITU-T T.81, annex B; the time as Exif 2.32, 4.6.5 and 4.6.6: DateTimeOriginal (0x9003),
SubSecTimeOriginal (0x9291) and OffsetTimeOriginal (0x9011). All offsets in a file come from outside: each is
checked against the bytes at hand, and tables are read once, so that no file can send the reader in circles.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final
from zoneinfo import ZoneInfo

from gateway.reasons import Reason
from gateway.stamps import iso_ms, plausible

LARGEST: Final = 64_000_000
"""Pixels. A small file may unfold to any size; 64 megapixels are 200 MB in memory and over any camera here."""

_START, _END = b"\xff\xd8", b"\xff\xd9"
_APP1, _START_OF_SCAN, _END_OF_IMAGE = 0xE1, 0xDA, 0xD9
_ALONE: Final = frozenset((0x01, *range(0xD0, 0xD9)))
"""Markers without a segment behind them."""
_SIZES: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
"""Start of frame, all kinds of coding."""
_EXIF: Final = b"Exif\0\0"
_EXIF_TABLE, _TAKEN, _OFFSET, _FRACTION = 0x8769, 0x9003, 0x9011, 0x9291
_ASCII, _LONG = 2, 4


def check_jpeg(jpeg: bytes) -> Reason | None:
    """Why a payload cannot be a camera frame, None where it can: `not_jpeg`, `truncated_jpeg` or `too_large`."""
    if not jpeg.startswith(_START):
        return Reason.NOT_JPEG
    pixels = 0
    for marker, start, end in _segments(jpeg):
        if marker == _START_OF_SCAN:
            if pixels == 0:
                return Reason.NOT_JPEG
            # The last bytes, but that some cameras add padding or notes of their own behind the end.
            return None if jpeg.rfind(_END, end) >= 0 else Reason.TRUNCATED_JPEG
        if marker == _END_OF_IMAGE:
            return Reason.NOT_JPEG
        if marker in _SIZES and end - start >= 5:
            height, width = struct.unpack_from(">HH", jpeg, start + 1)
            pixels = height * width
            if pixels > LARGEST:
                return Reason.TOO_LARGE
    return Reason.TRUNCATED_JPEG


def jpeg_size(jpeg: bytes) -> tuple[int, int] | None:
    """Width and height that the first frame header names, None where there is none."""
    for marker, start, end in _segments(jpeg):
        if marker in _SIZES and end - start >= 5:
            height, width = struct.unpack_from(">HH", jpeg, start + 1)
            return (width, height) if width and height else None
    return None


def captured_ms(jpeg: bytes, user_property: str | None, received: int, zone: ZoneInfo) -> int:
    """When a frame was taken, ms UTC: by the MQTT 5 user property, else by EXIF, else when it was received.

    The property is ISO 8601 or milliseconds since 1970. A stamp without a zone is local time of the camera's site.
    What cannot be read, or is before 2000 or after 2100, counts as not there.
    """
    if user_property is not None:
        try:
            text = user_property.strip()
            if text.isascii() and text.isdigit() and len(text) == 13:
                return plausible(int(text))
            return iso_ms(text, zone)
        except ValueError:
            pass
    taken = _exif_stamp(jpeg)
    if taken is not None:
        try:
            return iso_ms(taken, zone)
        except ValueError:
            pass
    return received


def _segments(jpeg: bytes) -> Iterator[tuple[int, int, int]]:
    """Marker, start and end of each segment's content, up to the first scan or the end of the picture.

    Ends early where a segment reaches beyond the bytes or no marker stands where one must.
    """
    at, size = 2, len(jpeg)
    while at + 1 < size and jpeg[at] == 0xFF:
        marker = jpeg[at + 1]
        if marker == 0xFF:  # a fill byte
            at += 1
            continue
        at += 2
        if marker in _ALONE:
            continue
        if marker == _END_OF_IMAGE:
            yield marker, at, at
            return
        if at + 2 > size:
            return
        end = at + int.from_bytes(jpeg[at : at + 2])
        if not at + 2 <= end <= size:
            return
        yield marker, at + 2, end
        if marker == _START_OF_SCAN:
            return
        at = end


def _exif_stamp(jpeg: bytes) -> str | None:
    """DateTimeOriginal with fraction and offset, where given, as ISO 8601; None where there is none."""
    if not jpeg.startswith(_START):
        return None
    for marker, start, end in _segments(jpeg):
        if marker == _APP1 and jpeg[start : start + 6] == _EXIF:
            try:
                return _taken(jpeg[start + 6 : end])
            except (struct.error, UnicodeDecodeError):
                return None
    return None


def _taken(tiff: bytes) -> str | None:
    """The stamp in a TIFF structure. Raises struct.error where an offset is outside, UnicodeDecodeError."""
    order = {b"II": "<", b"MM": ">"}.get(tiff[:2])
    if order is None:
        return None
    magic, first = struct.unpack_from(f"{order}HI", tiff, 2)
    pointer = _table(tiff, order, first).get(_EXIF_TABLE)
    if magic != 42 or pointer is None or pointer[0] != _LONG:
        return None
    (exif,) = struct.unpack_from(f"{order}I", tiff, pointer[2])
    entries = _table(tiff, order, exif)
    taken = _text(tiff, order, entries, _TAKEN)
    if len(taken) != 19:  # YYYY:MM:DD hh:mm:ss
        return None
    fraction = _text(tiff, order, entries, _FRACTION)
    fraction = f".{fraction[:6]}" if fraction.isdigit() else ""
    return f"{taken[:10].replace(':', '-')}T{taken[11:]}{fraction}{_text(tiff, order, entries, _OFFSET)}"


def _table(tiff: bytes, order: str, at: int) -> dict[int, tuple[int, int, int]]:
    """Tag to type, count and place of the value field, of one table. Raises struct.error."""
    (count,) = struct.unpack_from(f"{order}H", tiff, at)
    places = range(at + 2, at + 2 + 12 * count, 12)
    rows = [(*struct.unpack_from(f"{order}HHI", tiff, place), place + 8) for place in places]
    return {tag: (kind, length, place) for tag, kind, length, place in rows}


def _text(tiff: bytes, order: str, entries: dict[int, tuple[int, int, int]], tag: int) -> str:
    """The text of a tag, empty where there is none. Raises struct.error and UnicodeDecodeError."""
    kind, length, place = entries.get(tag, (0, 0, 0))
    if kind != _ASCII or length > 64:
        return ""
    if length > 4:
        (place,) = struct.unpack_from(f"{order}I", tiff, place)
    return tiff[place : place + length].split(b"\0")[0].decode("ascii").strip()
