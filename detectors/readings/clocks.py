"""Clocks: is a device's clock right, judged from what its readings are stamped and when they were received?

The network only adds delay, so the quickest of many messages tells the clock best: the least `received - stamp` over
a stretch, as the clock filter of NTP has it (RFC 5905, 10). That minimum, negated, is the offset of a clock (positive:
ahead). The verdicts:

- **No clock**: a stamp before 2015, as after a dead battery; the same stamp again and again while messages keep coming;
  or a payload without a time of its own.
- **Ahead**: a reading from further in the future than `ahead`. No delay can make one, so one is proof.
- **Behind**: for a while even the quickest message came later than `behind`, and about as late as before. A backlog,
  whose delay shrinks, or late messages beside punctual ones, are late data of a clock that is right.
- **Drifting**: over hours the hourly minima move steadily, by more than `drift` a day and `LEAST_DRIFT_MS` in all.

A verdict ends by evidence of its own kind only: the offset back well within the bounds for a while. Data that the
device itself calls back-filled say nothing of its clock. A batch is what was received at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Final, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from detectors.records import NEVER

Ints = NDArray[np.int64]


class ClockVerdict(IntEnum):
    OK = 0
    AHEAD = 1
    BEHIND = 2
    NO_CLOCK = 3
    DRIFTING = 4


RECENT_MS: Final = 600_000
"""Length of each of the two stretches by which the offset is judged now."""
HOUR_MS: Final = 3_600_000
HOURS: Final = 24
"""Hours of minima by which drift is judged."""
LEAST_HOURS: Final = 6
"""Hours with data that a judgement on drift needs."""
LEAST_DRIFT_MS: Final = 3_000
"""Stamps have whole seconds, and a network has its moods: less than this in all is no drift."""
LEAST_MESSAGES: Final = 5
"""Messages that it takes to call a clock behind, or stuck."""
BACK: Final = 0.8
"""Hysteresis: a clock is right again within so much of the bound."""
FIRST_STAMP: Final = 1_420_070_400_000
"""2015: no logger in the field has measured before, and clocks that start anew start earlier."""
_NONE: Final = 2**31 - 1
"""No delay known, in columns of int32 ms."""


class ClockRules(NamedTuple):
    """Bounds in ms; `drift` is ms a day."""

    ahead: int
    behind: int
    drift: int


class ClockChange(NamedTuple):
    """A verdict that became another one."""

    device: int
    was: ClockVerdict
    verdict: ClockVerdict
    offset: int
    """ms by which the clock is ahead; negative: behind."""
    drift: int
    """ms a day, 0 where it is not known."""


@dataclass(slots=True)
class ClockState:
    """What is remembered of each device, columns of shape (devices,) or (devices, n)."""

    verdict: NDArray[np.uint8]
    recent: NDArray[np.int32]
    """(devices, 2) least delay in ms of the running stretch and of the one before."""
    stretch: Ints
    """Number of the running stretch."""
    messages: NDArray[np.int32]
    """(devices, 2) batches with data in the two stretches."""
    hourly: NDArray[np.int32]
    """(devices, HOURS) least delay of each hour, by hour modulo `HOURS`."""
    hour: Ints
    drift: NDArray[np.int32]
    """ms a day."""
    stamp: Ints
    """Newest stamp of the last batch."""
    repeats: NDArray[np.int32]
    """Batches in a row whose newest stamp was that one."""
    bad_at: Ints
    """When the evidence for the verdict was last seen, ms UTC by the gateway's clock."""

    @staticmethod
    def empty(devices: int) -> ClockState:
        return ClockState(
            np.zeros(devices, np.uint8),
            np.full((devices, 2), _NONE, np.int32),
            np.full(devices, NEVER, np.int64),
            np.zeros((devices, 2), np.int32),
            np.full((devices, HOURS), _NONE, np.int32),
            np.full(devices, NEVER, np.int64),
            np.zeros(devices, np.int32),
            np.full(devices, NEVER, np.int64),
            np.zeros(devices, np.int32),
            np.full(devices, NEVER, np.int64),
        )

    def columns(self) -> dict[str, NDArray[np.generic]]:
        """All of it by name, for saving."""
        return {name: cast("NDArray[np.generic]", getattr(self, name)) for name in self.__slots__}

    @staticmethod
    def load(saved: Mapping[str, NDArray[np.generic]], device_from: NDArray[np.intp]) -> ClockState:
        """What `columns` gave; `device_from[d]` is the row in `saved` of device d, -1 for a new one."""
        state = ClockState.empty(len(device_from))
        old = device_from >= 0
        for name, column in state.columns().items():
            column[old] = saved[name][device_from[old]]
        return state

    def offset(self) -> Ints:
        """ms by which each clock is ahead, by the last stretches; 0 where nothing is known. Shape (devices,)."""
        least = self.recent.min(axis=1).astype(np.int64)
        return np.where(least == _NONE, 0, -least)


def step(
    state: ClockState,
    rules: ClockRules,
    device: NDArray[np.intp],
    stamp: Ints,
    untimed: NDArray[np.bool_],
    received: int,
) -> list[ClockChange]:
    """Take the readings of one batch, columns of shape (n,), received at `received` (ms UTC); what changed by it.

    `stamp` is when a reading was measured: of real-time data, which is sent at once. Of averages only those that are
    proof in themselves belong here, since nobody knows when they should have been sent. `untimed` rows have the time
    of their receipt for want of another.
    """
    timed = ~untimed & (stamp >= FIRST_STAMP)
    touched = np.unique(device)
    place = np.searchsorted(touched, device)
    least = np.full(len(touched), _NONE, np.int64)
    np.minimum.at(least, place[timed], np.clip(received - stamp[timed], -_NONE, _NONE - 1))
    newest = np.full(len(touched), NEVER, np.int64)
    np.maximum.at(newest, place[timed], stamp[timed])
    heard = least != _NONE
    stampless = np.zeros(len(touched), np.bool_)
    stampless[place[~timed]] = True

    _roll(state, touched, received)
    at = touched[heard]
    delay = least[heard].astype(np.int32)
    state.recent[at, 0] = np.minimum(state.recent[at, 0], delay)
    state.messages[at, 0] += 1
    hour = (received // HOUR_MS) % HOURS
    state.hourly[at, hour] = np.minimum(state.hourly[at, hour], delay)
    repeated = newest[heard] == state.stamp[at]
    state.repeats[at] = np.where(repeated, state.repeats[at] + 1, 0)
    state.stamp[at] = newest[heard]
    return _judged(state, rules, touched, least, stampless, received)


def _roll(state: ClockState, touched: NDArray[np.intp], received: int) -> None:
    """Begin new stretches and hours where their time has come; drift is worked out at the end of an hour."""
    stretch, hour = received // RECENT_MS, received // HOUR_MS
    over = touched[state.stretch[touched] < stretch]
    if len(over):
        follows = state.stretch[over] == stretch - 1
        state.recent[over, 1] = np.where(follows, state.recent[over, 0], _NONE)
        state.messages[over, 1] = np.where(follows, state.messages[over, 0], 0)
        state.recent[over, 0] = _NONE
        state.messages[over, 0] = 0
        state.stretch[over] = stretch
    over = touched[state.hour[touched] < hour]
    if len(over):
        for device in over.tolist():
            last = int(state.hour[device])
            state.drift[device] = _drift(state.hourly[device], last)
            missed = [each % HOURS for each in range(max(last, hour - HOURS) + 1, hour + 1)]
            state.hourly[device, missed] = _NONE
        state.hour[over] = hour


def _drift(hourly: NDArray[np.int32], last: int) -> int:
    """ms a day by which a clock gains, from the least delays of the hours up to `last`; 0 where it does not drift.

    Medians of thirds stand for the beginning, the middle and the end. A step of the clock is no drift: then the middle
    lies beside one of the ends, or one hour makes up most of the way.
    """
    if last == NEVER:
        return 0
    hours = np.arange(last - HOURS + 1, last + 1)
    delay = hourly[hours % HOURS].astype(np.float64)
    known = delay != _NONE
    if np.count_nonzero(known) < LEAST_HOURS:
        return 0
    thirds = np.array_split(np.flatnonzero(known), 3)
    first, middle, end = (float(np.median(delay[third])) for third in thirds)
    moved = end - first
    if abs(moved) < LEAST_DRIFT_MS or abs(middle - (first + end) / 2) > abs(moved) / 4:
        return 0
    if np.abs(np.diff(delay[known])).max() > abs(moved) / 2:
        return 0
    days = (float(np.mean(hours[thirds[2]])) - float(np.mean(hours[thirds[0]]))) / HOURS
    return round(-moved / days)


def _judged(
    state: ClockState,
    rules: ClockRules,
    touched: NDArray[np.intp],
    least: Ints,
    stampless: NDArray[np.bool_],
    received: int,
) -> list[ClockChange]:
    was = state.verdict[touched]
    now, before = state.recent[touched, 0].astype(np.int64), state.recent[touched, 1].astype(np.int64)
    best = np.minimum(now, before)
    known = (now != _NONE) & (before != _NONE)

    none = stampless | (state.repeats[touched] >= LEAST_MESSAGES)
    ahead = (least != _NONE) & (least < -rules.ahead)
    steady = np.abs(now - before) <= np.maximum(rules.behind, best // 5)
    enough = state.messages[touched].sum(axis=1) >= LEAST_MESSAGES
    late = known & (best > rules.behind) & steady
    behind = late & (enough | (was == ClockVerdict.BEHIND))
    drifting = np.abs(state.drift[touched]) > rules.drift

    evidence = np.select(
        [none, ahead, behind, drifting],
        [ClockVerdict.NO_CLOCK, ClockVerdict.AHEAD, ClockVerdict.BEHIND, ClockVerdict.DRIFTING],
        ClockVerdict.OK,
    ).astype(np.uint8)
    # What has been seen lasts until a whole stretch has gone by without it and the offset is well within the bounds.
    state.bad_at[touched[evidence == was]] = received
    quiet = received - state.bad_at[touched] > RECENT_MS
    within = (best < rules.behind * BACK) & (best > -rules.ahead * BACK) & (best != _NONE)
    ended = quiet & (within | ((was == ClockVerdict.NO_CLOCK) & (best != _NONE)))
    ended |= (was == ClockVerdict.DRIFTING) & (np.abs(state.drift[touched]) <= rules.drift * BACK)
    verdict = np.where(evidence != ClockVerdict.OK, evidence, np.where(ended, ClockVerdict.OK, was)).astype(np.uint8)
    changed = np.flatnonzero(verdict != was)
    if not len(changed):
        return []
    state.verdict[touched[changed]] = verdict[changed]
    state.bad_at[touched[changed]] = received
    found: list[ClockChange] = []
    for row in changed.tolist():
        device = int(touched[row])
        offset = 0 if best[row] == _NONE else int(-best[row])
        old, new = ClockVerdict(int(was[row])), ClockVerdict(int(verdict[row]))
        found.append(ClockChange(device, old, new, offset, int(state.drift[device])))
    return found
