"""Recorded traffic as a source: its messages again, with the times they had or as if they came now."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal

from simulators.records import Message, Picture
from simulators.retime import JPEG, moved
from simulators.traffic import Arrival

Times = Literal["original", "present"]


@dataclass(slots=True)
class Replay:
    """Arrivals of a traffic file, to be sent again from `start` on."""

    arrivals: Iterable[Arrival]
    times: Times
    left: int = 0
    """Payloads that went out with the times they had, for these could not be moved; grows while it is read."""
    _first: Arrival | None = field(default=None, init=False)
    _rest: Iterator[Arrival] = field(init=False)

    def __post_init__(self) -> None:
        self._rest = iter(self.arrivals)
        self._first = next(self._rest, None)

    @property
    def begins(self) -> int | None:
        """When the first arrived, ms UTC; None where there is nothing."""
        return None if self._first is None else self._first.due

    def items(self, start: int) -> Iterator[Message | Picture]:
        """Each as it is to be sent, the first at `start` where the times are those of the present.

        Times inside the payloads are moved by whole seconds, since HJ 212 knows no finer ones.
        """
        if self._first is None:
            return
        shift = start - self._first.due if self.times == "present" else 0
        seconds = shift // 1000
        for arrival in itertools.chain((self._first,), self._rest):
            payload = moved(arrival.payload, seconds) if seconds else arrival.payload
            if payload is None:
                self.left += 1
                payload = arrival.payload
            due = arrival.due + shift
            if payload.startswith(JPEG):
                captured = None if arrival.captured is None else arrival.captured + seconds * 1000
                yield Picture(due, arrival.topic, payload, captured)
            else:
                yield Message(due, arrival.topic, payload, 0, arrival.retain)
