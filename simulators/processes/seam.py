"""What a process is: time passes in, true levels come out; and what a logger works out of what was measured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np

from simulators.records import Reading


@dataclass(frozen=True, slots=True)
class Moment:
    """A step of simulated time."""

    hour: float
    """Local time of day in hours, 0 to 24."""
    dt: float
    """Seconds since the step before."""


@dataclass(frozen=True, slots=True)
class Draw:
    """An incident draws a factor from its own level (share 0) to `reach` (share 1)."""

    reach: float
    share: float

    def of(self, level: float, wobble: float = 0.0) -> float:
        """The level under the draw; `wobble` keeps a little of the noise on what is reached."""
        return level * (1 - self.share) + self.reach * (1 + wobble) * self.share


class Process(Protocol):
    """Something that is measured by one device."""

    SYSTEM_TYPE: ClassVar[str]
    """`ST` of HJ 212: 31 flue gas, 32 waste water, 22 ambient air."""
    DECIMALS: ClassVar[dict[str, int]]
    """Factor code to the digits it is reported with, for every factor a device on this process sends."""
    NOISE: ClassVar[Mapping[str, float]]
    """Factor code to the noise of its analyser, standard deviation as a share of the value; others have none."""
    FLOW: ClassVar[str]
    """Code of the flow factor, empty where nothing flows."""
    FLOW_M3: ClassVar[float]
    """Cubic metres in one unit of flow and second."""
    MASS: ClassVar[frozenset[str]]
    """Factors whose concentration times flow is a mass flow in mg/s."""
    WEIGHTED: ClassVar[frozenset[str]]
    """Factors whose mean is weighted by flow (HJ 212-2017 annex D, water)."""

    def __init__(self, rng: np.random.Generator, means: Mapping[str, float]) -> None:
        """`means`: long-term means that differ from the process's own, by factor code."""
        ...

    def step(self, moment: Moment, draws: Mapping[str, Draw]) -> dict[str, float]:
        """Advance to `moment`: the true level of every factor at the analyser, in the factor's unit.

        `draws`: factor code to the incident that draws it.
        """
        ...

    @staticmethod
    def derive(measured: list[Reading]) -> list[Reading]:
        """What the logger works out of what was measured (corrected values), added to it."""
        ...
