"""The nouns of the service. This file imports nothing of ours but the records of the detectors.

All times are milliseconds since the epoch, UTC. A position counts messages in the journal from 0.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from detectors.records import Box, Readings

__all__ = [
    "Batch",
    "Block",
    "Box",
    "CameraEvent",
    "Claim",
    "ClockStep",
    "DeadLetter",
    "Decoded",
    "DeviceEvent",
    "Frame",
    "FrameHead",
    "FrameResult",
    "LoggerFrame",
    "Readings",
]


@dataclass(frozen=True, slots=True)
class Batch:
    """What a link hands over: the messages of one read, not yet durable."""

    link: str
    received: int
    topics: list[str]
    payloads: list[bytes]
    captured: dict[int, str]
    """Message number to the MQTT 5 user property `captured`, for the few messages that carry it."""
    ack: Callable[[], None]
    """Acknowledges the whole batch to the broker; called once, after the journal's sync."""


@dataclass(frozen=True, slots=True)
class Block:
    """Messages of one link, received in one read and journalled as one unit.

    `topics` and `payloads` run in parallel.
    """

    first: int
    """Journal position of the first message; message k has `first + k`."""
    received: int
    link: str
    topics: list[str]
    payloads: list[bytes]

    def __len__(self) -> int:
        return len(self.topics)

    @property
    def end(self) -> int:
        """Position just after the last message."""
        return self.first + len(self.topics)


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message that could not be used, kept whole with the reason."""

    position: int
    received: int
    link: str
    topic: str
    payload: bytes
    reason: str
    """A short fixed word: it labels a counter (`bad_json`, `unknown_device`, `bad_crc`)."""
    detail: str
    """One sentence for a person: names the field, what was found and what was expected."""
    claimed: str = ""
    """The device, MN or camera that it names, where that is what is wrong with it; the ledger keeps `detail` only."""


class Claim(NamedTuple):
    """A message that came by the topic or connection of one device or camera and named another."""

    position: int
    subject: int
    """Number of the device or camera by whose topic or connection it came."""
    of_camera: bool
    name: str
    """Whom it named, as it was sent."""


@dataclass(frozen=True, slots=True, eq=False)
class FrameHead:
    """What the header of an HJ 212 frame says, but for QN: one object for all frames that came with this header."""

    device: int
    """Device number, -1 where the frame is of none of the inventory."""
    edition: str
    """`2005`, `2017` or `2025`: configured, else recognised."""
    st: str
    cn: str
    mn: str
    flag: int
    """As sent; -1 where there was none."""
    pnum: int
    """Packets of the set; 0 where the message is not split."""
    pno: int
    """This packet, from 1; 0 where the message is not split."""
    rf: bool
    """A back-filled frame of 2025 (`RF=1`)."""
    verdicts: int
    """`gateway.hj212.verdicts.Verdict` bits of the header."""


class LoggerFrame(NamedTuple):
    """One HJ 212 frame that was read, whether it was taken or quarantined."""

    row: int
    """Message number within the block."""
    head: FrameHead
    qn: bytes
    """17 digits; empty where none was sent. Of a reply: the QN of the message that it answers."""
    time: int
    """DataTime in ms UTC, moved to the start of the period; `NEVER` where there is none."""
    verdicts: int
    """All verdicts on the frame, those of its header included."""
    crc: int
    """Of the segment as computed: with device, command and time it tells a repeat of a message without QN."""
    taken: bool
    """False where it is quarantined or could not be used: then it is a dead letter too."""
    items: tuple[tuple[str, str], ...] = ()
    """Parameters and text of CP that are no readings, in their order: `("QnRtn", "1")`, `("RestartTime", ...)`."""
    encrypted: bool = False
    """Whether CP came encrypted, opened or not."""


class DeviceEvent(NamedTuple):
    """What a logger told beside readings, or what became known of it: in words that outlive a restart."""

    position: int
    """Journal position of the message."""
    row: int
    """Frame within the block, from 0; of a set that stayed incomplete -1 less the row of its first packet."""
    kind: str
    """`message`: start-ups, alarms, samples, texts; `mark`: an analyser's own mark changed; `set_incomplete`."""
    site: str
    device: str
    cn: str
    time: int
    """DataTime in ms UTC; `NEVER` where there was none."""
    received: int
    items: tuple[tuple[str, str], ...]


class ClockStep(NamedTuple):
    """A verdict that became another one, in words that outlive a restart."""

    position: int
    """Journal position from which on it holds."""
    site: str
    device: str
    verdict: int
    """`ClockVerdict`."""
    offset: int
    drift: int
    at: int
    """When it was found, ms UTC."""


class CameraEvent(NamedTuple):
    """What the edge node of a camera saw, as it says itself."""

    row: int
    """Message number within the block."""
    camera: int
    captured: int
    kind: str
    """`object`, `review`, `event` or `scene`: see `docs/payloads-alerts.md`."""
    width: int
    height: int
    """Of the picture that the boxes are in; 0 where the edge node does not say."""
    boxes: tuple[Box, ...]
    """One for each thing seen; without size where the edge node does not say where it is."""
    zones: tuple[str, ...] = ()
    """Names of zones as the edge node has them."""


@dataclass(frozen=True, slots=True)
class Decoded:
    """What a block of messages says: columns, and what could not be read."""

    first: int
    end: int
    received: int
    readings: Readings
    dead: list[DeadLetter]
    devices: list[int]
    """Devices heard of in this block, each once: also those that sent no usable reading."""
    alive_only: int = 0
    """Messages that carried no reading and are no mistake (heartbeats, replies)."""
    frames: list[LoggerFrame] = field(default_factory=list[LoggerFrame])
    """HJ 212 frames, in the order of the block."""
    cameras: list[int] = field(default_factory=list[int])
    """Cameras heard of through their edge nodes in this block, each once."""
    detections: list[CameraEvent] = field(default_factory=list[CameraEvent])
    """What edge nodes of cameras saw, in the order of the block."""
    link: str = ""
    """Name of the link that brought the block."""
    claims: list[Claim] = field(default_factory=list[Claim])
    """Dead letters that named another than they came from, in the order of the block."""
    strange: list[DeadLetter] = field(default_factory=list[DeadLetter])
    """Those of `dead` that are of nobody of the inventory, or not of whom they say."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One camera image as it arrived: JPEG bytes, not yet decoded."""

    camera: int
    captured: int
    """From the MQTT 5 user property `captured`, or EXIF, else equal to `received`."""
    received: int
    jpeg: bytes


@dataclass(frozen=True, slots=True)
class FrameResult:
    """What the frame worker saw in one frame."""

    camera: int
    captured: int
    received: int
    width: int
    height: int
    boxes: tuple[Box, ...]
    zones: tuple[float, ...] = field(default=())
    """Share of each zone of the camera that is in motion, in the order of the inventory."""
