"""The places there are pictures of. One file a place, one line here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np

from simulators.cameras.scene import Scene
from simulators.cameras.scenes.gate import gate
from simulators.cameras.scenes.outfall import outfall
from simulators.cameras.scenes.stack import stack
from simulators.cameras.scenes.street import street
from simulators.cameras.scenes.yard import yard

_SCENES: Final[dict[str, Callable[[np.random.Generator, int, int], Scene]]] = {
    "gate": gate,
    "yard": yard,
    "stack": stack,
    "outfall": outfall,
    "street": street,
}


def make_scene(name: str, rng: np.random.Generator, width: int, height: int) -> Scene:
    """The scene of that name. Raises KeyError for a name there is no scene of."""
    return _SCENES[name](rng, width, height)
