"""Pictures from outside: a real place as the background, real smoke as the texture of plumes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Final, cast

import cv2
import numpy as np

from simulators.cameras.materials import Image
from simulators.cameras.noise import Plane
from simulators.cameras.scene import Scene
from simulators.errors import ScenarioError

MATTE: Final = 256
MOST: Final = 240
"""Mattes that are read, ten seconds of them at 24 a second."""
KINDS: Final = (".png", ".jpg", ".jpeg", ".bmp")


def with_background(scene: Scene, path: Path) -> Scene:
    """The scene on a real picture, cut to its shape. Raises `ScenarioError` where there is none."""
    image = _read(path, cv2.IMREAD_COLOR)
    rows, columns = image.shape[:2]
    scale = max(scene.view.width / columns, scene.view.height / rows)
    size = max(scene.view.width, round(columns * scale)), max(scene.view.height, round(rows * scale))
    whole = cv2.resize(image, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    left, top = (size[0] - scene.view.width) // 2, (size[1] - scene.view.height) // 2
    still = np.ascontiguousarray(whole[top : top + scene.view.height, left : left + scene.view.width])
    return replace(scene, still=still.astype(np.uint8))


def mattes(folder: Path) -> list[Plane]:
    """Pictures of smoke on black as textures of mean 0 and standard deviation 1, shape (MATTE, MATTE), that repeat.

    Raises `ScenarioError` where there are none.
    """
    files = sorted(file for file in folder.glob("*") if file.suffix.lower() in KINDS)[:MOST]
    if not files:
        raise ScenarioError(f"{folder}: no pictures ({', '.join(KINDS)}) to take as mattes")
    return [_texture(_read(file, cv2.IMREAD_GRAYSCALE)) for file in files]


def _texture(grey: Image) -> Plane:
    half = cv2.resize(grey, (MATTE // 2, MATTE // 2), interpolation=cv2.INTER_AREA).astype(np.float32)
    half -= cv2.GaussianBlur(half, (0, 0), MATTE / 8)  # the puff's own form goes, its billows stay
    across = np.concatenate([half, half[:, ::-1]], axis=1)
    whole = np.concatenate([across, across[::-1]], axis=0)
    return cast(Plane, np.clip((whole - whole.mean()) / max(float(whole.std()), 1e-3), -1.6, 1.6).astype(np.float32))


def _read(path: Path, how: int) -> Image:
    image = cv2.imread(str(path), how) if path.is_file() else None
    if image is None:
        raise ScenarioError(f"{path}: no picture that can be read")
    return cast(Image, image)
