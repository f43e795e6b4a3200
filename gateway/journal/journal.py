"""The writing side: append batches as one group, sync once, and only then let them be acknowledged."""

from __future__ import annotations

import asyncio
import errno
import os
import shutil
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Final

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

SPARE_BYTES: Final = 32 * MIB
"""Room on its disk that the journal leaves to the others: where the ledger and the store share that disk, they must
still be able to say that it is full, and to take what was acknowledged."""
_FULL: Final = (errno.ENOSPC, errno.EDQUOT)


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
        self.disk_full = False
        """Whether the last append was refused because its disk is full, or all but its spare room."""
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

        Raises `JournalFull` at the size bound and `JournalError` when the disk refuses or has less than `SPARE_BYTES`
        left; then nothing was written and the same call may be made again. Batches without messages give no block.
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
        try:
            self._roll()
            self._make_sure_of_room(len(data))
            tail = self.segments[-1]
            if os.fstat(self._fd).st_size != tail.size:
                os.ftruncate(self._fd, tail.size)  # what a write that was refused has left
            _write_all(self._fd, data)
            await asyncio.get_running_loop().run_in_executor(self._thread, os.fdatasync, self._fd)
        except OSError as error:
            tail = self.segments[-1]
            with suppress(OSError):  # else the next append does it
                os.ftruncate(self._fd, tail.size)
            self.disk_full = error.errno in _FULL
            reason = "the disk is full" if self.disk_full else error.strerror
            raise JournalError(f"{tail.path}: {reason}; acknowledgements stop until it can be written") from error
        self.syncs += 1
        tail.size += len(data)
        self.end = position
        with suppress(OSError):  # else the next append does it, or says why not
            self._roll()
        return made

    def reader(self, position: int) -> Reader:
        """A reader that starts with the message at `position`."""
        return Reader(self, position)

    def release(self, position: int, down_to: int = 0) -> int:
        """Remove segments that hold only messages before `position`, which every reader has done with.

        The oldest go first, until the journal has no more than `down_to` bytes. Returns how many were removed. The
        newest segment stays.
        """
        removed = 0
        while len(self.segments) > 1 and self.segments[1].first <= position and self.size > down_to:
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
                    _keep_torn(tail.path.with_suffix(".torn"), rest)
                file.truncate(found.tail)
                os.fsync(file.fileno())
            sync_folder(self.folder)
            self.repaired_bytes = found.size - found.tail
            log.warning("journal_tail_repaired", file=str(tail.path), cut_bytes=self.repaired_bytes)
        tail.size = found.tail
        return found.end

    def _open_tail(self, position: int) -> int:
        """The descriptor to append to: the last segment, or a new one where that ends elsewhere."""
        if self.segments:
            if position == self.end:
                return os.open(self.segments[-1].path, os.O_WRONLY | os.O_APPEND)
            log.error("journal_ends_before_its_readers", end=self.end, readers_at=position)
        segment, descriptor = create_segment(self.folder, position)
        self.segments.append(segment)
        self.end = position
        return descriptor

    def _make_sure_of_room(self, more: int) -> None:
        """Raises `JournalFull` or `JournalError` where the bound or the disk has no room for so many bytes."""
        if self.size + more > self._most:
            raise JournalFull(
                f"{self.folder}: {self.size >> 20} MiB of journal are waiting for the store (journal.max_mib); "
                "acknowledgements stop until it catches up"
            )
        self.disk_full = shutil.disk_usage(self.folder).free < SPARE_BYTES + more
        if self.disk_full:
            raise JournalError(
                f"{self.folder}: the disk is full: its last {SPARE_BYTES >> 20} MiB are kept for alerts and readings; "
                "acknowledgements stop until there is room"
            )

    def _roll(self) -> None:
        """Go on in a new segment where the last is full. Raises OSError; then the last is still in use."""
        if self.segments[-1].size >= self._segment_bytes:
            segment, descriptor = create_segment(self.folder, self.end)
            os.close(self._fd)
            self._fd = descriptor
            self.segments.append(segment)


def _write_all(descriptor: int, data: bytes) -> None:
    """os.write may write in part, near a full disk for one."""
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def _keep_torn(file: Path, data: bytes) -> None:
    """A crash on a full disk leaves a torn tail and no room for a copy of it: the start is worth more."""
    try:
        file.write_bytes(data)
    except OSError as error:
        file.unlink(missing_ok=True)
        log.warning("journal_tail_not_kept", file=str(file), reason=error.strerror)


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
