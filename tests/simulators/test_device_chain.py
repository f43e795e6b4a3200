"""Faults are in the bytes, at the told time, and compose."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest
from played import device_messages

from simulators import library
from simulators.ordered import in_order
from simulators.records import Message
from simulators.scenario import Scenario
from simulators.truth import happenings

START = 1_767_225_600_000
SITE, DEVICE = "nanyang-city", "air-wancheng"
"""Speaks JSON every two seconds."""


def scenario(*faults: dict[str, Any]) -> Scenario:
    """The demo's sites and devices with these faults on one device, and no incidents."""
    plain = library.load("demo").model_copy(update={"cameras": (), "incidents": ()})
    full = [{"site": SITE, "device": DEVICE, "start_s": 20.0, "duration_s": 20.0, **fault} for fault in faults]
    return Scenario.model_validate({**plain.model_dump(), "faults": full})


def sent(*faults: dict[str, Any], seconds: float = 60.0) -> list[Message]:
    plan = scenario(*faults)
    device = next(each for each in plan.devices if each.id == DEVICE)
    messages = device_messages(plan, device, 7, START)
    return list(itertools.takewhile(lambda message: message.due < START + 1000 * seconds, messages))


def seconds(message: Message) -> float:
    """When it is stamped, since the start."""
    return (json.loads(message.payload)["time"] - START) / 1000


def readings(message: Message) -> dict[str, float]:
    return json.loads(message.payload)["readings"]


def test_a_stuck_analyser_repeats_its_last_value_and_nothing_else_changes() -> None:
    clean, faulty = sent(), sent({"kind": "stuck", "factors": ["a21026"]})
    assert [message.due for message in faulty] == [message.due for message in clean]
    stuck = {readings(m)["a21026"] for m in faulty if 20 <= seconds(m) < 40}
    before = [readings(m)["a21026"] for m in clean if seconds(m) < 20][-1]
    assert stuck == {before}
    for one, other in zip(clean, faulty, strict=True):
        if 20 <= seconds(one) < 40:
            changed = {code for code, value in readings(one).items() if readings(other)[code] != value}
            assert changed <= {"a21026"}
        else:
            assert one == other


def test_a_clock_that_steps_stamps_what_is_said_and_moves_nothing() -> None:
    clean, faulty = sent(), sent({"kind": "clock_step", "offset_s": -300.0})
    for one, other in zip(clean, faulty, strict=True):
        assert other.due == one.due and readings(other) == readings(one)
        assert seconds(other) - seconds(one) == (-300.0 if 20 <= seconds(one) < 40 else 0.0)


def test_what_is_said_while_the_link_is_down_follows_oldest_first_and_nothing_is_lost() -> None:
    clean, faulty = sent(), sent({"kind": "outage", "per_second": 2.0})
    assert sorted(m.payload for m in faulty) == sorted(m.payload for m in clean)
    assert not [m for m in faulty if START + 20_000 <= m.due < START + 40_000]
    kept = [m for m in faulty if 20 <= seconds(m) < 40]
    assert [m.due for m in kept] == sorted(m.due for m in kept)
    assert [seconds(m) for m in kept] == sorted(seconds(m) for m in kept)
    gaps = [b.due - a.due for a, b in itertools.pairwise(kept)]
    assert gaps == pytest.approx([500] * (len(kept) - 1), abs=1)
    assert [m.due for m in faulty] == sorted(m.due for m in faulty)


def test_faults_compose() -> None:
    faulty = sent({"kind": "outage"}, {"kind": "stuck"}, {"kind": "clock_step", "offset_s": 100.0})
    late = [m for m in faulty if START + 40_000 <= m.due < START + 41_000 and seconds(m) >= 120]
    assert len({json.dumps(readings(m)) for m in late}) == 1 and len(late) > 5


def test_each_fault_is_a_line_of_the_truth() -> None:
    told = [h.record for h in happenings(scenario({"kind": "outage"}, {"kind": "stuck", "factors": ["a21026"]}), START)]
    times = {"start_ms": START + 20_000, "end_ms": START + 40_000}
    where = {"site": SITE, "device": DEVICE}
    found = {"family": "data_quality", "what": "stuck", "factor": "a21026"}
    expect = [{**found, "from_ms": times["start_ms"], "to_ms": times["end_ms"]}]
    assert told == [
        {"layer": "link", **where, "kind": "outage", "per_second": 20.0, **times, "counts": ["late"]},
        {
            "layer": "device",
            **where,
            "factors": ("a21026",),
            "stage": "analyser",
            "kind": "stuck",
            **times,
            "expect": expect,
        },
    ]


def test_items_put_off_come_at_their_time() -> None:
    def item(due: int, name: str) -> Message:
        return Message(due, name, b"", 0)

    groups = [(1, [item(5, "a")]), (2, [item(2, "b"), item(9, "c")]), (5, [item(5, "d")]), (7, [])]
    assert [message.topic for message in in_order(groups)] == ["b", "a", "d", "c"]
