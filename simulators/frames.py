"""Frames of one camera in files, each with its truth: for looking at, and for judging detectors frame by frame."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Final, cast

import cv2

from simulators.errors import ScenarioError, SimulatorError
from simulators.fleet import camera_shots, renderer_of
from simulators.frame_truth import line, mask_of
from simulators.scenario import Scenario
from simulators.settings import Camera

VIDEOS: Final = {".mp4": "mp4v", ".avi": "MJPG"}
"""File name to the codec that OpenCV writes it with."""


def camera_of(scenario: Scenario, name: str) -> Camera:
    """The camera called `id` or `site/id`. Raises `ScenarioError` where there is none, or more than one."""
    found = [camera for camera in scenario.cameras if name in (camera.id, f"{camera.site}/{camera.id}")]
    if len(found) == 1:
        return found[0]
    names = ", ".join(f"{camera.site}/{camera.id}" for camera in scenario.cameras) or "none"
    raise ScenarioError(f"{'no' if not found else 'more than one'} camera {name!r}; the scenario has {names}")


def write(
    scenario: Scenario,
    camera: Camera,
    seed: int,
    start: int,
    seconds: float,
    out: Path,
    truth: Path | None,
    masks: bool,
) -> int:
    """Writes the frames from `start` (ms UTC) on and returns how many there are.

    `out` is a video where its name ends in `.mp4` or `.avi`, otherwise a folder that gets `000000.jpg` and on, as the
    camera sends them. `truth` gets one JSON line a frame, and `masks` puts `000000.png` beside: the labels of
    `LABELS` by pixel, in the folder, or in one named like the video. Raises `SimulatorError` where the video cannot
    be written.
    """
    renderer = renderer_of(scenario, camera, seed, start)
    video = out.suffix.lower() in VIDEOS
    folder = out.with_suffix("") if video else out
    if masks or not video:
        folder.mkdir(parents=True, exist_ok=True)
    size = camera.simulate.width, camera.simulate.height
    film = _film(out, camera.simulate.fps, size) if video else None
    number = 0
    lines = truth.open("w", encoding="utf-8") if truth is not None else None
    try:
        for number, (taken, captured) in enumerate(times(scenario, camera, seed, start, seconds)):
            frame = renderer.frame(number, taken)
            if film is not None:
                film.write(frame.picture)
            else:
                (folder / f"{number:06d}.jpg").write_bytes(renderer.encode(frame.picture, captured))
            if masks:
                cv2.imwrite(str(folder / f"{number:06d}.png"), mask_of(frame))
            if lines is not None:
                lines.write(json.dumps(line(camera, number, taken, captured, frame)) + "\n")
    finally:
        if lines is not None:
            lines.close()
        if film is not None:
            film.release()
    return number + 1


def times(scenario: Scenario, camera: Camera, seed: int, start: int, seconds: float) -> Iterator[tuple[int, int]]:
    """True time and the camera's own time of each frame, ms UTC."""
    end = start + round(1000 * seconds)
    shots = itertools.takewhile(lambda shot: shot.due < end, camera_shots(scenario, camera, seed, start))
    return ((shot.due, shot.captured) for shot in shots)


def _film(out: Path, fps: float, size: tuple[int, int]) -> cv2.VideoWriter:
    out.parent.mkdir(parents=True, exist_ok=True)
    code = cv2.VideoWriter.fourcc(*cast(tuple[str, str, str, str], tuple(VIDEOS[out.suffix.lower()])))
    film = cv2.VideoWriter(str(out), code, fps, size)
    if not film.isOpened():
        raise SimulatorError(f"{out}: OpenCV cannot write such a video here; give a folder")
    return film
