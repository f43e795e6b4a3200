"""Check a journal's folder without changing it: what `gateway journal verify` and `stats` print."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from gateway.journal.segments import Damage, list_segments, scan


@dataclass(frozen=True, slots=True)
class Report:
    """The state of a journal's folder."""

    segments: int
    bytes: int
    blocks: int
    messages: int
    first: int
    """Position of the oldest message."""
    end: int
    """Position after the newest message."""
    oldest: int
    newest: int
    """Received times, ms UTC; 0 where the journal is empty."""
    torn_bytes: int
    """Bytes after the last valid block of the newest segment: a write that a crash cut short, or one under way."""
    damage: list[Damage]
    gaps: list[tuple[int, int]]
    """Positions missing between segments, as (first, until)."""

    @property
    def sound(self) -> bool:
        """Nothing that was acknowledged is missing. A torn tail was never acknowledged."""
        return not self.damage and not self.gaps


def verify(folder: Path) -> Report:
    """Read every segment and check every checksum. Raises FileNotFoundError where there is no such folder."""
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder}: no such folder")
    count = size = messages = torn = oldest = newest = 0
    damage: list[Damage] = []
    gaps: list[tuple[int, int]] = []
    segments = list_segments(folder)
    end = segments[0].first if segments else 0
    for number, segment in enumerate(segments):
        found = scan(segment)
        if segment.first != end:
            gaps.append((end, segment.first))
        damage += found.damage
        if found.tail < found.size:
            if number == len(segments) - 1:
                torn = found.size - found.tail
            else:
                damage.append(Damage(segment.path, found.tail, found.size, found.end))
        count += found.blocks
        size += found.size
        messages += found.messages
        oldest = oldest or found.oldest
        newest = found.newest or newest
        end = found.end
    first = segments[0].first if segments else 0
    return Report(len(segments), size, count, messages, first, end, oldest, newest, torn, damage, gaps)
