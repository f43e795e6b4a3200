"""Motion boxes against real and made-up scenes: what is found, what is alarmed for nothing, and what a frame costs.

    python benchmarks/motion.py [--data DIR] [--json FILE]

DIR is the folder of outside data (default GATEWAY_OUTSIDE_DATA or ../shared). Frames 470 to 1700 of CDnet highway are
scored against their masks (255 moving, 170 unknown, 85 outside the region of interest):

- object recall: share of moving blobs of 100 pixels or more of which at least 30 % lie in some box,
- box precision: share of boxes, those mostly outside the region left out, with 10 % or more moving or unknown pixels,
- alarmed empty frames: frames with no such pixel in which a box appears.

The median of the same frames, without traffic, is then filmed with noise, compression, changing light and trees in
the wind: there every box is an alarm for nothing. Times are CPU time of one thread; a decode is timed at three sizes.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from detectors.frames.motion import Motion  # noqa: E402
from detectors.records import Box  # noqa: E402
from gateway.config import outside_data  # noqa: E402
from gateway.frame_worker import Unusable, decode  # noqa: E402

FIRST, LAST = 470, 1700
FPS = 25
Scene = NDArray[np.float32]


class Score:
    """Sums of the three figures over frames."""

    def __init__(self) -> None:
        self.objects = self.found = self.boxes = self.right = self.empty = self.alarmed = 0

    def add(self, boxes: tuple[Box, ...], truth: NDArray[np.uint8]) -> None:
        parts = [(slice(box.y, box.y + box.h), slice(box.x, box.x + box.w)) for box in boxes]
        covered = np.zeros(truth.shape, bool)
        kept = 0
        for part in parts:
            covered[part] = True
            inside = truth[part]
            if inside.size and (inside == 85).mean() <= 0.5:
                kept += 1
                self.right += bool(np.isin(inside, (255, 170)).mean() >= 0.1)
        self.boxes += kept
        count, labels, stats, _ = cv2.connectedComponentsWithStats((truth == 255).astype(np.uint8))
        for label in range(1, count):
            if stats[label, cv2.CC_STAT_AREA] >= 100:
                self.objects += 1
                self.found += bool(covered[labels == label].mean() >= 0.3)
        if not np.isin(truth, (255, 170)).any():
            self.empty += 1
            self.alarmed += kept > 0


def highway(folder: Path) -> dict[str, float]:
    """Score and cost on the CDnet clip."""
    motion, score = Motion(), Score()
    decoding = looking = 0.0
    for number in range(1, LAST + 1):
        jpeg = (folder / f"input/in{number:06d}.jpg").read_bytes()
        started = time.process_time()
        decoded = decode(jpeg)
        assert not isinstance(decoded, Unusable)
        between = time.process_time()
        seen = motion.look(decoded[0], number * 1000 // FPS)
        looking += time.process_time() - between
        decoding += between - started
        if number >= FIRST:
            truth = cv2.imread(str(folder / f"groundtruth/gt{number:06d}.png"), cv2.IMREAD_GRAYSCALE)
            score.add(seen.boxes, np.asarray(truth, np.uint8))
    return {
        "object_recall": score.found / score.objects,
        "box_precision": score.right / max(score.boxes, 1),
        "objects": score.objects,
        "boxes": score.boxes,
        "empty_frames": score.empty,
        "alarmed_empty_frames": score.alarmed,
        "decode_ms": decoding * 1000 / LAST,
        "detect_ms": looking * 1000 / LAST,
    }


def decode_costs(folder: Path) -> dict[str, float]:
    """ms to decode a frame as the worker does, by size."""
    small = cv2.imread(str(folder / "input/in000700.jpg"))
    costs: dict[str, float] = {}
    for width, height in ((640, 360), (1280, 720), (1920, 1080)):
        jpeg = cv2.imencode(".jpg", cv2.resize(small, (width, height)))[1].tobytes()
        started = time.process_time()
        for _ in range(30):
            decode(jpeg)
        costs[f"decode_{height}p_ms"] = (time.process_time() - started) * 1000 / 30
    return costs


def swaying(scene: Scene, seconds: float, width: float) -> Scene:
    """The trees, upper left of a slanting line, moved to and fro by up to 1.4 `width` pixels, in patches."""
    rows, columns = np.mgrid[0 : scene.shape[0], 0 : scene.shape[1]].astype(np.float32)
    where = np.clip((160 - columns - 1.2 * rows) / 20, 0, 1)
    place = columns / 40 + rows / 55
    slow, fast = 2 * np.pi * seconds / 4 + place, 2 * np.pi * seconds / 1.3 + 3 * place
    across = (width * (np.sin(slow) + 0.4 * np.sin(fast)) * where).astype(np.float32)
    return cv2.remap(scene, columns + across, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)


def clouded(scene: Scene, seconds: float) -> Scene:
    front = (seconds - 8) * 25 - np.arange(scene.shape[1])
    return (scene * (1 - 0.4 / (1 + np.exp(-np.clip(front / 10, -50, 50))))).astype(np.float32)


def scenes() -> dict[str, tuple[Callable[[Scene, float], Scene], float, int]]:
    """Name to the scene at a second, noise in grey values, and JPEG quality (0: none)."""
    return {
        "still": (lambda scene, t: scene, 2, 0),
        "noise": (lambda scene, t: scene, 12, 0),
        "jpeg": (lambda scene, t: scene, 4, 20),
        "light_step": (lambda scene, t: scene * np.float32(0.65 if 10 < t < 20 else 1), 2, 0),
        "gamma_step": (lambda scene, t: 255 * (scene / 255) ** np.float32(1.5 if 10 < t < 20 else 1), 2, 0),
        "nightfall": (lambda scene, t: scene * np.float32(1 - 0.02 * t), 2, 0),
        "flicker": (lambda scene, t: scene * np.float32(1 + 0.08 * np.sin(20 * t)), 2, 0),
        "fog": (lambda scene, t: scene * np.float32(1 - t / 60) + np.float32(200 * t / 60), 2, 0),
        "cloud": (clouded, 2, 0),
        "trees_light_wind": (lambda scene, t: swaying(scene, t, 1.5), 2, 0),
        "trees_wind": (lambda scene, t: swaying(scene, t, 3), 2, 0),
        "trees_strong_wind": (lambda scene, t: swaying(scene, t, 5), 2, 0),
    }


def alarms(folder: Path) -> dict[str, float]:
    """Share of frames with a box, by scene of 30 s in which nothing moves but leaves."""
    names = [folder / f"input/in{number:06d}.jpg" for number in range(1, LAST + 1, 20)]
    road = np.median([cv2.imread(str(name), cv2.IMREAD_GRAYSCALE) for name in names], axis=0).astype(np.float32)
    shares: dict[str, float] = {}
    for name, (scene, noise, quality) in scenes().items():
        motion, random = Motion(), np.random.default_rng(0)
        alarmed = 0
        for n in range(30 * FPS):
            filmed = scene(road, n / FPS) + random.normal(0, noise, road.shape)
            image = np.clip(filmed, 0, 255).astype(np.uint8)
            if quality:
                jpeg = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
                image = np.asarray(cv2.imdecode(jpeg, cv2.IMREAD_GRAYSCALE), np.uint8)
            alarmed += bool(motion.look(image, n * 1000 // FPS).boxes)
        shares[name] = alarmed / (30 * FPS)
    return shares


def clip(path: str, fps: float) -> dict[str, float]:
    """A video without masks: how much of it has boxes. Runs in its own process: some files crash the decoder."""
    cv2.setNumThreads(1)
    video, motion = cv2.VideoCapture(path), Motion()
    frames = boxed = boxes = 0
    while frames < 1000:
        there, image = video.read()
        if not there:
            break
        seen = motion.look(np.asarray(image, np.uint8), int(frames * 1000 / fps))
        frames += 1
        boxed += bool(seen.boxes)
        boxes += len(seen.boxes)
    return {"frames": frames, "frames_with_boxes": boxed, "boxes": boxes}


CLIPS = {
    "intel/one-by-one-person-detection.mp4": 10.0,
    "intel/car-detection.mp4": 12.5,
    "traffic/video.avi": 25.0,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=outside_data(), help="folder of outside data")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    arguments = parser.parse_args()
    videos = arguments.data / "data/video"
    folder = videos / "cdnet_highway/highway"
    if not folder.is_dir():
        sys.exit(f"{folder} is not there: give the folder of outside data with --data")
    cv2.setNumThreads(1)

    figures: dict[str, object] = {**highway(folder), **decode_costs(folder)}
    figures["alarmed_share"] = alarms(folder)
    figures["clips"] = clips = {}
    for name, fps in CLIPS.items():
        if (videos / name).exists():
            with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as child:
                clips[name] = child.submit(clip, str(videos / name), fps).result()
    print(json.dumps(figures, indent=2))
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=2) + "\n", "utf-8")


if __name__ == "__main__":
    main()
