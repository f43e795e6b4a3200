"""Silence: a device that is expected and has not been heard of for too long; only its own voice ends it.

A device is silent when nothing came from it for more than its `silent_after`, counted from its last message or from
the moment the gateway began to listen, whichever is later: time in which nobody listened proves nothing, and a device
that never spoke counts too. While the gateway does not listen nothing changes. A silence ends only by a message.

>>> state = SilenceState.empty(devices=2)
>>> patience = np.array([60_000, 60_000])
>>> hear(state, [0], received=50_000)
>>> [(f.subject, f.phase.value, f.value) for f in step(state, 90_000, 0, patience)]
[(1, 'active', 90.0)]
>>> hear(state, [1], received=95_000)
>>> [(f.subject, f.phase.value, f.value) for f in step(state, 100_000, 0, patience)]
[(1, 'clear', 95.0)]
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from detectors.records import NEVER, Finding, Phase

DETECTOR: Final = "silence"


@dataclass(slots=True)
class SilenceState:
    """Columns of shape (devices,)."""

    last_heard: NDArray[np.int64]
    """ms UTC at which the gateway received the last message, NEVER before the first."""
    silent_since: NDArray[np.int64]
    """`since` of the silence that was reported, NEVER where none is open."""

    @staticmethod
    def empty(devices: int) -> SilenceState:
        return SilenceState(np.full(devices, NEVER, np.int64), np.full(devices, NEVER, np.int64))

    def dump(self) -> dict[str, NDArray[np.int64]]:
        """What must outlive the process, by device."""
        return {"last_heard": self.last_heard.copy(), "silent_since": self.silent_since.copy()}

    @staticmethod
    def load(saved: Mapping[str, NDArray[np.int64]], device_from: NDArray[np.intp]) -> SilenceState:
        """The state that `dump` gave; `device_from[d]` is the row in `saved` of device d, -1 for a new one."""
        state = SilenceState.empty(len(device_from))
        old = device_from >= 0
        state.last_heard[old] = saved["last_heard"][device_from[old]]
        state.silent_since[old] = saved["silent_since"][device_from[old]]
        return state


def hear(state: SilenceState, devices: Sequence[int] | NDArray[np.int64], received: int) -> None:
    """Note that the devices spoke; `received` is ms UTC by the gateway's clock."""
    heard = np.asarray(devices, np.intp)
    state.last_heard[heard] = np.maximum(state.last_heard[heard], received)


def step(state: SilenceState, now: int, listening_since: int | None, silent_after: NDArray[np.int64]) -> list[Finding]:
    """Evaluate all devices at `now` (ms UTC); `silent_after` is in ms, shape (devices,).

    `listening_since` is when the gateway last began to listen, None while it does not. Findings come by device, the end
    of one silence before the start of the next; their values and limits are seconds.
    """
    if listening_since is None:
        return []
    spoke = (state.silent_since != NEVER) & (state.last_heard > state.silent_since)
    found = [
        _finding(state, d, Phase.CLEAR, int(state.last_heard[d]), now, silent_after) for d in np.flatnonzero(spoke)
    ]
    state.silent_since[spoke] = NEVER

    base = np.maximum(state.last_heard, listening_since)
    silent = (state.silent_since == NEVER) & (now - base > silent_after)
    state.silent_since[silent] = base[silent]
    found += [_finding(state, d, Phase.ACTIVE, now, now, silent_after) for d in np.flatnonzero(silent)]
    return sorted(found, key=lambda finding: finding.subject)


def _finding(
    state: SilenceState, device: np.intp, phase: Phase, until: int, now: int, silent_after: NDArray[np.int64]
) -> Finding:
    since = int(state.silent_since[device])
    return Finding(
        detector=DETECTOR,
        rule=int(device),
        subject=int(device),
        phase=phase,
        level=1,
        since=since,
        time=now,
        value=(until - since) / 1000,
        limit=float(silent_after[device]) / 1000,
    )
