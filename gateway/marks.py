"""Marks: how a reading came, as bits of the column `Readings.mark`. A mark never keeps a reading out of the store.

The three lowest bits are the verdict on the device's clock at that position of the journal; each other bit says
something of the reading itself. `docs/storage.md` has them for people who query the database.
"""

from __future__ import annotations

from typing import Final

CLOCK_BITS: Final = 0x07
"""`ClockVerdict` of the device: 0 is a clock that is right, or one not judged yet."""
EARLY: Final = 0x08
"""Stamped later than it was received, by more than a clock may be ahead."""
LATE: Final = 0x10
"""Received long after its period was over, by a device whose clock is right: a backlog, or history sent again."""
OUT_OF_ORDER: Final = 0x20
"""Older than another reading of its channel that was stored before it."""
BACKFILLED: Final = 0x40
"""Sent as back-fill by the device's own word (`RF=1` of HJ 212-2025)."""
REVISION: Final = 0x80
"""Another value or flag for an instant of which one was stored before; both are kept."""

CLOCKS: Final = ("ok", "ahead", "behind", "no clock", "drifting")
"""The words of the verdicts on a clock."""
_WORDS: Final = (
    *((EARLY, "early"), (LATE, "late"), (OUT_OF_ORDER, "out_of_order")),
    *((BACKFILLED, "backfilled"), (REVISION, "revision")),
)


def words(mark: int) -> list[str]:
    """A mark in words; nothing where there is nothing to say.

    >>> words(LATE | 1), words(0)
    (['clock ahead', 'late'], [])
    """
    clock = mark & CLOCK_BITS
    return [f"clock {CLOCKS[clock] if clock < len(CLOCKS) else '?'}"] * (clock > 0) + [
        word for bit, word in _WORDS if mark & bit
    ]
