"""Minute, hour and day data out of real-time data, so that all of them say the same (HJ 212-2017 annex D).

| period | made of | enough |
|---|---|---|
| minute data | samples | 12 a minute (annex D), three quarters where fewer fit in |
| hour | minute data | three quarters: 45 of 60 minutes (annex D) |
| day | hours | 20 (annex D), of water 18 |

Means are of data that count: flags N, and T as a lower bound. Of water they are weighted by flow. `Min` and `Max` are
those of the samples, `Cou` is the sum of what the parts tell: m3, and kg; what flowed while the concentration does not
count is taken at the mean of the rest. Where too few count, the period carries the flag of most of the others, B for
what is missing, and the mean is of what there is.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from simulators.instrument import RANK
from simulators.processes.seam import Process
from simulators.records import Period, Reading

MINUTE_MS: Final = 60_000
COUNT: Final = frozenset("NT")
"""Flags of data that count."""
OVER_RANGE: Final = 0.25
"""A period carries T where more than so much of it does."""
LEAST_SAMPLES: Final = 12
"""A minute."""
LEAST_HOURS: Final = {"31": 20, "22": 20, "32": 18}
"""A day, by system type."""
M3_DIGITS: Final = 3
KG_DIGITS: Final = 6

Part = Mapping[str, Reading]
"""Readings by factor code: a sample, or the data of a shorter period."""


@dataclass(slots=True)
class _Level:
    """One length of period: how much it needs, and what it has."""

    period: Period
    expected: int
    """Parts of a period without gaps."""
    least: int
    """Parts that have to count."""
    start: int = 0
    end: int = 0
    parts: list[Part] = field(default_factory=list[Part])
    whole: bool = True
    """Whether it was observed from its beginning."""


class Averages:
    """The logger's statistics of one device: takes its readings, gives each period's data once it is over."""

    def __init__(self, process: Process, zone: ZoneInfo, sample_s: float, minutes: int) -> None:
        """`sample_s`: seconds between two samples; `minutes`: how many of them one set of minute data is of."""
        samples = max(1, round(minutes * 60 / sample_s))
        enough = LEAST_SAMPLES * minutes if samples >= LEAST_SAMPLES * minutes else math.ceil(0.75 * samples)
        parts = 60 // minutes
        self._levels = (
            _Level("minute", samples, enough),
            _Level("hour", parts, math.ceil(0.75 * parts)),
            _Level("day", 24, LEAST_HOURS[process.SYSTEM_TYPE]),
        )
        self._process = process
        self._zone = zone
        self._minutes = minutes
        self._sample_ms = sample_s * 1000

    def add(self, time: int, readings: Sequence[Reading]) -> list[tuple[Period, int, list[Reading]]]:
        """Take the readings of `time` (ms UTC, by the device's clock): the periods that are over now, shortest first.

        Each with its start (ms UTC). A period that began before the first readings is not told.
        """
        told: list[tuple[Period, int, list[Reading]]] = []
        for number, level in enumerate(self._levels):
            if level.start <= time < level.end:
                break
            if level.parts and level.whole:
                data = self._summary(level)
                told.append((level.period, level.start, data))
                if number + 1 < len(self._levels):
                    self._levels[number + 1].parts.append({reading.code: reading for reading in data})
            first = level.end == 0
            level.start, level.end = self._window(level.period, time)
            level.parts = []
            level.whole = not first or time - level.start < self._sample_ms
        self._levels[0].parts.append({reading.code: reading for reading in readings})
        return told

    def _window(self, period: Period, time: int) -> tuple[int, int]:
        """Start and end (ms UTC) of the period, by local time, that holds a moment."""
        local = datetime.fromtimestamp(time // 1000, self._zone)
        midnight = local.replace(hour=0, minute=0, second=0)
        if period == "day":
            return _ms(midnight), _ms(midnight + timedelta(days=1))
        if period == "hour":
            start = _ms(local.replace(minute=0, second=0))
            return start, start + 60 * MINUTE_MS
        start = _ms(local.replace(minute=local.minute - local.minute % self._minutes, second=0))
        return start, start + self._minutes * MINUTE_MS

    def _summary(self, level: _Level) -> list[Reading]:
        codes = dict.fromkeys(code for part in level.parts for code in part)
        return [self._of(code, level) for code in codes]

    def _of(self, code: str, level: _Level) -> Reading:
        """The data of one factor."""
        present = [part for part in level.parts if code in part]
        flag, counting = _flag(code, present, level)
        used = counting or present
        digits = present[0][code].decimals
        weights = self._weights(code, used)
        values: dict[str, float] = {}
        for name in used[0][code].values:
            if not name.endswith(("Rtd", "Avg")):
                continue
            prefix = name[:-3]
            column = [part[code].values[name] for part in used]
            mean = _direction(column) if code in self._process.CIRCULAR else _mean(column, weights)
            low, high = (prefix + "Rtd",) * 2 if name.endswith("Rtd") else (prefix + "Min", prefix + "Max")
            values[f"{prefix}Avg"] = round(mean, digits)
            values[f"{prefix}Min"] = min(part[code].values[low] for part in used)
            values[f"{prefix}Max"] = max(part[code].values[high] for part in used)
        if counting or flag == "F":
            total = self._total(code, used, level)
            if total is not None:
                values["Cou"] = total
        return Reading(code, values, digits, flag)

    def _weights(self, code: str, parts: Sequence[Part]) -> list[float]:
        """What each part counts in a mean: the flow, where means are weighted by it."""
        if code not in self._process.WEIGHTED or not all(self._process.FLOW in part for part in parts):
            return [1.0] * len(parts)
        return [_value(part[self._process.FLOW]) for part in parts]

    def _total(self, code: str, used: Sequence[Part], level: _Level) -> float | None:
        """m3 of the flow, kg of what it carries; None for what has no total.

        What flowed while the concentration does not count is taken at the mean of the rest (as HJ 75 has it: hour mean
        times flow of the hour).
        """
        flow = self._process.FLOW
        carried = code in self._process.MASS
        if not (code == flow or carried) or not all(flow in part for part in level.parts):
            return None
        seconds = self._minutes * 60 / len(level.parts)
        if not carried:
            return round(sum(self._volume(part, seconds) for part in level.parts), M3_DIGITS)
        known = [part for part in used if level.period == "minute" or "Cou" in part[code].values]
        if not known:
            return None
        mass = sum(
            _value(part[code]) * _value(part[flow]) * seconds * 1e-6  # mg to kg
            if level.period == "minute"
            else part[code].values["Cou"]
            for part in known
        )
        if len(known) < len(level.parts):
            volume = sum(self._volume(part, seconds) for part in known)
            mass *= sum(self._volume(part, seconds) for part in level.parts) / volume if volume else 1.0
        return round(mass, KG_DIGITS)

    def _volume(self, part: Part, seconds: float) -> float:
        """m3 that flowed in a part; a sample stands for `seconds`."""
        values = part[self._process.FLOW].values
        return values["Rtd"] * self._process.FLOW_M3 * seconds if "Rtd" in values else values.get("Cou", 0.0)


def _flag(code: str, present: Sequence[Part], level: _Level) -> tuple[str, list[Part]]:
    """The flag of a period and its parts that count."""
    counting = [part for part in present if part[code].flag in COUNT]
    if len(counting) >= level.least:
        over = sum(part[code].flag == "T" for part in counting)
        return ("T" if over > OVER_RANGE * len(counting) else "N"), counting
    others = Counter(part[code].flag for part in present if part[code].flag not in COUNT)
    others["B"] += max(0, level.expected - len(present))
    most = max(others.values())
    return min((flag for flag, count in others.items() if count == most), key=lambda f: f"{RANK}{f}".index(f)), counting


def _value(reading: Reading) -> float:
    """A sample's value, or a period's mean."""
    values = reading.values
    return values["Rtd"] if "Rtd" in values else values["Avg"]


def _mean(column: Sequence[float], weights: Sequence[float]) -> float:
    whole = sum(weights)
    if whole <= 0:
        return sum(column) / len(column)
    return sum(value * weight for value, weight in zip(column, weights, strict=True)) / whole


def _direction(column: Sequence[float]) -> float:
    """Mean of directions in degrees."""
    east = sum(math.sin(math.radians(value)) for value in column)
    north = sum(math.cos(math.radians(value)) for value in column)
    return math.degrees(math.atan2(east, north)) % 360.0


def _ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)
