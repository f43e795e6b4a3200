"""The times inside recorded payloads, moved: so that what was recorded once looks as if it were said now.

Known are HJ 212 (QN, DataTime, SampleTime, RestartTime; the check sum is carried on, so that a right one stays right
and a wrong one wrong), JSON version 1 (`time`), SenML (`bt`, absolute `t`) and the EXIF times of JPEG pictures. All
else in the bytes stays as it is. HJ 212 that is encrypted cannot be moved without its key.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from simulators.formats.hj212 import crc16

PERIODS: Final = {b"2051": 60, b"2061": 3600, b"2031": 86_400, b"2041": 86_400}
"""Commands whose DataTime is the start of a period, in seconds: it stays one."""
JPEG: Final = b"\xff\xd8"
EXIF_BYTES: Final = 65_536
"""The EXIF segment is the first of a JPEG and has at most so many bytes."""
ABSOLUTE: Final = 2**28
"""SenML times from here on are since 1970, below they are relative (RFC 8428, 4.5.3)."""

_HEAD: Final = re.compile(rb"##(\d{4})")
_COMMAND: Final = re.compile(rb"(?:^|;)CN=(\d{4})")
_STAMP: Final = re.compile(rb"\b(QN|DataTime|RestartTime|[0-9A-Za-z]+-SampleTime)=(\d{14})(\d{3})?(?![0-9])")
_JSON_TIME: Final = re.compile(rb'("time"\s*:\s*)(\d+|"[^"\\]*")')
_SECONDS: Final = re.compile(r"\d{4}-\d\d-\d\d.\d\d:\d\d:\d\d")
_SENML_TIME: Final = re.compile(rb'("b?t"\s*:\s*)(\d+)(\.\d+)?')
_EXIF_TIME: Final = re.compile(rb"(\d{4}:\d\d:\d\d \d\d:\d\d:\d\d)(?=\0)")

Change = Callable[[re.Match[bytes]], bytes]


def moved(payload: bytes, seconds: int) -> bytes | None:
    """The payload with its times `seconds` later; None where it is of no known form or has no time to move."""
    if payload.startswith(b"##"):
        return _hj212(payload, seconds)
    if payload.startswith(JPEG):
        return _changed(_EXIF_TIME, payload, lambda m: _local(m[1], "%Y:%m:%d %H:%M:%S", seconds), EXIF_BYTES)
    text = payload.lstrip()
    if text.startswith(b"["):
        return _changed(_SENML_TIME, payload, lambda m: m[1] + _senml(m[2], seconds) + (m[3] or b""))
    if text.startswith(b"{"):
        return _changed(_JSON_TIME, payload, lambda m: m[1] + _json(m[2], seconds))
    return None


def _changed(pattern: re.Pattern[bytes], payload: bytes, change: Change, most: int | None = None) -> bytes | None:
    head, tail = (payload, b"") if most is None else (payload[:most], payload[most:])
    try:
        new = pattern.sub(change, head)
    except (ValueError, OverflowError):  # digits that are no time
        return None
    return None if new == head and not pattern.search(head) else new + tail


def _hj212(payload: bytes, seconds: int) -> bytes | None:
    """Frames one after the other, as far as they are whole; what follows them is left as it is."""
    parts: list[bytes] = []
    at = 0
    while head := _HEAD.match(payload, at):
        first = head.end()
        last = first + int(head[1])
        old, crc = payload[first:last], payload[last : last + 4]
        command = _COMMAND.search(old)
        move = partial(_stamped, seconds=seconds, period=PERIODS.get(command[1], 1) if command else 1)
        try:
            new = _STAMP.sub(move, old)
            told = int(crc, 16)
        except (ValueError, OverflowError):
            return None
        if len(crc) < 4 or b"DataTime=" not in old:
            return None
        # The check sum is linear over GF(2): two segments of one length differ in it by what they differ in themselves.
        text = b"%04X" % (told ^ crc16(old) ^ crc16(new))
        parts += [head[0], new, text.lower() if crc.islower() else text]
        at = last + 4
        if payload.startswith(b"\r\n", at):
            parts.append(b"\r\n")
            at += 2
    return b"".join([*parts, payload[at:]]) if parts else None


def _stamped(match: re.Match[bytes], seconds: int, period: int) -> bytes:
    stamp = _local(match[2], "%Y%m%d%H%M%S", seconds, period if match[1] == b"DataTime" else 1)
    return match[1] + b"=" + stamp + (match[3] or b"")


def _local(text: bytes, form: str, seconds: int, period: int = 1) -> bytes:
    time = datetime.strptime(text.decode(), form) + timedelta(seconds=seconds)  # noqa: DTZ007 - local time stays local
    midnight = time.replace(hour=0, minute=0, second=0)
    time -= timedelta(seconds=(time - midnight).seconds % period)
    return time.strftime(form).encode()


def _json(value: bytes, seconds: int) -> bytes:
    if value[:1] != b'"':
        return b"%d" % (int(value) + seconds * 1000)
    text = value[1:-1].decode()
    later = timedelta(seconds=seconds)
    # Whole seconds on a clock with its offset: fraction and offset stay as they are written.
    parts = _SECONDS.match(text)
    time = datetime.fromisoformat(text)
    if parts is None:
        return f'"{(time + later).isoformat()}"'.encode()
    return f'"{(datetime.fromisoformat(parts[0]) + later).isoformat(text[10])}{text[parts.end() :]}"'.encode()


def _senml(value: bytes, seconds: int) -> bytes:
    time = int(value)
    return b"%d" % (time + seconds) if time >= ABSOLUTE else value
