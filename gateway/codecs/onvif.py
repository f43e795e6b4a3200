"""ONVIF over MQTT: events (`onvif-ej`, Core Specification 9.10) and scenes (`onvif-mj`, Analytics Specification 5.5).

    CAMERA/onvif-ej/RuleEngine/LineDetector/Crossed/&1/2/Fence  {"UtcTime":..., "Source":{"Rule":"Fence"}, "Data":{...}}
    CAMERA/onvif-mj/VideoAnalytics/1/MyClassifier               {"Frame":[{"@UtcTime":..., "Object":[...]}]}

Used of an event: its topic, `UtcTime`, `Source.Rule`, the items of `Data`, and an object within `Data` where the camera
puts one (`Appearance`). Of a scene: `@UtcTime`, `Transformation`, and of each object `Class.Type` and `BoundingBox`.

Events of `RuleEngine`, `VideoSource` and `VideoAnalytics` are sightings, unless one of their states is false or they
only count. All others (relays, temperatures, storage), frames without objects, and the empty payload by which a
property is deleted are signs of life.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any, Final, cast
from zoneinfo import ZoneInfo

import msgspec

from detectors.records import Box
from gateway.channels import Channels
from gateway.codecs.named import Named
from gateway.codecs.seam import CodecSettings, Sink
from gateway.config import MIB
from gateway.inventory import Inventory
from gateway.reasons import BadPayload, Reason, shown
from gateway.records import CameraEvent
from gateway.stamps import iso_ms

LONGEST_MESSAGE: Final = MIB
MOST_OBJECTS: Final = 100
MOST_FRAMES: Final = 100
"""Of a message; a device sends one frame, or the few since the last."""
LONGEST_LABEL: Final = 64
NORMALIZED: Final = 1000
"""Pixels that the normalized picture (-1 to 1 each way) is given where no transformation tells its own."""
MOST_PIXELS: Final = 65_535

_SEEING: Final = frozenset(("RuleEngine", "VideoSource", "VideoAnalytics"))
_TRUE: Final = frozenset(("true", "1", "active", "on"))
_FALSE: Final = frozenset(("false", "0", "inactive", "off"))
_STATES: Final = frozenset(("State", "LogicalState", "IsMotion", "Motion", "IsInside", "Active", "Alarm"))
"""Items of Data that say whether it is so now; others are numbers and names."""
_DECODER: Final = msgspec.json.Decoder(dict[str, Any])
_UTC: Final = ZoneInfo("UTC")

Table = dict[str, Any]


class Onvif:
    """The codec of ONVIF events and scenes in JSON."""

    def __init__(self, inventory: Inventory, channels: Channels, settings: CodecSettings) -> None:
        self._named = Named(inventory)

    def decode(self, rows: Sequence[int], devices: Sequence[int], sink: Sink) -> None:
        """As `Codec.decode`."""
        block = sink.block
        for row, number in zip(rows, devices, strict=True):
            try:
                camera = self._named.camera(number, None)
                seen = list(_read(row, camera, block.topics[row], block.payloads[row]))
            except BadPayload as bad:
                sink.bury(row, bad.reason, bad.detail, bad.claimed)
                continue
            sink.cameras.add(camera)
            sink.detections += seen
            if not seen:
                sink.alive_only += 1


def _read(row: int, camera: int, topic: str, payload: bytes) -> Iterator[CameraEvent]:
    """What was seen. Raises `BadPayload`."""
    levels = topic.split("/")
    kind = next((level for level in levels if level in ("onvif-ej", "onvif-mj")), "")
    if not kind:
        raise BadPayload(Reason.UNKNOWN_FORMAT, "the topic has no level onvif-ej or onvif-mj")
    if not payload:
        return
    if len(payload) > LONGEST_MESSAGE:
        raise BadPayload(Reason.TOO_LONG, f"{len(payload)} bytes are over the bound of {LONGEST_MESSAGE}")
    try:
        message = _DECODER.decode(payload)
    except msgspec.ValidationError as error:
        raise BadPayload(Reason.BAD_FIELD, f"no message of ONVIF: {error}") from None
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise BadPayload(Reason.BAD_JSON, f"not JSON: {error}") from None
    below = levels[levels.index(kind) + 1 :]
    if kind == "onvif-ej":
        event = _event(row, camera, below, message)
        if event is not None:
            yield event
    elif below[:1] == ["VideoAnalytics"]:
        for frame in _tables(message.get("Frame"), "Frame")[:MOST_FRAMES]:
            if frame.get("Object"):
                yield _scene(row, camera, frame)


def _event(row: int, camera: int, levels: list[str], message: Table) -> CameraEvent | None:
    """A rule of the camera that holds now; None for what is no sighting. Raises `BadPayload`."""
    captured = _ms(message.get("UtcTime"), "UtcTime")
    source, data = _items(message.get("Source"), "Source"), _items(message.get("Data"), "Data")
    names = [level.rpartition(":")[2] for level in levels]  # some leave the namespace tns1: in
    if not names or names[0] not in _SEEING:
        return None
    states = {str(data[name]).lower() for name in _STATES & data.keys()}
    things = [thing for thing in _things(data, 4) if "Appearance" in thing]
    happened = not states and ("ObjectId" in data or bool(things))
    if states & _FALSE or not (states & _TRUE or happened):
        return None
    end = next((at for at, level in enumerate(levels) if level.startswith("&")), len(levels))
    rule = "/".join(names[1:end]) or names[0]
    width, height, boxes = _boxes(things, {})
    if not boxes:
        boxes = (Box(0, 0, 0, 0, rule[-LONGEST_LABEL:], 1.0),)
    zone = source.get("Rule")
    zones = (zone[:LONGEST_LABEL],) if isinstance(zone, str) and zone else ()
    return CameraEvent(row, camera, captured, "event", width, height, boxes, zones)


def _scene(row: int, camera: int, frame: Table) -> CameraEvent:
    """Raises `BadPayload`."""
    captured = _ms(frame.get("@UtcTime"), "Frame.@UtcTime")
    width, height, boxes = _boxes(_tables(frame["Object"], "Frame.Object"), _table(frame.get("Transformation")))
    return CameraEvent(row, camera, captured, "scene", width, height, boxes)


def _boxes(things: list[Table], transformation: Table) -> tuple[int, int, tuple[Box, ...]]:
    """Size of the picture and a box for each object, in its pixels."""
    shift, scale = _table(transformation.get("Translate")), _table(transformation.get("Scale"))
    scale_x, scale_y = _number(scale.get("@x"), 1.0) or 1.0, _number(scale.get("@y"), 1.0) or 1.0
    shift_x, shift_y = _number(shift.get("@x"), 0.0), _number(shift.get("@y"), 0.0)
    # A transformation leads from the coordinates sent to -1..1; its scale tells how many of them make a picture.
    width = _pixels(2 / abs(scale_x)) if scale else NORMALIZED
    height = _pixels(2 / abs(scale_y)) if scale else NORMALIZED
    boxes: list[Box] = []
    for thing in things[:MOST_OBJECTS]:
        appearance = _table(thing.get("Appearance"))
        label, score = _class(_table(appearance.get("Class")))
        edges = _table(_table(appearance.get("Shape")).get("BoundingBox"))
        x = y = w = h = 0
        if edges:
            left, right = sorted(_number(edges.get(name), 0.0) * scale_x + shift_x for name in ("@left", "@right"))
            low, high = sorted(_number(edges.get(name), 0.0) * scale_y + shift_y for name in ("@bottom", "@top"))
            x, y = _pixels((left + 1) / 2 * width), _pixels((1 - high) / 2 * height)  # up is +1 in ONVIF
            w, h = _pixels((right + 1) / 2 * width) - x, _pixels((1 - low) / 2 * height) - y
        boxes.append(Box(x, y, w, h, label, score))
    return (width, height, tuple(boxes)) if boxes else (0, 0, ())


def _class(found: Table) -> tuple[str, float]:
    """The likeliest class of an object and its likelihood."""
    best = ("object", 0.0)
    kinds: Any = found.get("Type")
    for kind in cast("list[Any]", kinds) if isinstance(kinds, list) else [kinds]:
        if isinstance(kind, str):
            kind = {"#text": kind}
        if isinstance(kind, dict):
            table = cast("Table", kind)
            label, score = table.get("#text"), min(max(_number(table.get("@Likelihood"), 1.0), 0.0), 1.0)
            if isinstance(label, str) and label and score > best[1]:
                best = (label[:LONGEST_LABEL], score)
    return best if best[1] else ("object", 1.0)


def _things(value: object, depth: int) -> Iterator[Table]:
    """Tables within tables, a few levels deep: cameras nest the object of an event differently."""
    if depth and isinstance(value, dict):
        table = cast("Table", value)
        yield table
        for inner in table.values():
            yield from _things(inner, depth - 1)
    elif depth and isinstance(value, list):
        for inner in cast("list[object]", value)[:MOST_OBJECTS]:
            yield from _things(inner, depth - 1)


def _items(value: object, where: str) -> Table:
    """Items by name; some cameras send `{"SimpleItem": [{"Name": ..., "Value": ...}]}`. Raises `BadPayload`."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise BadPayload(Reason.BAD_FIELD, f"{where} is {shown(value)}; expected an object")
    items = dict(cast("Table", value))
    simple = items.pop("SimpleItem", None)
    for item in _tables(simple, f"{where}.SimpleItem"):
        name = item.get("Name")
        if isinstance(name, str):
            items[name] = item.get("Value")
    return items


def _tables(value: object, where: str) -> list[Table]:
    """What may be one object or an array of them. Raises `BadPayload`."""
    rows = cast("list[object]", value) if isinstance(value, list) else [] if value is None else [value]
    for row in rows:
        if not isinstance(row, dict):
            raise BadPayload(Reason.BAD_FIELD, f"{where} has {shown(row)}; expected an object")
    return cast("list[Table]", rows)


def _table(value: object) -> Table:
    return cast("Table", value) if isinstance(value, dict) else {}


def _number(value: object, otherwise: float) -> float:
    """A number, in quotes or not, as the specification leaves it open."""
    try:
        found = float(cast("Any", value))
    except (TypeError, ValueError, OverflowError):
        return otherwise
    return found if math.isfinite(found) else otherwise


def _pixels(value: float) -> int:
    return round(min(max(value, 0.0), MOST_PIXELS))


def _ms(text: object, where: str) -> int:
    """ms UTC: a stamp without a zone is UTC, as its name says. Raises `BadPayload`."""
    if not isinstance(text, str):
        raise BadPayload(Reason.MISSING_FIELD, f"{where} is {shown(text)}; expected a time")
    try:
        return iso_ms(text, _UTC)
    except ValueError as error:
        raise BadPayload(Reason.BAD_TIME, f"{where} {shown(text)} {error}") from None
