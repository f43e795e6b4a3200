"""What arrives of one device or camera: how long nothing did, and how many of what."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from simulators.records import Happening, Parcel

OF_NOBODY: Final = frozenset({"unknown_device", "mn_mismatch", "device_mismatch"})
"""Reasons for which nobody can tell whose voice a message is; any other spoilt one shows that its device lives."""
LATE_MS: Final = 1000
"""What arrives more than that after it was measured is late."""


@dataclass(slots=True)
class Arrivals:
    """Fed with everything in the order in which it arrives, and with what is lost when it would have."""

    where: dict[str, str]
    """Site, and device or camera."""
    silent_after_s: float
    start: int
    """When the run began, ms UTC."""
    sent: int = 0
    arrived: int = 0
    lost: int = 0
    duplicated: int = 0
    late: int = 0
    out_of_order: int = 0
    corrupted: Counter[str] = field(default_factory=Counter[str])
    dead_letters: Counter[str] = field(default_factory=Counter[str])
    _newest: int = 0
    """When the newest that arrived was measured."""
    _heard: int = field(init=False)
    """When it was last heard: when the last arrived of which nobody doubts whose it is."""

    def __post_init__(self) -> None:
        self._heard = self.start

    def take(self, parcel: Parcel) -> Iterator[Happening]:
        """Count it; gives the silence that ends with it."""
        self.sent += not parcel.copy
        self.duplicated += parcel.copy
        if parcel.lost:
            self.lost += 1
            return
        self.arrived += 1
        if not parcel.copy:
            self.late += parcel.due - parcel.measured > LATE_MS
            self.out_of_order += parcel.measured < self._newest
        self._newest = max(self._newest, parcel.measured)
        if parcel.wrong:
            self.corrupted[parcel.wrong] += 1
        if parcel.reason:
            self.dead_letters[parcel.reason] += 1
        if parcel.reason in OF_NOBODY:
            return
        yield from self._silence(parcel.due, over=True)
        self._heard = parcel.due

    def last(self, at: int) -> Iterator[Happening]:
        """The silence that goes on at the end of the run, `at` (ms UTC), and the counts."""
        yield from self._silence(at, over=False)
        counts: dict[str, object] = {
            "layer": "expected",
            "kind": "counts",
            **self.where,
            "start_ms": self.start,
            "end_ms": at,
            "sent": self.sent,
            "arrived": self.arrived,
            "lost": self.lost,
            "duplicated": self.duplicated,
            "late": self.late,
            "out_of_order": self.out_of_order,
            "corrupted": dict(sorted(self.corrupted.items())),
            "dead_letters": dict(sorted(self.dead_letters.items())),
        }
        yield Happening(at, counts)

    def _silence(self, now: int, *, over: bool) -> Iterator[Happening]:
        patience = round(self.silent_after_s * 1000)
        if now - self._heard <= patience:
            return
        window = {"from_ms": self._heard, "to_ms": self._heard + patience}
        yield Happening(
            now,
            {
                "layer": "expected",
                "kind": "silence",
                **self.where,
                "silent_after_s": self.silent_after_s,
                "start_ms": self._heard,
                "end_ms": now if over else None,
                "expect": [{"family": "data_quality", "what": "silence", **window}],
            },
        )
