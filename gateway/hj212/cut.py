"""What is cut out of a payload or a stream: a frame, with all that a verdict on the cut needs, or a stretch of none."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

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
