"""Tampering and nuisances do to the picture what the truth says."""

from __future__ import annotations

import itertools

import cv2
import numpy as np
import pytest
import simulated_views as views

from simulators.fleet import camera_shots

PERSON = {"kind": "person", "zone": "z", "start_s": 10.0, "duration_s": 8.0}


def sharpness(picture: np.ndarray) -> float:
    return float(cv2.Laplacian(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), cv2.CV_64F).var())


def pixels(jpeg: bytes) -> np.ndarray:
    image = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert image is not None
    return image


def test_a_frozen_camera_repeats_its_picture_with_times_that_go_on() -> None:
    freeze = {"kind": "freeze", "start_s": 12.0, "duration_s": 3.0}
    plan = views.scenario("yard", PERSON, freeze)
    shots = [
        shot
        for shot in itertools.islice(camera_shots(plan, plan.cameras[0], 7, views.START), 80)
        if 12_000 <= shot.due - views.START < 15_000
    ]
    frozen = [shot.jpeg() for shot in shots]
    assert len(frozen) == 15
    assert len(set(frozen)) == 15, "EXIF tells other times"
    for jpeg in frozen[1:]:
        np.testing.assert_array_equal(pixels(jpeg), pixels(frozen[0]))
    made = views.renderer("yard", PERSON, freeze)
    during, after = views.frame(made, 14.9), views.frame(made, 15.1)
    assert during.states == ("frozen",) and after.states == ()
    assert (np.abs(during.picture.astype(int) - after.picture) > 40).sum() > 500, "the person has walked on"


def test_a_turned_camera_sees_the_same_place_elsewhere() -> None:
    shift = {"kind": "shift", "start_s": 12.0, "dx": 0.25, "dy": -0.1}
    turned = views.frame(views.renderer("yard", PERSON, shift, noise=0.0), 14.0)
    straight = views.frame(views.renderer("yard", PERSON, noise=0.0), 14.0)
    assert turned.states == ("shifted",)
    moved, still = turned.picture[:324, 160:].astype(int), straight.picture[36:, :480].astype(int)
    assert np.abs(moved - still).max() <= 1
    (box,), (was,) = ([trace.box for trace in each.traces] for each in (turned, straight))
    assert box is not None and was is not None
    assert box == (was[0] + 160, was[1] - 36, *was[2:]), "the truth moves with it"


def test_a_cloth_covers_the_share_it_is_set_to() -> None:
    cover = {"kind": "cover", "start_s": 5.0, "cover": 0.6, "duration_s": 20.0}
    covered = views.frame(views.renderer("yard", cover, noise=0.0), 10.0)
    clear = views.frame(views.renderer("yard", noise=0.0), 10.0)
    assert covered.states == ("covered",)
    changed = (np.abs(covered.picture.astype(int) - clear.picture).max(axis=2) > 12).mean()
    assert changed == pytest.approx(0.6, abs=0.1)
    whole = views.frame(views.renderer("yard", cover | {"cover": 1.0}, noise=0.0), 10.0)
    assert whole.picture.max() < 90


def test_blur_takes_the_detail_and_keeps_the_brightness() -> None:
    blur = {"kind": "blur", "start_s": 5.0}
    soft = views.frame(views.renderer("gate", blur, noise=0.0), 12.0)
    clear = views.frame(views.renderer("gate", noise=0.0), 12.0)
    assert soft.states == ("blurred",)
    assert sharpness(soft.picture) < 0.05 * sharpness(clear.picture)
    assert soft.picture.mean() == pytest.approx(clear.picture.mean(), rel=0.02)


def test_glare_burns_out_where_it_is_set() -> None:
    glare = {"kind": "glare", "start_s": 5.0, "duration_s": 9.0, "x": 0.25, "y": 0.5}
    burnt = views.frame(views.renderer("street", glare, noise=0.0), 8.0)
    assert burnt.states == ("glare",)
    assert burnt.picture[170:190, 150:170].min() > 240
    clear = views.frame(views.renderer("street", noise=0.0), 8.0)
    assert burnt.picture.mean() > clear.picture.mean() + 20


def test_a_shaking_mast_moves_the_picture_by_the_pixels_set() -> None:
    jitter = {"kind": "jitter", "start_s": 0.0, "pixels": 3.0}
    shaken, still = views.renderer("gate", jitter, noise=0.0), views.renderer("gate", noise=0.0)
    ways: list[tuple[float, float]] = []
    for t in np.arange(2.0, 8.0, 0.4).tolist():
        first, second = (
            cv2.cvtColor(views.frame(made, t).picture, cv2.COLOR_BGR2GRAY).astype(np.float32)
            for made in (still, shaken)
        )
        ways.append(cv2.phaseCorrelate(first, second)[0])
    assert 1.5 < np.std(ways) < 4.5
    assert np.abs(ways).max() < 9


@pytest.mark.parametrize("offset_s", [90.0, -3_600.0])
def test_a_wrong_clock_is_in_the_capture_time_while_it_lasts(offset_s: float) -> None:
    clock = {"kind": "camera_clock", "start_s": 2.0, "duration_s": 2.0, "offset_s": offset_s}
    plan = views.scenario("yard", clock)
    for shot in itertools.islice(camera_shots(plan, plan.cameras[0], 7, views.START), 30):
        wrong = 2_000 <= shot.due - views.START < 4_000
        assert shot.captured == shot.due + (round(1000 * offset_s) if wrong else 0)
        if shot.number in (0, 15):
            assert views.exif_time(shot.jpeg()) == shot.captured


def test_insects_are_large_fast_and_gone_with_the_incident() -> None:
    made = views.renderer("gate", {"kind": "insects", "start_s": 1.0, "duration_s": 5.0, "number": 4})
    boxes = [trace.box for trace in views.frame(made, 3.0).traces]
    later = [trace.box for trace in views.frame(made, 3.2).traces]
    assert boxes and boxes != later
    assert views.frame(made, 6.5).traces == ()
