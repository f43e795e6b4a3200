"""What is measured is plausible at every hour of the day, and its parts fit together."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np
import pytest

from simulators import library
from simulators.processes import PROCESSES, Kind
from simulators.processes.seam import Draw, Moment, Reading

DEMO = library.load("demo")


def day(kind: Kind, seed: int, step_s: float = 60.0) -> Iterator[dict[str, Reading]]:
    """A process through one day."""
    process = PROCESSES[kind](np.random.default_rng(seed), {})
    for minute in range(int(86_400 / step_s)):
        readings = process.step(Moment(hour=minute * step_s / 3600, dt=step_s), {})
        yield {reading.code: reading for reading in readings}


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("device", [d for d in DEMO.devices if DEMO.resolve(d).limits], ids=lambda d: d.id)
def test_without_incidents_no_monitor_of_the_demo_comes_near_its_limits(device, seed: int) -> None:  # pyright: ignore
    settings = DEMO.resolve(device)
    process = PROCESSES[DEMO.kind(device)](np.random.default_rng(seed), settings.simulate.means)
    for step in range(480):
        readings = {r.code: r for r in process.step(Moment(hour=step / 20, dt=180.0), {})}
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
        velocity, temperature, moisture, flow = (
            readings[code].values["Rtd"] for code in ("a01011", "a01012", "a01014", "a00000")
        )
        assert flow == pytest.approx(velocity * 38 * 273.15 / (273.15 + temperature) * (1 - moisture / 100), rel=2e-3)


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
        process = PROCESSES[kind](np.random.default_rng(6), {})
        draw = {code: Draw(reach=12.0, share=1.0)}
        readings = {r.code: r for r in process.step(Moment(hour=12.0, dt=1.0), draw)}
        values = readings[code].values
        assert values.get("ZsRtd", values["Rtd"]) == pytest.approx(12.0, rel=0.09)
