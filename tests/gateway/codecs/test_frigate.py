"""Frigate's events and reviews, as its documentation prints them: what is seen, and what becomes a dead letter."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.records import Box
from gateway.codecs.frigate import LONGEST_MESSAGE, MOST_OBJECTS
from gateway.codecs.seam import at_site

# docs.frigate.video, Integrations, MQTT: `after` of the examples of frigate/events and frigate/reviews.
EVENT: dict[str, Any] = {
    "id": "1607123955.475377-mxklsc",
    "camera": "front_door",
    "frame_time": 1607123962.082975,
    "snapshot": {"frame_time": 1607123965.975463, "box": [415, 489, 528, 700], "score": 0.77546, "attributes": []},
    "label": "person",
    "sub_label": ["John Smith", 0.79],
    "top_score": 0.958984375,
    "false_positive": False,
    "start_time": 1607123955.475377,
    "end_time": None,
    "score": 0.87890625,
    "box": [432, 496, 544, 854],
    "area": 40096,
    "ratio": 1.251687,
    "region": [218, 440, 693, 915],
    "current_zones": ["yard", "driveway"],
    "entered_zones": ["yard", "driveway"],
    "thumbnail": None,
    "has_snapshot": False,
    "has_clip": False,
    "stationary": False,
    "attributes": {"face": 0.86},
    "current_attributes": [{"label": "face", "box": [442, 506, 534, 524], "score": 0.86}],
}
REVIEW: dict[str, Any] = {
    "id": "1718987129.308396-fqk5ka",
    "camera": "front_door",
    "start_time": 1718987129.308396,
    "end_time": None,
    "severity": "alert",
    "thumb_path": "/media/frigate/clips/review/thumb-front_cam-1718987129.308396-fqk5ka.webp",
    "data": {
        "detections": ["1718987128.947436-g92ztx", "1718987148.879516-d7oq7r", "1718987126.934663-q5ywpt"],
        "objects": ["person", "car"],
        "sub_labels": ["Bob"],
        "zones": ["front_yard", "yard"],
        "audio": [],
    },
}


def message(after: dict[str, Any], kind: str = "update", **changes: Any) -> bytes:
    return json.dumps({"type": kind, "before": after, "after": after | changes}).encode()


@pytest.mark.parametrize("kind", ["new", "update"])
def test_an_event_is_a_detection_with_its_box_in_pixels(run: Any, kind: str) -> None:
    (event,) = run("frigate", message(EVENT, kind), device=-1).detections
    assert (event.row, event.camera, event.captured, event.kind) == (0, 0, 1_607_123_962_083, "object")
    assert (event.width, event.height) == (0, 0), "the size of the picture is not said"
    assert event.boxes == (Box(432, 496, 112, 358, "person", 0.87890625),)
    assert event.zones == ("yard", "driveway")


def test_a_review_says_what_was_seen_and_not_where(run: Any) -> None:
    (event,) = run("frigate", message(REVIEW), device=-1).detections
    assert (event.camera, event.captured, event.kind) == (0, 1_718_987_129_308, "review")
    assert event.boxes == (Box(0, 0, 0, 0, "person", 1.0), Box(0, 0, 0, 0, "car", 1.0))
    assert event.zones == ("front_yard", "yard")


def test_the_time_of_a_review_is_that_of_its_thumbnail_where_it_has_one(run: Any) -> None:
    (event,) = run("frigate", message(REVIEW, data=REVIEW["data"] | {"thumb_time": 1718987130.5})).detections
    assert event.captured == 1_718_987_130_500


def test_people_whom_frigate_recognised_are_not_named(run: Any) -> None:
    events = run("frigate", message(EVENT), message(REVIEW), device=-1).detections
    assert "John" not in repr(events)
    assert "Bob" not in repr(events)


@pytest.mark.parametrize(
    "payload", [message(EVENT, "end"), message(REVIEW, "end"), message(EVENT, false_positive=True)]
)
def test_what_has_ended_or_was_nothing_is_a_sign_of_life(run: Any, payload: bytes) -> None:
    got = run("frigate", payload, device=-1)
    assert (got.detections, got.sink.alive_only, got.sink.cameras) == ([], 1, {0})


@pytest.mark.parametrize(
    ("changes", "box"),
    [
        ({"box": None}, Box(0, 0, 0, 0, "person", 0.87890625)),
        ({"box": [5.4, 5.6, 3, 4]}, Box(5, 6, 0, 0, "person", 0.87890625)),
        ({"box": [-5, 0, 1e300, 10]}, Box(0, 0, 65_535, 10, "person", 0.87890625)),
        ({"score": None}, Box(432, 496, 112, 358, "person", 0.958984375)),
        ({"score": 7}, Box(432, 496, 112, 358, "person", 1.0)),
        ({"label": "x" * 1000}, Box(432, 496, 112, 358, "x" * 64, 0.87890625)),
    ],
)
def test_odd_boxes_scores_and_labels_are_kept_within_bounds(run: Any, changes: Any, box: Box) -> None:
    assert run("frigate", message(EVENT, **changes)).detections[0].boxes == (box,)


def test_no_more_than_so_many_objects_are_taken(run: Any) -> None:
    many = [f"o{n}" for n in range(1000)]
    (event,) = run("frigate", message(REVIEW, data={"objects": many, "zones": many})).detections
    assert (len(event.boxes), len(event.zones)) == (MOST_OBJECTS, MOST_OBJECTS)


@pytest.mark.parametrize(
    ("number", "name", "camera"), [(0, "front_door", 0), (at_site(0), "gate", 1), (at_site(1), "gate", 2)]
)
def test_the_camera_is_the_one_that_topic_and_event_agree_on(run: Any, number: int, name: str, camera: int) -> None:
    assert run("frigate", message(EVENT, camera=name), device=number).detections[0].camera == camera


BAD = [
    ("nothing", -1, b"", "bad_json", "empty"),
    ("no JSON", -1, b"online", "bad_json", "not JSON"),
    ("something else", -1, b'{"type":"snapshot","after":{"camera":"x"}}', "bad_field", "$.type"),
    ("no camera", -1, b'{"type":"new","after":{}}', "bad_field", "camera"),
    ("too long", -1, b" " * (LONGEST_MESSAGE + 1), "too_long", "bytes"),
    (
        "unknown camera",
        -1,
        message(EVENT, camera="attic"),
        "unknown_camera",
        "camera 'attic' is no id of the inventory",
    ),
    ("camera of two sites", -1, message(EVENT, camera="gate"), "unknown_camera", "more than one site"),
    ("camera of another site", at_site(1), message(EVENT), "unknown_camera", "site 'berlin'"),
    ("a site that is not ours", at_site(2), message(EVENT), "unknown_camera", "those the topic names"),
    ("another than the topic's", 1, message(EVENT), "camera_mismatch", "the topic names 'gate'"),
    ("no label", -1, message(EVENT, label=""), "missing_field", "no label"),
    ("no time", -1, message(EVENT, frame_time=None), "missing_field", "no frame_time"),
    ("a time before 2000", -1, message(EVENT, frame_time=5), "bad_time", "between the years"),
    ("a time beyond all", -1, message(EVENT, frame_time=1e308), "bad_time", "between the years"),
]


@pytest.mark.parametrize(("number", "payload", "reason", "detail"), [c[1:] for c in BAD], ids=[c[0] for c in BAD])
def test_what_cannot_be_used_is_a_dead_letter(run: Any, number: int, payload: bytes, reason: str, detail: str) -> None:
    got = run("frigate", payload, message(EVENT), devices=[number, -1])
    assert got.reasons == [reason]
    assert detail in got.dead[0].detail
    assert [event.row for event in got.detections] == [1], "its neighbour is seen"
    assert got.sink.cameras == {0}


wild = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5) | st.just("front_door"),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from([*EVENT, *REVIEW]), inner),
    max_leaves=8,
)
near_misses = st.builds(
    lambda base, changes, kind: message(base, kind, **changes),
    st.sampled_from([EVENT, REVIEW]),
    st.dictionaries(st.sampled_from([*EVENT, *REVIEW]), wild, max_size=3),
    st.sampled_from(["new", "update", "end", "?"]),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.binary(max_size=60) | near_misses, max_size=4))
def test_whatever_comes_nothing_is_raised_and_nothing_lost(run: Any, payloads: list[bytes]) -> None:
    run("frigate", *payloads, device=-1)
