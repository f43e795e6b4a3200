"""Clocks of a run: faster ones, none at all, and the times of the command line."""

from __future__ import annotations

import threading
import time
from zoneinfo import ZoneInfo

import pytest

from simulators.clock import NoClock, WallClock, clock_of, moment
from simulators.errors import SimulatorError

START = 1_767_225_600_000
SHANGHAI = ZoneInfo("Asia/Shanghai")


def test_a_fast_clock_begins_at_the_start_and_runs_so_much_faster() -> None:
    clock = WallClock(1000, START)
    began = time.monotonic()
    first = clock.now()
    clock.wait(5.0, threading.Event())
    passed = clock.now() - first
    wall_ms = (time.monotonic() - began) * 1000
    assert first - START < 1000 * wall_ms
    assert 4_900 <= passed <= 1000 * wall_ms


def test_a_fast_clock_tells_by_the_wall_how_late_something_is() -> None:
    clock = WallClock(100, START)
    late = clock.late(START - 60_000)
    assert 0.6 <= late < 30


def test_without_a_clock_a_day_passes_at_once() -> None:
    clock = NoClock(START)
    clock.wait(86_400, threading.Event())
    assert (clock.now(), clock.late(START)) == (START + 86_400_000, 0.0)


def test_the_speed_chooses_the_clock() -> None:
    assert isinstance(clock_of("max", None), NoClock)
    assert isinstance(clock_of("0.5", None), WallClock)
    assert abs(clock_of("max", None).now() - time.time() * 1000) < 60_000
    for wrong in ("0", "-1", "fast", "inf", "nan"):
        with pytest.raises(SimulatorError, match=f"--speed {wrong}"):
            clock_of(wrong, START)


def test_times_without_an_offset_are_those_of_the_place() -> None:
    assert moment("2026-01-01T08:00:00", SHANGHAI) == moment("2026-01-01T00:00:00Z", SHANGHAI) == START
    with pytest.raises(SimulatorError, match="no time in ISO 8601"):
        moment("tomorrow", SHANGHAI)
