"""ONVIF over MQTT: the examples of its specifications, forms met in the field, and what becomes a dead letter."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.records import Box
from gateway.codecs.onvif import LONGEST_MESSAGE, MOST_FRAMES, MOST_OBJECTS
from gateway.codecs.seam import at_site

# ONVIF Core Specification 26.06, 9.10.7: "JSON Event Payload", the first two messages of the example.
CROSSED = "front_door/onvif-ej/RuleEngine/LineDetector/Crossed/&1/2/MyImportantFence1"
FENCE: dict[str, Any] = {
    "UtcTime": "2008-10-10T12:24:57.321Z",
    "Source": {"VideoSource": "1", "AnalyticsConfiguration": "2", "Rule": "MyImportantFence1"},
    "Data": {"ObjectId": "15"},
}
# ... its third message, and one of a sensor; neither is a sighting.
SEGMENTS = FENCE | {"Data": {"Segments": {"Polyline": {"Point": [{"@x": 0.10, "@y": 0.50}, {"@x": 1.0, "@y": 0.50}]}}}}
TOO_WARM = {
    "UtcTime": "2025-07-15T14:30:00Z",
    "Source": {"SensorID": "temp_001"},
    "Data": {"Value": 298.65, "Threshold": 295.15},
}
# ONVIF Analytics Service Specification, 5.5.3.
SCENE_TOPIC = "front_door/onvif-mj/VideoAnalytics/1/MyClassifier"
SCENE: dict[str, Any] = {
    "@UtcTime": "2021-10-05T15:13:27.321",
    "@Source": "MyClassifier",
    "@context": {"acme": "http://www.acme.com/schema"},
    "Transformation": {"Translate": {"@x": -1.0, "@y": -1.0}, "Scale": {"@x": 0.003125, "@y": 0.00416667}},
    "Object": [
        {
            "@ObjectId": 15,
            "Appearance": {
                "Shape": {
                    "BoundingBox": {"@left": 20.0, "@top": 80.0, "@right": 100.0, "@bottom": 30.0},
                    "CenterOfGravity": {"@x": 60.0, "@y": 50.0},
                },
                "Class": {"Type": [{"@Likelihood": 0.8, "#text": "Human"}]},
            },
        }
    ],
}


def see(run: Any, topic: str, message: Any, device: int = 0) -> Any:
    payload = message if isinstance(message, bytes) else json.dumps(message).encode()
    return run("onvif", payload, topic=topic, device=device)


def test_a_crossed_line_is_a_detection_named_after_its_rule(run: Any) -> None:
    (event,) = see(run, CROSSED, FENCE).detections
    assert (event.camera, event.captured, event.kind) == (0, 1_223_641_497_321, "event")
    assert event.boxes == (Box(0, 0, 0, 0, "LineDetector/Crossed", 1.0),)
    assert event.zones == ("MyImportantFence1",)


def test_a_scene_has_a_box_for_each_object_in_pixels_from_the_top_left(run: Any) -> None:
    (event,) = see(run, SCENE_TOPIC, {"Frame": [SCENE]}).detections
    assert (event.captured, event.kind) == (1_633_446_807_321, "scene"), "a stamp without a zone is UTC"
    assert (event.width, event.height) == (640, 480)
    assert event.boxes == (Box(20, 400, 80, 50, "Human", 0.8),), "up is positive in ONVIF: 480 - 80 = 400"


def test_without_a_transformation_boxes_are_in_thousandths_of_the_picture(run: Any) -> None:
    box = {"@left": -0.5, "@top": 0.5, "@right": 0.5, "@bottom": -1}
    (event,) = see(
        run,
        SCENE_TOPIC,
        {"Frame": {"@UtcTime": "2021-10-05T15:13:27Z", "Object": {"Appearance": {"Shape": {"BoundingBox": box}}}}},
    ).detections
    assert (event.width, event.height, event.boxes) == (1000, 1000, (Box(250, 250, 500, 750, "object", 1.0),))


def test_each_frame_of_a_scene_is_a_detection_and_one_without_objects_none(run: Any) -> None:
    got = see(run, SCENE_TOPIC, {"Frame": [SCENE, {"@UtcTime": "2021-10-05T15:13:28Z"}, SCENE]})
    assert len(got.detections) == 2
    assert see(run, SCENE_TOPIC, {"Frame": [{"@UtcTime": "2021-10-05T15:13:28Z"}]}).sink.alive_only == 1


@pytest.mark.parametrize(
    ("levels", "data", "label"),
    [
        ("VideoSource/MotionAlarm/&1", {"State": "true"}, "MotionAlarm"),
        ("RuleEngine/CellMotionDetector/Motion/&1/2/3", {"IsMotion": True}, "CellMotionDetector/Motion"),
        (
            "RuleEngine/FieldDetector/ObjectsInside/&1",
            {"IsInside": "true", "ObjectId": 4},
            "FieldDetector/ObjectsInside",
        ),
        ("tns1:RuleEngine/tns1:LineDetector/Crossed", {"ObjectId": 4}, "LineDetector/Crossed"),
        ("RuleEngine/acme:Smoke/&1", {"State": 1}, "Smoke"),
        ("VideoSource/MotionAlarm", {"SimpleItem": [{"Name": "State", "Value": "true"}]}, "MotionAlarm"),
        ("VideoSource/MotionAlarm", {"SimpleItem": {"Name": "State", "Value": "active"}}, "MotionAlarm"),
    ],
)
def test_a_rule_that_holds_is_a_detection_in_whatever_form_the_camera_says_so(
    run: Any, levels: str, data: Any, label: str
) -> None:
    (event,) = see(run, f"front_door/onvif-ej/{levels}", FENCE | {"Data": data}).detections
    assert [box.label for box in event.boxes] == [label]


@pytest.mark.parametrize(
    "types",
    [
        {"@Likelihood": "0.91", "#text": "Vehicle"},
        [{"#text": "Vehicle", "@Likelihood": 0.91}, {"#text": "Truck", "@Likelihood": 0.2}],
    ],
)
@pytest.mark.parametrize("many", [False, True])
def test_an_object_within_an_event_gives_class_and_box(run: Any, types: Any, many: bool) -> None:
    thing = {
        "@ObjectId": "7",
        "Appearance": {
            "Shape": {"BoundingBox": {"@left": "-1", "@top": "1", "@right": "0", "@bottom": "0"}},
            "Class": {"Type": types},
        },
    }
    data = {"Object": {"Object": [thing] if many else thing}}  # as Bosch cameras nest it
    (event,) = see(run, CROSSED, FENCE | {"Data": data}).detections
    assert event.boxes == (Box(0, 0, 500, 500, "Vehicle", 0.91),)


@pytest.mark.parametrize(
    ("topic", "message"),
    [
        ("front_door/onvif-ej/RuleEngine/CellMotionDetector/Motion/&1", FENCE | {"Data": {"IsMotion": "false"}}),
        ("front_door/onvif-ej/VideoSource/MotionAlarm", FENCE | {"Data": {"State": False}}),
        ("front_door/onvif-ej/RuleEngine/CountAggregation/Counter/&1/In", FENCE | {"Data": {"Count": "5"}}),
        (CROSSED, SEGMENTS),
        ("front_door/onvif-ej/Device/Sensor/Temperature/High", TOO_WARM),
        ("front_door/onvif-ej/Device/Trigger/Relay/&1", FENCE | {"Data": {"LogicalState": "active"}}),
        (CROSSED, b""),
        ("front_door/onvif-ej", FENCE),
        ("front_door/onvif-mj/PTZ/1", {"PTZStatus": {}}),
        (SCENE_TOPIC, {}),
    ],
)
def test_what_is_over_counts_or_measures_is_a_sign_of_life(run: Any, topic: str, message: Any) -> None:
    got = see(run, topic, message)
    assert (got.detections, got.dead, got.sink.alive_only, got.sink.cameras) == ([], [], 1, {0})


def test_objects_and_frames_are_bounded(run: Any) -> None:
    many = SCENE | {"Object": SCENE["Object"] * 1000}
    got = see(run, SCENE_TOPIC, {"Frame": [many] + [SCENE] * 1000})
    assert (len(got.detections), len(got.detections[0].boxes)) == (MOST_FRAMES, MOST_OBJECTS)


BAD = [
    ("no camera of ours", CROSSED, -1, FENCE, "unknown_camera", "the topic names no camera"),
    ("only a site", CROSSED, at_site(0), FENCE, "unknown_camera", "the topic names no camera"),
    ("another topic", "front_door/status", 0, FENCE, "unknown_format", "no level onvif-ej or onvif-mj"),
    ("no JSON", CROSSED, 0, b"hello", "bad_json", "not JSON"),
    ("no object", CROSSED, 0, b"[1]", "bad_field", "Expected `object`"),
    ("too long", CROSSED, 0, b" " * (LONGEST_MESSAGE + 1), "too_long", "bytes"),
    ("no time", CROSSED, 0, {"Source": {}}, "missing_field", "UtcTime is None"),
    ("a time that is none", CROSSED, 0, FENCE | {"UtcTime": "now"}, "bad_time", "UtcTime 'now'"),
    ("data that is text", CROSSED, 0, FENCE | {"Data": "x"}, "bad_field", "Data is 'x'"),
    (
        "items that are text",
        CROSSED,
        0,
        FENCE | {"Data": {"SimpleItem": ["x"]}},
        "bad_field",
        "Data.SimpleItem has 'x'",
    ),
    ("frames that are none", SCENE_TOPIC, 0, {"Frame": [7]}, "bad_field", "Frame has 7"),
    ("objects that are none", SCENE_TOPIC, 0, {"Frame": [SCENE | {"Object": [7]}]}, "bad_field", "Frame.Object has 7"),
    ("a frame without time", SCENE_TOPIC, 0, {"Frame": [SCENE | {"@UtcTime": 5}]}, "missing_field", "@UtcTime is 5"),
]


@pytest.mark.parametrize(
    ("topic", "number", "message", "reason", "detail"), [c[1:] for c in BAD], ids=[c[0] for c in BAD]
)
def test_what_cannot_be_used_is_a_dead_letter(
    run: Any, topic: str, number: int, message: Any, reason: str, detail: str
) -> None:
    got = see(run, topic, message, number)
    assert got.reasons == [reason]
    assert detail in got.dead[0].detail
    assert (got.detections, got.sink.cameras) == ([], set())


keys = [
    "UtcTime",
    "@UtcTime",
    "Source",
    "Data",
    "Frame",
    "Object",
    "Appearance",
    "Class",
    "Type",
    "#text",
    "@Likelihood",
]
keys += [
    "Shape",
    "BoundingBox",
    "@left",
    "@top",
    "Transformation",
    "Scale",
    "Translate",
    "@x",
    "@y",
    "State",
    "ObjectId",
]
keys += ["SimpleItem", "Name", "Value", "Rule"]
wild = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.sampled_from(["State", "true", "x", "1e999", "nan"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(keys), inner),
    max_leaves=12,
)


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from([CROSSED, SCENE_TOPIC]),
    st.binary(max_size=60)
    | st.tuples(st.sampled_from([FENCE, {"Frame": [SCENE]}, SCENE]), st.dictionaries(st.sampled_from(keys), wild)).map(
        lambda pair: json.dumps({"Frame": pair[0] | pair[1]} | pair[0] | pair[1]).encode()
    ),
)
def test_whatever_comes_nothing_is_raised_and_nothing_lost(run: Any, topic: str, payload: bytes) -> None:
    got = run("onvif", payload, topic=topic)
    for event in got.detections:
        assert all(0 <= edge <= 65_535 for box in event.boxes for edge in (box.x, box.y, box.w, box.h))
