"""Camera frames: sane or not, and when they were taken."""

from __future__ import annotations

import struct
from zoneinfo import ZoneInfo

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.codecs.jpeg import LARGEST, captured_ms, check_jpeg

CHINA, BERLIN = ZoneInfo("Asia/Shanghai"), ZoneInfo("Europe/Berlin")
RECEIVED = 1_772_400_000_000
NOON = 1_772_337_600_000  # 2026-03-01 12:00 in China, 05:00 in Berlin


def picture() -> bytes:
    done, data = cv2.imencode(".jpg", np.zeros((24, 32, 3), np.uint8))
    assert done
    return data.tobytes()


PICTURE = picture()


def exif(taken: bytes = b"2026:03:01 12:00:00", fraction: bytes = b"", offset: bytes = b"", order: str = "<") -> bytes:
    """An APP1 segment with the three tags, as a camera writes it."""
    texts = {0x9003: taken + b"\0", 0x9011: offset and offset + b"\0", 0x9291: fraction and fraction + b"\0"}
    sent = {tag: text for tag, text in texts.items() if text}
    table = 8 + 2 + 12 + 4
    at = table + 2 + 12 * len(sent) + 4
    entries, data = b"", b""
    for tag, text in sorted(sent.items()):
        if len(text) <= 4:
            entries += struct.pack(f"{order}HHI4s", tag, 2, len(text), text)
        else:
            entries += struct.pack(f"{order}HHII", tag, 2, len(text), at + len(data))
            data += text
    first = struct.pack(f"{order}H", 1) + struct.pack(f"{order}HHII", 0x8769, 4, 1, table) + bytes(4)
    second = struct.pack(f"{order}H", len(sent)) + entries + bytes(4)
    tiff = (b"II" if order == "<" else b"MM") + struct.pack(f"{order}HI", 42, 8) + first + second + data
    return b"\xff\xe1" + struct.pack(">H", len(tiff) + 8) + b"Exif\0\0" + tiff


def with_exif(segment: bytes) -> bytes:
    return PICTURE[:2] + segment + PICTURE[2:]


def sized(width: int, height: int) -> bytes:
    at = PICTURE.index(b"\xff\xc0") + 5
    return PICTURE[:at] + struct.pack(">HH", height, width) + PICTURE[at + 4 :]


@pytest.mark.parametrize(
    ("jpeg", "reason"),
    [
        (PICTURE, None),
        (with_exif(exif()), None),
        (PICTURE + b"\0" * 7 + b"note", None),
        (PICTURE[:2] + b"\xff\xff" + PICTURE[3:], None),
        (sized(8000, 8000), None),
        (sized(8000, LARGEST // 8000 + 1), "too_large"),
        (sized(65_535, 65_535), "too_large"),
        (sized(0, 10), "not_jpeg"),
        (b"", "not_jpeg"),
        (b"\x89PNG\r\n\x1a\n", "not_jpeg"),
        (b"\xff\xd8\xff\xd9", "not_jpeg"),
        (b"\xff\xd8\xff\xda\0\x02\xff\xd9", "not_jpeg"),
        (b"\xff\xd8", "truncated_jpeg"),
        (b"\xff\xd8\xff\xe1\xff\xff", "truncated_jpeg"),
        (PICTURE[:-2], "truncated_jpeg"),
        (PICTURE[: len(PICTURE) // 2], "truncated_jpeg"),
    ],
)
def test_a_frame_is_whole_and_of_a_sane_size(jpeg: bytes, reason: str | None) -> None:
    assert check_jpeg(jpeg) == reason


def test_a_cut_picture_is_never_taken_for_a_whole_one() -> None:
    whole = with_exif(exif())
    for size in range(len(whole)):
        assert check_jpeg(whole[:size]) in {"not_jpeg", "truncated_jpeg"}


@pytest.mark.parametrize(
    ("said", "ms"),
    [
        (str(NOON), NOON),
        (" 2026-03-01T04:00:00.250Z ", NOON + 250),
        ("2026-03-01T12:00:00", NOON),
        ("", None),
        ("soon", None),
        ("1772337600", None),
        ("1999-01-01T00:00:00Z", None),
        ("9" * 13, None),
    ],
)
def test_the_user_property_goes_before_exif_where_it_can_be_read(said: str, ms: int | None) -> None:
    other = exif(b"2026:02:01 12:00:00")
    expected = NOON - 28 * 86_400_000 if ms is None else ms
    assert captured_ms(with_exif(other), said, RECEIVED, CHINA) == expected
    assert captured_ms(PICTURE, said, RECEIVED, CHINA) == (RECEIVED if ms is None else ms)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(
    ("segment", "zone", "ms"),
    [
        ({}, CHINA, NOON),
        ({}, BERLIN, NOON + 7 * 3_600_000),
        ({"offset": b"+08:00"}, BERLIN, NOON),
        ({"fraction": b"25"}, CHINA, NOON + 250),
        ({"fraction": b"123456", "offset": b"+08:00"}, BERLIN, NOON + 123),
        ({"fraction": b"  "}, CHINA, NOON),
        ({"taken": b"0000:00:00 00:00:00"}, CHINA, RECEIVED),
        ({"taken": b"    :  :     :  :  "}, CHINA, RECEIVED),
        ({"taken": b"1990:01:01 00:00:00"}, CHINA, RECEIVED),
        ({"taken": b"\xff\xfe"}, CHINA, RECEIVED),
        ({"offset": b"east"}, CHINA, RECEIVED),
    ],
)
def test_exif_says_when_a_picture_was_taken(segment: dict[str, bytes], zone: ZoneInfo, ms: int, order: str) -> None:
    assert captured_ms(with_exif(exif(**segment, order=order)), None, RECEIVED, zone) == ms


def test_without_property_and_exif_it_is_the_time_received() -> None:
    assert captured_ms(PICTURE, None, RECEIVED, CHINA) == RECEIVED


@settings(max_examples=60, deadline=None)
@given(
    st.binary(max_size=40), st.integers(0, len(with_exif(exif()))), st.integers(0, 60), st.none() | st.text(max_size=20)
)
def test_no_bytes_and_no_property_raise(noise: bytes, at: int, dropped: int, said: str | None) -> None:
    whole = with_exif(exif(fraction=b"25", offset=b"+08:00"))
    for jpeg in (noise, b"\xff\xd8" + noise, whole[:at] + noise + whole[at + dropped :]):
        check_jpeg(jpeg)
        captured_ms(jpeg, said, RECEIVED, CHINA)
