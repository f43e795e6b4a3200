"""Where a fleet's messages go: the broker, the loggers' own connections, or both."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from typing import Final

from simulators.counts import Counts
from simulators.errors import CentreError, SimulatorError
from simulators.loggers.carrier import Carrier
from simulators.publish import Publisher
from simulators.records import Message, Picture, Shot

LEAST_S: Final = 1.0
"""What the broker has for the end of a run where the centre took all the time."""


@dataclass(slots=True)
class Outlets:
    """Each message by its way. A part that the scenario does not need is None."""

    publisher: Publisher | None
    carrier: Carrier | None
    wants: Callable[[Message], bool]
    """Whether a message is to be sent at all."""
    counts: Counts = field(default_factory=Counts)
    """Of all parts; filled in by `close`."""

    def __str__(self) -> str:
        ways = (self.publisher and self.publisher.broker, self.carrier)
        return " and ".join(str(way) for way in ways if way is not None)

    def connect(self, timeout_s: float, stop: threading.Event) -> None:
        """Connect all. Raises `BrokerError` and `CentreError`; what was connected before is closed then."""
        if self.publisher is not None:
            self.publisher.connect(timeout_s, stop)
        if self.carrier is not None:
            try:
                self.carrier.connect(timeout_s, stop)
            except CentreError:
                if self.publisher is not None:
                    self.publisher.close(0)
                raise

    @property
    def full(self) -> bool:
        return any(part is not None and part.full for part in (self.publisher, self.carrier))

    @property
    def frames_full(self) -> bool:
        return self.publisher is not None and self.publisher.frames_full

    def reading(self, message: Message) -> None:
        if not self.wants(message):
            return
        part = self.carrier if message.connection else self.publisher
        if part is None:
            raise SimulatorError(f"no way for a message of {message.connection or message.topic}")
        part.reading(message)

    def frame(self, shot: Shot | Picture) -> None:
        if self.publisher is None:
            raise SimulatorError(f"no way for a frame of {shot.topic}")
        self.publisher.frame(shot)

    def pump(self) -> None:
        for part in (self.publisher, self.carrier):
            if part is not None:
                part.pump()

    def close(self, timeout_s: float) -> None:
        """Wait for what is under way, disconnect, and settle the counts."""
        parts: list[Counts] = []
        deadline = time.monotonic() + timeout_s
        if self.carrier is not None:
            parts.append(self.carrier.close(timeout_s))
        if self.publisher is not None:
            self.publisher.close(max(LEAST_S, deadline - time.monotonic()))
            parts.append(self.publisher.counts)
        for each in fields(Counts):
            setattr(self.counts, each.name, sum(getattr(part, each.name) for part in parts))
