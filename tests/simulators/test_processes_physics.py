"""What is measured is plausible at every hour of the day, and its parts fit together."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from simulators import library
from simulators.instrument import Instrument
from simulators.processes import PROCESSES, Kind
from simulators.processes.seam import Draw, Moment, Surroundings, nothing
from simulators.processes.settings import ProcessSettings
from simulators.processes.unit import Unit
from simulators.records import Reading
from simulators.settings import WeatherPlan
from simulators.weather import Course

DEMO = library.load("demo")


MIDNIGHT = 1_767_196_800_000
"""2026-01-01, 00:00 at the sites."""


class Measured:
    """A process with its analysers and its logger, in the weather that a scenario has unless it says otherwise."""

    def __init__(self, kind: Kind, seed: int, means: Mapping[str, float] | None = None) -> None:
        rng = np.random.default_rng(seed)
        settings = ProcessSettings(means=dict(means or {}))
        unit = Unit(rng, settings.burnt, ZoneInfo("Asia/Shanghai"))
        self._course = Course(WeatherPlan(), seed, MIDNIGHT)
        self._process = PROCESSES[kind](rng, settings, Surroundings(unit.load, nothing, nothing))
        self._instrument = Instrument(rng, self._process, settings)

    def step(self, hour: float, dt: float, draws: Mapping[str, Draw] | None = None) -> dict[str, Reading]:
        time = MIDNIGHT + round(hour * 3_600_000)
        moment = Moment(time, hour % 24, dt, self._course.at(time, DEMO.sites[0]))
        shown = self._instrument.measure(hour * 3600, self._process.step(moment, draws or {}))
        return {reading.code: reading for reading in self._process.derive(shown)}


def day(kind: Kind, seed: int, step_s: float = 60.0) -> Iterator[dict[str, Reading]]:
    """A process through one day."""
    measured = Measured(kind, seed)
    for minute in range(int(86_400 / step_s)):
        yield measured.step(minute * step_s / 3600, step_s)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("device", [d for d in DEMO.devices if DEMO.resolve(d).limits], ids=lambda d: d.id)
def test_without_incidents_no_monitor_of_the_demo_comes_near_its_limits(device, seed: int) -> None:  # pyright: ignore
    settings = DEMO.resolve(device)
    measured = Measured(DEMO.kind(device), seed, settings.simulate.means)
    for step in range(480):
        readings = measured.step(step / 20, 180.0)
        for limit in settings.limits:
            value = readings[limit.factor].values[limit.field]
            if limit.above:
                assert value < limit.above[0] * (1 - limit.band), (limit.factor, step / 20)
            if limit.below:
                assert value > limit.below[0] * (1 + limit.band), (limit.factor, step / 20)


def test_corrected_values_follow_from_the_measured_ones_and_oxygen() -> None:
    for readings in day("stack", seed=1):
        oxygen = readings["a19001"].values["Rtd"]
        for code in ("a21026", "a21002", "a34013"):
            values = readings[code].values
            assert values["ZsRtd"] == pytest.approx(values["Rtd"] * (21 - 6) / (21 - oxygen), abs=0.0051)


def test_dry_standard_flow_follows_from_velocity_temperature_and_moisture() -> None:
    for readings in day("stack", seed=2):
        velocity, temperature, moisture, pressure, flow = (
            readings[code].values["Rtd"] for code in ("a01011", "a01012", "a01014", "a01013", "a00000")
        )
        standard = 273.15 / (273.15 + temperature) * (101.325 + pressure) / 101.325
        assert flow == pytest.approx(velocity * 38 * standard * (1 - moisture / 100), rel=2e-3)


@pytest.mark.parametrize(
    ("kind", "part", "whole"),
    [("wastewater", "w21003", "w21001"), ("ambient", "a34004", "a34002")],
    ids=["total nitrogen holds ammonia", "PM10 holds PM2.5"],
)
def test_a_whole_is_never_less_than_its_part(kind: Kind, part: str, whole: str) -> None:
    for readings in day(kind, seed=3):
        assert readings[whole].values["Rtd"] >= readings[part].values["Rtd"]


@pytest.mark.parametrize("kind", list(PROCESSES))
def test_every_factor_is_measured_at_each_step_and_rounded_as_told(kind: Kind) -> None:
    for readings in day(kind, seed=4, step_s=1800.0):
        assert set(readings) == set(PROCESSES[kind].DECIMALS)
        for reading in readings.values():
            for value in reading.values.values():
                assert np.isfinite(value)
                assert value == round(value, reading.decimals)


def test_values_have_a_memory_and_do_wander() -> None:
    so2 = np.array([readings["a21026"].values["ZsRtd"] for readings in day("stack", seed=5, step_s=60.0)])
    seconds = itertools.islice(day("stack", seed=5, step_s=1.0), 2000)
    second = np.array([readings["a21026"].values["ZsRtd"] for readings in seconds])
    assert so2.std() > 0.8
    assert np.abs(np.diff(second)).mean() < second.std()


@pytest.mark.parametrize("kind", list(PROCESSES))
def test_an_incident_draws_any_factor_to_its_level(kind: Kind) -> None:
    for code in PROCESSES[kind].DECIMALS:
        values = Measured(kind, 6).step(12.0, 1.0, {code: Draw(reach=12.0, share=1.0)})[code].values
        assert values.get("ZsRtd", values["Rtd"]) == pytest.approx(12.0, rel=0.09)
