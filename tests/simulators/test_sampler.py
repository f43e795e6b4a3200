"""Analysers that work on mixed samples tell one result a cycle, that of the water of the cycle before."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from simulators import library
from simulators.device_chain import DeviceChain
from simulators.sampler import Sampler
from simulators.scenario import Scenario

START = 1_767_196_800_000
RAIN = library.load("rain-at-the-works")
SAMPLED = ("w01018", "w21003", "w21011", "w21001")


def works(**simulate: object) -> Scenario:
    """The first works of the scenario, alone and without services."""
    tables = RAIN.model_dump(exclude_unset=True)
    device = dict(tables["devices"][0])
    device["simulate"] = {**device.get("simulate", {}), "minute": False, "hour": False, "day": False, **simulate}
    return Scenario.model_validate({**tables, "devices": [device], "incidents": []})


def told(scenario: Scenario, seconds: float) -> list[tuple[float, dict[str, float]]]:
    said = DeviceChain(scenario, scenario.devices[0], 1, START).said()
    until = itertools.takewhile(lambda each: each[0] < START + seconds * 1000, said)
    return [((t - START) / 1000, {r.code: r.values["Rtd"] for r in reports[0].readings}) for t, reports in until]


def test_the_result_of_a_cycle_is_the_mean_of_the_one_before() -> None:
    sampler = Sampler({"x"}, 10.0)
    results = [sampler.analysed(float(t), {"x": float(t), "y": -float(t)}) for t in range(30)]
    assert [each["x"] for each in results] == [0.0] * 10 + [4.5] * 10 + [14.5] * 10
    assert [each["y"] for each in results] == [-float(t) for t in range(30)]


def test_an_hour_has_one_result_and_what_flows_by_goes_on() -> None:
    flowing, analysed = told(works(), 3 * 3600), told(works(cycle_s=3600.0), 3 * 3600)
    for hour in range(3):
        inside = [values for t, values in analysed if hour * 3600 <= t < (hour + 1) * 3600]
        for code in SAMPLED:
            assert len({values[code] for values in inside}) == 1, (hour, code)
        assert len({values["w00000"] for values in inside}) > 10
    for code in SAMPLED:
        before = [values[code] for t, values in flowing if t < 3600]
        second = next(values[code] for t, values in analysed if t >= 3600)
        assert second == pytest.approx(np.mean(before), rel=0.02)
        assert len({values[code] for _, values in analysed}) == 3
