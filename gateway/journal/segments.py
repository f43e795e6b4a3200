"""Segment files: `<position of the first message, 20 digits>.journal` in one folder."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from gateway.journal import format as blocks

SUFFIX = ".journal"


@dataclass(slots=True)
class Segment:
    """One file of the journal."""

    first: int
    path: Path
    size: int
    """Bytes of whole blocks that are synced."""


def list_segments(folder: Path) -> list[Segment]:
    """The segments of a folder, in order."""
    found = [Segment(int(path.stem), path, path.stat().st_size) for path in folder.glob("*" + SUFFIX)]
    return sorted(found, key=lambda segment: segment.first)


def create_segment(folder: Path, first: int) -> tuple[Segment, int]:
    """A new empty segment and its open descriptor; its name is durable when this returns.

    Raises OSError; then there is no such file, and the same call may be made again.
    """
    path = folder / f"{first:020d}{SUFFIX}"
    descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_APPEND, 0o640)
    try:
        sync_folder(folder)
    except OSError:
        os.close(descriptor)
        path.unlink()
        raise
    return Segment(first, path, 0), descriptor


def sync_folder(folder: Path) -> None:
    """Make creations and removals in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@dataclass(frozen=True, slots=True)
class Damage:
    """A stretch of a segment that is no valid block."""

    path: Path
    start: int
    end: int
    position: int
    """Position of the first message that is missing."""
    messages: int = 0
    """How many are missing, where a block after it or the next segment tells."""


@dataclass(frozen=True, slots=True)
class Scan:
    """What a segment holds."""

    blocks: int
    messages: int
    end: int
    """Position after the last valid block."""
    tail: int
    """Offset after the last valid block; what follows is torn."""
    size: int
    damage: list[Damage]
    """Damaged stretches with a valid block after them. A torn tail is not among them."""
    oldest: int
    newest: int
    """Received times of the first and last block, ms UTC; 0 where there is none."""


def scan(segment: Segment) -> Scan:
    """Read a segment through, checking every checksum. Reads the file whole: segments are bounded."""
    data = memoryview(segment.path.read_bytes())
    at = tail = count = messages = oldest = newest = 0
    end = segment.first
    damage: list[Damage] = []
    while at < len(data):
        found = blocks.decode(data, at)
        if found is None:
            resume = blocks.next_valid(data, at + 1)
            if resume is None:
                break
            following = blocks.decode(data, resume)
            assert following is not None
            damage.append(Damage(segment.path, at, resume, end, following[0].first - end))
            at = resume
            continue
        block, at = found
        tail, end = at, block.end
        count += 1
        messages += len(block)
        oldest = oldest or block.received
        newest = block.received
    return Scan(count, messages, end, tail, len(data), damage, oldest, newest)
