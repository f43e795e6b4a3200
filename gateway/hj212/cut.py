"""Frames cut out of payloads, as bytes, with all that a verdict on the cut needs to know.

##0101QN=20160801085857223;ST=32;CN=1062;PW=100000;MN=010000A8900016F000169DC0;Flag=5;CP=&&RtdInterval=30&&1C80
| length  data segment                                                                                    CRC
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from gateway.reasons import Reason, shown

_LENGTH: Final = re.compile(rb"##(\d{0,4})")
_CRC: Final = re.compile(rb"([0-9A-Fa-f]{1,4})([\s\0#]|\Z)?")
_END: Final = re.compile(rb"&&([0-9A-Fa-f]{3,4})(?=[\s\0]|\Z)")
_HEX: Final = re.compile(rb"[0-9A-Fa-f]{1,4}")
BLANK: Final = b" \t\r\n\v\f\0"
"""What may stand between frames."""


class Cut(NamedTuple):
    """One frame as it stands in a payload."""

    raw: bytes
    """From `##` to the CRC."""
    segment: bytes
    """The data segment: what the CRC is of, unless it is encrypted."""
    crc_text: bytes
    """The CRC as it was sent."""
    length_text: bytes
    """The digits of the length field, none to four."""
    length_ok: bool
    """Whether the length field is that of the segment."""
    line_end: bool
    """Whether CR LF stands behind the CRC."""

    @property
    def crc(self) -> int | None:
        """The CRC that was sent; None where its text is no hexadecimal number."""
        return int(self.crc_text, 16) if _HEX.fullmatch(self.crc_text) else None


class Stray(NamedTuple):
    """A stretch of a payload that is no frame."""

    raw: bytes
    reason: Reason
    detail: str


def cut(payload: bytes) -> list[Cut | Stray]:
    """The frames of a payload in their order, and whatever else is in it, but for blanks between frames.

    A frame ends where its length field says, if a CRC is there; else at the first `&&` with a CRC behind it before
    the next `##`.
    """
    found: list[Cut | Stray] = []
    lost = at = 0
    while (start := payload.find(b"##", at)) >= 0:
        frame, at = frame_at(payload, start)
        if frame is not None:
            _lose(found, payload[lost:start])
            found.append(frame)
            lost = at
    _lose(found, payload[lost:])
    return found


def frame_at(payload: bytes, start: int) -> tuple[Cut | None, int]:
    """The frame whose `##` is at `start`, if it is one, and where to go on."""
    match = _LENGTH.match(payload, start)
    assert match is not None, "the caller found ## here"
    head = match.end()
    if match[1]:
        end = head + int(match[1])
        crc = _CRC.match(payload, end)
        # Four digits may stand at a wrong length by chance: a line end behind or && before must confirm it.
        if crc is not None and (crc[2] is not None or (len(crc[1]) == 4 and payload[end - 2 : end] == b"&&")):
            return _cut(payload, start, match, end, crc.end(1), True), crc.end(1)
    following = payload.find(b"##", start + 1)
    if following < 0:
        following = len(payload)
    ending = _END.search(payload, head, following)
    if ending is None:
        return None, following
    return _cut(payload, start, match, ending.start() + 2, ending.end(), False), ending.end()


def _cut(payload: bytes, start: int, length: re.Match[bytes], end: int, behind: int, length_ok: bool) -> Cut:
    """The frame from `start`, its segment from behind the length to `end`, its CRC from there to `behind`."""
    return Cut(
        raw=payload[start:behind],
        segment=payload[length.end() : end],
        crc_text=payload[end:behind],
        length_text=length[1],
        length_ok=length_ok,
        line_end=payload[behind : behind + 2] == b"\r\n",
    )


def stray(stretch: bytes) -> Stray | None:
    """What a stretch without a frame is; None where it is blank."""
    stretch = stretch.strip(BLANK)
    if stretch.startswith(b"##"):
        detail = f"the frame {shown(stretch[:40])} has no end: no && and CRC where its length says, nor behind"
        return Stray(stretch, Reason.TRUNCATED_FRAME, detail)
    if stretch:
        return Stray(stretch, Reason.NOT_HJ212, f"expected ## and a length, found {shown(stretch[:40])}")
    return None


def _lose(found: list[Cut | Stray], stretch: bytes) -> None:
    if (lost := stray(stretch)) is not None:
        found.append(lost)
