"""Frames cut out of bytes, however these are cut into reads: half a frame, several, garbage between, wrong lengths.

A frame ends where its length field says, if a CRC is there: so cipher text may hold `&&`, `##` and line ends. A
length may be wrong, though. So where before that place stands `&&` and a CRC that is right, the frame ends there,
without waiting for more; and where the length leads nowhere, at the first `&&` with four digits and a line end.

What was cut does not depend on the reads: every decision waits until the bytes it needs have come.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from gateway.hj212.crc import crc16
from gateway.hj212.cut import Cut, Stray
from gateway.reasons import Reason, shown

LONGEST_FRAME: Final = 10 * 1024
"""Bytes within which a frame ends or is none: four digits can say 9,999, mark, length, CRC and line end are 12 more."""
LONGEST_STRAY: Final = 16 * 1024
"""Bytes of garbage that are held to be given as one piece; longer stretches come in several."""
WAIT: Final = -1
"""Where `frame_at` cannot tell yet."""

BLANK: Final = b" \t\r\n\v\f\0"
_LENGTH: Final = re.compile(rb"##(\d{0,4})")
_CRC: Final = re.compile(rb"([0-9A-Fa-f]{1,4})([\s\0#])?")
_END: Final = re.compile(rb"&&([0-9A-Fa-f]{3,4})[\s\0]")
_END_LAST: Final = re.compile(rb"&&([0-9A-Fa-f]{3,4})(?=[\s\0]|\Z)")


class StreamCutter:
    """Cuts what comes in reads. Holds at most `LONGEST_FRAME + LONGEST_STRAY` bytes between them."""

    def __init__(self) -> None:
        self._held = b""
        self._at = 0
        """Up to here all that is held is garbage; from here on a frame may begin."""

    @property
    def held(self) -> int:
        """Bytes that wait for more: half a frame, or garbage whose end has not come."""
        return len(self._held)

    def feed(self, data: bytes) -> list[Cut | Stray]:
        """What is complete with these bytes, in order. Blanks between frames are left out."""
        return self._cut(data, final=False)

    def finish(self) -> list[Cut | Stray]:
        """What is left, now that no more comes. The cutter is as new then."""
        return self._cut(b"", final=True)

    def _cut(self, data: bytes, final: bool) -> list[Cut | Stray]:
        held = self._held + data
        found: list[Cut | Stray] = []
        lost, at = 0, self._at
        while (start := held.find(b"##", at)) >= 0:
            frame, at = frame_at(held, start, final)
            if at == WAIT:
                at = start
                break
            if frame is not None:
                found += _strays(held[lost:start])
                found.append(frame)
                lost = at
        else:
            at = len(held) if final else max(at, len(held) - held.endswith(b"#"))
        whole = at if final else lost + (at - lost) // LONGEST_STRAY * LONGEST_STRAY
        found += _strays(held[lost:whole])
        self._held, self._at = held[whole:], at - whole
        return found


def cut(payload: bytes) -> list[Cut | Stray]:
    """The frames of a whole payload in their order, and whatever else is in it, but for blanks between frames."""
    cutter = StreamCutter()
    return cutter.feed(payload) + cutter.finish()


def frame_at(data: bytes, start: int, final: bool) -> tuple[Cut | None, int]:
    """The frame that begins with the `##` at `start`, if it is one, and where to go on.

    (None, WAIT) where bytes still to come decide; never with `final`, which says that none come.
    """
    match = _LENGTH.match(data, start)
    assert match is not None, "the caller found ## here"
    head = match.end()
    reach = start + LONGEST_FRAME
    following = data.find(b"##", start + 1, reach)
    limit = following if following >= 0 else min(len(data), reach)
    is_last = limit == following or (final and limit == len(data))  # what ends there ends for good
    ending = (_END_LAST if is_last else _END).search(data, head, limit)
    if len(match[1]) < 4 and head == len(data) and not final:
        return None, WAIT
    if match[1]:
        end = head + int(match[1])
        if ending is not None and ending.start() + 2 < end:
            early = _cut_by_mark(data, match, ending)
            if early[0].crc == crc16(early[0].segment):
                return early
        crc = _CRC.match(data, end)
        at_the_end = end >= len(data) if crc is None else crc.end() == len(data) and crc[2] is None
        # Four digits may stand at a wrong length by chance: a line end behind or && before must confirm it.
        if crc is not None and (
            crc[2] is not None
            or (at_the_end and final)
            or (len(crc[1]) == 4 and data[max(end - 2, head) : end] == b"&&")
        ):
            return _made(data, match, end, crc.end(1), length_ok=True)
        if at_the_end and not final:
            return None, WAIT
    if ending is not None:
        return _cut_by_mark(data, match, ending)
    if following >= 0:
        return None, following
    return None, (limit - 1 if final or limit == reach else WAIT)  # one back: a mark may lie across the limit


def stray(stretch: bytes) -> Stray | None:
    """A stretch without a frame, with the reason; None where it is blank."""
    stretch = stretch.strip(BLANK)
    if stretch.startswith(b"##"):
        detail = f"the frame {shown(stretch[:40])} has no end: no && and CRC where its length says, nor behind"
        return Stray(stretch, Reason.TRUNCATED_FRAME, detail)
    if stretch:
        return Stray(stretch, Reason.NOT_HJ212, f"expected ## and a length, found {shown(stretch[:40])}")
    return None


def _cut_by_mark(data: bytes, length: re.Match[bytes], ending: re.Match[bytes]) -> tuple[Cut, int]:
    return _made(data, length, ending.start() + 2, ending.end(1), length_ok=False)


def _made(data: bytes, length: re.Match[bytes], end: int, behind: int, *, length_ok: bool) -> tuple[Cut, int]:
    """The frame whose segment ends at `end` and whose CRC ends at `behind`, and where to go on.

    A line end counts that has come by now: to wait for one would keep those waiting that send none.
    """
    line_end = data[behind : behind + 2] == b"\r\n"
    whole = behind + 2 if line_end else behind
    frame = Cut(
        raw=data[length.start() : whole],
        segment=data[length.end() : end],
        crc_text=data[end:behind],
        length_text=length[1],
        length_ok=length_ok,
        line_end=line_end,
    )
    return frame, whole


def _strays(stretch: bytes) -> Iterator[Stray]:
    """Garbage in pieces of a bounded size."""
    for at in range(0, len(stretch), LONGEST_STRAY):
        piece = stray(stretch[at : at + LONGEST_STRAY])
        if piece is not None:
            yield piece
