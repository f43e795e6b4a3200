"""Identity: messages that came by a subject's topic or connection under another name; only quiet ends it.

A case begins with the first such message and counts all that follow. Its level is the number of `LEVELS` that the
count has reached. It ends when none came for `QUIET_MS` while the gateway listened: time in which nobody listened
proves nothing. All times are ms UTC by the gateway's clock.

>>> state = IdentityState.empty(subjects=2)
>>> [(f.subject, f.level, f.value) for f in step(state, [1, 1], received=1_000, positions=[7, 8])]
[(1, 1, 1.0)]
>>> [(f.subject, f.phase.value, f.value) for f in quiet(state, 1_000 + QUIET_MS, listening_since=0)]
[(1, 'clear', 2.0)]
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from detectors.records import NEVER, Finding, Phase

DETECTOR: Final = "identity"
QUIET_MS: Final = 10 * 60_000
LEVELS: Final = (1, 10, 100)
"""Messages of one case from which it has level 1, 2 and 3: one is a slip, a hundred are no slip."""


@dataclass(slots=True)
class IdentityState:
    """Columns of shape (subjects,), and how far of the journal the cases that are over were told of."""

    since: NDArray[np.int64]
    """First message of the open case, NEVER where none is open."""
    last: NDArray[np.int64]
    """Newest message of the open case."""
    count: NDArray[np.int64]
    """Messages of the open case."""
    settled: int = 0
    """Messages before this position are only counted where they belong to a case that is open: see `resume`."""

    @staticmethod
    def empty(subjects: int) -> IdentityState:
        return IdentityState(
            np.full(subjects, NEVER, np.int64), np.full(subjects, NEVER, np.int64), np.zeros(subjects, np.int64)
        )

    def dump(self) -> dict[str, NDArray[np.int64]]:
        """What must outlive the process, by subject."""
        return {"since": self.since.copy(), "last": self.last.copy(), "count": self.count.copy()}

    @staticmethod
    def load(saved: Mapping[str, NDArray[np.int64]], subject_from: NDArray[np.intp]) -> IdentityState:
        """The state that `dump` gave; `subject_from[s]` is the row in `saved` of subject s, -1 for a new one."""
        state = IdentityState.empty(len(subject_from))
        old = subject_from >= 0
        for name, column in (("since", state.since), ("last", state.last), ("count", state.count)):
            column[old] = saved[name][subject_from[old]]
        return state


def resume(state: IdentityState, open_since: Mapping[int, int], settled: int) -> None:
    """Go on from what was told of: `since` of the open cases by subject, up to journal position `settled`.

    The end of a case is in no journal, so a state that is older than `settled` may hold cases that are over, and the
    messages up to there that are run again may be of such. They are told from those of open cases by their time.
    """
    state.settled = settled
    for subject in range(len(state.since)):
        since = open_since.get(subject, NEVER)
        if state.since[subject] != since:
            state.since[subject] = state.last[subject] = since
            state.count[subject] = 0


def step(state: IdentityState, subjects: Sequence[int], received: int, positions: Sequence[int]) -> list[Finding]:
    """Count the messages of one block, in journal order; a finding for each level that a case reaches.

    `positions` runs parallel to `subjects` and holds the journal positions; `value` is the count, `limit` the number
    from which the level holds.
    """
    found: list[Finding] = []
    for subject, position in zip(subjects, positions, strict=True):
        since = int(state.since[subject])
        if position < state.settled and (since == NEVER or received < since):
            continue
        if since == NEVER:
            since = state.since[subject] = received
            state.count[subject] = 0
        state.last[subject] = max(int(state.last[subject]), received)
        count = int(state.count[subject]) + 1
        state.count[subject] = count
        if count in LEVELS:
            level = LEVELS.index(count) + 1
            found.append(
                Finding(
                    *(DETECTOR, subject, subject, Phase.ACTIVE, level, int(since), received, float(count)),
                    *(float(count), position),
                )
            )
    return found


def quiet(state: IdentityState, now: int, listening_since: int | None) -> list[Finding]:
    """Cases that are over at `now`: by subject, their `value` the messages in all, their `limit` seconds of quiet.

    `listening_since` is when the gateway last began to listen, None while it does not.
    """
    if listening_since is None:
        return []
    found: list[Finding] = []
    for each in np.flatnonzero(state.since != NEVER):
        subject = int(each)
        if now - max(int(state.last[subject]), listening_since) < QUIET_MS:
            continue
        since, count = int(state.since[subject]), int(state.count[subject])
        level = sum(count >= least for least in LEVELS)
        found.append(
            Finding(
                *(DETECTOR, subject, subject, Phase.CLEAR, max(level, 1), since, now, float(count)), QUIET_MS / 1000
            )
        )
        state.since[subject] = state.last[subject] = NEVER
        state.count[subject] = 0
    return found
