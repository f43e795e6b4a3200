"""Frames cut out of a stream, however it is cut into reads: half a frame, several, garbage between."""

from __future__ import annotations

from gateway.hj212.cut import Cut, Stray, cut_held

__all__ = ["Cut", "Stray", "StreamCutter"]


class StreamCutter:
    """Cuts what comes in reads, into the same pieces whatever the reads are.

    Between reads it holds under `LONGEST_FRAME + LONGEST_STRAY` bytes: a frame that is not complete yet, and garbage
    whose end has not come.
    """

    def __init__(self) -> None:
        self._held = b""
        self._at = 0
        """Up to here all that is held is garbage; from here on a frame may begin."""

    @property
    def held(self) -> int:
        """Bytes that wait for more."""
        return len(self._held)

    def feed(self, data: bytes) -> list[Cut | Stray]:
        """What is complete with these bytes, in order. Blanks between frames are left out."""
        held = self._held + data
        found, used, at = cut_held(held, self._at, final=False)
        self._held, self._at = held[used:], at - used
        return found

    def finish(self) -> list[Cut | Stray]:
        """What is left, now that no more comes. The cutter is as new then."""
        found, _, _ = cut_held(self._held, self._at, final=True)
        self._held, self._at = b"", 0
        return found
