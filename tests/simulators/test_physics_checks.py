"""Mistakes about processes, units and analysers are told before anything is played."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from pydantic import ValidationError

from simulators import library
from simulators.scenario import Scenario

GOOD = library.load("start-up").model_dump(exclude_unset=True)
SMOG = library.load("smog").model_dump(exclude_unset=True)


def mistake(tables: dict[str, Any]) -> str:
    with pytest.raises(ValidationError) as caught:
        Scenario.model_validate(tables)
    return str(caught.value)


def with_device(number: int, **simulate: Any) -> dict[str, Any]:
    tables = copy.deepcopy(GOOD)
    tables["devices"][number]["simulate"] = tables["devices"][number]["simulate"] | simulate
    return tables


def with_incident(**keys: Any) -> dict[str, Any]:
    return GOOD | {"incidents": [{"site": "nanyang-power", "start_s": 0.0, "duration_s": 9000.0, **keys}]}


def test_the_good_ones_are_read() -> None:
    for tables in (GOOD, SMOG):
        assert Scenario.model_validate(tables).devices


@pytest.mark.parametrize(
    ("simulate", "told"),
    [
        ({"fuel": "peat"}, "'coal', 'gas', 'oil' or 'waste'"),
        ({"fuel": "waste"}, "device inlet-2: unit '2' burns coal elsewhere, waste here"),
        ({"means": {"a00000": 300.0}}, "the mean of a00000 follows from area_m2"),
        ({"means": {"a19001": 20.0}}, "over 19 % is no combustion"),
        ({"ranges": {"a01012": 300.0}}, "ranges of 'a01012'; its analysers are of a21026"),
        ({"detection": {"w01018": 3.0}}, "detection of 'w01018'"),
        ({"minute_interval": 7}, "minute_interval"),
        ({"cycle_s": 3600.0}, "cycle_s is for analysers of waste water"),
        ({"drift": 2.0}, "less than or equal to 0.2"),
    ],
)
def test_a_device_that_cannot_be(simulate: dict[str, Any], told: str) -> None:
    assert told in mistake(with_device(2, **simulate))


@pytest.mark.parametrize(
    ("incident", "told"),
    [
        (
            {"kind": "standstill", "unit": "9"},
            "incidents.0 (standstill): no stack at site 'nanyang-power' is of unit '9'",
        ),
        ({"kind": "removal_failure", "device": "stack-9", "equipment": "dust_filter"}, "no device 'stack-9'"),
        ({"kind": "removal_failure", "device": "stack-1", "equipment": "cyclone"}, "'desulphurisation'"),
        (
            {"kind": "calibration", "device": "stack-1", "factors": ["a34013"]},
            "no calibration of 'a34013'; it knows a21026",
        ),
        ({"kind": "maintenance", "device": "stack-1", "factors": ["w01018"]}, "no maintenance of 'w01018'"),
    ],
)
def test_an_incident_that_cannot_be(incident: dict[str, Any], told: str) -> None:
    assert told in mistake(with_incident(**incident))


def test_fuel_is_not_for_air_and_removal_not_either() -> None:
    tables = copy.deepcopy(SMOG)
    tables["devices"][3]["simulate"] = {"fuel": "gas"}
    assert "device air-centre: fuel is for stacks" in mistake(tables)
    tables = SMOG | {"incidents": [SMOG["incidents"][0] | {"site": "nanyang-city", "device": "air-centre"}]}
    assert "device air-centre is no stack" in mistake(tables)
