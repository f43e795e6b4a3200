"""What has gathered since the last commit and waits for the next one."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from gateway.alerts.records import Detection, Transition
from gateway.records import ClockStep, DeadLetter, DeviceEvent

PENDING_LETTERS: Final = 20_000
"""Dead letters that wait for a commit; at the bound the pipeline waits for it."""
PENDING_EVENTS: Final = 5_000
"""The same for events of devices."""


@dataclass(slots=True)
class Gathered:
    """What a commit of the ledger makes durable, in the order it came."""

    steps: list[Transition] = field(default_factory=list[Transition])
    dead: list[DeadLetter] = field(default_factory=list[DeadLetter])
    events: list[DeviceEvent] = field(default_factory=list[DeviceEvent])
    detections: list[Detection] = field(default_factory=list[Detection])
    clocks: list[ClockStep] = field(default_factory=list[ClockStep])

    def __bool__(self) -> bool:
        """Whether anything waits."""
        return bool(self.steps or self.dead or self.events or self.detections or self.clocks)

    @property
    def pressing(self) -> bool:
        """Whether the commit is to come at once: people wait for it, or a bound is reached."""
        full = len(self.dead) >= PENDING_LETTERS or len(self.events) >= PENDING_EVENTS
        return bool(self.steps or self.detections) or full

    def take(self) -> Gathered:
        """What waits now, for a commit. It stays here until `forget`: the commit may be refused."""
        return Gathered(self.steps[:], self.dead[:], self.events[:], self.detections[:], self.clocks[:])

    def forget(self, taken: Gathered) -> None:
        """Drop what was taken and is durable; what came meanwhile waits on."""
        del self.steps[: len(taken.steps)], self.dead[: len(taken.dead)]
        del self.events[: len(taken.events)], self.detections[: len(taken.detections)], self.clocks[: len(taken.clocks)]
