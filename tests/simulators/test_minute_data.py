"""Minute data are what the real-time data of that minute give."""

from __future__ import annotations

import pytest

from simulators.minute import Minutes
from simulators.processes.stack import Stack
from simulators.processes.wastewater import Wastewater
from simulators.records import Reading

NOON = 1_767_240_000_000


def test_a_minute_is_told_once_the_next_begins() -> None:
    minutes = Minutes(Stack)
    told = [
        minutes.add(NOON + s * 1000, [Reading("a21026", {"Rtd": float(s), "ZsRtd": s + 0.5}, 2)]) for s in range(61)
    ]
    assert told[:60] == [None] * 60
    assert told[60] == (
        NOON,
        [
            Reading(
                "a21026",
                {"Avg": 29.5, "Min": 0.0, "Max": 59.0, "ZsAvg": 30.0, "ZsMin": 0.5, "ZsMax": 59.5},
                2,
            )
        ],
    )


def test_a_minute_of_too_few_samples_is_not_told() -> None:
    minutes = Minutes(Stack)
    for s in range(49, 60):
        assert minutes.add(NOON + s * 1000, [Reading("a21026", {"Rtd": 1.0}, 2)]) is None
    assert minutes.add(NOON + 60_000, [Reading("a21026", {"Rtd": 1.0}, 2)]) is None


def test_totals_are_cubic_metres_and_kilograms_and_water_is_weighted_by_flow() -> None:
    minutes = Minutes(Wastewater)
    for s in range(60):
        flow, cod, ph = (100.0, 20.0, 7.0) if s < 30 else (300.0, 40.0, 8.0)
        minutes.add(
            NOON + s * 1000,
            [
                Reading("w01018", {"Rtd": cod}, 2),
                Reading("w01001", {"Rtd": ph}, 2),
                Reading("w00000", {"Rtd": flow}, 2),
            ],
        )
    ended = minutes.add(NOON + 60_000, [])
    assert ended is not None
    cod, ph, flow = ended[1]
    assert flow.values["Cou"] == pytest.approx(200 * 60 / 1000)  # L/s to m3
    assert cod.values["Avg"] == pytest.approx((100 * 20 + 300 * 40) / 400)
    assert cod.values["Cou"] == pytest.approx((100 * 20 + 300 * 40) / 2 * 60 * 1e-6)  # mg/s to kg
    assert ph.values["Avg"] == 7.5
    assert "Cou" not in ph.values
