"""What is cut out of a payload or a stream: a frame, with all that a verdict on the cut needs, or a stretch of none."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from gateway.hj212.editions import SEGMENT_MOST
from gateway.hj212.verdicts import Verdict
from gateway.reasons import Reason

_HEX: Final = re.compile(rb"[0-9A-Fa-f]{1,4}")


class Cut(NamedTuple):
    """One frame as it stands in a payload."""

    raw: bytes
    """From `##` to the CRC, with the CR LF behind it if there is one."""
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


def cut_verdicts(cut: Cut, plain: int) -> Verdict:
    """What is wrong with length and line end of a frame whose segment has `plain` bytes in plain text.

    Of an encrypted frame the length field may be that of the plain segment or that of the one sent.
    """
    length_ok = cut.length_ok or (cut.length_text.isdigit() and int(cut.length_text) == plain)
    found = Verdict.NONE if length_ok else Verdict.LENGTH_WRONG
    if len(cut.length_text) != 4:
        found |= Verdict.LENGTH_DIGITS
    if plain > SEGMENT_MOST:
        found |= Verdict.SEGMENT_LONG
    return found if cut.line_end else found | Verdict.LINE_END
