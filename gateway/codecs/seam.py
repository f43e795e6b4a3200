"""What a codec is: payloads of many messages in, columns out. One file a codec, one line in `gateway.codecs`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from detectors.readings.clocks import ClockVerdict
from gateway.config import Decode, Hj212, JsonMapping, LineFormat
from gateway.hj212.keys import KeyRing
from gateway.marks import BACKFILLED
from gateway.records import Block, CameraEvent, DeadLetter, LoggerFrame, Readings

UNKNOWN_DEVICE: Final = -1
"""The topic names no device of the inventory; the payload (an MN) still may."""


def at_site(site: int) -> int:
    """What stands in place of a device's or a camera's number where the topic names its site only.

    That of the number of sites, which none has, stands for a topic that names a site, device or camera that is not
    ours: then nobody of ours is meant, whatever a payload says.
    """
    return -2 - site


def site_of(number: int) -> int | None:
    """The site of `at_site`; None for any other number."""
    return -2 - number if number < UNKNOWN_DEVICE else None


@dataclass(frozen=True, slots=True)
class CodecSettings:
    """What codecs are told beside the inventory."""

    decode: Decode = field(default_factory=Decode)
    hj212: Hj212 = field(default_factory=Hj212)
    keys: KeyRing = field(default_factory=KeyRing)
    line: LineFormat = field(default_factory=LineFormat)
    """How the codec `line` finds device and factor."""
    mapping: JsonMapping | None = None
    """What the codec `mapped` reads by."""


@dataclass(slots=True)
class Sink:
    """Collects what codecs read in one block, as growing lists that become columns once.

    A codec appends one entry a message to the lists of the first group and one entry a reading to those of the
    second. It does so directly: a method call a message would cost as much as reading the message.
    """

    block: Block
    rows: list[int] = field(default_factory=list[int])
    """Message numbers within the block, of messages with readings."""
    counts: list[int] = field(default_factory=list[int])
    """How many readings each of those messages has."""
    times: list[int] = field(default_factory=list[int])
    """Time of each of those messages, ms UTC."""

    backfilled: list[int] = field(default_factory=list[int])
    """Places in `rows` of messages that the device itself calls back-filled."""
    untimed: list[int] = field(default_factory=list[int])
    """Places in `rows` of messages that have no time of their own: they got that of their receipt."""

    channels: list[int] = field(default_factory=list[int])
    values: list[float] = field(default_factory=list[float])
    """A missing value is NaN."""
    flags: list[int] = field(default_factory=list[int])

    devices: set[int] = field(default_factory=set[int])
    """Devices heard of, whether they sent readings or not."""
    dead: list[DeadLetter] = field(default_factory=list[DeadLetter])
    alive_only: int = 0
    frames: list[LoggerFrame] = field(default_factory=list[LoggerFrame])
    cameras: set[int] = field(default_factory=set[int])
    """Cameras heard of through their edge node."""
    detections: list[CameraEvent] = field(default_factory=list[CameraEvent])

    def bury(self, row: int, reason: str, detail: str, claimed: str = "") -> None:
        """Make message number `row` of the block a dead letter; `claimed` is as in `DeadLetter`."""
        block = self.block
        position, payload = block.first + row, block.payloads[row]
        topic = block.topics[row]
        self.dead.append(DeadLetter(position, block.received, block.link, topic, payload, reason, detail, claimed))

    def readings(self) -> Readings:
        """All readings as columns, in journal order."""
        counts = np.array(self.counts, np.int64)
        rows = np.array(self.rows, np.int64)
        columns = Readings(
            np.array(self.channels, np.int32),
            np.repeat(np.array(self.times, np.int64), counts),
            np.full(len(self.channels), self.block.received, np.int64),
            np.array(self.values, np.float64),
            np.array(self.flags, np.uint8),
            np.repeat(rows + self.block.first, counts),
            self._marks(counts),
        )
        if len(rows) > 1 and np.any(rows[1:] < rows[:-1]):  # several codecs filled it, one after the other
            return columns.take(np.argsort(columns.position, kind="stable"))
        return columns

    def _marks(self, counts: NDArray[np.int64]) -> NDArray[np.uint8]:
        if not self.backfilled and not self.untimed:
            return np.zeros(len(self.channels), np.uint8)
        of_message = np.zeros(len(counts), np.uint8)
        of_message[self.backfilled] = BACKFILLED
        of_message[self.untimed] |= np.uint8(ClockVerdict.NO_CLOCK)
        return np.repeat(of_message, counts)


class Codec(Protocol):
    """Reads payloads of one format."""

    def decode(self, rows: Sequence[int], devices: Sequence[int], sink: Sink) -> None:
        """Read the messages `rows` of `sink.block` into the sink.

        `devices` runs parallel to `rows`: the device number that the topic names, `UNKNOWN_DEVICE` where it names
        none, or `at_site`. For the codecs of `CAMERA_CODECS` it is the same of cameras.
        Every row ends as readings, as `alive_only`, or buried. It never raises for what a payload holds.
        """
        ...
