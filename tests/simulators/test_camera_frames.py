"""Camera frames: a function of number and time, with the capture time inside."""

from __future__ import annotations

import itertools
from zoneinfo import ZoneInfo

import numpy as np
import pytest
import simulated_views as views
from hypothesis import given
from hypothesis import strategies as st

from simulators import library
from simulators.cameras.exif import with_capture_time
from simulators.cameras.noise import endless, smooth_noise
from simulators.fleet import camera_shots, renderer_of

DEMO = library.load("demo")
START = 1_767_225_600_000


@given(
    st.integers(0, 4_000_000_000_000),
    st.sampled_from(["Asia/Shanghai", "America/St_Johns", "UTC", "Asia/Kathmandu"]),
)
def test_exif_tells_the_capture_time_to_the_millisecond(captured: int, zone: str) -> None:
    assert views.exif_time(with_capture_time(b"\xff\xd8\xff\xd9", captured, ZoneInfo(zone))) == captured


def test_each_frame_carries_its_own_time() -> None:
    for shot in itertools.islice(camera_shots(DEMO, DEMO.cameras[0], 7, START), 12):
        assert views.exif_time(shot.jpeg()) == shot.due


def test_frames_come_at_the_rate_of_the_camera() -> None:
    times = [shot.due for shot in itertools.islice(camera_shots(DEMO, DEMO.cameras[0], 7, START), 51)]
    assert times[-1] - times[0] == 10_000
    assert {b - a for a, b in itertools.pairwise(times)} == {200}


def test_a_frame_can_be_made_again_and_out_of_order() -> None:
    shots = list(itertools.islice(camera_shots(DEMO, DEMO.cameras[3], 7, START), 6))
    forward = [shot.jpeg() for shot in shots]
    assert [shot.jpeg() for shot in reversed(shots)] == forward[::-1]
    assert len(set(forward)) == 6


def test_sensor_noise_is_there_and_differs_from_frame_to_frame() -> None:
    shots = list(itertools.islice(camera_shots(DEMO, DEMO.cameras[0], 7, START), 2))
    renderer = renderer_of(DEMO, DEMO.cameras[0], 7, START)
    first, second = (renderer.frame(s.number, s.captured).picture.astype(np.int16) for s in shots)
    assert 1.5 < (second - first).std() < 5


@pytest.mark.parametrize("name", ["gate", "yard", "stack", "outfall", "street"])
@pytest.mark.parametrize("size", [(64, 64), (640, 360), (1280, 720)])
def test_scenes_can_be_of_any_size(name: str, size: tuple[int, int]) -> None:
    renderer = renderer_of(small := views.scenario(name, width=size[0], height=size[1]), small.cameras[0], 1, START)
    picture = renderer.frame(0, START + 12_300).picture
    assert picture.shape == (size[1], size[0], 3)
    assert picture.std() > 10


def test_an_endless_strip_has_no_seam() -> None:
    strip = smooth_noise(np.random.default_rng(1), 20, 100, grain=15)
    round_about = endless(strip, 40)
    turns = round_about.shape[1] - 40
    np.testing.assert_array_equal(round_about[:, turns : turns + 40], round_about[:, :40])
    steps = np.abs(np.diff(round_about, axis=1)).max(axis=0)
    assert steps.max() <= np.abs(np.diff(strip, axis=1)).max()
