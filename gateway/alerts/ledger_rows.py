"""Records to rows of the ledger and back. A number that is none (NaN) is NULL in the file."""

# ruff: noqa: S608  (what is put into statements are lists of columns of ours; values are always bound)

from __future__ import annotations

import math
from hashlib import blake2b
from typing import Any, Final

import msgspec

from detectors.records import Box
from gateway.alerts.records import Alert, Detection, Family, State, Step, Subject, Transition, ZoneShare
from gateway.records import DeadLetter, DeviceEvent

# What sqlite3 returns and takes is untyped; the columns below and the STRICT tables say what it is.
Row = tuple[Any, ...]

SUBJECT_COLUMNS: Final = "family, rule, site, kind, subject, factor, field"
_ONCE: Final = f"id, {SUBJECT_COLUMNS}, unit, side, repeat, since"
_CHANGING: Final = "state, level, highest, fired, resolved, value, peak, threshold, text_en, text_zh, evidence"
ALERT_COLUMNS: Final = f"{_ONCE}, {_CHANGING}"
TRANSITION_COLUMNS: Final = (
    ", ".join(f"a.{name}" for name in _ONCE.split(", "))
    + ", "
    + ", ".join(f"t.{name}" for name in _CHANGING.split(", "))
    + ", t.step, t.at, t.recorded, t.position"
)
"""Of `transitions t JOIN alerts a`."""
LETTER_COLUMNS: Final = "position, received, link, topic, payload, reason, detail"
DETECTION_COLUMNS: Final = "site, camera, captured, received, width, height, boxes, zones, frame, kind"

EVENT_COLUMNS: Final = "position, row, kind, site, device, cn, time, received, items"
_marks: Final = ", ".join("?" * len(ALERT_COLUMNS.split(", ")))
PUT_ALERT: Final = (
    f"INSERT INTO alerts ({ALERT_COLUMNS}) VALUES ({_marks}) ON CONFLICT (id) DO UPDATE SET "
    + ", ".join(f"{name} = excluded.{name}" for name in _CHANGING.split(", "))
)
ADD_TRANSITION: Final = (
    f"INSERT INTO transitions (alert, step, at, recorded, position, {_CHANGING}) "
    f"VALUES (?, ?, ?, ?, ?, {', '.join('?' * len(_CHANGING.split(', ')))})"
)
ADD_LETTER: Final = (
    "INSERT OR IGNORE INTO dead_letters (position, digest, received, link, topic, reason, detail, size, payload) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
ADD_EVENT: Final = (
    f"INSERT INTO device_events ({EVENT_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) "
    "ON CONFLICT (position, row) DO NOTHING"
)
ADD_DETECTION: Final = f"INSERT INTO detections ({DETECTION_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"


def _changing(alert: Alert) -> Row:
    return (
        alert.state,
        alert.level,
        alert.highest,
        alert.fired,
        alert.resolved,
        alert.value,  # sqlite3 makes NULL of NaN
        alert.peak,
        alert.limit,
        alert.text_en,
        alert.text_zh,
        msgspec.json.encode(alert.evidence).decode(),
    )


def row_of_alert(alert: Alert) -> Row:
    subject = alert.subject
    return (alert.id, *subject.key, subject.unit, subject.side, alert.repeat, alert.since, *_changing(alert))


def row_of_transition(transition: Transition) -> Row:
    return (
        transition.alert.id,
        transition.step,
        transition.at,
        transition.recorded,
        transition.position,
        *_changing(transition.alert),
    )


def alert_of(row: Row) -> Alert:
    """From `ALERT_COLUMNS`."""
    (name, family, rule, site, kind, subject, factor, field, unit, side, repeat, since) = row[:12]
    (state, level, highest, fired, resolved, value, peak, limit, text_en, text_zh, evidence) = row[12:23]
    return Alert(
        id=name,
        subject=Subject(Family(family), rule, site, kind, subject, factor, field, unit, side),
        state=State(state),
        level=level,
        highest=highest,
        since=since,
        fired=fired,
        resolved=resolved,
        value=_number(value),
        peak=_number(peak),
        limit=_number(limit),
        text_en=text_en,
        text_zh=text_zh,
        evidence=msgspec.json.decode(evidence, type=tuple[str, ...]),
        repeat=repeat,
    )


def transition_of(row: Row) -> Transition:
    """From `TRANSITION_COLUMNS`."""
    alert = alert_of(row)
    step, at, recorded, position = row[23:27]
    return Transition(alert, Step(step), at, recorded, position, alert.value, alert.limit)


def row_of_letter(letter: DeadLetter) -> Row:
    """The digest makes a letter that comes again (a replay after a crash) recognised by what it says.

    Its number within its block would not do: the store, too, buries rows of a message that decoding has passed.
    """
    digest = blake2b(letter.payload, digest_size=16)
    words = (letter.link, letter.topic, letter.reason, letter.detail, str(letter.received))
    digest.update("\x1f".join(words).encode("utf-8", "surrogatepass"))
    return (
        letter.position,
        digest.digest(),
        letter.received,
        letter.link,
        _storable(letter.topic),
        letter.reason,
        _storable(letter.detail),
        len(letter.payload) + len(letter.topic) + len(letter.detail),
        letter.payload,
    )


def letter_of(row: Row) -> DeadLetter:
    """From `LETTER_COLUMNS`."""
    return DeadLetter(*row)


def row_of_event(event: DeviceEvent) -> Row:
    items = [(_storable(name), _storable(text)) for name, text in event.items]
    return (*event[:5], _storable(event.cn), *event[6:8], msgspec.json.encode(items).decode())


def event_of(row: Row) -> DeviceEvent:
    """From `EVENT_COLUMNS`."""
    position, number, kind, site, device, cn, time, received, items = row
    told = msgspec.json.decode(items, type=tuple[tuple[str, str], ...])
    return DeviceEvent(position, number, kind, site, device, cn, time, received, told)


FIND_DETECTION: Final = (
    "SELECT 1 FROM detections WHERE site = ? AND camera = ? AND captured BETWEEN ? AND ? "
    "AND kind = ? AND (? IS NULL OR boxes = ?) LIMIT 1"
)
SCENE_EVERY_MS: Final = 1_000
"""Scenes come at the rate of the video: of each second one is kept."""


def likeness_of(detection: Detection) -> Row:
    """For `FIND_DETECTION`: what makes a detection of an edge node the same as one that is there."""
    at, kind = detection.captured, detection.kind
    if kind == "scene":
        start = at - at % SCENE_EVERY_MS
        return (detection.site, detection.camera, start, start + SCENE_EVERY_MS - 1, kind, None, None)
    boxes = _boxes(detection)
    return (detection.site, detection.camera, at, at, kind, boxes, boxes)


def _boxes(detection: Detection) -> str:
    return msgspec.json.encode([(box.x, box.y, box.w, box.h, box.label, box.score) for box in detection.boxes]).decode()


def row_of_detection(detection: Detection) -> Row:
    zones = [(zone.id, zone.share) for zone in detection.zones]
    return (
        detection.site,
        detection.camera,
        detection.captured,
        detection.received,
        detection.width,
        detection.height,
        _boxes(detection),
        msgspec.json.encode(zones).decode(),
        detection.frame,
        detection.kind,
    )


def detection_of(row: Row) -> Detection:
    """From `DETECTION_COLUMNS`."""
    site, camera, captured, received, width, height, boxes, zones, frame, kind = row
    return Detection(
        site=site,
        camera=camera,
        captured=captured,
        received=received,
        width=width,
        height=height,
        boxes=tuple(Box(*box) for box in msgspec.json.decode(boxes, type=list[tuple[int, int, int, int, str, float]])),
        zones=tuple(ZoneShare(*zone) for zone in msgspec.json.decode(zones, type=list[tuple[str, float]])),
        frame=frame,
        kind=kind,
    )


def _storable(text: str) -> str:
    """SQLite takes UTF-8 only: half a surrogate pair, out of a broken payload, is written as an escape."""
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()


def _number(value: float | None) -> float:
    return math.nan if value is None else value
