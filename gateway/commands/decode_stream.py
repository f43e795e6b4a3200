"""What `gateway decode` reads, cut into pieces: HJ 212 frames wherever they are, lines of JSON, and garbage by line."""

from __future__ import annotations

from typing import Final, Literal

from gateway.config import MIB
from gateway.hj212.cut import Cut, Stray
from gateway.hj212.stream import BLANK, WAIT, frame_at, stray
from gateway.reasons import Reason, shown

LONGEST_LINE: Final = MIB
"""Bytes; a longer line is given as one error and is not held. JSON messages are under that (`docs/payloads.md`)."""

Codec = Literal["auto", "json", "hj212"]
Piece = Cut | Stray | bytes
"""A frame, what is none, or a line of JSON."""

_BETWEEN: Final = BLANK + b"\xef\xbb\xbf"
"""What may stand before a frame or a line: blanks, padding, a byte order mark."""


class Pieces:
    """Cuts what comes in reads. Holds at most `LONGEST_LINE` and the longest frame between them."""

    def __init__(self, codec: Codec) -> None:
        self._codec: Codec = codec
        self._held = b""
        self._at = 0
        """Up to here all that is held is of one line, and no frame begins in it."""
        self._kind: Literal["", "json", "frames"] = ""
        """Of the line that has begun."""
        self._too_long = False
        """Whether that line was given as an error already."""

    @property
    def held(self) -> int:
        """Bytes that wait for more."""
        return len(self._held)

    def feed(self, data: bytes) -> list[Piece]:
        """What is complete with these bytes, in order."""
        return self._cut(data, final=False)

    def finish(self) -> list[Piece]:
        """What is left, now that no more comes."""
        return self._cut(b"", final=True)

    def _cut(self, data: bytes, final: bool) -> list[Piece]:
        held = self._held + data
        found: list[Piece] = []
        lost, at = 0, self._at
        while True:
            if not self._kind:
                lost = at = len(held) - len(held[at:].lstrip(_BETWEEN))
                if lost == len(held):
                    break
                as_json = self._codec == "json" or (self._codec == "auto" and held[lost : lost + 1] == b"{")
                self._kind = "json" if as_json else "frames"
            newline = held.find(b"\n", at)
            start = held.find(b"##", at, newline if newline >= 0 else None) if self._kind == "frames" else -1
            if start >= 0:
                frame, behind = frame_at(held, start, final)
                if behind == WAIT:
                    at = start
                    break
                if frame is None:
                    at = start + 1
                    continue
                found += self._line(held[lost:start])
                found.append(frame)
                lost = at = behind
            elif newline >= 0 or final:
                end = newline if newline >= 0 else len(held)
                found += self._line(held[lost:end])
                lost = at = min(end + 1, len(held))
            else:
                at = max(at, len(held) - held.endswith(b"#"))
                break
        if at - lost > LONGEST_LINE:
            found += [] if self._too_long else [_too_long()]
            self._too_long = True
        if self._too_long:
            lost = at
        self._held, self._at = held[lost:], at - lost
        return found

    def _line(self, line: bytes) -> list[Piece]:
        """A line, or what of it stands before a frame, with which it ends."""
        kind, self._kind = self._kind, ""
        was_given, self._too_long = self._too_long, False
        if was_given:
            return []
        if len(line) > LONGEST_LINE:
            return [_too_long()]
        if kind == "json":
            line = line.strip()
            return [line] if line else []
        if self._codec == "auto" and b"##" not in line:
            line = line.strip(BLANK)
            detail = f"expected {{ (JSON) or ## (HJ 212), found {shown(line[:20])}"
            return [Stray(line, Reason.UNKNOWN_FORMAT, detail)] if line else []
        piece = stray(line)
        return [piece] if piece else []


def _too_long() -> Stray:
    return Stray(b"", Reason.TOO_LONG, f"the line is longer than {LONGEST_LINE} bytes")
