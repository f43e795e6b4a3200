"""Sun, night, fog, rain and clouds."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import simulated_views as views

from simulators.cameras.light import KOSCHMIEDER, light_of
from simulators.cameras.scenes import make_scene
from simulators.sun import sun

DAY_MS = 86_400_000
MINUTE_MS = 60_000
SOLSTICE = 1_782_000_000_000 // DAY_MS * DAY_MS
EQUINOX = 1_773_964_800_000
"""2026-03-20, 00:00 UTC."""


@pytest.mark.parametrize("latitude", [-35.0, 0.0, 33.02, 50.0])
def test_at_the_solstice_the_sun_is_at_noon_as_high_as_geometry_says(latitude: float) -> None:
    noon = max(sun(SOLSTICE + minute * MINUTE_MS, latitude, 112.6)[0] for minute in range(0, 1440, 2))
    assert noon == pytest.approx(90 - abs(latitude - 23.44), abs=0.1)


def test_noon_comes_by_longitude_and_is_south() -> None:
    heights = {minute: sun(EQUINOX + minute * MINUTE_MS, 33.02, 112.6) for minute in range(0, 1440, 2)}
    noon = max(heights, key=lambda minute: heights[minute][0])
    assert noon == pytest.approx(12 * 60 - 112.6 * 4 + 7.5, abs=3), "with the equation of time of that day"
    assert heights[noon][1] == pytest.approx(180, abs=3)


def test_at_the_equinox_the_sun_rises_in_the_east_and_sets_in_the_west() -> None:
    way = [sun(EQUINOX - 6 * 3_600_000 + minute * MINUTE_MS, 33.02, 112.6) for minute in range(1440)]
    rises = next(b for a, b in itertools.pairwise(way) if a[0] < 0 <= b[0])
    sets = next(a for a, b in itertools.pairwise(way) if b[0] < 0 <= a[0])
    assert rises[1] == pytest.approx(90, abs=1.5)
    assert sets[1] == pytest.approx(270, abs=1.5)


def test_shadows_fall_away_from_the_sun_and_grow_as_it_sinks() -> None:
    high, low = light_of(60, 225, 0, 0, None), light_of(20, 225, 0, 0, None)
    assert high.lean[0] > 0 and high.lean[1] > 0, "sun in the south-west behind a camera that looks north"
    assert math.hypot(*high.lean) == pytest.approx(1 / math.tan(math.radians(60)))
    assert math.hypot(*low.lean) > 3 * math.hypot(*high.lean)
    assert light_of(60, 225, 0, 1, None).shadow < 0.3 * high.shadow


def test_light_follows_the_sun_through_the_day() -> None:
    made = views.renderer("gate", light="sun")
    states = {hour: views.frame(made, (hour - 12) * 3600).states for hour in (12, 15, 19.6, 23)}
    assert states == {12: (), 15: (), 19.6: ("dusk",), 23: ("night",)}


def test_night_is_grey_noisy_and_bright_only_near_the_camera() -> None:
    night = views.renderer("yard", light="night")
    first, second = (views.frame(night, 5.0, number).picture.astype(int) for number in (1, 2))
    assert np.abs(first[:, :, 0] - first[:, :, 2]).max() == 0
    day = views.renderer("yard")
    third, fourth = (views.frame(day, 5.0, number).picture.astype(int) for number in (1, 2))
    assert (first - second)[200:].std() > 2 * (third - fourth)[200:].std()
    assert first[250:].mean() > 3 * first[:100, 300:].mean()


def test_fog_takes_contrast_by_distance_as_koschmieder_has_it() -> None:
    visibility = 120.0
    scene = make_scene("yard", np.random.default_rng(3), 640, 360)
    quiet = {"noise": 0.0}
    clear = views.frame(views.renderer("yard", weather={"cloud": 0.0}, **quiet), 5.0).picture.astype(float)
    foggy = views.frame(views.renderer("yard", weather={"cloud": 0.0, "fog_visibility_m": visibility}, **quiet), 5.0)
    assert foggy.states == ("fog",)
    for row in (330, 250, 215, 190):
        depth = float(scene.depth[row, 200:440].mean())
        left = foggy.picture[row, 200:440].mean(axis=1).std() / clear[row, 200:440].mean(axis=1).std()
        assert left == pytest.approx(math.exp(-KOSCHMIEDER * depth / visibility), abs=0.09), depth


def test_fog_and_rain_come_and_go() -> None:
    fog = {"kind": "fog", "start_s": 10.0, "duration_s": 60.0}
    rain = {"kind": "rain", "start_s": 100.0, "duration_s": 30.0, "mm_h": 30.0}
    made = views.renderer("gate", fog, rain)
    assert [views.frame(made, t).states for t in (5.0, 40.0, 75.0, 115.0, 140.0)] == [(), ("fog",), (), ("rain",), ()]


def test_drops_fall_elsewhere_in_each_frame() -> None:
    made = views.renderer("gate", weather={"rain_mm_h": 20.0, "cloud": 0.0}, noise=0.0)
    first, second = (views.frame(made, 5.0, number).picture.astype(int) for number in (1, 2))
    assert 0.02 < (np.abs(first - second).max(axis=2) > 6).mean() < 0.6


def test_the_shadow_of_a_cloud_passes_over_the_ground_and_leaves_the_sky() -> None:
    cloud = {"kind": "cloud_shadow", "start_s": 10.0, "duration_s": 10.0, "depth": 0.5}
    dark = views.frame(views.renderer("yard", cloud, noise=0.0), 15.0).picture.astype(float)
    bright = views.frame(views.renderer("yard", noise=0.0), 15.0).picture.astype(float)
    assert (dark[250:, 200:400] / bright[250:, 200:400]).mean() == pytest.approx(0.5, abs=0.03)
    assert np.abs(dark[:20, 300:] - bright[:20, 300:]).max() < 3
