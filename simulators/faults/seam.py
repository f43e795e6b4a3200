"""What a fault is: one of five places at which something goes wrong between the world and the centre.

| class | acts on | layer |
|---|---|---|
| `ValueFault` | what the analyser, or the logger after it, says of each factor | device, fraud |
| `StampFault` | the device's clock | device |
| `ReportFault` | what the device decides to say: nothing, twice, later | device |
| `PayloadFault` | the bytes of a message | payload |
| `LinkFault` | when, how often and whether messages or frames arrive | link |

Each has a model in the scenario (an `OnDevice` or `OnCamera` event) that makes an effect for one device. An effect is
called for every item, in order of time, also while the fault is not active, so that it can remember what was before.
Faults compose in the order of this table; those of one class in the order of the file.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, Literal

import numpy as np

from simulators.incidents.event import OnDevice
from simulators.records import Message, Reading, Report

Layer = Literal["device", "fraud", "payload", "link"]

ValueEffect = Callable[[float, list[Reading]], list[Reading]]
"""Seconds since the start and the readings of one moment to what is said of it."""
ReportEffect = Callable[[float, Report], list[Report]]
"""A report to those that are said for it, none of them earlier."""
MessageEffect = Callable[[float, Message], list[Message]]
"""A message to those that take its place, none of them due earlier."""


class Fault(OnDevice):
    """Base of all faults on devices."""

    layer: ClassVar[str] = "device"


class ValueFault(Fault):
    """Changes values or flags; the rest of the chain (corrections, averages) follows from what it leaves."""

    factors: tuple[str, ...] = ()
    """Factor codes it acts on; all of the device where there are none."""

    def values(self, rng: np.random.Generator) -> ValueEffect:
        """The effect on one device. `rng` is its own."""
        raise NotImplementedError


class StampFault(Fault):
    """Changes what the device's clock says."""

    def stamp(self, t: float, time: int) -> int:
        """The device's clock (ms UTC) at the true time `time`; `t` is seconds since the start."""
        raise NotImplementedError


class ReportFault(Fault):
    """Changes what is said."""

    def reports(self, rng: np.random.Generator) -> ReportEffect:
        raise NotImplementedError


class PayloadFault(Fault):
    """Changes the bytes of a message, or its topic."""

    layer: ClassVar[str] = "payload"

    def payload(self, rng: np.random.Generator) -> MessageEffect:
        raise NotImplementedError


class LinkFault(Fault):
    """Changes how messages travel."""

    layer: ClassVar[str] = "link"

    def travel(self, rng: np.random.Generator) -> MessageEffect:
        raise NotImplementedError
