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

from simulators.processes.seam import Process
from simulators.records import RANK, Period, Reading

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

    def lose_power(self) -> None:
        """Forget the samples of the minute under way, which a logger holds in memory; the rest is on its disk."""
        self._levels[0].parts = []

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
        volumes = self._volumes(level)
        if level.period == "minute" and level.expected == len(level.parts) == 1:
            return [self._alone(reading, volumes) for reading in level.parts[0].values()]
        codes = dict.fromkeys(code for part in level.parts for code in part)
        return [self._of(code, level, volumes) for code in codes]

    def _volumes(self, level: _Level) -> list[float] | None:
        """m3 that flowed in each part, where the flow is known of all; the samples of a period share its time."""
        flow, parts = self._process.FLOW, level.parts
        if not all(flow in part for part in parts):
            return None
        if level.period != "minute":
            return [part[flow].values.get("Cou", 0.0) for part in parts]
        each = self._process.FLOW_M3 * self._minutes * 60 / len(parts)
        return [part[flow].values["Rtd"] * each for part in parts]

    def _alone(self, reading: Reading, volumes: list[float] | None) -> Reading:
        """The data of a factor that is sampled once: what `_of` would say of it, at a fraction of its cost."""
        values: dict[str, float] = {}
        for name, value in reading.values.items():
            prefix = name.removesuffix("Rtd")
            values[f"{prefix}Avg"] = values[f"{prefix}Min"] = values[f"{prefix}Max"] = value
        if volumes is not None and (reading.flag in COUNT or reading.flag == "F"):
            if reading.code == self._process.FLOW:
                values["Cou"] = round(volumes[0], M3_DIGITS)
            elif reading.code in self._process.MASS:
                mass = self._mass([(reading, volumes[0])], volumes[0])
                if mass is not None:
                    values["Cou"] = mass
        return Reading(reading.code, values, reading.decimals, reading.flag, self._total_decimals(reading.code, values))

    def _of(self, code: str, level: _Level, volumes: list[float] | None) -> Reading:
        """The data of one factor."""
        rows = [number for number, part in enumerate(level.parts) if code in part]
        present = [level.parts[number][code] for number in rows]
        flag, counting = _flag(present, level)
        used = [present[number] for number in counting] if counting else present
        weights = None
        if volumes is not None and code in self._process.WEIGHTED:
            weights = [volumes[rows[number]] for number in counting or range(len(rows))]
        digits = present[0].decimals
        values: dict[str, float] = {}
        for name in used[0].values:
            if not name.endswith(("Rtd", "Avg")):
                continue
            prefix = name[:-3]
            column = [reading.values[name] for reading in used]
            mean = _direction(column) if code in self._process.CIRCULAR else _mean(column, weights)
            values[f"{prefix}Avg"] = round(mean, digits)
            if name[-3:] == "Rtd":
                values[f"{prefix}Min"], values[f"{prefix}Max"] = min(column), max(column)
            else:
                values[f"{prefix}Min"] = min(reading.values[f"{prefix}Min"] for reading in used)
                values[f"{prefix}Max"] = max(reading.values[f"{prefix}Max"] for reading in used)
        if volumes is not None and (counting or flag == "F"):
            if code == self._process.FLOW:
                values["Cou"] = round(sum(volumes), M3_DIGITS)
            elif code in self._process.MASS:
                known = [(present[n], volumes[rows[n]]) for n in counting or range(len(rows))]
                mass = self._mass(known, sum(volumes))
                if mass is not None:
                    values["Cou"] = mass
        return Reading(code, values, digits, flag, self._total_decimals(code, values))

    def _total_decimals(self, code: str, values: Mapping[str, float]) -> int | None:
        """Of `Cou`, where there is one: litres of what flows, milligrams of what it carries."""
        if "Cou" not in values:
            return None
        return M3_DIGITS if code == self._process.FLOW else KG_DIGITS

    def _mass(self, known: Sequence[tuple[Reading, float]], volume: float) -> float | None:
        """kg carried by `volume` m3, from the concentrations or masses that are known, each with its own m3.

        What flowed while the concentration does not count is taken at the mean of the rest, as HJ 75 has it: mean of
        the hour times its flow. None where nothing is known.
        """
        per_m3 = 1e-6 / self._process.FLOW_M3
        masses = [
            (reading.values["Rtd"] * own * per_m3 if "Rtd" in reading.values else reading.values["Cou"], own)
            for reading, own in known
            if "Rtd" in reading.values or "Cou" in reading.values
        ]
        if not masses:
            return None
        mass, flowed = sum(mass for mass, _ in masses), sum(own for _, own in masses)
        return round(mass * volume / flowed if flowed else mass, KG_DIGITS)


def _flag(present: Sequence[Reading], level: _Level) -> tuple[str, list[int]]:
    """The flag of a period, and which of its parts count."""
    flags = [reading.flag for reading in present]
    counting = [number for number, flag in enumerate(flags) if flag in COUNT]
    if len(counting) >= level.least:
        return ("T" if flags.count("T") > OVER_RANGE * len(counting) else "N"), counting
    others = Counter(flag for flag in flags if flag not in COUNT)
    others["B"] += max(0, level.expected - len(present))
    most = max(others.values())
    return min((flag for flag, count in others.items() if count == most), key=lambda f: f"{RANK}{f}".index(f)), counting


def _mean(column: Sequence[float], weights: Sequence[float] | None) -> float:
    whole = sum(weights) if weights else 0.0
    if weights is None or whole <= 0:
        return sum(column) / len(column)
    return sum(value * weight for value, weight in zip(column, weights, strict=True)) / whole


def _direction(column: Sequence[float]) -> float:
    """Mean of directions in degrees."""
    east = sum(math.sin(math.radians(value)) for value in column)
    north = sum(math.cos(math.radians(value)) for value in column)
    return math.degrees(math.atan2(east, north)) % 360.0


def _ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)
