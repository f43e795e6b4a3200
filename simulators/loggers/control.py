"""What a centre can change of a monitor, and what the monitor remembers. Pure: times come from outside."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from simulators.faults.seam import LinkFault, StampFault
from simulators.formats.hj212 import Writer
from simulators.records import Period, Report

KEPT: Final = MappingProxyType({"realtime": 600, "minute": 1440, "hour": 31 * 24, "day": 366})
"""Reports of a period that are remembered: a day of minutes, a month of hours, a year of days."""
LOG_LINES: Final = 200
RIGHT_MS: Final = 1000
"""A clock that is less than a second off is right: the command that sets it knows whole seconds only."""


@dataclass(frozen=True, slots=True)
class Remembered:
    """One report as it is kept: its items of CP as text, which is a tenth of the objects."""

    time: int
    stamp: int
    items: bytes


@dataclass(slots=True)
class Control:
    """One monitor's settings as they are now."""

    start: int
    """When the scenario began, ms UTC."""
    interval_ms: int
    """Between two real-time messages."""
    minute_min: int = 1
    """Minutes that one set of minute data is of."""
    writer: Writer | None = None
    """Of a monitor that speaks HJ 212; without one nothing is remembered."""
    faults: Sequence[StampFault] = ()
    breaks: Sequence[LinkFault] = ()
    """What goes wrong with its connection."""
    realtime: bool = True
    """Whether the centre wants real-time data (2011 and 2012)."""
    overtime_s: float = 5.0
    """How long an answer is waited for."""
    recount: int = 3
    """How often a message is sent again for want of an answer."""
    memory: dict[Period, deque[Remembered]] = field(default_factory=dict[Period, deque[Remembered]])
    log: deque[tuple[int, str]] = field(default_factory=lambda: deque[tuple[int, str]](maxlen=LOG_LINES))
    """Time by the device's clock, and what happened."""
    _set_at: int | None = None
    _offset: int = 0
    _number: int = 0

    def ticks(self, first: int) -> Iterator[int]:
        """The moments at which it measures, ms UTC: one interval after the other, as long as that is then."""
        time = first
        while True:
            yield time
            time += self.interval_ms

    def clock(self, time: int) -> int:
        """What the device's clock says at `time` (both ms UTC).

        A fault that began before the clock was set is over.
        """
        stamp = time
        for fault in self.faults:
            t = (time - self.start) / 1000
            since = fault.since(t)
            begun = None if since is None else time - round(since * 1000)
            if begun is None or self._set_at is None or begun > self._set_at:
                stamp = fault.stamp(t, stamp)
        return stamp + self._offset

    def away(self, time: int) -> bool:
        """Whether its connection is gone at `time` (ms UTC); before the scenario began it never is."""
        return self.start > 0 and any(fault.gone_s((time - self.start) / 1000) > 0 for fault in self.breaks)

    def set_clock(self, time: int, to: int) -> int:
        """Set the clock at `time`; returns by how many ms it was moved: 0 where it was right."""
        moved = to - self.clock(time)
        if abs(moved) < RIGHT_MS:
            return 0
        self._set_at = time
        self._offset = to - time if abs(to - time) >= RIGHT_MS else 0
        return moved

    def remember(self, reports: Iterable[Report]) -> None:
        """Keep what there is to say, whether it is said or not."""
        if self.writer is None:
            return
        for report in reports:
            if report.period != "realtime" or self.writer.edition == "2025":
                rows = self.memory.setdefault(report.period, deque(maxlen=KEPT[report.period]))
                rows.append(Remembered(report.time, report.stamp, "\n".join(self.writer.items(report)).encode()))

    def history(self, period: Period, begin: int, end: int, now: int) -> list[Remembered]:
        """What was said of the time from `begin` to `end`, both included, until `now`, in order of its stamps.

        `now`: a stream is always made a little ahead.
        """
        rows = [row for row in self.memory.get(period, ()) if begin <= row.stamp <= end and row.time <= now]
        return sorted(rows, key=lambda row: row.stamp)

    def number(self, now: int) -> int:
        """A number (ms UTC) for a message that no other answer had; ahead of `now` where there are many at once."""
        self._number = max(now, self._number + 1)
        return self._number
