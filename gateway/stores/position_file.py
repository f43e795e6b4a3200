"""The journal position of a store that has no transaction of ours: one number in a small file, replaced whole."""

from __future__ import annotations

import os
from pathlib import Path


class PositionFile:
    """The file is written beside and renamed over, synced before: a crash leaves the old number or the new one."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def read(self) -> int:
        """The position; 0 where there is no file or no number in it: the journal is then sent again from its start."""
        try:
            return int(self._file.read_text("ascii"))
        except (FileNotFoundError, ValueError):
            return 0

    def written(self) -> int | None:
        """When it was last written, ms UTC; None where it never was."""
        try:
            return self._file.stat().st_mtime_ns // 1_000_000
        except FileNotFoundError:
            return None

    def write(self, position: int) -> None:
        """Replace the position. Raises OSError."""
        self._file.parent.mkdir(parents=True, exist_ok=True)
        beside = self._file.with_name(self._file.name + ".new")
        with beside.open("w", encoding="ascii") as out:
            out.write(f"{position}\n")
            out.flush()
            os.fsync(out.fileno())
        beside.replace(self._file)
