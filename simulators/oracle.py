"""What a right receiver must find in the readings that are said: exceedances, row by row, in plain code.

It knows nothing of any receiver and shares no code with one, so that the two can be held against each other. The rules:

- A level is entered at the reading that comes `hold_s` or more after the first of an unbroken run at or beyond it, and
  left at a reading within it by more than `band` of the level. A run is broken by a reading short of the level.
- Only readings flagged `N` count. One flagged `T` (over range) is at least its value: it can enter an upper limit and
  leave a lower one.
- A reading no newer than the newest of its kind is late. Late readings are judged apart, in the order of their stamps,
  once none has come for a minute; a stamp that was told before is no news.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from simulators.records import Happening, Period, Report
from simulators.settings import DeviceType
from simulators.settings.devices import Limit

LATE_QUIET_MS: Final = 60_000
KNOWN: Final = 20_000
"""Stamps of one device and period that are remembered at least: some five hours of one a second."""


class Row(NamedTuple):
    """One value as it was said."""

    stamp: int
    """ms UTC, by the device's clock."""
    value: float
    flag: str


class Entered(NamedTuple):
    """A level that was reached."""

    level: int
    limit: float
    since: int
    """Stamp of the first reading of the run."""
    at: int
    """Stamp of the reading that entered it."""


@dataclass(slots=True)
class Exceedance:
    """One stretch beyond a limit, from the first reading of the run to the one that is back within it."""

    levels: list[Entered]
    peak: Row
    end: int | None = None
    """Stamp of the reading that ended it, None while it goes on."""


@dataclass(slots=True)
class Judge:
    """One limit, fed with the readings of its channel in the order of their stamps."""

    limit: Limit
    _runs: list[int | None] = field(init=False)
    """Stamp of the first reading of the run at or beyond each level."""
    _inside: list[bool] = field(init=False)
    _worst: Row | None = None
    """Worst reading of the run of the first level, or of the exceedance."""
    open: Exceedance | None = None

    def __post_init__(self) -> None:
        self._runs = [None] * len(self.bounds)
        self._inside = [False] * len(self.bounds)

    @property
    def upper(self) -> bool:
        """Whether values over it are beyond it."""
        return self.limit.above is not None

    @property
    def bounds(self) -> tuple[float, ...]:
        """Its levels, the first of them first."""
        return self.limit.above or self.limit.below or ()

    def take(self, row: Row) -> Exceedance | None:
        """Judge the next reading; gives the exceedance that ends with it."""
        within_counts = row.flag == "N" or (row.flag == "T" and not self.upper)
        beyond_counts = row.flag == "N" or (row.flag == "T" and self.upper)
        for number, bound in enumerate(self.bounds):
            beyond = row.value >= bound if self.upper else row.value <= bound
            if beyond and beyond_counts:
                self._go_on(number, bound, row)
            elif not beyond and within_counts:
                self._runs[number] = None
                band = self.limit.band * abs(bound)
                back = row.value < bound - band if self.upper else row.value > bound + band
                if back:
                    self._inside[number] = False
        self._note_worst(row, beyond_counts)
        if self.open is not None and not self._inside[0]:
            ended, self.open, self._worst = self.open, None, None
            ended.end = row.stamp
            return ended
        return None

    def _go_on(self, number: int, bound: float, row: Row) -> None:
        since = self._runs[number]
        if since is None:
            since = self._runs[number] = row.stamp
        if self._inside[number] or row.stamp - since < self.limit.hold_s * 1000:
            return
        self._inside[number] = True
        if self.open is None:
            self.open = Exceedance([], self._worst or row)
        if all(entered.level != number + 1 for entered in self.open.levels):
            self.open.levels.append(Entered(number + 1, bound, since, row.stamp))

    def _note_worst(self, row: Row, counts: bool) -> None:
        if self.open is None and self._runs[0] is None:
            self._worst = None
        elif counts and (self._worst is None or self._worse(row.value, self._worst.value)):
            self._worst = row
        if self.open is not None and self._worst is not None:
            self.open.peak = self._worst

    def _worse(self, one: float, other: float) -> bool:
        return one > other if self.upper else one < other


def judged(limit: Limit, rows: Sequence[Row]) -> list[Exceedance]:
    """The exceedances in readings that are in the order of their stamps; the last may go on."""
    judge = Judge(limit)
    found = [ended for row in rows if (ended := judge.take(row)) is not None]
    return [*found, judge.open] if judge.open is not None else found


class Oracle:
    """All limits of one device."""

    def __init__(self, settings: DeviceType, site: str, device: str) -> None:
        self._where = {"site": site, "device": device}
        self._judges = [Judge(limit) for limit in settings.limits]
        self._late: list[list[Row]] = [[] for _ in settings.limits]
        self._known: dict[Period, array[int]] = {}
        """Stamps in ascending order."""
        self._last_late = 0
        codec = settings.simulate.codec
        self._step = 1000 if codec == "hj212" else 1
        """What the format rounds stamps down to, ms."""
        self._realtime_only = codec == "senml"

    def hear(self, report: Report) -> Iterator[Happening]:
        """Take what is said; gives what is certain since."""
        if self._realtime_only and report.period != "realtime":
            return
        if any(self._late) and report.time - self._last_late > LATE_QUIET_MS:
            yield from self._judge_late(report.time)
        stamp = report.stamp - report.stamp % self._step
        known = self._known.setdefault(report.period, array("q"))
        at = bisect_left(known, stamp)
        late = at < len(known)
        if late and known[at] == stamp:
            return
        known.insert(at, stamp)
        if len(known) > 2 * KNOWN:
            del known[:KNOWN]
        if late:
            self._last_late = report.time
        said = {reading.code: reading for reading in report.readings}
        for number, judge in enumerate(self._judges):
            reading = said.get(judge.limit.factor)
            value = None if reading is None else reading.values.get(judge.limit.field)
            if reading is None or value is None or judge.limit.period != report.period:
                continue
            row = Row(stamp, value, reading.flag)
            if late:
                self._late[number].append(row)
            elif (ended := judge.take(row)) is not None:
                yield self._told(judge.limit, ended, report.time, late=False)

    def last(self, at: int) -> Iterator[Happening]:
        """What is left at the end of the run, `at` (ms UTC): what goes on, and what came late."""
        yield from self._judge_late(at)
        for judge in self._judges:
            if judge.open is not None:
                yield self._told(judge.limit, judge.open, at, late=False)

    def _judge_late(self, at: int) -> Iterator[Happening]:
        for judge, rows in zip(self._judges, self._late, strict=True):
            for exceedance in judged(judge.limit, sorted(rows)):
                yield self._told(judge.limit, exceedance, at, late=True)
            rows.clear()

    def _told(self, limit: Limit, found: Exceedance, at: int, *, late: bool) -> Happening:
        first = found.levels[0]
        what: dict[str, object] = {"factor": limit.factor, "field": limit.field}
        return Happening(
            at,
            {
                "layer": "expected",
                "kind": "exceedance",
                **self._where,
                **what,
                "period": limit.period,
                "side": "below" if limit.above is None else "above",
                "late": late,
                "levels": [
                    {"level": one.level, "limit": one.limit, "from_ms": one.since, "to_ms": one.at}
                    for one in found.levels
                ],
                "start_ms": first.since,
                "end_ms": found.end,
                "peak": found.peak.value,
                "peak_ms": found.peak.stamp,
                "expect": [
                    {"family": "exceedance", "what": "limit", **what, "from_ms": first.since, "to_ms": first.at}
                ],
            },
        )
