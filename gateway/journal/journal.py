"""The writing side: append batches as one group, sync once, and only then let them be acknowledged."""

from __future__ import annotations

import asyncio
import errno
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType

import structlog

from gateway.config import MIB
from gateway.config import Journal as Settings
from gateway.errors import JournalError, JournalFull
from gateway.journal import format as blocks
from gateway.journal.quarantine import Quarantine
from gateway.journal.reader import Reader
from gateway.journal.segments import Damage, Segment, create_segment, list_segments, scan, sync_folder
from gateway.records import Batch, Block

log = structlog.get_logger("gateway.journal")


class Journal:
    """Checksummed append-only segments with group commit and a bound on their size.

    Used from one event loop. `append` is the only writer; readers see synced blocks only.

    >>> async with Journal(folder, settings) as journal:
    ...     blocks = await journal.append([batch])
    """

    def __init__(self, folder: Path, settings: Settings, at_least: int = 0) -> None:
        """Open the folder, create it where it is missing, and repair the torn tail a crash may have left.

        `at_least` is the furthest position any reader has committed: where the journal ends before it (files
        were removed), numbering goes on from there, since a reader would skip lower positions as done.
        Raises `JournalError` when the folder cannot be used or is in use by another gateway.
        """
        self.folder = folder
        self._most = settings.max_mib * MIB
        self._segment_bytes = min(settings.segment_mib * MIB, self._most // 2)
        self._thread = ThreadPoolExecutor(1, "journal-sync")
        self.syncs = 0
        self.repaired_bytes = 0
        self.quarantine = Quarantine(folder / "quarantine")
        """What of it cannot be read."""
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._lock = _lock(folder)
            self.segments = list_segments(folder)
            self.end = self._repair_tail()
            self._fd = self._open_tail(max(self.end, at_least))
        except OSError as error:
            raise JournalError(f"{folder}: {error.strerror}; the service user must be able to write there") from error

    @property
    def size(self) -> int:
        """Bytes of all segments."""
        return sum(segment.size for segment in self.segments)

    @property
    def start(self) -> int:
        """Position of the oldest message still held."""
        return self.segments[0].first

    @property
    def limit(self) -> int:
        """Bytes the journal may hold."""
        return self._most

    async def append(self, batches: Sequence[Batch]) -> list[Block]:
        """Write the batches and sync once; when it returns, their messages survive a power cut.

        Raises `JournalFull` at the size bound and `JournalError` when the disk refuses; then nothing was written
        and the same call may be made again. Batches without messages give no block.
        """
        made: list[Block] = []
        position = self.end
        for batch in batches:
            if batch.topics:
                made.append(Block(position, batch.received, batch.link, batch.topics, batch.payloads))
                position = made[-1].end
        if not made:
            return made
        data = b"".join(map(blocks.encode, made))
        if self.size + len(data) > self._most:
            raise JournalFull(
                f"{self.folder}: {self.size >> 20} MiB of journal are waiting for the store (journal.max_mib); "
                "acknowledgements stop until it catches up"
            )
        tail = self.segments[-1]
        try:
            _write_all(self._fd, data)
            await asyncio.get_running_loop().run_in_executor(self._thread, os.fdatasync, self._fd)
        except OSError as error:
            os.ftruncate(self._fd, tail.size)
            reason = "the disk is full" if error.errno == errno.ENOSPC else error.strerror
            raise JournalError(f"{tail.path}: {reason}; acknowledgements stop until it can be written") from error
        self.syncs += 1
        tail.size += len(data)
        self.end = position
        if tail.size >= self._segment_bytes:
            os.close(self._fd)
            self._fd = self._open_tail(self.end)
        return made

    def reader(self, position: int) -> Reader:
        """A reader that starts with the message at `position`."""
        return Reader(self, position)

    def release(self, position: int) -> int:
        """Remove segments that hold only messages before `position`, which every reader has done with.

        Returns how many were removed. The newest segment stays.
        """
        removed = 0
        while len(self.segments) > 1 and self.segments[1].first <= position:
            self.segments.pop(0).path.unlink()
            removed += 1
        return removed

    def close(self) -> None:
        """Close the files. Everything that `append` returned from is already durable."""
        self._thread.shutdown()
        os.close(self._fd)
        os.close(self._lock)

    async def __aenter__(self) -> Journal:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _repair_tail(self) -> int:
        """Cut what a crash left half written off the last segment; return the position after its last block.

        The bytes cut were never acknowledged. They are kept beside the segment all the same. A last block that is all
        there and wrong was not cut short by a crash: it was written and synced, and is damage.
        """
        if not self.segments:
            return 0
        tail = self.segments[-1]
        found = scan(tail)
        if found.tail < found.size:
            with tail.path.open("r+b") as file:
                file.seek(found.tail)
                rest = file.read()
                if blocks.looks_whole(memoryview(rest), 0):
                    self.quarantine.keep(Damage(tail.path, found.tail, found.size, found.end), rest)
                else:
                    tail.path.with_suffix(".torn").write_bytes(rest)
                file.truncate(found.tail)
                os.fsync(file.fileno())
            sync_folder(self.folder)
            self.repaired_bytes = found.size - found.tail
            log.warning("journal_tail_repaired", file=str(tail.path), cut_bytes=self.repaired_bytes)
        tail.size = found.tail
        return found.end

    def _open_tail(self, position: int) -> int:
        """The descriptor to append to: the last segment, or a new one where that is full or ends elsewhere."""
        if self.segments:
            tail = self.segments[-1]
            if position > self.end:
                log.error("journal_ends_before_its_readers", end=self.end, readers_at=position)
            elif tail.size < self._segment_bytes or tail.first == position:
                return os.open(tail.path, os.O_WRONLY | os.O_APPEND)
        segment, descriptor = create_segment(self.folder, position)
        self.segments.append(segment)
        self.end = position
        return descriptor


def _write_all(descriptor: int, data: bytes) -> None:
    """os.write may write in part, near a full disk for one."""
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def _lock(folder: Path) -> int:
    """Two gateways on one journal would overwrite each other: the second is refused."""
    import fcntl

    descriptor = os.open(folder / "lock", os.O_CREAT | os.O_RDWR, 0o640)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(descriptor)
        raise JournalError(f"{folder}: another gateway is using this journal") from error
    return descriptor


__all__ = ["Journal", "Segment"]
