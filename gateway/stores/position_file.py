"""The journal position of a store that has no transaction of ours, in a small file that is replaced whole.

Beside the position it has what the store must know of its points after a start: up to which time they reach, and the
stretches of time far ahead in which there are some:

    812 1719835320000 1751371200000:1751371259999
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple


class Kept(NamedTuple):
    """What the file holds."""

    position: int
    known: int | None
    """No point is newer (ms UTC) but for those of the stretches; None where nothing is stored."""
    stretches: list[tuple[int, int]]
    """First and last time of stretches after it, ms UTC."""


class PositionFile:
    """The file is written beside and renamed over, synced before: a crash leaves the old text or the new one."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def read(self) -> Kept:
        """What is kept; position 0 where there is no file or none in it: the journal is then sent again from its start.

        A file of the first form has the position only: its points are taken to reach up to when it was written.
        """
        try:
            words = self._file.read_text("ascii").split()
            position, *known = int(words[0]), *map(int, words[1:2])
            stretches = [tuple(map(int, word.split(":", 1))) for word in words[2:]]
            return Kept(
                position,
                known[0] if known else self._file.stat().st_mtime_ns // 1_000_000,
                [(first, last) for first, last in stretches],
            )
        except (FileNotFoundError, ValueError, IndexError):
            return Kept(0, None, [])

    def write(self, position: int, known: int, stretches: list[tuple[int, int]]) -> None:
        """Replace what is kept. Raises OSError."""
        self._file.parent.mkdir(parents=True, exist_ok=True)
        beside = self._file.with_name(self._file.name + ".new")
        words = [str(position), str(known), *(f"{first}:{last}" for first, last in stretches)]
        with beside.open("w", encoding="ascii") as out:
            out.write(" ".join(words) + "\n")
            out.flush()
            os.fsync(out.fileno())
        beside.replace(self._file)
