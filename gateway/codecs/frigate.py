"""Frigate's MQTT messages `frigate/events` and `frigate/reviews` (docs.frigate.video, Integrations, MQTT).

Used of an event: `type`, and of `after` `camera`, `label`, `frame_time`, `score`, `top_score`, `current_zones`,
`false_positive` and `box`: [left, top, right, bottom] in pixels of the picture Frigate detects in, whose size it does
not say. Of a review: `type`, and of `after` `camera`, `start_time`, `severity`, `data.thumb_time`, `data.objects` and
`data.zones`. All else is passed over, sub-labels on purpose: they name the people whom Frigate recognised.

`new` and `update` are sightings; `end`, and an event found to be a false positive, is a sign of life.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal

import msgspec

from detectors.records import Box
from gateway.channels import Channels
from gateway.codecs.named import Named
from gateway.codecs.seam import CodecSettings, Sink
from gateway.config import MIB
from gateway.inventory import Inventory
from gateway.reasons import BadPayload, Reason, shown
from gateway.records import CameraEvent
from gateway.stamps import epoch_ms

LONGEST_MESSAGE: Final = MIB
"""Bytes. The thumbnail that old editions put into events is some 30 KiB."""
MOST_OBJECTS: Final = 100
MOST_PIXELS: Final = 65_535
LONGEST_LABEL: Final = 64


class ReviewData(msgspec.Struct, frozen=True):
    objects: list[str] = []
    zones: list[str] = []
    thumb_time: float | None = None


class After(msgspec.Struct, frozen=True):
    """Event or review as it stands; the fields of both."""

    camera: str
    start_time: float | None = None
    label: str = ""
    frame_time: float | None = None
    box: tuple[float, float, float, float] | None = None
    score: float | None = None
    top_score: float | None = None
    current_zones: list[str] = []
    false_positive: bool = False
    severity: str = ""
    """Only reviews have one."""
    data: ReviewData | None = None


class Message(msgspec.Struct, frozen=True):
    type: Literal["new", "update", "end"]
    after: After


_DECODER: Final = msgspec.json.Decoder(Message)


class Frigate:
    """The codec of Frigate's events and reviews."""

    def __init__(self, inventory: Inventory, channels: Channels, settings: CodecSettings) -> None:
        self._named = Named(inventory)

    def decode(self, rows: Sequence[int], devices: Sequence[int], sink: Sink) -> None:
        """As `Codec.decode`."""
        for row, number in zip(rows, devices, strict=True):
            try:
                message = _read(sink.block.payloads[row])
                camera = self._named.camera(number, message.after.camera)
                event = None
                if message.type != "end" and not message.after.false_positive:
                    event = _review(row, camera, message.after) or _object(row, camera, message.after)
            except BadPayload as bad:
                sink.bury(row, bad.reason, bad.detail, bad.claimed)
                continue
            sink.cameras.add(camera)
            if event is None:
                sink.alive_only += 1
            else:
                sink.detections.append(event)


def _read(payload: bytes) -> Message:
    """Raises `BadPayload`."""
    if len(payload) > LONGEST_MESSAGE:
        raise BadPayload(Reason.TOO_LONG, f"{len(payload)} bytes are over the bound of {LONGEST_MESSAGE}")
    try:
        return _DECODER.decode(payload)
    except msgspec.ValidationError as error:
        raise BadPayload(Reason.BAD_FIELD, f"no event and no review of Frigate: {error}") from None
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        detail = f"not JSON: {error}" if payload else "the payload is empty"
        raise BadPayload(Reason.BAD_JSON, detail) from None


def _review(row: int, camera: int, after: After) -> CameraEvent | None:
    """A review says what was seen, not where. None for an event. Raises `BadPayload`."""
    if not after.severity or after.data is None:
        return None
    data = after.data
    seen = after.start_time if data.thumb_time is None else data.thumb_time
    boxes = tuple(Box(0, 0, 0, 0, label[:LONGEST_LABEL], 1.0) for label in (data.objects or [after.severity]))
    return CameraEvent(row, camera, _ms(seen), "review", 0, 0, boxes[:MOST_OBJECTS], _zones(data.zones))


def _object(row: int, camera: int, after: After) -> CameraEvent:
    """Raises `BadPayload`."""
    if not after.label:
        raise BadPayload(Reason.MISSING_FIELD, "after has no label (of an event) and no severity (of a review)")
    score = after.score if after.score is not None else after.top_score
    x = y = w = h = 0
    if after.box is not None:
        left, top, right, bottom = (min(max(round(edge), 0), MOST_PIXELS) for edge in after.box)
        x, y, w, h = left, top, max(right - left, 0), max(bottom - top, 0)
    sure = 1.0 if score is None else min(max(score, 0.0), 1.0)
    box = Box(x, y, w, h, after.label[:LONGEST_LABEL], sure)
    return CameraEvent(row, camera, _ms(after.frame_time), "object", 0, 0, (box,), _zones(after.current_zones))


def _zones(names: list[str]) -> tuple[str, ...]:
    return tuple(name[:LONGEST_LABEL] for name in names[:MOST_OBJECTS])


def _ms(seconds: float | None) -> int:
    """Raises `BadPayload`."""
    if seconds is None:
        raise BadPayload(Reason.MISSING_FIELD, "after has no frame_time (of an event) or start_time (of a review)")
    try:
        return epoch_ms(seconds)
    except ValueError as error:
        raise BadPayload(Reason.BAD_TIME, f"time {shown(seconds)} {error}") from None
