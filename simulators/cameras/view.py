r"""Perspective: a camera on a mast looks level over flat ground.

```
   camera o-----------------------------> horizon      X to the right, Y up, Z away, in metres; the camera is at
          |  \                                         (0, HEIGHT, 0). The ground is Y = 0.
   HEIGHT |     \  sees (X, Y, Z) at x = width / 2 + f X / Z,  y = horizon + f (HEIGHT - Y) / Z
   _______|________\______________ ground
```
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

HORIZON: Final = 0.38
"""Where ground meets sky, as a share of the height, unless a scene has it elsewhere."""
FAR_M: Final = 30_000.0
"""Depth of the sky."""


@dataclass(frozen=True, slots=True)
class View:
    """One camera's eye; pixels of a picture of `width` x `height`."""

    width: int
    height: int
    mast: float
    """Metres of the camera above the ground."""
    level: float = HORIZON
    """Where the horizon is, as a share of the height."""

    @property
    def focal(self) -> float:
        """In pixels: the picture is 53 degrees wide."""
        return float(self.width)

    @property
    def horizon(self) -> float:
        return self.level * self.height

    def pixel(self, x: float, y: float, z: float) -> tuple[float, float]:
        """Where a point is seen."""
        scale = self.focal / z
        return self.width / 2 + x * scale, self.horizon + (self.mast - y) * scale

    def depth(self, row: float) -> float:
        """Distance in metres of the ground seen at that row, at most FAR_M."""
        below = row - self.horizon
        return min(FAR_M, self.focal * self.mast / below) if below > 0 else FAR_M

    def ground(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """X and Z in metres of the ground at each pixel, shape (height, width); Z is FAR_M from the horizon up."""
        rows = np.arange(self.height, dtype=np.float32) + 0.5 - self.horizon
        z = np.where(rows > 0, np.minimum(self.focal * self.mast / np.maximum(rows, 1e-3), FAR_M), FAR_M)
        columns = np.arange(self.width, dtype=np.float32) + 0.5 - self.width / 2
        x = columns[None, :] * z[:, None] / self.focal
        return x.astype(np.float32), np.broadcast_to(z[:, None], x.shape).astype(np.float32)
