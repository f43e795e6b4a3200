"""What is true of a frame: of each thing in it where it is, and of each plume how black."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from simulators.cameras.render import Frame
from simulators.cameras.trace import LABELS
from simulators.incidents.smoke import OPACITY_PER_LEVEL
from simulators.settings import Camera, Zone


def line(camera: Camera, number: int, taken: int, captured: int, frame: Frame) -> dict[str, object]:
    """A line of the truth of frames: which frame of which camera it is, and what is true of it."""
    which = {"site": camera.site, "camera": camera.id, "frame": number, "time_ms": taken, "captured_ms": captured}
    return which | told(frame, camera)


def told(frame: Frame, camera: Camera) -> dict[str, object]:
    """What is true of a frame, for JSON: `states`, `boxes` and `plumes`.

    A box has `label`, `box` (x, y, width, height in pixels), `zones` that it touches, and `incident`, its number in
    the scenario, null where it belongs to the scene. A plume of smoke has the mean `opacity` over the box `read` just
    above the mouth, `ringelmann`, and `stack` (null: the flare).
    """
    height, width = frame.picture.shape[:2]
    zones = {zone.id: _area(zone, width, height) for zone in camera.zones}
    boxes: list[dict[str, object]] = []
    plumes: list[dict[str, object]] = []
    for trace in frame.traces:
        box = trace.box
        if box is None:
            continue
        mask = trace.mask(width, height)
        touched = [name for name, area in zones.items() if (mask & area).any()]
        boxes.append({"label": trace.label, "box": list(box), "zones": touched, "incident": trace.incident})
        if trace.opacity is not None:
            plumes.append(
                {
                    "opacity": round(trace.opacity, 4),
                    "read": trace.read,
                    "ringelmann": round(trace.opacity / OPACITY_PER_LEVEL, 2),
                    "stack": trace.mouth,
                    "incident": trace.incident,
                }
            )
    return {"states": list(frame.states), "boxes": boxes, "plumes": plumes}


def mask_of(frame: Frame) -> NDArray[np.uint8]:
    """The label of each pixel, nearer things over farther ones, shape (height, width)."""
    height, width = frame.picture.shape[:2]
    labels = np.zeros((height, width), np.uint8)
    for trace in frame.traces:
        labels[trace.mask(width, height)] = LABELS.index(trace.label)
    return labels


def _area(zone: Zone, width: int, height: int) -> NDArray[np.bool_]:
    mask = np.zeros((height, width), np.uint8)
    cv2.fillPoly(mask, [np.rint(np.array(zone.polygon) * (width, height)).astype(np.int32)], 1)
    return mask > 0
