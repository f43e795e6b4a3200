"""The nouns of the simulators, in the order in which one becomes the next. This file imports nothing of ours.

All times are ms UTC. `time` and `due` are true times; `stamp` is what the device's own clock says.

```
process ─ levels ─> instrument ─ Reading ─> value faults ─> Report ─> format ─ Message ─> flow faults ─> carrier
```
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final, Literal, get_args

Period = Literal["realtime", "minute", "hour", "day"]
"""HJ 212 commands 2011, 2051, 2061 and 2031."""
PERIODS: Final[tuple[Period, ...]] = get_args(Period)


RANK: Final = "FDMCBT"
"""Flags of data that do not count, or are a bound only; where several would be right, the first is told."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What a device says of one factor at one time."""

    code: str
    values: dict[str, float]
    """Field of HJ 212 (`Rtd`, `ZsRtd`, `Avg`, ...) to value, rounded to `decimals`."""
    decimals: int
    flag: str = "N"
    total_decimals: int | None = None
    """Of `Cou`, which is in another unit than the rest: None where they are the same."""


@dataclass(frozen=True, slots=True)
class Report:
    """What a device has to say at once: to be written by a format."""

    time: int
    """When it is said."""
    stamp: int
    """What it is of, by the device's clock: the moment, or the start of the period."""
    period: Period
    readings: list[Reading]
    backfilled: bool = False
    """Said again or later, on request or after an outage."""
    late_ms: int = 0
    """How long after it was measured it is said."""
    copy: bool = False
    """The same was said before."""

    @property
    def due(self) -> int:
        """When it is said, for those who put things in order."""
        return self.time

    def put_off(self, ms: int, backfilled: bool = False) -> Report:
        """The same, said `ms` later."""
        return replace(self, time=self.time + ms, late_ms=self.late_ms + ms, backfilled=self.backfilled or backfilled)


@dataclass(frozen=True, slots=True)
class Message:
    """Bytes of one device or of one camera's edge node, ready to be sent."""

    due: int
    topic: str
    payload: bytes
    values: int
    """Numbers it carries: what a receiver counts as readings."""
    retain: bool = False
    connection: str = ""
    """`site/device` of the logger on whose own connection it goes; empty: over MQTT."""


@dataclass(frozen=True, slots=True)
class Shot:
    """One frame of a camera; the picture is drawn when it is asked for, so that a late one can be left out."""

    due: int
    """When it is sent."""
    topic: str
    number: int
    captured: int
    """When it was taken, by the camera's clock."""
    draw: Callable[[int, int], bytes] = field(repr=False, compare=False)
    """Number and capture time to a JPEG; the same bytes at each call."""

    def jpeg(self) -> bytes:
        """The picture, with its capture time in EXIF. The same bytes at each call."""
        return self.draw(self.number, self.captured)


@dataclass(frozen=True, slots=True)
class Parcel:
    """A message or a frame on its way, with what becomes of it: that is for the truth alone."""

    item: Message | Shot
    measured: int
    """When it was measured, or taken: true time."""
    copy: bool = False
    """Another of the same was there before."""
    said: Report | None = None
    """What a receiver that can use it reads in it; None where that is no report."""
    lost: bool = False
    """Never arrives; `due` is when it would have."""
    wrong: str = ""
    """Kind of the fault that spoiled its bytes or its topic."""
    reason: str = ""
    """Why a receiver cannot use it, in the word of its dead letter; empty where it can."""

    @property
    def due(self) -> int:
        """When it arrives."""
        return self.item.due

    def put_off(self, ms: int) -> Parcel:
        """The same, `ms` later."""
        return replace(self, item=replace(self.item, due=self.item.due + ms))

    def again(self, due: int) -> Parcel:
        """A copy that arrives at `due` (ms UTC)."""
        return replace(self, item=replace(self.item, due=due), copy=True)


@dataclass(frozen=True, slots=True)
class Picture:
    """One frame as it was recorded: the bytes are there, and the capture time where the recording has it."""

    due: int
    topic: str
    payload: bytes = field(repr=False)
    captured: int | None

    def jpeg(self) -> bytes:
        return self.payload


@dataclass(frozen=True, slots=True)
class Happening:
    """One line of the truth: something that was made to happen, or that a right receiver must find."""

    due: int
    """When it is told: at its beginning, or as soon as it is certain."""
    record: dict[str, object]
