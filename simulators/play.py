"""Playing a scenario: the fleet's messages at their time, the truth beside them, a report at the end."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import Final, Protocol

from simulators.clock import Clock
from simulators.counts import Counts
from simulators.fleet import Fleet, Item, Witness
from simulators.loggers.control import Control
from simulators.records import Happening, Message, Picture, Shot
from simulators.scenario import Scenario

LATE_FRAME_S: Final = 1.0
"""A frame so late, by the wall, is left out and counted: after a pause the cameras show the present."""


Shown = Callable[[int], None]


def _show_nothing(_due: int) -> None:
    """Where nobody looks."""


class Outlet(Protocol):
    """Where messages go: `simulators.outlets.Outlets`, one of its parts, or a list in a test."""

    counts: Counts

    @property
    def full(self) -> bool:
        """Whether readings have to wait."""
        ...

    @property
    def frames_full(self) -> bool:
        """Whether one more frame would fail."""
        ...

    def reading(self, message: Message) -> None: ...

    def frame(self, shot: Shot | Picture) -> None: ...

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
    """Its name, or that of the file that was replayed."""
    seed: int
    start_ms: int
    seconds: float
    """Of the scenario's time."""
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
    start: int | None = None,
    controls: Mapping[str, Control] = MappingProxyType({}),
    witness: Witness | None = None,
    shown: Shown = _show_nothing,
) -> Report:
    """Play a scenario for `seconds` or until `stop` is set. See `play_items`.

    `start`: when it begins, ms UTC; without it the clock's time. `controls`, `witness`: see `Fleet`.
    """
    start = clock.now() if start is None else start
    end = None if seconds is None else start + round(seconds * 1000)
    fleet = Fleet(scenario, seed, start, controls, witness)
    skipped = play_items(fleet.items(seconds), outlet=outlet, clock=clock, stop=stop, truth=truth, shown=shown)
    if end is not None:
        _wait_until(end, outlet, clock, stop)
    if truth is not None:
        for happening in fleet.last(clock.now() if end is None or stop.is_set() else end):
            truth(happening)
    return Report(name, seed, start, (clock.now() - start) / 1000, outlet.counts, skipped)


def play_items(
    items: Iterable[Item | Picture],
    *,
    outlet: Outlet,
    clock: Clock,
    stop: threading.Event,
    truth: TruthSink | None = None,
    shown: Shown = _show_nothing,
) -> int:
    """Send each item when it is due; returns how many frames were left out because it was too late for them.

    Readings are never left out: while the outlet is full or the program is late they wait and then follow at once,
    with the times they were measured. The caller closes the outlet and so settles its counts. `shown` is told of each
    message and frame when it was due.
    """
    skipped = 0
    for item in items:
        _wait_until(item.due, outlet, clock, stop)
        while (outlet.full or (clock.patient and outlet.frames_full)) and not stop.is_set():
            outlet.pump()
            clock.rest(stop)
        if stop.is_set():
            break
        if isinstance(item, Happening):
            if truth is not None:
                truth(item)
            continue
        shown(item.due)
        if isinstance(item, Message):
            outlet.reading(item)
        elif clock.late(item.due) > LATE_FRAME_S:
            skipped += 1
        else:
            outlet.frame(item)
    return skipped


def _wait_until(due: int, outlet: Outlet, clock: Clock, stop: threading.Event) -> None:
    while not stop.is_set():
        outlet.pump()
        left = (due - clock.now()) / 1000
        if left <= 0:
            return
        clock.wait(left, stop)
