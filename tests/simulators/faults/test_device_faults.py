"""Faults of devices as a whole: power, clock, and what they decide to say."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from faulty_plant import START, counts, read, readings, scenario, second, sent, truth

from simulators.scenario import Scenario

HIGH = {
    "kind": "exceedance",
    "device": "json-1",
    "factor": "a21026",
    "reach": 60.0,
    "start_s": 22.0,
    "duration_s": 12.0,
}


def stamps(device: str, *faults: dict[str, Any], seconds: float = 60.0, **more: Any) -> list[int]:
    """What the messages are stamped with, ms since the start, in the order in which they arrive."""
    plan = scenario(*({"device": device, **fault} for fault in faults), **more)
    return [said.stamp - START for said in readings(plan, device, seconds)]


def test_the_dead_say_nothing_and_what_they_say_before_and_after_is_what_they_would_have_said() -> None:
    clean = sent(scenario(), "json-1")
    for kind in ("dead", "reboot"):
        told = sent(scenario({"kind": kind, "device": "json-1"}), "json-1")
        assert told == [m for m in clean if not START + 20_000 <= m.due < START + 40_000]
    forever = sent(scenario({"kind": "dead", "device": "json-1", "duration_s": None}), "json-1")
    assert forever == [m for m in clean if m.due < START + 20_000]


def test_after_a_reboot_the_minute_holds_at_most_what_came_behind_it() -> None:
    off = {"device": "stack-1", "start_s": 80.0, "duration_s": 15.0}

    def minutes(plan: Scenario) -> dict[int, float]:
        said = [read(message) for message in sent(plan, "stack-1", 130.0)]
        return {each.stamp: each.values["a21026-Avg"] for each in said if each.command == "2051"}

    plan = scenario({"kind": "reboot", **off})
    behind = [
        each.values["a21026"]
        for each in readings(plan, "stack-1", 130.0)
        if second(each) >= 95 and each.stamp < START + 120_000
    ]
    after, kept = minutes(plan), minutes(scenario(incidents=({"kind": "silence", **off},)))
    assert after[START] == kept[START]
    assert after != kept
    mean = sum(behind) / len(behind)
    assert after.get(START + 60_000, mean) == pytest.approx(mean, abs=0.006)


def test_what_was_put_off_is_not_said_without_power() -> None:
    late = {"kind": "out_of_order", "share": 1.0, "most_s": 10.0}
    told = sent(
        scenario({"device": "json-1", **late}, {"kind": "dead", "device": "json-1", "start_s": 30.0}), "json-1", 80.0
    )
    assert not [message for message in told if START + 30_000 <= message.due < START + 50_000]
    assert 1 <= len([message for message in told if 20_000 <= read(message).stamp - START < 30_000]) < 10


def test_a_clock_that_drifts_is_off_by_more_and_more_and_is_then_set_right() -> None:
    clean = stamps("json-1")
    for one, other in zip(clean, stamps("json-1", {"kind": "clock_drift", "seconds_per_hour": -360.0}), strict=True):
        wanted = -0.1 * (one - 20_000) if 20_000 <= one < 40_000 else 0
        assert other - one == pytest.approx(wanted, abs=1)


def test_a_clock_that_is_rewound_tells_the_same_seconds_again() -> None:
    clean = stamps("json-1")
    told = stamps("json-1", {"kind": "clock_rewound", "window_s": 5.0})
    inside = [at for at, one in enumerate(clean) if 20_000 <= one < 40_000]
    assert [told[at] for at in inside] == [clean[at] for at in inside[:5]] * 4
    assert [told[at] for at in range(len(clean)) if at not in inside] == [
        clean[at] for at in range(len(clean)) if at not in inside
    ]


def test_duplicates_are_the_same_bytes_as_often_as_asked_for() -> None:
    clean = [m.payload for m in sent(scenario(), "json-1")]
    plan = scenario({"kind": "duplicate", "device": "json-1", "copies": 3})
    told = [m.payload for m in sent(plan, "json-1")]
    assert [key for key, _ in itertools.groupby(told)] == clean
    often = [len(list(group)) for _, group in itertools.groupby(told)]
    assert often == [4 if START + 20_000 <= read(m).stamp < START + 40_000 else 1 for m in sent(scenario(), "json-1")]
    figures = counts(plan, "json-1")
    assert (figures["sent"], figures["duplicated"], figures["arrived"]) == (60, 60, 120)
    assert figures["out_of_order"] == figures["late"] == 0


def test_out_of_order_nothing_is_lost_and_the_truth_counts_what_came_behind_a_later_one() -> None:
    fault = {"kind": "out_of_order", "share": 0.5, "most_s": 6.0}
    clean, told = stamps("json-1"), stamps("json-1", fault, seconds=60.0)
    assert sorted(told) == clean
    assert [one for one in told if not 20_000 <= one < 46_000] == [one for one in clean if not 20_000 <= one < 46_000]
    behind = sum(one < max(told[:at]) for at, one in enumerate(told) if at)
    assert 3 < behind == counts(scenario({"device": "json-1", **fault}), "json-1")["out_of_order"]


def test_what_is_over_the_limit_is_withheld_and_follows_in_a_burst_and_the_oracle_finds_it_there() -> None:
    plan = scenario({"kind": "withheld", "device": "json-1", "delay_s": 25.0}, incidents=(HIGH,))
    said = readings(plan, "json-1", 80.0)
    over = [each for each in said if each.values["a21026-ZsRtd"] >= 35]
    assert len(over) > 8
    first = min(each.stamp for each in over)
    assert {each.due for each in over} == set(range(first + 25_000, first + 25_000 + 20 * len(over), 20))
    assert [each.stamp for each in over] == sorted(each.stamp for each in over)
    (found,) = (line for line in truth(plan, 80.0) if line["kind"] == "exceedance" and line["layer"] == "expected")
    assert found["late"] is True and found["start_ms"] == first
    assert counts(plan, "json-1", 80.0)["late"] == len(over)


def test_a_late_edition_of_2025_says_that_it_is_sent_again() -> None:
    plan = scenario(
        {"kind": "withheld", "device": "stack-1", "delay_s": 5.0}, incidents=({**HIGH, "device": "stack-1"},)
    )
    (device, *others) = plan.devices
    device = device.model_copy(update={"simulate": device.simulate.model_copy(update={"edition": "2025"})})
    device.simulate.model_fields_set.add("edition")
    messages = sent(plan.model_copy(update={"devices": (device, *others)}), "stack-1", 60.0)
    again = [b";RF=1;" in message.payload for message in messages if b"CN=2011" in message.payload]
    assert 8 < sum(again) < 20


def test_a_clock_that_never_comes_to_repeat_a_time_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="longer than its window_s"):
        scenario({"kind": "clock_rewound", "device": "json-1", "window_s": 20.0})
