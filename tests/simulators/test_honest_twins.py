"""Honest devices do not look like fraud: what they share they share as far as physics makes them, and no further."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from simulators.device_chain import DeviceChain
from simulators.scenario import Scenario

START = 1_767_196_800_000
"""2026-01-01, 00:00 at the site."""
STEP_S = 300.0
CODES = {
    "stack": ["a21026", "a21002", "a34013", "a19001", "a01012", "a01014", "a00000"],
    "wastewater": ["w01018", "w21003", "w21011", "w21001", "w01001", "w01010", "w01014", "w00000"],
    "ambient": ["a34004", "a34002", "a21026", "a21004", "a21005", "a05024", "a01001", "a01002", "a01006", "a01007"],
}
WEATHER = {"a01001", "a01002", "a01006"}
"""What the weather of one place gives to all stations, so that they rise and fall together."""


def pair(kind: str) -> Scenario:
    """Two devices of a kind at one site that have nothing to do with each other."""
    name = {"en": "x", "zh": "x"}
    factors = [{"code": code, "unit": "", "name": name} for code in CODES[kind]]
    return Scenario.model_validate(
        {
            "about": "two of a kind",
            "sites": [{"id": "s", "name": name, "latitude": 33.0, "longitude": 112.5}],
            "types": {kind: {"kind": kind, "interval_s": STEP_S, "factors": factors}},
            "devices": [{"id": each, "site": "s", "type": kind, "name": name} for each in ("one", "other")],
        }
    )


def day(scenario: Scenario, device: int, seed: int) -> dict[str, np.ndarray]:
    """Values of a day by factor, shape (288,)."""
    said = DeviceChain(scenario, scenario.devices[device], seed, START).said()
    rows = [{r.code: r.values["Rtd"] for r in reports[0].readings} for _, reports in itertools.islice(said, 288)]
    return {code: np.array([row[code] for row in rows]) for code in rows[0]}


def hours(values: np.ndarray) -> np.ndarray:
    return values.reshape(24, -1).mean(axis=1)


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("kind", CODES)
def test_two_honest_devices_of_a_site_do_not_tell_one_series(kind: str, seed: int) -> None:
    """Trick 16 is seen by a correlation over 0.99 in a day."""
    scenario = pair(kind)
    one, other = (day(scenario, device, seed) for device in (0, 1))
    for code in CODES[kind]:
        assert np.mean(one[code] == other[code]) < 0.3, code
        if code not in WEATHER:
            assert np.corrcoef(hours(one[code]), hours(other[code]))[0, 1] < 0.99, code


def test_ozone_is_highest_in_the_early_afternoon() -> None:
    scenario = pair("ambient")
    ozone = np.mean([hours(day(scenario, 0, seed)["a05024"]) for seed in range(6)], axis=0)
    assert 13 <= int(np.argmax(ozone)) <= 16


def test_wind_at_a_station_has_gusts_and_its_vane_sways() -> None:
    measured = day(pair("ambient"), 0, 1)
    assert 0.1 < np.std(np.diff(np.log(np.maximum(measured["a01007"], 0.1)))) < 0.8


@pytest.mark.parametrize("code", ["w01018", "w21003", "w21011", "w01001", "w01010", "w01014"])
def test_what_leaves_a_tank_of_hours_remembers_the_quarter_of_an_hour_before(code: str) -> None:
    """A real river or outfall has 0.97 and more; half an hour of mixing leaves no white noise."""
    quarters = day(pair("wastewater"), 0, 3)[code][::3]
    away = quarters - quarters.mean()
    assert (away[:-1] * away[1:]).sum() / (away**2).sum() > 0.6
