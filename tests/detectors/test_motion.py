"""Motion: what moves is boxed; noise, light and swaying leaves are not."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from detectors.frames.motion import Motion, Seen, working_size

Image = NDArray[np.uint8]
WIDTH, HEIGHT = 320, 180
FPS = 10


def ground(seed: int = 1, width: int = WIDTH, height: int = HEIGHT) -> NDArray[np.float32]:
    """A scene with structure at several scales, grey values 40 to 200."""
    rng = np.random.default_rng(seed)
    layers = [
        cv2.resize(rng.random((max(2, height // k), max(2, width // k)), np.float32), (width, height))
        for k in (4, 16, 64)
    ]
    mixed = np.sum([layer - layer.mean() for layer in layers], axis=0)
    return np.clip(110 + 60 * mixed, 40, 200).astype(np.float32)


SCENE = ground()


def snap(scene: NDArray[np.float32], rng: np.random.Generator, noise: float = 2.0) -> Image:
    return np.clip(scene + rng.normal(0, noise, scene.shape), 0, 255).astype(np.uint8)


def watch(
    scene: Callable[[float], NDArray[np.float32]],
    seconds: float,
    noise: float = 2.0,
    after: Callable[[Image], Image] = lambda image: image,
) -> list[Seen]:
    """What is seen of a scene (a function of seconds), filmed with noise."""
    motion, rng = Motion(), np.random.default_rng(7)
    return [motion.look(after(snap(scene(n / FPS), rng, noise)), n * 1000 // FPS) for n in range(int(seconds * FPS))]


def alarmed(seen: list[Seen]) -> int:
    return sum(bool(each.boxes) for each in seen)


def jpeg(quality: int) -> Callable[[Image], Image]:
    def through(image: Image) -> Image:
        packed = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
        whole = cv2.imdecode(packed, cv2.IMREAD_GRAYSCALE)
        assert whole is not None
        return np.asarray(whole, np.uint8)

    return through


def sway(seconds: float) -> NDArray[np.float32]:
    """The left half moves to and fro by two pixels in four seconds, in patches, like leaves."""
    rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)
    bend = 2 * np.sin(2 * np.pi * seconds / 4 + columns / 17 + rows / 23) * (columns < WIDTH / 2)
    return cv2.remap(SCENE, columns + bend.astype(np.float32), rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)


def cloud(seconds: float) -> NDArray[np.float32]:
    """From second 5 on a shadow comes over the picture from the left, 40 pixels a second."""
    edge = (seconds - 5) * 40 - np.arange(WIDTH)
    return (SCENE * (1 - 0.35 / (1 + np.exp(-np.clip(edge / 15, -50, 50))))).astype(np.float32)


@pytest.mark.parametrize(
    ("scene", "noise", "after"),
    [
        pytest.param(lambda t: SCENE, 2.0, None, id="nothing"),
        pytest.param(lambda t: SCENE, 10.0, None, id="a noisy camera"),
        pytest.param(lambda t: SCENE, 4.0, jpeg(25), id="a strongly compressed picture"),
        pytest.param(lambda t: SCENE * np.float32(0.6 if t > 7 else 1), 2.0, None, id="a lamp goes off"),
        pytest.param(lambda t: SCENE * np.float32(1.25 if t > 7 else 1), 2.0, None, id="a lamp goes on"),
        pytest.param(lambda t: SCENE * np.float32(1 - 0.04 * t), 2.0, None, id="night falls"),
        pytest.param(lambda t: SCENE * np.float32(1 + 0.08 * np.sin(9 * t)), 2.0, None, id="the light flickers"),
        pytest.param(cloud, 2.0, None, id="a cloud passes"),
        pytest.param(sway, 2.0, None, id="leaves sway"),
    ],
)
def test_quiet(
    scene: Callable[[float], NDArray[np.float32]], noise: float, after: Callable[[Image], Image] | None
) -> None:
    assert alarmed(watch(scene, 15, noise, after or (lambda image: image))) == 0


def with_block(scene: NDArray[np.float32], x: int, value: float) -> NDArray[np.float32]:
    scene = scene.copy()
    scene[70:120, max(0, x) : max(0, x + 20)] = value
    return scene


@pytest.mark.parametrize(
    "light",
    [
        pytest.param(lambda t: 1.0, id="in steady light"),
        pytest.param(lambda t: 1 - 0.03 * t, id="while night falls"),
        pytest.param(lambda t: 0.6 if t > 5 else 1.0, id="after the light went"),
    ],
)
def test_what_crosses_is_boxed_in_every_frame(light: Callable[[float], float]) -> None:
    motion, rng = Motion(), np.random.default_rng(2)
    for n in range(100):
        x = (n - 60) * 6
        scene = with_block(SCENE, x, 215) if n >= 60 else SCENE
        seen = motion.look(snap(scene * np.float32(light(n / FPS)), rng), n * 100)
        if n >= 64 and x < 290:
            inside = [b for b in seen.boxes if b.x <= x + 10 < b.x + b.w and b.y <= 95 < b.y + b.h]
            assert inside, f"frame {n}"
            (box,) = inside
            assert box.w <= 36 and box.h <= 66
            assert seen.moving[95, x + 10] == 255


def test_what_stays_becomes_background() -> None:
    motion, rng = Motion(), np.random.default_rng(2)
    still = with_block(SCENE, 100, 215)
    seen = [motion.look(snap(SCENE if n < 40 else still, rng), n * 100) for n in range(400)]
    assert seen[45].boxes and not seen[-1].boxes


def test_nothing_is_said_before_the_scene_is_known() -> None:
    seen = watch(lambda t: with_block(SCENE, int(t * 60), 215), 3)
    assert all(each.blind and not each.boxes for each in seen[:20])
    assert not seen[-1].blind


def test_another_scene_is_learned_and_not_alarmed() -> None:
    other = ground(99)
    motion, rng = Motion(), np.random.default_rng(2)
    seen = [motion.look(snap(SCENE if n < 40 else other, rng), n * 100) for n in range(100)]
    assert seen[41].blind and alarmed(seen) == 0 and not seen[-1].blind


def test_boxes_are_in_pixels_of_the_frame_as_it_was_sent() -> None:
    motion = Motion()
    for n in range(30):
        image = (SCENE if n < 29 else with_block(SCENE, 100, 215)).astype(np.uint8)
        wide = cv2.resize(image, (640, 360))
        seen = motion.look(np.asarray(wide, np.uint8), n * 100, 1280, 720)
    (box,) = seen.boxes
    assert abs(box.x - 400) < 32 and abs(box.y - 280) < 32 and abs(box.w - 80) < 64 and abs(box.h - 200) < 64


def test_colour_and_another_size_are_taken_as_they_come() -> None:
    motion = Motion()
    colour = np.repeat(SCENE.astype(np.uint8)[:, :, None], 3, axis=2)
    assert motion.look(colour, 0).moving.shape == (HEIGHT, WIDTH)
    assert motion.look(colour[:90, :160], 100).moving.shape == (90, 160)
    assert motion.look(np.zeros((1, 1), np.uint8), 200).boxes == ()


def test_a_clock_set_back_does_not_stop_the_learning() -> None:
    motion, rng = Motion(), np.random.default_rng(2)
    still = with_block(SCENE, 100, 215)
    seen = [motion.look(snap(SCENE if n < 40 else still, rng), n * 100 + (10**9 if n < 45 else 0)) for n in range(400)]
    assert seen[60].boxes and not seen[-1].boxes


def test_the_same_frames_give_the_same_boxes() -> None:
    def film() -> list[tuple[object, ...]]:
        return [each.boxes for each in watch(lambda t: with_block(SCENE, int(t * 40), 215), 5)]

    assert film() == film()


@pytest.mark.parametrize("size", [(320, 240), (640, 360), (1280, 720), (1920, 1080), (90, 4000)])
def test_the_working_size_keeps_the_form_and_the_bound(size: tuple[int, int]) -> None:
    width, height = working_size(*size)
    assert width * height <= 320 * 240 * 1.02
    assert width / height == pytest.approx(size[0] / size[1], rel=0.03)
