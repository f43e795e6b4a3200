"""What a receiver saw in frames, held against what each frame shows: by frames, by boxes and by events.

A detector's label is held against the boxes of that label; `motion` against persons and vehicles, whatever moves
besides (smoke, water, insects) being neither right nor wrong for it. A box is found by one that covers it with an
intersection over union of `IOU` or more, one to one, the best pairs first.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any, Final, NamedTuple, cast

from simulators.errors import SimulatorError
from simulators.score.alerts_file import time_of
from simulators.score.figures import percentile
from simulators.score.truth_file import json_lines, mistake_in

IOU: Final = 0.5
MOTION: Final = "motion"
GAP: Final = 5
"""Frames without it after which what is shown again is another occurrence; frames that were lost are none of them."""
OBJECTS: Final = frozenset(("person", "car", "truck", "bicycle"))


class Box(NamedTuple):
    """Pixels of a frame, origin top left."""

    x: float
    y: float
    w: float
    h: float


class Shown(NamedTuple):
    """A thing in a frame."""

    label: str
    box: Box
    incident: int | None
    """Its number in the scenario; None where it belongs to the scene."""


@dataclass(slots=True)
class Event:
    """One occurrence of an incident before a camera."""

    first: int
    """When the first frame that shows it was captured."""
    last: int = 0
    seen: int | None = None
    """When the first was captured in which the receiver saw something at its place."""
    away: int = 0
    """Frames without it since the last that shows it."""


@dataclass(slots=True)
class Figures:
    """What was seen of one kind of things by one camera."""

    site: str
    camera: str
    label: str
    frames: int = 0
    shown: int = 0
    """Frames with such a thing."""
    seen: int = 0
    """Of those, frames in which the receiver saw something."""
    false: int = 0
    """Frames without it in which the receiver saw something all the same."""
    boxes: int = 0
    boxes_found: int = 0
    boxes_false: int = 0
    overlaps: list[float] = field(default_factory=list[float])
    """Intersection over union of each box found."""
    events: int = 0
    """Incidents with such a thing, each occurrence of one that repeats."""
    events_seen: int = 0
    """Of those, how many in whose frames something was seen."""
    delays: list[int] = field(default_factory=list[int])
    """ms from the first frame that shows the incident to the first in which something was seen."""

    def json(self) -> dict[str, object]:
        """For JSON; what cannot be said is null."""
        delays = sorted(self.delays)
        return {
            "site": self.site,
            "camera": self.camera,
            "label": self.label,
            "frames": self.frames,
            "frames_shown": self.shown,
            "frame_precision": _share(self.seen, self.seen + self.false),
            "frame_recall": _share(self.seen, self.shown),
            "boxes": self.boxes,
            "box_precision": _share(self.boxes_found, self.boxes_found + self.boxes_false),
            "box_recall": _share(self.boxes_found, self.boxes),
            "iou_mean": sum(self.overlaps) / len(self.overlaps) if self.overlaps else None,
            "events": self.events,
            "event_recall": _share(self.events_seen, self.events),
            "event_delay_median_ms": median(delays) if delays else None,
            "event_delay_p95_ms": percentile(delays, 95) if delays else None,
        }


def score_pictures(frames: Path, detections: Path) -> list[Figures]:
    """The figures of each camera and label.

    `frames` is the truth of frames, as `simulators frames --truth` writes it; `detections` the receiver's, as the
    gateway publishes them. Raises `SimulatorError` with the number of a line that is wrong.
    """
    shown: dict[tuple[str, str], dict[int, list[Shown]]] = defaultdict(dict)
    for number, record in json_lines(frames):
        try:
            boxes = [Shown(str(box["label"]), Box(*box["box"]), box["incident"]) for box in record["boxes"]]
            # A camera whose clock was put back tells a time twice: the frames count as one.
            shown[str(record["site"]), str(record["camera"])].setdefault(int(record["captured_ms"]), []).extend(boxes)
        except (KeyError, TypeError, ValueError) as error:
            raise SimulatorError(f"{frames}: line {number}: {mistake_in(error)}") from error
    seen: dict[tuple[str, str], dict[int, list[tuple[str, Box]]]] = defaultdict(lambda: defaultdict(list))
    for number, record in json_lines(detections):
        try:
            time = time_of(record["captured"])
            if time is None:
                raise ValueError("captured is missing")
            here = seen[str(record["site"]), str(record["camera"])][time]
            here += [(str(box["label"]), _box(box)) for box in record["boxes"]]
        except (KeyError, TypeError, ValueError) as error:
            raise SimulatorError(f"{detections}: line {number}: {mistake_in(error)}") from error
    return [
        figures
        for camera in sorted(shown)
        for figures in score_camera(
            *camera, shown[camera], cast("Mapping[int, Sequence[tuple[str, Box]]]", seen[camera])
        )
    ]


def score_camera(
    site: str, camera: str, shown: Mapping[int, Sequence[Shown]], seen: Mapping[int, Sequence[tuple[str, Box]]]
) -> list[Figures]:
    """The figures of one camera, by label. Both by capture time in ms UTC; frames that nobody saw may be missing."""
    labels = {label for boxes in seen.values() for label, _ in boxes}
    if any(each.label in OBJECTS for boxes in shown.values() for each in boxes):
        labels.add(MOTION)
    return [_of_label(Figures(site, camera, label), shown, seen) for label in sorted(labels)]


def overlap(one: Box, other: Box) -> float:
    """Intersection over union.

    >>> overlap(Box(0, 0, 2, 2), Box(1, 0, 2, 2))
    0.3333333333333333
    """
    common = _common(one, other)
    return common / (one.w * one.h + other.w * other.h - common) if common else 0.0


def pairs(wanted: Sequence[Box], found: Sequence[Box]) -> list[tuple[int, int, float]]:
    """Numbers of boxes that belong together, each in one pair at most, and their intersection over union."""
    all_pairs = [(overlap(one, other), i, j) for i, one in enumerate(wanted) for j, other in enumerate(found)]
    taken: list[tuple[int, int, float]] = []
    left, right = set(range(len(wanted))), set(range(len(found)))
    for iou, i, j in sorted(all_pairs, key=lambda each: (-each[0], each[1], each[2])):
        if iou >= IOU and i in left and j in right:
            left.remove(i)
            right.remove(j)
            taken.append((i, j, iou))
    return taken


def _of_label(
    figures: Figures, shown: Mapping[int, Sequence[Shown]], seen: Mapping[int, Sequence[tuple[str, Box]]]
) -> Figures:
    motion = figures.label == MOTION
    wanted = OBJECTS if motion else frozenset((figures.label,))
    events: dict[int, list[Event]] = defaultdict(list)
    for time in sorted(shown):
        things = [each for each in shown[time] if each.label in wanted]
        others = [each.box for each in shown[time] if each.label not in wanted] if motion else []
        boxes = [box for label, box in seen.get(time, ()) if label == figures.label]
        found = pairs([each.box for each in things], boxes)
        in_pairs = {j for _, j, _ in found}
        wrong = [box for j, box in enumerate(boxes) if j not in in_pairs and not _mostly_in(box, others)]
        figures.frames += 1
        figures.shown += bool(things)
        figures.seen += bool(things and boxes)
        figures.false += bool(not things and wrong)
        figures.boxes += len(things)
        figures.boxes_found += len(found)
        figures.boxes_false += len(wrong)
        figures.overlaps += [iou for _, _, iou in found]
        for each in things:
            if each.incident is None:
                continue
            occurrences = events[each.incident]
            if not occurrences or occurrences[-1].away > GAP:
                occurrences.append(Event(time))
            event = occurrences[-1]
            event.last = time
            if event.seen is None and any(_common(each.box, box) for box in boxes):
                event.seen = time
        for occurrences in events.values():
            occurrences[-1].away = 0 if occurrences[-1].last == time else occurrences[-1].away + 1
    every = [event for incident in sorted(events) for event in events[incident]]
    figures.delays = [event.seen - event.first for event in every if event.seen is not None]
    figures.events, figures.events_seen = len(every), len(figures.delays)
    return figures


def _mostly_in(box: Box, others: Iterable[Box]) -> bool:
    return any(2 * _common(box, other) >= box.w * box.h for other in others)


def _common(one: Box, other: Box) -> float:
    w = min(one.x + one.w, other.x + other.w) - max(one.x, other.x)
    h = min(one.y + one.h, other.y + other.h) - max(one.y, other.y)
    return w * h if w > 0 and h > 0 else 0.0


def _box(record: Mapping[str, Any]) -> Box:
    return Box(float(record["x"]), float(record["y"]), float(record["w"]), float(record["h"]))


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
