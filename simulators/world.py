"""The world that devices share: weather, the load of units, and what stacks bring downwind.

All of it are pure functions of seed, names and time, so what a device tells depends on nothing but what it physically
depends on.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Final, NamedTuple

from simulators.incidents import Exceedance, RemovalFailure, SmokeWithDust, Standstill
from simulators.processes.flue_gas import FlueGas
from simulators.processes.fuels import POLLUTANTS
from simulators.processes.plume import Mouth, Way, share
from simulators.processes.seam import Draw, Surroundings, nothing
from simulators.processes.settings import ProcessSettings
from simulators.processes.unit import Unit
from simulators.processes.weather import Weather
from simulators.scenario import Scenario
from simulators.seeds import generator
from simulators.settings import Device
from simulators.weather import Course

METRES_PER_DEGREE: Final = 111_195.0
PLUME_STEP_MS: Final = 60_000
"""Plumes are worked out once a minute; between, concentrations go in straight lines."""
Levels = Mapping[str, float]


class World:
    """What the devices of one scenario stand in."""

    def __init__(self, scenario: Scenario, seed: int, start: int) -> None:
        self._scenario = scenario
        self._seed = seed
        self._start = start
        self._course = Course(scenario.weather, seed, start)

    def weather(self, device: Device, time: int) -> Weather:
        """Where a device stands, at `time` (ms UTC)."""
        return self._course.at(time, self._scenario.site(device.site))

    def around(self, device: Device) -> Surroundings:
        """What the process that a device measures depends on."""
        if self._scenario.kind(device) == "stack":
            return Surroundings(self._unit(device).load, self._lost(device), nothing)
        if self._scenario.kind(device) == "ambient":
            return Surroundings(_idle, nothing, self._brought(device))
        return Surroundings(_idle, nothing, nothing)

    def draws(self, device: Device) -> Callable[[float], dict[str, Draw]]:
        """What incidents draw the factors of a device to, by the seconds since the start."""
        drawing = [
            each
            for each in self._scenario.incidents
            if isinstance(each, Exceedance | SmokeWithDust) and (each.site, each.device) == (device.site, device.id)
        ]
        return lambda t: {each.factor: Draw(each.reach, each.share(t)) for each in drawing if each.active(t)}

    def _seconds(self, time: int) -> float:
        return (time - self._start) / 1000

    def _settings(self, device: Device) -> ProcessSettings:
        return self._scenario.resolve(device).simulate

    def _unit(self, device: Device) -> Unit:
        settings = self._settings(device)
        name = settings.unit or device.id
        stops = [
            each
            for each in self._scenario.incidents
            if isinstance(each, Standstill) and (each.site, each.unit) == (device.site, name)
        ]

        def running(time: int) -> float:
            t = self._seconds(time)
            return min((each.running(t) for each in stops), default=1.0)

        zone = self._scenario.site(device.site).zone
        return Unit(generator(self._seed, device.site, "unit", name), settings.burnt, zone, running)

    def _lost(self, device: Device) -> Callable[[int], Levels]:
        failures = [
            each
            for each in self._scenario.incidents
            if isinstance(each, RemovalFailure) and (each.site, each.device) == (device.site, device.id)
        ]
        if not failures:
            return nothing

        def lost(time: int) -> Levels:
            t = self._seconds(time)
            shares: dict[str, float] = {}
            for each in failures:
                shares[each.factor] = max(each.share(t), shares.get(each.factor, 0.0))
            return shares

        return lost

    def _place(self, device: Device) -> tuple[float, float]:
        """Latitude and longitude."""
        settings, site = self._settings(device), self._scenario.site(device.site)
        latitude = site.latitude if settings.latitude is None else settings.latitude
        return latitude, site.longitude if settings.longitude is None else settings.longitude

    @cached_property
    def _chimneys(self) -> list[_Chimney]:
        """The stacks of the scenario with a height: the same ones for every station."""
        chimneys: list[_Chimney] = []
        for device in self._scenario.devices:
            settings = self._settings(device)
            if settings.height_m is not None and self._scenario.kind(device) == "stack":
                gas = FlueGas(settings, self.around(device))
                chimneys.append(_Chimney(self._place(device), _mouth(settings), gas, self.draws(device)))
        return chimneys

    def _brought(self, station: Device) -> Callable[[int], Levels]:
        """What all stacks of the scenario with a height bring to a station."""
        if not self._chimneys:
            return nothing
        here = self._place(station)
        sources = [_Source(_way(chimney.place, here), chimney) for chimney in self._chimneys]

        def summed(time: int) -> dict[str, float]:
            weather = self.weather(station, time)
            total: dict[str, float] = dict.fromkeys(POLLUTANTS, 0.0)
            for source in sources:
                source.add(total, time, weather, self._seconds)
            return total

        return _stepwise(summed)


class _Chimney(NamedTuple):
    """What comes out of one stack, and where."""

    place: tuple[float, float]
    """Latitude and longitude."""
    mouth: Mouth
    gas: FlueGas
    draws: Callable[[float], Mapping[str, Draw]]


class _Source(NamedTuple):
    """One stack as seen from one station."""

    way: Way
    chimney: _Chimney

    def add(self, total: dict[str, float], time: int, weather: Weather, seconds: Callable[[int], float]) -> None:
        """Adds its ug/m3 to the total by factor: what left the mouth when what arrives now did."""
        downwind, _ = self.way.along(weather.wind_from_deg)
        if downwind <= 0:
            return
        _, mouth, flue, draws = self.chimney
        left = time - round(downwind / weather.wind_m_s * 1000)
        gas = flue.at(left, draws(seconds(left)))
        velocity = flue.velocity(gas.flow, mouth.temperature_c, 0.0, 0.0)
        each = share(mouth, self.way, velocity, weather)
        if each:
            for code, milligrams in flue.emitted(gas).items():
                total[code] += 1000.0 * milligrams * each


def _stepwise(function: Callable[[int], dict[str, float]]) -> Callable[[int], Levels]:
    """A function that is worked out at whole steps of time alone, the same for whoever asks when."""
    known: dict[int, dict[str, float]] = {}

    def at(step: int) -> dict[str, float]:
        if step not in known:
            while len(known) > 4:
                del known[next(iter(known))]
            known[step] = function(step * PLUME_STEP_MS)
        return known[step]

    def between(time: int) -> Levels:
        step, rest = divmod(time, PLUME_STEP_MS)
        before, after, part = at(step), at(step + 1), rest / PLUME_STEP_MS
        return {code: level + (after[code] - level) * part for code, level in before.items()}

    return between


def _way(mouth: tuple[float, float], station: tuple[float, float]) -> Way:
    north = (station[0] - mouth[0]) * METRES_PER_DEGREE
    east = (station[1] - mouth[1]) * METRES_PER_DEGREE * math.cos(math.radians(mouth[0]))
    return Way(east, north)


def _mouth(settings: ProcessSettings) -> Mouth:
    fuel = settings.burnt
    return Mouth(
        settings.height_m or 0.0, settings.area_m2 or fuel.area_m2, settings.means.get("a01012", fuel.temperature)
    )


def _idle(_time: int) -> float:
    return 0.0
