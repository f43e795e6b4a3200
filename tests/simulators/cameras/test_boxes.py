"""Boxes and masks of the truth cover what really changed: the same frame is made with and without the incident."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import simulated_views as views

from simulators.cameras.trace import LABELS
from simulators.frame_truth import mask_of, told

CROSS = {"zone": "z", "start_s": 10.0, "duration_s": 8.0}
CASES: list[tuple[str, str, dict[str, object], dict[str, object], float]] = [
    # scene, label, incident, camera, seconds
    ("yard", "person", {"kind": "person", **CROSS}, {"light": "night"}, 14.0),
    ("street", "bicycle", {"kind": "vehicle", "what": "bicycle", **CROSS}, {"light": "night"}, 13.0),
    ("street", "car", {"kind": "vehicle", **CROSS}, {"weather": {"cloud": 1.0}}, 14.0),
    ("street", "truck", {"kind": "vehicle", "what": "truck", **CROSS}, {"weather": {"cloud": 1.0}}, 14.0),
    ("stack", "smoke", {"kind": "smoke", "opacity": 0.9, "start_s": 1.0, "duration_s": 90.0}, {"steam": 0.0}, 40.0),
    ("stack", "flame", {"kind": "flare", "start_s": 1.0}, {}, 20.0),
    ("outfall", "coloured_water", {"kind": "coloured_water", "start_s": 1.0, "rgb": [220, 20, 20]}, {}, 60.0),
    ("outfall", "foam", {"kind": "foam", "start_s": 1.0}, {}, 20.0),
    ("gate", "insect", {"kind": "insects", "number": 1, "start_s": 1.0, "duration_s": 60.0}, {}, 20.3),
]


@pytest.mark.parametrize(("scene", "label", "incident", "camera", "t"), CASES, ids=[case[1] for case in CASES])
def test_a_box_holds_what_changed_and_no_more(
    scene: str, label: str, incident: dict[str, object], camera: dict[str, object], t: float
) -> None:
    camera = {"noise": 0.0, **camera}
    with_it = views.frame(views.renderer(scene, incident, **camera), t)
    without = views.frame(views.renderer(scene, **camera), t)
    (trace,) = (trace for trace in with_it.traces if trace.incident == 0)
    assert trace.label == label and trace.box is not None
    change = np.abs(with_it.picture.astype(int) - without.picture).max(axis=2)
    x, y, w, h = trace.box
    outside = change.copy()
    # Shadows, glows and splashes are no part of a thing: they may reach a little further, and are weaker.
    outside[max(0, y - 4) : y + h + 4, max(0, x - 4) : x + w + 4] = 0
    assert (outside > 40).mean() < 0.0008
    mask = mask_of(with_it) == LABELS.index(label)
    assert (change[mask] > 3).mean() > 0.8, "what the mask names has changed"
    left, top, wide, high = cv2.boundingRect((mask & (change > 3)).astype(np.uint8))
    assert wide >= 0.85 * w and high >= 0.85 * h, "and fills the box"
    assert left >= x and top >= y


def test_zones_are_named_while_something_is_in_them() -> None:
    incident = {"kind": "person", "zone": "z", "start_s": 20.0, "duration_s": 8.0}
    plan, made = views.scenario("yard", incident), views.renderer("yard", incident)
    zones: dict[float, list[object]] = {}
    for t in (18.5, 21.0, 24.0, 27.0, 29.5):
        boxes = told(views.frame(made, t), plan.cameras[0])["boxes"]
        assert isinstance(boxes, list)
        zones[t] = [name for box in boxes for name in box["zones"]]
    assert zones == {18.5: [], 21.0: ["z"], 24.0: ["z"], 27.0: ["z"], 29.5: []}


def test_figures_keep_their_order_of_distance() -> None:
    """The nearer person hides the farther car, and the mask says so."""
    car, person = {"kind": "vehicle", **CROSS}, {"kind": "person", **CROSS}
    found = views.frame(views.renderer("street", person, car), 14.0)
    assert [trace.label for trace in found.traces] == ["car", "person"]
    mask = mask_of(found)
    assert (mask == LABELS.index("person")).sum() > 500
    assert (mask == LABELS.index("car")).sum() > 1000


def test_an_incident_changes_nothing_before_it_begins_nor_anything_else_of_the_scene() -> None:
    late = {"kind": "smoke", "opacity": 0.9, "start_s": 50.0, "duration_s": 20.0}
    person = {"kind": "person", "zone": "z", "start_s": 5.0, "duration_s": 8.0}
    alone, both = views.renderer("stack", person), views.renderer("stack", person, late)
    np.testing.assert_array_equal(views.frame(alone, 9.0).picture, views.frame(both, 9.0).picture)
