"""What a fault is: one of the places at which something goes wrong between the world and the centre.

| class | acts on | layer |
|---|---|---|
| `OffFault` | whether the device runs at all | device |
| `ValueFault` | what the analyser, or the logger after it, says of each factor | device, fraud |
| `StampFault` | the device's clock | device, fraud |
| `ReportFault` | what the device decides to say: nothing, twice, later | device, fraud |
| `PayloadFault` | the bytes of a message, or its topic | payload |
| `LinkFault` | when, how often and whether messages or frames arrive | link |

Each has a model in the scenario that makes an effect for one device. An effect is called for every item, in order of
time, also while the fault is not active, so that it can remember what was before. Faults compose in the order of this
table; those of one class in the order of the file.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Annotated, ClassVar, Final, Literal, Self, TypeVar

import numpy as np
from pydantic import Field, model_validator

from simulators.incidents.event import Event, Expected, Family
from simulators.processes.weather import Weather
from simulators.records import Parcel, Period, Reading, Report
from simulators.seeds import generator
from simulators.settings import DeviceType

NOTICED_S: Final = 60.0
"""Seconds that a clock may be off before anybody has to find it (clocks of monitors against the network's time)."""
Share = Annotated[float, Field(gt=0, le=1)]
Stage = Literal["analyser", "logger"]

ValueEffect = Callable[[float, list[Reading]], list[Reading]]
"""Seconds since the start and the readings of one moment to what is said of it."""
ReportEffect = Callable[[float, Report], list[Report]]
"""A report to those that are said for it, none of them earlier."""
ParcelEffect = Callable[[float, Parcel], list[Parcel]]
"""A message or a frame to those that take its place, none of them due earlier. It is called for what is not lost."""
Series = Callable[[float], list[Reading]]
"""Seconds since the start, which do not go back, to what the analysers of another device show then."""


@dataclass(frozen=True, slots=True)
class Host:
    """What a fault may know of the device that it is at."""

    settings: DeviceType
    follow: Callable[[str], Series]
    """Id of another device of the site to what its analysers show, without faults."""
    weather: Callable[[float], Weather]
    """Seconds since the start to the weather around it."""
    ranges: Mapping[str, float]
    """Full scale of its analysers, those that have one."""


AnyFault = TypeVar("AnyFault", bound="Fault")


def upper_limits(settings: DeviceType, period: Period = "realtime") -> dict[tuple[str, str], float]:
    """Factor and field to the first level of the upper limit on it."""
    return {
        (limit.factor, limit.field): limit.above[0]
        for limit in settings.limits
        if limit.above is not None and limit.period == period
    }


class Fault(Event):
    """Base of all faults. `site` and the target are names, or patterns with `*`, `?` and `[...]`."""

    layer: ClassVar[str] = "device"
    family: ClassVar[Family] = "data_quality"
    finds: ClassVar[str] = ""
    """What a right receiver finds while it lasts, empty where no alert tells of it."""
    counted: ClassVar[tuple[str, ...]] = ()
    """Figures of the truth that count it."""

    def hits_device(self, site: str, device: str) -> bool:
        """Whether it goes wrong at that device."""
        raise NotImplementedError

    def hits_camera(self, site: str, camera: str) -> bool:
        """Whether it goes wrong at that camera."""
        return False

    def misfits(self, settings: DeviceType) -> Iterator[str]:
        """What it needs of a device and that device has not, one sentence each."""
        yield from ()

    def expects_of(self, settings: DeviceType) -> Iterator[Expected]:
        """What a right receiver finds of it at a device, while it lasts."""
        if self.finds:
            yield Expected(self.family, self.finds)

    def told_of(self, **target: str) -> dict[str, object]:
        """What the truth says of it at one target: `site`, and `device` or `camera`."""
        told = self.told()
        return target | {"kind": told.pop("kind")} | {key: told[key] for key in told if key not in target}


class AtDevices(Fault):
    """A fault at one or several monitors."""

    device: str

    def hits_device(self, site: str, device: str) -> bool:
        return fnmatchcase(site, self.site) and fnmatchcase(device, self.device)


class Fraud:
    """Put before the base of a fault that somebody makes on purpose, so that the centre sees something else."""

    layer: ClassVar[str] = "fraud"
    family: ClassVar[Family] = "fraud"


class OffFault(AtDevices):
    """The device is without power: it measures nothing, says nothing and forgets the minute it was in."""


class ValueFault(AtDevices):
    """Changes values or flags; the rest of the chain (corrections, averages) follows from what it leaves."""

    joint: ClassVar[bool] = False
    """Whether what is found of it is about the device as a whole and not about one factor."""
    factors: tuple[str, ...] = ()
    """Factor codes it acts on; all of the device where there are none."""
    stage: Stage = "analyser"
    """Where: in the analyser, so that the logger's corrections follow from it, or in the logger, after them."""

    def values(self, rng: np.random.Generator, host: Host) -> ValueEffect:
        """The effect on one device. `rng` is its own."""
        raise NotImplementedError

    def concerns(self, code: str) -> bool:
        """Whether it acts on that factor."""
        return not self.factors or code in self.factors

    def misfits(self, settings: DeviceType) -> Iterator[str]:
        codes = {factor.code for factor in settings.factors}
        yield from (f"does not send {code!r}" for code in sorted(set(self.factors) - codes))

    def expects_of(self, settings: DeviceType) -> Iterator[Expected]:
        """One for each factor it acts on, or one for all."""
        if self.joint:
            yield from super().expects_of(settings)
            return
        for factor in settings.factors:
            if self.finds and self.concerns(factor.code):
                yield Expected(self.family, self.finds, factor.code)


class Distortion(ValueFault):
    """A value fault without memory: what is shown is a function of what would be."""

    within_range: ClassVar[bool] = False
    """Whether it is in the analyser itself, which shows nothing below zero, and what is over its range as that (T)."""

    def shown(self, since: float, value: float, code: str) -> float:
        """What is shown in place of `value`, `since` seconds after the occurrence began."""
        raise NotImplementedError

    def flag_of(self, value: float, flag: str) -> str:
        """The flag of a reading whose first field would be `value`."""
        return flag

    def values(self, rng: np.random.Generator, host: Host) -> ValueEffect:
        bounded = self.within_range and self.stage == "analyser"

        def distorted(reading: Reading, since: float) -> Reading:
            flag = self.flag_of(next(iter(reading.values.values())), reading.flag)
            shown = {field: self.shown(since, value, reading.code) for field, value in reading.values.items()}
            top = host.ranges.get(reading.code) if bounded else None
            if top is not None:
                flag = "T" if flag == "N" and max(shown.values()) > top else flag
                shown = {field: min(max(value, 0.0), top) for field, value in shown.items()}
            told = {field: round(value, reading.decimals) for field, value in shown.items()}
            return replace(reading, values=told, flag=flag)

        def effect(t: float, readings: list[Reading]) -> list[Reading]:
            since = self.since(t)
            if since is None or not self.active(t):
                return readings
            return [distorted(r, since) if self.concerns(r.code) else r for r in readings]

        return effect


class StampFault(AtDevices):
    """Changes what the device's clock says."""

    def stamp(self, t: float, time: int) -> int:
        """The device's clock (ms UTC) where without the fault it would say `time`; `t` is seconds since the start."""
        raise NotImplementedError


class ReportFault(AtDevices):
    """Changes what is said."""

    def reports(self, rng: np.random.Generator, host: Host) -> ReportEffect:
        raise NotImplementedError


class PayloadFault(AtDevices):
    """Changes the bytes of a message, or its topic."""

    layer: ClassVar[str] = "payload"
    counted: ClassVar[tuple[str, ...]] = ("corrupted", "dead_letters")

    def payload(self, rng: np.random.Generator) -> ParcelEffect:
        raise NotImplementedError


class LinkFault(Fault):
    """Changes how messages travel: those of monitors (`device`), or the frames of cameras (`camera`)."""

    layer: ClassVar[str] = "link"
    device: str | None = None
    camera: str | None = None

    @model_validator(mode="after")
    def _one_target(self) -> Self:
        if (self.device is None) == (self.camera is None):
            raise ValueError("a fault of a link has either `device` or `camera`")
        return self

    def hits_device(self, site: str, device: str) -> bool:
        return self.device is not None and fnmatchcase(site, self.site) and fnmatchcase(device, self.device)

    def hits_camera(self, site: str, camera: str) -> bool:
        return self.camera is not None and fnmatchcase(site, self.site) and fnmatchcase(camera, self.camera)

    def travel(self, rng: np.random.Generator) -> ParcelEffect:
        raise NotImplementedError

    def gone_s(self, t: float) -> float:
        """Seconds until the connection is there again, endless where it is gone for good; 0 while it is there."""
        return 0.0


def with_numbers(faults: Iterable[AnyFault], seed: int, *place: str) -> Iterator[tuple[AnyFault, np.random.Generator]]:
    """Each fault with random numbers of its own at that place, the same whatever other faults there are."""
    seen: Counter[str] = Counter()
    for fault in faults:
        name = f"{type(fault).__name__}@{fault.start_s:g}"
        yield fault, generator(seed, *place, "fault", name, str(seen[name]))
        seen[name] += 1


def through(effects: Sequence[ParcelEffect], parcel: Parcel, start: int) -> list[Parcel]:
    """What becomes of a parcel by all effects in turn; what one of them loses, the next do not see.

    `start`: when the scenario began, ms UTC.
    """
    parcels = [parcel]
    for effect in effects:
        parcels = [made for one in parcels for made in ([one] if one.lost else effect((one.due - start) / 1000, one))]
    return parcels
