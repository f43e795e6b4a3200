"""Playing a scenario: the fleet's messages at their time, the truth beside them, a report at the end."""

from __future__ import annotations

import threading
from dataclasses import asdict, dataclass
from typing import Final, Protocol

from simulators.clock import Clock
from simulators.fleet import Fleet
from simulators.publish import Counts
from simulators.records import Happening, Message, Shot
from simulators.scenario import Scenario

LATE_FRAME_MS: Final = 1000
"""A frame so late is left out and counted: after a pause the cameras show the present."""
LOOK_S: Final = 0.05
"""Longest wait between two looks at the network."""


class Outlet(Protocol):
    """Where messages go: `simulators.publish.Publisher`, or a list in a test."""

    counts: Counts

    @property
    def full(self) -> bool:
        """Whether readings have to wait."""
        ...

    def reading(self, message: Message) -> None: ...

    def frame(self, shot: Shot) -> None: ...

    def pump(self) -> object:
        """Let the network make progress."""
        ...


class TruthSink(Protocol):
    """Takes the lines of the truth as they come."""

    def __call__(self, happening: Happening) -> None: ...


@dataclass(frozen=True, slots=True)
class Report:
    """What a run did; `json` is what `--report` writes."""

    scenario: str
    seed: int
    start_ms: int
    seconds: float
    counts: Counts
    frames_skipped: int

    def json(self) -> dict[str, object]:
        return {
            **asdict(self.counts),
            "frames_skipped": self.frames_skipped,
            "seed": self.seed,
            "scenario": self.scenario,
            "start_ms": self.start_ms,
            "seconds": round(self.seconds, 3),
        }


def play(
    scenario: Scenario,
    name: str,
    seed: int,
    *,
    outlet: Outlet,
    clock: Clock,
    stop: threading.Event,
    seconds: float | None = None,
    truth: TruthSink | None = None,
) -> Report:
    """Play from now on, for `seconds` or until `stop` is set.

    Readings are never left out: while the outlet is full or the program is late they wait and then follow at once,
    with the times they were measured. The caller closes the outlet and so settles the counts of the report.
    """
    start = clock.now()
    end = None if seconds is None else start + round(seconds * 1000)
    skipped = 0
    fleet = Fleet(scenario, seed, start)
    for item in fleet.items(seconds):
        _wait_until(item.due, outlet, clock, stop)
        while outlet.full and not stop.is_set():
            outlet.pump()
            clock.wait(LOOK_S, stop)
        if stop.is_set():
            break
        if isinstance(item, Happening):
            if truth is not None:
                truth(item)
        elif isinstance(item, Message):
            outlet.reading(item)
        elif clock.now() - item.due > LATE_FRAME_MS:
            skipped += 1
        else:
            outlet.frame(item)
    if end is not None:
        _wait_until(end, outlet, clock, stop)
    if truth is not None:
        for happening in fleet.last(clock.now() if end is None or stop.is_set() else end):
            truth(happening)
    return Report(name, seed, start, (clock.now() - start) / 1000, outlet.counts, skipped)


def _wait_until(due: int, outlet: Outlet, clock: Clock, stop: threading.Event) -> None:
    while not stop.is_set():
        outlet.pump()
        left = (due - clock.now()) / 1000
        if left <= 0:
            return
        clock.wait(min(left, LOOK_S), stop)
