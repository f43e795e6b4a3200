"""What a process is: time passes in, true levels come out; and what a logger works out of what was measured."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Protocol
from zoneinfo import ZoneInfo

import numpy as np

from simulators.processes.settings import ProcessSettings
from simulators.processes.weather import Weather
from simulators.records import Reading


@dataclass(frozen=True, slots=True)
class Moment:
    """A step of simulated time."""

    time: int
    """ms UTC."""
    hour: float
    """Local time of day in hours, 0 to 24."""
    dt: float
    """Seconds since the step before."""
    weather: Weather


@dataclass(frozen=True, slots=True)
class Draw:
    """An incident draws a factor from its own level (share 0) to `reach` (share 1)."""

    reach: float
    share: float

    def of(self, level: float, wobble: float = 0.0) -> float:
        """The level under the draw; `wobble` keeps a little of the noise on what is reached."""
        return level * (1 - self.share) + self.reach * (1 + wobble) * self.share


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What of the world a process depends on. Pure functions of the time (ms UTC), shared with whoever else asks."""

    load: Callable[[int], float]
    """Of the unit that the device measures at, 0 to 1."""
    lost: Callable[[int], Mapping[str, float]]
    """Factor code to the share of its removal that has failed, for those of the device that have."""
    brought: Callable[[int], Mapping[str, float]]
    """What stacks upwind bring to where the device stands: ug/m3 by `SO2`, `NOX` and `DUST` of `fuels`."""


class Process(Protocol):
    """Something that is measured by one device."""

    SYSTEM_TYPE: ClassVar[str]
    """`ST` of HJ 212: 31 flue gas, 32 waste water, 22 ambient air."""
    DECIMALS: ClassVar[dict[str, int]]
    """Factor code to the digits it is reported with, for every factor a device on this process sends."""
    NOISE: ClassVar[Mapping[str, float]]
    """Factor code to the noise of its analyser, standard deviation as a share of the value; others have none."""
    FULL_SCALE: ClassVar[Mapping[str, float]]
    """Range of each analyser from 0, in the factor's unit; what is not named has no end."""
    DETECTION: ClassVar[Mapping[str, float]]
    """Detection limits, in the factor's unit."""
    CHECKED: ClassVar[Mapping[str, tuple[float, float]]]
    """What is calibrated: zero and span that it is shown, as shares of full scale."""
    SAMPLED: ClassVar[frozenset[str]]
    """Factors whose analysers work on one sample at a time, and tell one result a cycle where that is set."""
    FLOW: ClassVar[str]
    """Code of the flow factor, empty where nothing flows."""
    FLOW_M3: ClassVar[float]
    """Cubic metres in one unit of flow and second."""
    MASS: ClassVar[frozenset[str]]
    """Factors whose concentration times flow is a mass flow in mg/s."""
    WEIGHTED: ClassVar[frozenset[str]]
    """Factors whose mean is weighted by flow (HJ 212-2017 annex D, water)."""
    CIRCULAR: ClassVar[frozenset[str]]
    """Factors in degrees of a compass, whose mean is that of their directions."""

    stopped: bool
    """Whether the source is out of operation at the last step: its data are flagged F."""

    def __init__(self, rng: np.random.Generator, settings: ProcessSettings, around: Surroundings) -> None: ...

    def step(self, moment: Moment, draws: Mapping[str, Draw]) -> dict[str, float]:
        """Advance to `moment`: the true level of every factor at the analyser, in the factor's unit.

        `draws`: factor code to the incident that draws it.
        """
        ...

    def derive(self, measured: list[Reading]) -> list[Reading]:
        """What the logger works out of what was measured (corrected values), added to it."""
        ...


def local_hour(time: int, zone: ZoneInfo) -> float:
    """Time of day in hours of a moment (ms UTC) at a place."""
    local = datetime.fromtimestamp(time / 1000, zone)
    return local.hour + local.minute / 60 + local.second / 3600


def nothing(_time: int) -> Mapping[str, float]:
    """No removal that fails, no plume."""
    return {}
