"""What a right receiver must find in the readings that arrive: exceedances, row by row, in plain code.

It knows nothing of any receiver and shares no code with one, so that the two can be held against each other. The rules:

- A level is entered at the reading that comes `hold_s` or more after the first of an unbroken run at or beyond it, and
  left at a reading within it by more than `band` of the level. A run is broken by a reading short of the level.
- Only readings flagged `N` count. One flagged `T` (over range) is at least its value: it can enter an upper limit and
  leave a lower one.
- A stamp from the future counts as the moment of its arrival.
- A reading no newer than the newest of its channel is late. Late readings are judged apart, in the order of their
  stamps, once none has come for ten minutes. A hole of more than three intervals (and than `hold_s`) between two of
  them proves nothing, so no run goes over it. A value that was told before of its stamp is no news, nor is an
  exceedance that begins within one that was found before, at that level or a higher one.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, NamedTuple

from simulators.records import Happening, Report
from simulators.settings import DeviceType
from simulators.settings.devices import Limit

LATE_QUIET_MS: Final = 600_000
REACH: Final = 3
"""Intervals between two late readings of which the one still follows the other: two may be lost."""
KNOWN: Final = 20_000
"""Stamps of one channel that are remembered at least: some five hours of one a second."""
_PERIODS_S: Final = {"hour": 3600.0, "day": 86_400.0}


class Row(NamedTuple):
    """One value as it was said."""

    stamp: int
    """ms UTC, by the device's clock as far as that is not ahead."""
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

    def tells_of(self, other: Exceedance) -> bool:
        """Whether another that is found later begins within it and is at no higher level."""
        since = other.levels[0].since
        within = self.levels[0].since <= since and (self.end is None or since <= self.end)
        return within and self.highest >= other.highest

    @property
    def highest(self) -> int:
        return max(entered.level for entered in self.levels)


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


@dataclass(slots=True)
class Channel:
    """One limit, and what is remembered of the readings that it is about."""

    judge: Judge
    reach: int
    """ms between two late readings of which the one still follows the other."""
    known: array[int] = field(default_factory=lambda: array("q"))
    """Stamps in ascending order."""
    values: array[float] = field(default_factory=lambda: array("d"))
    """What was said last of each of them."""
    newest: int = 0
    """Of what was judged live."""
    late: list[Row] = field(default_factory=list[Row])
    found: list[Exceedance] = field(default_factory=list[Exceedance])
    """What was told of and is over."""

    def hear(self, row: Row, at: int) -> Exceedance | None:
        """Take the next reading, which arrives `at` (ms UTC); gives the exceedance that ends with it."""
        place = bisect_left(self.known, row.stamp)
        known = place < len(self.known) and self.known[place] == row.stamp
        if known and self.values[place] == row.value:
            return None
        if known:
            self.values[place] = row.value
        else:
            self.known.insert(place, row.stamp)
            self.values.insert(place, row.value)
        if len(self.known) > 2 * KNOWN:
            del self.known[:KNOWN], self.values[:KNOWN]
        row = row._replace(stamp=min(row.stamp, at))
        if known or row.stamp < self.newest:
            self.late.append(row)
            return None
        self.newest = row.stamp
        ended = self.judge.take(row)
        if ended is not None:
            self.found.append(ended)
        return ended

    def judge_late(self) -> list[Exceedance]:
        """What is news in the late readings, which are forgotten."""
        news: list[Exceedance] = []
        for run in _runs(sorted(self.late), self.reach):
            for exceedance in judged(self.judge.limit, run):
                told = self.found if self.judge.open is None else [*self.found, self.judge.open]
                if not any(each.tells_of(exceedance) for each in told):
                    self.found.append(replace(exceedance, end=exceedance.end or run[-1].stamp))
                    news.append(exceedance)
        self.late.clear()
        return news


def _runs(rows: Sequence[Row], reach: int) -> Iterator[list[Row]]:
    """Readings in the order of their stamps, cut at the holes."""
    run: list[Row] = []
    for row in rows:
        if run and row.stamp - run[-1].stamp > reach:
            yield run
            run = []
        run.append(row)
    if run:
        yield run


class Oracle:
    """All limits of one device."""

    def __init__(self, settings: DeviceType, site: str, device: str) -> None:
        self._where = {"site": site, "device": device}
        self._channels = [Channel(Judge(limit), _reach(limit, settings)) for limit in settings.limits]
        self._last_late = 0
        self._step = 1000 if settings.simulate.codec == "hj212" else 1
        """What the format rounds stamps down to, ms."""

    def hear(self, said: Report, at: int) -> Iterator[Happening]:
        """Take what arrives `at` (ms UTC) and can be used; gives what is certain since."""
        if any(channel.late for channel in self._channels) and at - self._last_late > LATE_QUIET_MS:
            yield from self._judge_late(at)
        stamp = said.stamp - said.stamp % self._step
        readings = {reading.code: reading for reading in said.readings}
        for channel in self._channels:
            limit = channel.judge.limit
            reading = readings.get(limit.factor) if limit.period == said.period else None
            value = None if reading is None else reading.values.get(limit.field)
            if reading is None or value is None:
                continue
            waiting = len(channel.late)
            ended = channel.hear(Row(stamp, value, reading.flag), at - at % self._step)
            if len(channel.late) > waiting:
                self._last_late = at
            if ended is not None:
                yield self._told(limit, ended, at, late=False)

    def last(self, at: int) -> Iterator[Happening]:
        """What is left at the end of the run, `at` (ms UTC): what goes on, and what came late."""
        yield from self._judge_late(at)
        for channel in self._channels:
            if channel.judge.open is not None:
                yield self._told(channel.judge.limit, channel.judge.open, at, late=False)

    def _judge_late(self, at: int) -> Iterator[Happening]:
        for channel in self._channels:
            for exceedance in channel.judge_late():
                yield self._told(channel.judge.limit, exceedance, at, late=True)

    def _told(self, limit: Limit, found: Exceedance, at: int, *, late: bool) -> Happening:
        first = found.levels[0]
        side = "below" if limit.above is None else "above"
        what = {"factor": limit.factor, "field": limit.field, "period": limit.period, "side": side}
        return Happening(
            at,
            {
                "layer": "expected",
                "kind": "exceedance",
                **self._where,
                **what,
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


def _reach(limit: Limit, settings: DeviceType) -> int:
    """ms over which late readings of a limit still follow each other."""
    minute_s = 60.0 * settings.simulate.minute_interval
    every_s = {"realtime": settings.interval_s, "minute": minute_s, **_PERIODS_S}[limit.period]
    return round(1000 * max(limit.hold_s, REACH * every_s))
