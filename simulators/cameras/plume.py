r"""A plume: smoke or vapour that leaves a stack, is bent by the wind, widens, thins and breaks into billows.

```
        ____----~~~~         The axis is followed by its travel time: at first the gas rises with the speed it has,
      /  n ^  __--~~         then the wind takes it along. Each pixel near the axis has a travel time and a distance
     |     | /  s            n from the axis in radii of the plume there. The optical thickness is that of the gas
     |box| |                 that left the mouth so long ago, thinner as the plume is wider.
     |~~~|
     |   |  stack            opacity = 1 - exp(-thickness); picture = background * (1 - opacity) + colour * opacity
```

The box just above the mouth, where an observer reads opacity (HJ/T 398-2007), is 0.6 mouths wide and 0.4 high. There
the plume has neither thinned nor billows: its mean opacity is the one that was asked for, and the truth tells the mean
of what was drawn.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from simulators.cameras.light import Light
from simulators.cameras.materials import Image
from simulators.cameras.noise import Plane, tile
from simulators.cameras.scene import Mouth
from simulators.cameras.trace import Trace, lay

EXIT_M_S: Final = 9.0
"""Speed of the gas at the mouth."""
RISE_M_S: Final = 0.5
"""... and of the warm plume in the end."""
BEND_S: Final = 2.2
"""Time in which the wind takes over."""
SPREAD: Final = 0.16
"""Growth of the radius for each metre of the way, after half a mouth."""
TILE: Final = 256
STEPS: Final = 256
BOX_WIDE, BOX_HIGH, BOX_ABOVE = 0.6, 0.4, 0.08
"""The box above the mouth, in widths of the mouth."""


@dataclass(frozen=True, slots=True)
class Gas:
    """What comes out."""

    label: str
    light: tuple[float, float, float]
    """BGR of its sunlit side."""
    dark: tuple[float, float, float]
    """... and of the other."""
    condenses: float = 0.0
    """Widths of the mouth from it to where it becomes visible."""
    reach_m: float = math.inf
    """Metres to where it has evaporated."""


SMOKES: Final = {
    "black": Gas("smoke", (50, 50, 52), (24, 24, 26)),
    "grey": Gas("smoke", (150, 148, 146), (96, 94, 94)),
    "white": Gas("smoke", (236, 236, 234), (186, 184, 180)),
    "yellow": Gas("smoke", (74, 150, 190), (44, 100, 132)),
}


def vapour(reach_m: float) -> Gas:
    """White: droplets of water."""
    return Gas("steam", (246, 245, 243), (190, 184, 176), condenses=0.9, reach_m=reach_m)


class Plume:
    """The plume of one mouth in one wind."""

    def __init__(
        self,
        rng: np.random.Generator,
        mouth: Mouth,
        size: tuple[int, int],
        wind: tuple[float, float],
        gas: Gas,
        mattes: Sequence[Plane] = (),
    ) -> None:
        """`size`: width and height of the picture; `wind`: m/s to the right in the picture, and its whole speed."""
        self._gas = gas
        self._depth = mouth.depth
        self._mattes = mattes
        width, height = size
        path, times, ways = _axis(mouth, size, wind)
        self._life = float(times[-1])
        radius = mouth.width / 2 + SPREAD * np.maximum(0.0, ways - 0.5 * mouth.width)
        reach = 2.0 * radius
        x0 = max(0, math.floor(float((path[:, 0] - reach).min())))
        x1 = min(width, math.ceil(float((path[:, 0] + reach).max())) + 1)
        y0 = max(0, math.floor(float((path[:, 1] - reach).min())))
        y1 = min(height, math.ceil(float((path[:, 1] + reach).max())) + 1)
        self._at = x0, y0
        self._shape = max(0, y1 - y0), max(0, x1 - x0)
        half = BOX_WIDE * mouth.width / 2
        foot = mouth.y - BOX_ABOVE * mouth.width
        self.box = (
            math.floor(mouth.x - half), math.floor(foot - BOX_HIGH * mouth.width),
            max(1, round(2 * half)), max(1, round(BOX_HIGH * mouth.width)),
        )  # fmt: skip
        """x, y, width and height of where opacity is read."""
        if 0 in self._shape:
            return
        age, way, off, wide = _places(path, times, ways, radius, (x0, y0), self._shape)
        loose = np.clip((way / mouth.width - 0.9) / 4.0, 0.0, 1.0)  # 0 where it is a jet, 1 where it billows
        self._age = age
        self._index: Image = np.clip(age / self._life * (STEPS - 1), 0, STEPS - 1).astype(np.uint8)
        self._off = off
        self._loose = loose
        # Vapour goes on condensing while it widens: it thins less.
        self._thin = np.minimum(1.0, mouth.width / 2 / wide) ** (0.3 if gas.condenses else 1.0) * (off < 2.2)
        self._steep = 8.0 - 6.0 * np.minimum(1.0, loose * 1.6)
        rows = np.arange(y0, y1, dtype=np.float32)[:, None]
        self._thin = np.where((age <= 0) & (rows >= math.ceil(mouth.y)), 0.0, self._thin)  # that is the stack itself
        self._tile = tile(rng, TILE, TILE / 5, 0.62)
        scale = 16 / mouth.width
        columns = np.arange(x0, x1, dtype=np.float32)[None, :]
        self._u, self._v = (columns - rows * 0.2) * scale, (rows + columns * 0.2) * scale
        along = path[min(len(path) - 1, 40)] - path[0]
        run = float(np.hypot(*along)) / max(float(times[min(len(times) - 1, 40)]), 1e-3)
        unit = along / max(1e-6, float(np.hypot(*along)))
        self._drift = float(unit[0]) * run * scale * 0.7, float(unit[1]) * run * scale * 0.7
        self._window = np.ones(self._shape, np.float32)
        if gas.condenses:
            self._window = np.clip((way / mouth.width - gas.condenses) / 1.2, 0, 1).astype(np.float32)
        self._fading = np.clip(way / (gas.reach_m * mouth.scale), 0.0, 2.0) ** 2 if math.isfinite(gas.reach_m) else 0.0

    def alpha(self, t: float, opacity: Callable[[float], float]) -> Plane | None:
        """Opacity of each pixel at `t` seconds; `opacity`: that at the mouth at any time. None: there is none."""
        if 0 in self._shape:
            return None
        left = t - np.linspace(0.0, self._life, STEPS)
        source = np.array([opacity(float(when)) for when in left], np.float32)
        if not source.any():
            return None
        thickness = -np.log1p(-np.minimum(source, 0.995))[self._index]
        noise = self._billows(t)
        off = self._off * (1 - 0.34 * self._loose * noise)
        inside = np.exp(-np.power(np.maximum(off, 1e-3), self._steep))
        uneven = 1 + self._loose * (0.55 * noise - 0.12)
        thickness = thickness * self._thin * self._window * np.maximum(inside * uneven, 0.0)
        thickness = np.maximum(thickness - self._fading * np.maximum(0.3, 0.9 + 0.6 * noise) * thickness.max(), 0.0)
        return cast(Plane, (1 - np.exp(-thickness)).astype(np.float32))

    def _billows(self, t: float) -> Plane:
        """Noise that goes along with the gas; two layers at two speeds, so that it rolls."""
        dx, dy = self._drift
        if self._mattes:
            matte = self._mattes[int(t * 12) % len(self._mattes)]
            rows, columns = matte.shape
            u, v = np.mod(self._u - dx * t, columns - 1), np.mod(self._v - dy * t, rows - 1)
            return cast(Plane, cv2.remap(matte, u, v, cv2.INTER_LINEAR))
        total = np.zeros(self._shape, np.float32)
        for share, rate, zoom in ((0.75, 1.0, 1.0), (0.55, 1.25, 2.1)):
            u = np.mod(self._u * zoom - dx * t * rate * zoom, TILE - 1).astype(np.float32)
            v = np.mod(self._v * zoom - dy * t * rate * zoom, TILE - 1).astype(np.float32)
            total += share * cv2.remap(self._tile, u, v, cv2.INTER_LINEAR)
        return np.clip(total, -1.6, 1.6)

    def draw(
        self,
        picture: Image,
        t: float,
        opacity: Callable[[float], float],
        light: Light,
        incident: int | None,
        mouth: int | None,
    ) -> Trace | None:
        """Draws it and says what was drawn."""
        alpha = self.alpha(t, opacity)
        if alpha is None:
            return None
        relief = cast(Plane, cv2.Sobel(cv2.GaussianBlur(alpha, (0, 0), 2.0), cv2.CV_32F, 1, 1, ksize=3))
        side = np.clip(0.55 - 0.5 * relief + 0.25 * cv2.Sobel(alpha, cv2.CV_32F, 1, 0, ksize=3), 0, 1)[:, :, None]
        colour = np.array(self._gas.light, np.float32) * side + np.array(self._gas.dark, np.float32) * (1 - side)
        laid = lay(picture, light.on(colour.astype(np.float32), self._depth), alpha, *self._at)
        if laid is None:
            return None
        shown, x, y = laid
        trace = Trace(self._gas.label, x, y, shown, incident)
        if trace.label != "smoke":
            return trace
        return replace(trace, opacity=self._mean(shown, x, y), read=self.box, mouth=mouth)

    def _mean(self, alpha: Plane, x: int, y: int) -> float | None:
        """Mean opacity over the box above the mouth; None where the box is not in the picture."""
        bx, by, bw, bh = self.box
        part = alpha[max(0, by - y) : by - y + bh, max(0, bx - x) : bx - x + bw]
        return float(part.mean()) if part.shape == (bh, bw) else None


def _axis(
    mouth: Mouth, size: tuple[int, int], wind: tuple[float, float]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Points of the axis in pixels, their travel times in seconds, their ways from the mouth in pixels."""
    across, speed = wind
    step = 0.25
    times = np.arange(0.0, 45.0, step)
    pull = 1 - np.exp(-times / (BEND_S * 4 / max(1.0, speed)))
    rise = EXIT_M_S * (1 - pull) + RISE_M_S * pull
    x = np.cumsum(across * pull) * step
    y = np.cumsum(rise) * step
    path = np.stack([mouth.x + x * mouth.scale, mouth.y - y * mouth.scale], axis=1)
    path = np.concatenate([[[mouth.x, mouth.y]], path])
    times = np.concatenate([[0.0], times + step])
    inside = (path[:, 0] > -150) & (path[:, 0] < size[0] + 150) & (path[:, 1] > -150)
    last = len(path) if inside.all() else max(2, int(np.argmin(inside)))
    path, times = path[:last], times[:last]
    ways = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(path, axis=0).T))])
    return path, times, ways


def _places(
    path: NDArray[np.float64],
    times: NDArray[np.float64],
    ways: NDArray[np.float64],
    radius: NDArray[np.float64],
    at: tuple[int, int],
    shape: tuple[int, int],
) -> tuple[Plane, Plane, Plane, Plane]:
    """Of each pixel: travel time, way, distance from the axis in radii, radius there."""
    columns = np.arange(shape[1], dtype=np.float32) + at[0] + 0.5
    rows = np.arange(shape[0], dtype=np.float32) + at[1] + 0.5
    best = np.full(shape, np.inf, np.float32)
    age, way, wide = (np.zeros(shape, np.float32) for _ in range(3))
    for number in range(len(path) - 1):
        (ax, ay), (bx, by) = path[number], path[number + 1]
        dx, dy = bx - ax, by - ay
        length = max(1e-6, math.hypot(dx, dy))
        share = ((columns[None, :] - ax) * dx + (rows[:, None] - ay) * dy) / length**2
        share = np.clip(share, 0, 1).astype(np.float32)
        far = np.hypot(columns[None, :] - ax - share * dx, rows[:, None] - ay - share * dy)
        here = radius[number] + share * (radius[number + 1] - radius[number])
        off = (far / here).astype(np.float32)
        nearer = off < best
        best[nearer] = off[nearer]
        age[nearer] = (times[number] + share * (times[number + 1] - times[number]))[nearer]
        way[nearer] = (ways[number] + share * length)[nearer]
        wide[nearer] = here[nearer]
    return age, way, best, wide
