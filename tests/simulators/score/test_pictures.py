"""Frames, boxes and events, counted by hand."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators.errors import SimulatorError
from simulators.score.pictures import IOU, Box, Shown, overlap, pairs, score_camera, score_pictures

WALKER = Box(10, 10, 20, 40)
SMOKE = Box(100, 0, 60, 60)
ELSEWHERE = Box(200, 200, 10, 10)
SHOWN = {
    0: [],
    200: [Shown("smoke", SMOKE, None)],
    400: [Shown("person", WALKER, 3), Shown("smoke", SMOKE, None)],
    600: [Shown("person", WALKER, 3)],
    800: [Shown("person", WALKER, 3), Shown("person", Box(60, 10, 20, 40), None)],
    1000: [],
}
SEEN = {
    200: [("motion", Box(110, 5, 40, 40))],  # the smoke: neither right nor wrong
    600: [("motion", WALKER)],
    800: [("motion", Box(10, 10, 20, 30)), ("motion", ELSEWHERE)],
    1000: [("motion", ELSEWHERE)],
}


def test_motion_of_a_case_counted_by_hand() -> None:
    (figures,) = score_camera("s", "c", SHOWN, SEEN)
    assert figures.json() == {
        "site": "s",
        "camera": "c",
        "label": "motion",
        "frames": 6,
        "frames_shown": 3,
        "frame_precision": 2 / 3,  # 600 and 800; 1000 is false, 200 is not judged
        "frame_recall": 2 / 3,
        "boxes": 4,
        "box_precision": 2 / 4,
        "box_recall": 2 / 4,
        "iou_mean": (1 + 0.75) / 2,
        "events": 1,
        "event_recall": 1.0,
        "event_delay_median_ms": 200,
        "event_delay_p95_ms": 200,
    }


def test_a_label_is_held_against_its_own_things() -> None:
    seen = {400: [("smoke", SMOKE)], 600: [("smoke", SMOKE)]}
    motion, smoke = score_camera("s", "c", SHOWN, seen)
    assert (motion.label, motion.seen, motion.boxes_found, motion.events_seen) == ("motion", 0, 0, 0)
    assert (smoke.label, smoke.shown, smoke.seen, smoke.false) == ("smoke", 2, 1, 1)
    assert (smoke.boxes, smoke.boxes_found, smoke.boxes_false, smoke.events) == (2, 1, 1, 0)


def test_each_occurrence_of_an_incident_is_an_event_and_lost_frames_part_none() -> None:
    there, away = [Shown("person", WALKER, 3)], list[Shown]()
    frames = [there] * 3 + [away] * 5 + [there] * 2 + [away] * 6 + [there] * 4 + [away] * 9
    shown = {200 * number: things for number, things in enumerate(frames)}
    (figures,) = score_camera("s", "c", shown, {200: [("motion", WALKER)], 200 * 17: [("motion", WALKER)]})
    assert (figures.events, figures.events_seen, figures.delays) == (2, 2, [200, 200])
    (figures,) = score_camera("s", "c", shown, {200 * 9: [("motion", WALKER)]})
    assert (figures.events, figures.events_seen, figures.delays) == (2, 1, [1800])
    lost = {time: things for time, things in shown.items() if things}
    (figures,) = score_camera("s", "c", lost, {})
    assert (figures.events, figures.events_seen) == (1, 0)


def test_where_nothing_is_shown_and_nothing_said_nothing_is_judged() -> None:
    assert score_camera("s", "c", {0: [], 200: []}, {}) == []


def test_files_as_they_are_written(tmp_path: Path) -> None:
    truth, seen = tmp_path / "frames.jsonl", tmp_path / "detections.jsonl"
    lines = [
        {
            "site": "s",
            "camera": "c",
            "frame": n,
            "captured_ms": at,
            "boxes": [each._asdict() | {"zones": []} for each in boxes],
        }
        for n, (at, boxes) in enumerate(SHOWN.items())
    ]
    # A camera's clock that was put back tells a time twice: nothing of either frame is lost.
    lines.append({"site": "s", "camera": "c", "frame": 9, "captured_ms": 600, "boxes": []})
    truth.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    told = [
        {
            "site": "s",
            "camera": "c",
            "captured": f"1970-01-01T00:00:0{at // 1000}.{at % 1000:03}Z",
            "boxes": [box._asdict() | {"label": label, "score": 1.0} for label, box in boxes],
        }
        for at, boxes in SEEN.items()
    ]
    seen.write_text("".join(json.dumps(line) + "\n" for line in told), "utf-8")
    assert [each.json() for each in score_pictures(truth, seen)] == [
        each.json() for each in score_camera("s", "c", SHOWN, SEEN)
    ]
    seen.write_text(seen.read_text("utf-8") + '{"site": "s", "camera": "c", "captured": 5}\n', "utf-8")
    with pytest.raises(SimulatorError, match=r"detections.jsonl: line 5: .*boxes"):
        score_pictures(truth, seen)


boxes = st.builds(Box, *(st.integers(0, 40) for _ in "xy"), *(st.integers(1, 40) for _ in "wh"))


@given(boxes, boxes)
def test_overlap_is_the_share_of_pixels_that_two_boxes_have_in_common(one: Box, other: Box) -> None:
    cells = [
        {(x, y) for x in range(int(b.x), int(b.x + b.w)) for y in range(int(b.y), int(b.y + b.h))} for b in (one, other)
    ]
    assert overlap(one, other) == pytest.approx(len(cells[0] & cells[1]) / len(cells[0] | cells[1]))


@given(st.lists(boxes, max_size=5), st.lists(boxes, max_size=5))
def test_each_box_is_in_one_pair_at_most(wanted: list[Box], found: list[Box]) -> None:
    made = pairs(wanted, found)
    assert len({i for i, _, _ in made}) == len({j for _, j, _ in made}) == len(made)
    assert all(overlap(wanted[i], found[j]) == iou >= IOU for i, j, iou in made)
    assert len(pairs(wanted, wanted)) == len(wanted)
