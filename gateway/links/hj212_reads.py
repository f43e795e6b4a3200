"""Frames out of the reads of one socket. A frame whose line end may still be on its way is held for it a moment.

Else a logger behind a serial modem, whose bytes come in small pieces, would be marked for a line end that it sent.
"""

from __future__ import annotations

from gateway.hj212.cut import Cut, Stray
from gateway.hj212.stream import StreamCutter

LINE_END = b"\r\n"


class Reads:
    """A `StreamCutter` that holds back one frame at most."""

    def __init__(self) -> None:
        self._cutter = StreamCutter()
        self._frame: Cut | None = None
        self._behind = b""
        """What has come behind that frame: nothing, or the first half of a line end."""

    @property
    def waiting(self) -> bool:
        """Whether a frame is held: call `give_up` when its line end has had its time."""
        return self._frame is not None

    def feed(self, data: bytes) -> list[Cut | Stray]:
        """What is complete with these bytes, in order."""
        found: list[Cut | Stray] = []
        if self._frame is not None:
            self._behind = (self._behind + data)[:2]
            if self._behind == LINE_END:
                frame, self._frame = self._frame, None
                found.append(frame._replace(raw=frame.raw + LINE_END, line_end=True))
            elif not LINE_END.startswith(self._behind):
                found += self.give_up()
        pieces = self._cutter.feed(data)
        held = self._cutter.held
        if pieces and isinstance(last := pieces[-1], Cut) and not last.line_end:
            behind = data[len(data) - held :] if held < 2 else LINE_END  # only an end of the read leaves it open
            if behind in (b"", b"\r"):
                self._frame, self._behind = last, behind
                pieces.pop()
        return found + pieces

    def give_up(self) -> list[Cut | Stray]:
        """The frame that is held, as it is."""
        frame, self._frame = self._frame, None
        return [] if frame is None else [frame]

    def finish(self) -> list[Cut | Stray]:
        """What is left, now that no more comes."""
        return self.give_up() + self._cutter.finish()
