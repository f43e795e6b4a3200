"""The reading side: blocks from a position on, across segments, past damage."""

from __future__ import annotations

from typing import Protocol

import structlog

from gateway.journal import format as blocks
from gateway.journal.quarantine import Quarantine
from gateway.journal.segments import Damage, Segment
from gateway.records import Block

log = structlog.get_logger("gateway.journal")

READ_BYTES = 4 * 1024 * 1024
"""One read of a segment; a block that is larger is read whole."""


class Source(Protocol):
    """What a reader needs of a journal."""

    segments: list[Segment]
    end: int
    quarantine: Quarantine


class Reader:
    """Goes through the synced blocks of a journal. Holds no file open between calls.

    Damage in the middle is passed over: the blocks after it are read, and what is missing is in `damage` and in the
    journal's quarantine.
    """

    def __init__(self, source: Source, position: int) -> None:
        self._source = source
        self.position = position
        """Position of the next message."""
        self.damage: list[Damage] = []
        self._segment = -1
        self._offset = 0

    def read(self, most: int) -> list[Block]:
        """The next blocks, up to about `most` messages, at least one; empty at the journal's end.

        The first block may begin before the position asked for: a reader's position is always a block's end,
        so that happens only for a position that no reader committed.
        """
        out: list[Block] = []
        taken = 0
        while taken < most and self.position < self._source.end:
            segment = self._find_segment()
            if segment is None:
                self.position = self._source.end
                break
            found = self._read_some(segment, most - taken)
            taken += sum(map(len, found))
            out += found
        return out

    def _find_segment(self) -> Segment | None:
        """The segment with the position, or the next one where that is gone or read to its end."""
        for segment in self._source.segments:
            if segment.first == self._segment and self._offset < segment.size:
                return segment
        ahead = [s for s in self._source.segments if s.size and s.first > self._segment]
        before = [s for s in ahead if s.first <= self.position]
        chosen = before[-1] if before else (ahead[0] if ahead else None)
        if chosen is not None:
            if chosen.first > self.position:
                log.error("journal_positions_missing", first=self.position, until=chosen.first)
            self._segment, self._offset = chosen.first, 0
        return chosen

    def _read_some(self, segment: Segment, most: int) -> list[Block]:
        """Blocks from one read, which grows until it holds a whole block or reaches the segment's end."""
        want = READ_BYTES
        with segment.path.open("rb") as file:
            while True:
                file.seek(self._offset)
                data = memoryview(file.read(min(want, segment.size - self._offset)))
                out, used = self._split(data, segment, most, self._offset + len(data) >= segment.size)
                if used:
                    self._offset += used
                    return out
                want *= 4

    def _split(self, data: memoryview, segment: Segment, most: int, whole: bool) -> tuple[list[Block], int]:
        """Blocks of `data` and the bytes used. `whole`: the segment ends with the data, so a part is damage."""
        out: list[Block] = []
        at = taken = 0
        while at < len(data) and taken < most:
            found = blocks.decode(data, at)
            if found is None:
                if not whole:
                    break
                resume = blocks.next_valid(data, at + 1)
                self._damaged(segment, data, at, len(data) if resume is None else resume)
                at = len(data) if resume is None else resume
                continue
            block, at = found
            if block.end > self.position:
                out.append(block)
                taken += len(block)
                self.position = block.end
        return out, at

    def _damaged(self, segment: Segment, data: memoryview, at: int, end: int) -> None:
        """Tell of the stretch of `data` from `at` to `end`."""
        following = blocks.decode(data, end)
        if following is not None:
            until = following[0].first
        else:
            later = [each.first for each in self._source.segments if each.first > segment.first]
            until = later[0] if later else self._source.end
        damage = Damage(segment.path, self._offset + at, self._offset + end, self.position, until - self.position)
        self.damage.append(damage)
        self._source.quarantine.keep(damage, bytes(data[at:end]))
