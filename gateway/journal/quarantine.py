"""Quarantine: damaged stretches of the journal, kept as they are for whoever wants to know what happened.

A file a stretch, `<segment>-<offset>.damaged`, in a folder beside the segments. It stays when its segment goes; as long
as one is there the gateway says so. Whoever has looked at it moves it away.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import structlog

from gateway.journal.segments import Damage

log = structlog.get_logger("gateway.journal")

KEPT_BYTES: Final = 64 * 1024 * 1024
"""Bound on the folder. Of what is found beyond it the place is told, and the bytes are not kept."""


class Quarantine:
    """The damage of one journal. Several readers come upon the same stretch: it counts once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._found: set[tuple[str, int]] = set()
        self.messages = 0
        """Messages in the damage found since the start of the process."""
        self.stretches = self._count()
        """Files in quarantine, from earlier runs too, as of the last `look`."""

    def keep(self, damage: Damage, data: bytes) -> None:
        """Take note of a stretch and keep its bytes. A disk that is full keeps none, but the damage is told."""
        place = (damage.path.stem, damage.start)
        if place in self._found:
            return
        self._found.add(place)
        self.messages += damage.messages
        file = self._folder / f"{damage.path.stem}-{damage.start}.damaged"
        log.error(
            "journal_damage",
            file=str(damage.path),
            start=damage.start,
            end=damage.end,
            position=damage.position,
            messages=damage.messages,
            kept=str(file),
        )
        try:
            if not file.exists() and self._size() + len(data) <= KEPT_BYTES:
                self._folder.mkdir(mode=0o750, exist_ok=True)
                file.write_bytes(data)
        except OSError as error:
            log.warning("journal_damage_not_kept", file=str(file), reason=error.strerror)
        self.stretches = max(self._count(), self.stretches + (not file.exists()))

    def look(self) -> int:
        """Stretches in quarantine now: somebody may have moved them away."""
        if self.stretches:
            self.stretches = self._count()
        return self.stretches

    def _count(self) -> int:
        return len(list(self._folder.glob("*.damaged")))

    def _size(self) -> int:
        return sum(file.stat().st_size for file in self._folder.glob("*.damaged"))
