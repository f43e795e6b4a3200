"""Time as an argument: the wall clock for a run, a faster one, none at all, and another for tests."""

from __future__ import annotations

import threading
import time
from datetime import datetime
from typing import Final, Protocol
from zoneinfo import ZoneInfo

from simulators.errors import SimulatorError

LOOK_S: Final = 0.05
"""Longest wait between two looks at the network, in seconds of the wall."""
REST_S: Final = 0.002
"""How long a run without a clock lets a network that is full work."""
FIRST_YEAR: Final = 1971
LAST_YEAR: Final = 2100
"""Times of which every offset and every stamp is within what a calendar and ms since 1970 can say."""
AS_FAST_AS_POSSIBLE: Final = "max"


class Clock(Protocol):
    """Tells the time of the scenario and waits for it."""

    @property
    def patient(self) -> bool:
        """Whether time stands still until the network has taken everything, frames too."""
        ...

    def now(self) -> int:
        """ms UTC; never goes back."""
        ...

    def wait(self, seconds: float, stop: threading.Event) -> None:
        """Let at most `seconds` of its time pass, and at most `LOOK_S` of ours; returns at once when `stop` is set."""
        ...

    def rest(self, stop: threading.Event) -> None:
        """Leave the network a moment to work."""
        ...

    def late(self, due: int) -> float:
        """How many seconds of the wall `due` is past."""
        ...


class WallClock:
    """A time, by default the system's as it was at the beginning, carried on by the monotonic clock: a step of the
    system's time moves nothing. `speed` seconds of it pass in one."""

    def __init__(self, speed: float = 1.0, start: int | None = None) -> None:
        self.patient = False
        self._speed = speed
        self._start = start
        self._epoch = self._started_ns = 0
        self.begin()

    def begin(self) -> int:
        """Begin anew, now; returns the time at which that is."""
        self._epoch = time.time_ns() // 1_000_000 if self._start is None else self._start
        self._started_ns = time.monotonic_ns()
        return self._epoch

    def now(self) -> int:
        return self._epoch + int((time.monotonic_ns() - self._started_ns) / 1e6 * self._speed)

    def wait(self, seconds: float, stop: threading.Event) -> None:
        stop.wait(min(seconds / self._speed, LOOK_S))

    def rest(self, stop: threading.Event) -> None:
        stop.wait(LOOK_S)

    def late(self, due: int) -> float:
        return (self.now() - due) / 1000 / self._speed


class NoClock:
    """Time is wherever the scenario has got to: each thing happens as soon as the one before is done."""

    def __init__(self, start: int | None = None) -> None:
        self.patient = True
        self._start = start
        self._now = 0.0
        self.begin()

    def begin(self) -> int:
        """Begin anew; returns the time at which that is."""
        self._now = float(time.time_ns() // 1_000_000 if self._start is None else self._start)
        return int(self._now)

    def now(self) -> int:
        return int(self._now)

    def wait(self, seconds: float, stop: threading.Event) -> None:
        self._now += seconds * 1000

    def rest(self, stop: threading.Event) -> None:
        stop.wait(REST_S)

    def late(self, due: int) -> float:
        return 0.0


def clock_of(speed: str, start: int | None) -> WallClock | NoClock:
    """The clock of `--speed` and `--start` (ms UTC, None: now). Raises `SimulatorError`."""
    if speed == AS_FAST_AS_POSSIBLE:
        return NoClock(start)
    try:
        factor = float(speed)
    except ValueError:
        factor = 0.0
    if not 0 < factor < float("inf"):
        raise SimulatorError(f"--speed {speed}: expected a number above 0, or {AS_FAST_AS_POSSIBLE}")
    return WallClock(factor, start)


def moment(text: str, zone: ZoneInfo) -> int:
    """ms UTC of a time in ISO 8601; where it has no offset, that of `zone`. Raises `SimulatorError`."""
    try:
        time = datetime.fromisoformat(text)
    except ValueError as error:
        raise SimulatorError(f"{text}: no time in ISO 8601, as 2026-06-21T12:00:00 or with +08:00 behind it") from error
    aware = time if time.tzinfo is not None else time.replace(tzinfo=zone)
    if not FIRST_YEAR <= aware.year <= LAST_YEAR:
        raise SimulatorError(f"{text}: expected a time of the years {FIRST_YEAR} to {LAST_YEAR}")
    return round(aware.timestamp() * 1000)
