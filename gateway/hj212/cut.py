"""Frames cut out of bytes: out of a whole payload, and out of what has come of a stream (`stream`).

##0101QN=20160801085857223;ST=32;CN=1062;PW=100000;MN=010000A8900016F000169DC0;Flag=5;CP=&&RtdInterval=30&&1C80
| length  data segment                                                                                    CRC

A frame ends where its length field says, if a CRC is there: so cipher text may hold `&&`, `##` and line ends. A
length may be wrong, though. So where before that place stands `&&` and a CRC that is right, the frame ends there,
without waiting for more; and where the length leads nowhere, at the first `&&` with a CRC and a line end behind it
before the next `##`. Every decision waits until the bytes it needs have come: so it does not depend on the reads.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from gateway.hj212.crc import crc16
from gateway.reasons import Reason, shown

LONGEST_FRAME: Final = 10 * 1024
"""Bytes within which a frame ends or is none: four digits can say 9,999, mark, length, CRC and line end are 12 more."""
LONGEST_STRAY: Final = 16 * 1024
"""Bytes of garbage that are given as one piece; longer stretches come in several."""
WAIT: Final = -1
"""Where `frame_at` cannot tell yet."""
BLANK: Final = b" \t\r\n\v\f\0"
"""What may stand between frames."""

_LENGTH: Final = re.compile(rb"##(\d{0,4})")
_CRC: Final = re.compile(rb"([0-9A-Fa-f]{1,4})([\s\0#])?")
_END: Final = re.compile(rb"&&([0-9A-Fa-f]{3,4})[\s\0]")
_END_LAST: Final = re.compile(rb"&&([0-9A-Fa-f]{3,4})(?=[\s\0]|\Z)")
_HEX: Final = re.compile(rb"[0-9A-Fa-f]{1,4}")


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
    """Whether CR LF stands behind the CRC. In a stream also where that had not come yet: a frame does not wait for it,
    as some devices send none."""

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
    """The frames of a whole payload in their order, and whatever else is in it, but for blanks between frames."""
    return cut_held(payload, 0, final=True)[0]


def cut_held(held: bytes, at: int, final: bool) -> tuple[list[Cut | Stray], int, int]:
    """What is complete in bytes of which those before `at` are known to be garbage; `final` where none follow.

    With how many bytes are used up by that, and up to where the rest is garbage.
    """
    found: list[Cut | Stray] = []
    lost = 0
    while (start := held.find(b"##", at)) >= 0:
        frame, behind = frame_at(held, start, final)
        if behind == WAIT:
            at = start
            break
        at = behind
        if frame is not None:
            found += _strays(held[lost:start])
            found.append(frame)
            lost = at
    else:
        at = max(at, len(held) - held.endswith(b"#"))
    whole = len(held) if final else lost + (at - lost) // LONGEST_STRAY * LONGEST_STRAY
    found += _strays(held[lost:whole])
    return found, whole, at


def frame_at(data: bytes, start: int, final: bool) -> tuple[Cut | None, int]:
    """The frame that begins with the `##` at `start`, if it is one, and where to go on.

    (None, WAIT) where bytes still to come decide; never with `final`, which says that none come.
    """
    length = _LENGTH.match(data, start)
    assert length is not None, "the caller found ## here"
    head = length.end()
    reach = start + LONGEST_FRAME
    following = data.find(b"##", start + 1, reach)
    limit = following if following >= 0 else min(len(data), reach)
    is_last = limit == following or (final and limit == len(data))  # what ends there ends for good
    ending = (_END_LAST if is_last else _END).search(data, head, limit)
    if len(length[1]) < 4 and head == len(data) and not final:
        return None, WAIT
    if length[1]:
        end = head + int(length[1])
        if ending is not None and ending.start() + 2 < end:
            early = _cut_by_mark(data, length, ending, final)
            if early.crc == crc16(early.segment):
                return early, ending.end(1)
        crc = _CRC.match(data, end)
        at_the_end = end >= len(data) if crc is None else crc.end() == len(data) and crc[2] is None
        # Four digits may stand at a wrong length by chance: a line end behind or && before must confirm it.
        if crc is not None and (
            crc[2] is not None
            or (at_the_end and final)
            or (len(crc[1]) == 4 and data[max(end - 2, head) : end] == b"&&")
        ):
            return _cut(data, length, end, crc.end(1), length_ok=True, final=final), crc.end(1)
        if at_the_end and not final:
            return None, WAIT
    if ending is not None:
        return _cut_by_mark(data, length, ending, final), ending.end(1)
    if following >= 0:
        return None, following
    return None, (limit - 1 if final or limit == reach else WAIT)  # one back: a mark may lie across the limit


def stray(stretch: bytes) -> Stray | None:
    """What a stretch without a frame is; None where it is blank."""
    stretch = stretch.strip(BLANK)
    if stretch.startswith(b"##"):
        detail = f"the frame {shown(stretch[:40])} has no end: no && and CRC where its length says, nor behind"
        return Stray(stretch, Reason.TRUNCATED_FRAME, detail)
    if stretch:
        return Stray(stretch, Reason.NOT_HJ212, f"expected ## and a length, found {shown(stretch[:40])}")
    return None


def _cut_by_mark(data: bytes, length: re.Match[bytes], ending: re.Match[bytes], final: bool) -> Cut:
    return _cut(data, length, ending.start() + 2, ending.end(1), length_ok=False, final=final)


def _cut(data: bytes, length: re.Match[bytes], end: int, behind: int, length_ok: bool, final: bool) -> Cut:
    """The frame of a length field, its segment from there to `end`, its CRC from there to `behind`."""
    line_end = data[behind : behind + 2]
    return Cut(
        raw=data[length.start() : behind],
        segment=data[length.end() : end],
        crc_text=data[end:behind],
        length_text=length[1],
        length_ok=length_ok,
        line_end=line_end == b"\r\n" or (line_end in (b"", b"\r") and not final),
    )


def _strays(stretch: bytes) -> Iterator[Stray]:
    """Garbage in pieces of a bounded size."""
    for at in range(0, len(stretch), LONGEST_STRAY):
        piece = stray(stretch[at : at + LONGEST_STRAY])
        if piece is not None:
            yield piece
