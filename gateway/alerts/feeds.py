"""Feeds: alerts and detections as JSON for whoever listens: MQTT, server-sent events and the API say the same.

Pure functions. `docs/payloads-alerts.md` is their contract: within version 1 keys are only ever added.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec

from gateway.alerts.records import Alert, Detection, Transition, ZoneShare
from gateway.inventory import Inventory
from gateway.records import CameraEvent, DeviceEvent, FrameResult

VERSION: Final = 1
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def alert_payload(transition: Transition) -> bytes:
    """An alert after a step, as it is published on `alerts/{site}/{alert}`."""
    return msgspec.json.encode(transition_object(transition))


def detection_payload(detection: Detection) -> bytes:
    """What was seen in one frame, as it is published on `detections/{site}/{camera}`."""
    return msgspec.json.encode(detection_object(detection))


def device_event_payload(event: DeviceEvent) -> bytes:
    """What a device told beside readings, as it is on the stream."""
    return msgspec.json.encode(device_event_object(event))


def device_event_object(event: DeviceEvent) -> dict[str, object]:
    """What a device told beside readings, of JSON types."""
    return {
        "v": VERSION,
        "site": event.site,
        "device": event.device,
        "kind": event.kind,
        "cn": event.cn,
        "time": iso_time(event.time),
        "received": iso_time(event.received),
        "position": event.position,
        "items": [{"name": name, "text": text} for name, text in event.items],
    }


def transition_object(transition: Transition) -> dict[str, object]:
    """`alert_object` with the step, its times and its journal position (null for none)."""
    return alert_object(transition.alert) | {
        "step": transition.step.value,
        "at": iso_time(transition.at),
        "recorded": iso_time(transition.recorded),
        "position": transition.position if transition.position >= 0 else None,
    }


def alert_object(alert: Alert) -> dict[str, object]:
    """An alert as it stands, of JSON types. A NaN becomes null when it is encoded."""
    subject = alert.subject
    return {
        "v": VERSION,
        "id": alert.id,
        "family": subject.family.value,
        "rule": subject.rule,
        "site": subject.site,
        subject.kind: subject.id,
        "factor": subject.factor or None,
        "field": subject.field or None,
        "unit": subject.unit or None,
        "state": alert.state.value,
        "level": alert.level,
        "highest": alert.highest,
        "since": iso_time(alert.since),
        "fired": iso_time(alert.fired) if alert.fired else None,
        "resolved": iso_time(alert.resolved) if alert.resolved else None,
        "value": alert.value,
        "peak": alert.peak,
        "limit": alert.limit,
        "text": {"en": alert.text_en, "zh": alert.text_zh},
        "evidence": list(alert.evidence),
    }


def detection_object(detection: Detection) -> dict[str, object]:
    """What was seen in one frame, of JSON types."""
    return {
        "v": VERSION,
        "site": detection.site,
        "camera": detection.camera,
        "kind": detection.kind,
        "captured": iso_time(detection.captured),
        "received": iso_time(detection.received),
        "width": detection.width,
        "height": detection.height,
        "boxes": [
            {"x": box.x, "y": box.y, "w": box.w, "h": box.h, "label": box.label, "score": round(box.score, 4)}
            for box in detection.boxes
        ],
        "zones": [{"id": zone.id, "share": round(zone.share, 4)} for zone in detection.zones],
        "frame": detection.frame or None,
    }


def detection_of(result: FrameResult, inventory: Inventory, frame: str = "") -> Detection:
    """What a worker saw in a frame, with the names of the inventory. `frame` is the SHA-256 of a kept picture."""
    camera = inventory.cameras[result.camera]
    return Detection(
        site=inventory.sites[camera.site].id,
        camera=camera.id,
        captured=result.captured,
        received=result.received,
        width=result.width,
        height=result.height,
        boxes=result.boxes,
        zones=tuple(ZoneShare(zone.id, share) for zone, share in zip(camera.zones, result.zones, strict=True)),
        frame=frame,
    )


def detection_of_event(event: CameraEvent, received: int, inventory: Inventory) -> Detection:
    """What an edge node saw. Of its zones those that the inventory knows are told, wholly: it says no share."""
    camera = inventory.cameras[event.camera]
    return Detection(
        site=inventory.sites[camera.site].id,
        camera=camera.id,
        captured=event.captured,
        received=received,
        width=event.width,
        height=event.height,
        boxes=event.boxes,
        zones=tuple(ZoneShare(zone.id, 1.0) for zone in camera.zones if zone.id in event.zones),
        kind=event.kind,
    )


def iso_time(ms: int) -> str | None:
    """ISO 8601 in UTC with milliseconds; None outside the years 1 to 9999 (`NEVER`).

    >>> iso_time(1_714_521_600_123)
    '2024-05-01T00:00:00.123Z'
    """
    try:
        moment = _EPOCH + timedelta(milliseconds=ms)
    except OverflowError:
        return None
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
