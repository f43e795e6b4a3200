"""The truth as a file of JSON lines."""

from __future__ import annotations

import json
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from simulators.records import Happening


class TruthLines:
    """Writes each event as it begins, so that the file can be read while the run goes on."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("w", encoding="utf-8", buffering=1)

    def __call__(self, happening: Happening) -> None:
        self._file.write(json.dumps(happening.record, ensure_ascii=False) + "\n")

    def close(self) -> None:
        self._file.close()


@contextmanager
def truth_file(path: Path | None) -> Generator[TruthLines | None]:
    """Open while something plays; None where there is no path."""
    if path is None:
        yield None
        return
    lines = TruthLines(path)
    try:
        yield lines
    finally:
        lines.close()
