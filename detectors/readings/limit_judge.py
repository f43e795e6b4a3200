"""What limit rules make of readings in order: the one place where levels are entered and left.

Rules are judged in *stretches*: one rule over some readings of its channel, in order, from what it remembered before
to what it remembers after. Live readings make one stretch a rule; late ones a stretch for every run of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from detectors.readings.limit_rules import Bools, Floats, Int64s, Limits, Rows
from detectors.records import NEVER, Readings

NORMAL: Final = ord("N")
OVER_RANGE: Final = ord("T")
Column = Int64s | Bools | Floats


@dataclass(slots=True)
class Held:
    """What is remembered of n stretches between batches; of a lane that goes on n is the number of rules."""

    over_since: Int64s
    """(most levels, n) ms UTC of the first reading of a running run, NEVER where none runs."""
    entered: Bools
    """(most levels, n) the rule is in this level."""
    since: Int64s
    """(n,) ms UTC at which the run began that led into level 1, NEVER outside."""
    peak: Floats
    """(n,) `side` times the most extreme value since the run began that is, or led into, level 1; -inf outside."""

    def __len__(self) -> int:
        return len(self.since)

    @staticmethod
    def empty(levels: int, n: int) -> Held:
        return Held(
            np.full((levels, n), NEVER, np.int64),
            np.zeros((levels, n), np.bool_),
            np.full(n, NEVER, np.int64),
            np.full(n, -np.inf),
        )

    @property
    def busy(self) -> Bools:
        """(n,) something is remembered."""
        return (self.since != NEVER) | (self.over_since != NEVER).any(axis=0)

    def take(self, columns: Rows) -> Held:
        return Held(self.over_since[:, columns], self.entered[:, columns], self.since[columns], self.peak[columns])

    def put(self, columns: Rows, other: Held) -> None:
        """Overwrite these columns with those of `other`, in its order."""
        self.over_since[:, columns] = other.over_since
        self.entered[:, columns] = other.entered
        self.since[columns] = other.since
        self.peak[columns] = other.peak

    def dump(self) -> dict[str, Column]:
        """What must outlive the process, a row a stretch: (n, levels) or (n,)."""
        return {
            "over_since": self.over_since.T.copy(),
            "entered": self.entered.T.copy(),
            "since": self.since.copy(),
            "peak": self.peak.copy(),
        }

    @staticmethod
    def load(levels: int, saved: Mapping[str, Column], row_from: Rows) -> Held:
        """What `dump` gave; `row_from[r]` is the row in `saved` of rule r, -1 where there is none.

        Levels may have come or gone: those that came start empty.
        """
        held = Held.empty(levels, len(row_from))
        old = row_from >= 0
        rows = row_from[old]
        most = min(levels, saved["entered"].shape[1])
        held.entered[:most, old] = saved["entered"][rows, :most].T.astype(np.bool_)
        held.over_since[:most, old] = saved["over_since"][rows, :most].T
        held.since[old] = saved["since"][rows]
        held.peak[old] = saved["peak"][rows]
        return held


@dataclass(frozen=True, slots=True)
class Changes:
    """Columns of shape (changes,): where a rule's level changed, or a run began or broke outside of all levels.

    In the order of the readings, those of one reading by rule.
    """

    source: Rows
    """Row of the batch."""
    stretch: Rows
    rule: Rows
    was: Int64s
    """Level before, 0 outside."""
    now: Int64s
    pending: Bools
    """A run goes on that has not led into level 1."""
    since: Int64s
    """ms UTC at which the run began that led into level 1; outside, that of the run that began or broke."""
    peak: Floats
    """Most extreme value since then, this one included."""


def judge(
    rules: Limits, batch: Readings, rule: Rows, before: Held, source: Rows, stretch: Rows
) -> tuple[Changes, Held]:
    """Run stretches over readings: what changed, and what is to be remembered of each.

    `rule` and `before` have one entry a stretch. `source` (rows of the batch) and `stretch` run in parallel: readings
    of one stretch stand in order of arrival, and their times do not fall.

    Every stretch has columns of its own: first one for what is remembered, then one for each reading. Memory at the
    head of a stretch makes every running quantity a forward fill over all stretches at once. O(m log m).
    """
    stretches = np.arange(len(rule))
    order = stable_order(np.concatenate((stretches, stretch)))
    stretch = np.concatenate((stretches, stretch))[order]
    source = np.concatenate((np.full(len(rule), -1, np.intp), source))[order]
    rule = rule[stretch]
    memory = source < 0

    side = rules.side[rule]
    time = batch.time[source]
    x = batch.value[source] * side
    flag = batch.flag[source]
    normal = (flag == NORMAL) & ~memory & np.isfinite(x)
    capped = (flag == OVER_RANGE) & ~memory & np.isfinite(x)
    high_says = normal | (capped & (side > 0))
    low_says = normal | (capped & (side < 0))

    # (levels, columns)
    enter, leave = rules.enter[:, rule], rules.leave[:, rule]
    held = before.over_since[:, stretch]
    over = (memory & (held != NEVER)) | (high_says & (x >= enter))
    under = (memory & (held == NEVER)) | (low_says & (x < enter))
    running = np.take_along_axis(over, _last_of(over | under), axis=1)
    begins = running & ~_before(running) & ~memory
    start = np.take_along_axis(np.where(memory, held, time), _last_of(begins | memory), axis=1)
    enters = over & ~memory & (time - np.where(running, start, time) >= rules.hold[rule])
    was_in = before.entered[:, stretch]
    sets = (memory & was_in) | enters
    resets = (memory & ~was_in) | (low_says & (x < leave))
    entered = np.take_along_axis(sets, _last_of(sets | resets), axis=1)

    level = entered.sum(axis=0)
    pending = running[0] & ~entered[0]
    peak = _peaks(
        np.where(memory, before.peak[stretch], np.where(high_says, x, -np.inf)),
        memory | (begins[0] & ~_before(entered[0])),
    )
    rises = entered[0] & ~_before(entered[0]) & ~memory
    since = np.where(memory, before.since[stretch], start[0])[_last_of(rises | memory)]
    was = np.concatenate(([0], level[:-1]))
    at = np.flatnonzero(~memory & ((level != was) | (pending != _before(pending))))
    at = at[np.lexsort((rule[at], source[at]))]
    changes = Changes(
        source[at],
        stretch[at],
        rule[at],
        was[at],
        level[at],
        pending[at],
        np.where((level | was)[at] > 0, since[at], start[0, at]),
        peak[at] * side[at],
    )

    last = np.append(np.flatnonzero(memory)[1:] - 1, len(rule) - 1)
    waits = running[:, last] & ~entered[:, last]
    after = Held(
        np.where(waits, start[:, last], NEVER),
        entered[:, last],
        np.where(entered[0, last], since[last], NEVER),
        np.where(running[0, last] | entered[0, last], peak[last], -np.inf),
    )
    return changes, after


def stable_order(number: Rows) -> Rows:
    """Rows by ascending number (from 0), those of one number in the order they stand in.

    numpy's stable sort is a radix sort for 16-bit numbers, 6 ns a row and pass; a comparison sort takes 30 to 60.
    """
    order = np.argsort(number.astype(np.uint16), kind="stable")
    if int(number.max()) >> 16:
        order = order[np.argsort((number[order] >> 16).astype(np.uint16), kind="stable")]
    return order


def _last_of(event: Bools) -> Rows:
    """For each column the nearest column up to it with an event, along the last axis; column 0 has one."""
    columns = np.arange(event.shape[-1], dtype=np.intp)
    return np.maximum.accumulate(np.multiply(event, columns, dtype=np.intp), axis=-1)


def _before(column: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Each column's predecessor; False before the first."""
    shifted = np.zeros_like(column)
    shifted[..., 1:] = column[..., :-1]
    return shifted


def _peaks(x: Floats, starts: Bools) -> Floats:
    """The running maximum of each stretch; column 0 starts one.

    Ranks in place of values: the running maxima of all stretches in one pass, each stretch lifted above those before.
    """
    n = len(x)
    order = np.argsort(x, kind="stable")
    rank = np.empty(n, np.int64)
    rank[order] = np.arange(n)
    floor = np.cumsum(starts) * np.int64(n)
    return x[order[np.maximum.accumulate(floor + rank) - floor]]
