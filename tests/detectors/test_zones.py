"""Zones of cameras: geometry, and when motion in them is an event."""

from __future__ import annotations

import numpy as np
import pytest

from detectors.frames import zones
from detectors.frames.zones import ZoneRules, ZoneState
from detectors.records import Box, Phase

WHOLE = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0))
LEFT = ((0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0))
TRIANGLE = ((0.0, 0.0), (1.0, 0.0), (0.0, 1.0))


@pytest.mark.parametrize(("width", "height"), [(320, 180), (160, 90), (31, 17)])
@pytest.mark.parametrize(("polygon", "area"), [(WHOLE, 1.0), (LEFT, 0.5), (TRIANGLE, 0.5)])
def test_a_polygon_covers_its_share_of_any_picture(
    polygon: zones.Polygon, area: float, width: int, height: int
) -> None:
    mask = zones.masks_of([polygon], width, height)
    assert mask.shape == (1, height, width)
    assert mask.mean() == pytest.approx(area, abs=2 / min(width, height))


def test_shares_are_of_the_zones_own_area() -> None:
    masks = zones.masks_of([WHOLE, LEFT], 40, 20)
    moving = np.zeros((20, 40), np.uint8)
    moving[:, :10] = 255
    assert zones.shares_of(masks, moving).tolist() == pytest.approx([0.25, 0.5], abs=0.03)


def test_no_zones_have_no_shares() -> None:
    assert zones.shares_of(zones.masks_of([], 40, 20), np.zeros((20, 40), np.uint8)).shape == (0,)


def test_boxes_within_a_zone_are_found_at_any_size() -> None:
    mask = zones.masks_of([LEFT], 160, 90)[0]
    left, right, astride = Box(10, 10, 50, 50), Box(700, 10, 90, 50), Box(600, 0, 200, 100)
    assert zones.boxes_within(mask, [left, right, astride], 1280, 720) == (left, astride)


RULES = ZoneRules.of([0.1], [200], [1000], gap=3000)


@pytest.mark.parametrize(
    ("frames", "expected"),
    [
        pytest.param(
            [(0, 0.1), (100, 0.2), (200, 0.2), (300, 0.0), (1200, 0.0), (1300, 0.0)],
            [(200, Phase.ACTIVE, 0), (1300, Phase.CLEAR, 0)],
            id="held, then quiet long enough",
        ),
        pytest.param([(0, 0.2), (100, 0.05), (200, 0.2), (300, 0.2)], [], id="a still frame breaks the hold"),
        pytest.param(
            [(0, 0.2), (200, 0.2), (300, 0.0), (1200, 0.2), (1300, 0.0), (2200, 0.0)],
            [(200, Phase.ACTIVE, 0)],
            id="motion in between begins the quiet anew",
        ),
        pytest.param(
            [(0, 0.2), (200, 0.2), (300, 0.0), (3301, 0.0), (4200, 0.0), (4301, 0.0)],
            [(200, Phase.ACTIVE, 0), (4301, Phase.CLEAR, 0)],
            id="an absent camera is no evidence of quiet",
        ),
        pytest.param([(0, 0.2), (3001, 0.2)], [], id="an absent camera is no evidence of motion"),
        pytest.param(
            [(0, 0.2), (200, 0.2), (150, 0.0), (200, 0.0), (300, 0.0), (1299, 0.0)],
            [(200, Phase.ACTIVE, 0)],
            id="late frames change nothing",
        ),
        pytest.param(
            [(90_000, 0.2), (10_000, 0.2), (10_200, 0.2)],
            [(10_200, Phase.ACTIVE, 10_000)],
            id="a clock set back does not deafen the camera",
        ),
    ],
)
def test_events(frames: list[tuple[int, float]], expected: list[tuple[int, Phase, int]]) -> None:
    state = ZoneState.empty(1)
    found = [e for time, share in frames for e in zones.step(state, RULES, time, np.array([share]))]
    assert [(e.time, e.phase, e.since) for e in found] == expected


def test_zones_of_a_camera_are_judged_at_once_and_apart() -> None:
    rules = ZoneRules.of([0.1, 0.5], [0, 0], [0, 0], gap=3000)
    state = ZoneState.empty(2)
    first = zones.step(state, rules, 0, np.array([0.2, 0.6]))
    assert [(e.zone, e.share, e.limit) for e in first] == [(0, 0.2, 0.1), (1, 0.6, 0.5)]
    assert [(e.zone, e.phase) for e in zones.step(state, rules, 10, np.array([0.2, 0.4]))] == [(1, Phase.CLEAR)]


def test_an_open_event_outlives_a_restart() -> None:
    state = ZoneState.empty(1)
    for time in (0, 200):
        zones.step(state, RULES, time, np.array([0.5]))
    state = ZoneState.load(state.dump(), np.array([-1, 0]))
    rules = ZoneRules.of([0.1, 0.1], [200, 200], [1000, 1000], gap=3000)
    assert zones.step(state, rules, 5000, np.zeros(2)) == []
    (end,) = zones.step(state, rules, 6000, np.zeros(2))
    assert (end.zone, end.phase, end.since) == (1, Phase.CLEAR, 0)


def test_a_finding_names_camera_zone_and_boxes() -> None:
    state = ZoneState.empty(1)
    zones.step(state, RULES, 0, np.array([0.5]))
    (event,) = zones.step(state, RULES, 250, np.array([0.4]))
    finding = event.finding(7, (Box(1, 2, 3, 4),))
    assert (finding.detector, finding.rule, finding.subject, finding.level) == ("motion", 0, 7, 1)
    assert (finding.since, finding.time, finding.value, finding.limit) == (0, 250, 0.4, 0.1)
    assert finding.boxes == (Box(1, 2, 3, 4),)
