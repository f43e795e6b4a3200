"""Frames from the centre: cut out of a stream, and read."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from simulators.formats.hj212 import crc16

LONGEST: Final = 9999 + 12
"""Bytes of a frame: four digits of length, and what is around the data segment."""
QN_MOST: Final = 20
"""Characters of a QN; the standard has 17."""
FLAG_DIGITS: Final = 3
"""Flag is one byte."""
_HEAD: Final = re.compile(rb"##(\d{4})")
_SEGMENT: Final = re.compile(rb"(.*?);?CP=&&(.*)&&", re.DOTALL)


class Heard(NamedTuple):
    """What a frame says."""

    qn: str
    """Of the header; of CP where the header has none (2005)."""
    cn: str
    pw: str
    mn: str
    flag: int
    items: dict[str, str]
    crc_right: bool


def read(frame: bytes) -> Heard | None:
    """A frame of whichever edition, in plain text or not; None where it is none, or one that cannot be answered."""
    head = _HEAD.match(frame)
    if head is None:
        return None
    last = 6 + int(head[1])
    segment, crc = frame[6:last], frame[last : last + 4]
    found = _SEGMENT.fullmatch(segment)
    if found is None or len(crc) < 4:
        return None
    header = _pairs(found[1].decode("ascii", "replace"))
    items = _pairs(found[2].decode("utf-8", "replace"))
    qn = header.get("QN") or items.get("QN", "")
    if len(qn) > QN_MOST:
        return None
    flag = header.get("Flag", "0")
    return Heard(
        qn,
        header.get("CN", ""),
        header.get("PW", ""),
        header.get("MN", ""),
        int(flag) if flag.isdecimal() and len(flag) <= FLAG_DIGITS else 0,
        items,
        crc.upper() == b"%04X" % crc16(segment),
    )


def _pairs(text: str) -> dict[str, str]:
    parts = (part.partition("=") for part in re.split("[;,]", text))
    return {name: value for name, equals, value in parts if equals}


class Cutter:
    """Finds frames in what a connection brings, in whichever pieces; what is none is passed over."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[bytes]:
        """The frames that are whole now, without their line ends."""
        text = self._rest + data
        frames: list[bytes] = []
        at = 0
        while (begin := text.find(b"##", at)) >= 0:
            head = _HEAD.match(text, begin)
            if head is None:
                if len(text) - begin < 6:
                    break
                at = begin + 1
                continue
            end = head.end() + int(head[1]) + 4
            if end > len(text):
                break
            frames.append(text[begin:end])
            at = end
        else:
            begin = max(at, len(text) - 1)  # the first half of a ## may be there
        self._rest = text[begin:][-LONGEST:]
        return frames
