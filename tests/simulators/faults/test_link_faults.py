"""Faults of links: when, how often and whether messages and frames arrive, and that each is accounted for."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest
from faulty_plant import START, counts, scenario, sent, truth
from hypothesis import given, settings
from hypothesis import strategies as st
from played import stream

from simulators.fleet import Item, camera_shots
from simulators.records import Happening, Message, Shot
from simulators.scenario import Scenario

CLEAN = sent(scenario(), "json-1")
SENT_AT = {message.payload: message.due for message in CLEAN}


def inside(due: int) -> bool:
    """Whether the fault of `scenario` was on."""
    return START + 20_000 <= due < START + 40_000


def arrived(**fault: Any) -> list[Message]:
    return sent(scenario({"device": "json-1", **fault}), "json-1", 80.0)


def waits(messages: list[Message]) -> list[tuple[int, int]]:
    """When each was sent and how long it took, ms; of those sent in the first minute."""
    known = [message for message in messages if message.payload in SENT_AT]
    return [(SENT_AT[message.payload], message.due - SENT_AT[message.payload]) for message in known]


def test_lost_messages_are_lost_while_it_lasts_and_counted() -> None:
    plan = scenario({"kind": "loss", "device": "json-1", "share": 0.4})
    told = sent(plan, "json-1")
    missing = [message for message in CLEAN if message not in told]
    assert 3 < len(missing) < 14 and all(inside(message.due) for message in missing)
    figures = counts(plan, "json-1")
    assert (figures["sent"], figures["lost"], figures["arrived"]) == (60, len(missing), 60 - len(missing))


def test_a_disconnect_loses_all_of_it() -> None:
    assert sent(scenario({"kind": "disconnect", "device": "json-1"}), "json-1") == [
        message for message in CLEAN if not inside(message.due)
    ]


def test_a_delay_keeps_the_order_and_jitter_does_not() -> None:
    delayed = waits(arrived(kind="delay", delay_s=5.0))
    assert [at for at, _ in delayed] == sorted(at for at, _ in delayed) and len(delayed) == 60
    assert all(wait == 5000 for at, wait in delayed if inside(at))
    assert all(wait == 0 for at, wait in delayed if at < START + 20_000 or at > START + 45_000)
    jittered = waits(arrived(kind="network_jitter", most_s=5.0))
    assert sorted(at for at, _ in jittered) == sorted(SENT_AT.values())
    assert [at for at, _ in jittered] != sorted(at for at, _ in jittered)
    assert all(0 <= wait <= 5000 for at, wait in jittered if inside(at))
    assert all(wait == 0 for at, wait in jittered if not inside(at))


def test_a_storm_of_reconnects_keeps_what_was_said_and_says_the_last_again() -> None:
    plan = scenario({"kind": "reconnect_storm", "device": "json-1", "down_s": 3.0, "up_s": 2.0, "again": 1})
    told = sent(plan, "json-1", 60.0)
    assert {message.payload for message in told} == set(SENT_AT)
    for cycle in range(4):
        down = START + 20_000 + 5000 * cycle
        assert not [message for message in told if down <= message.due < down + 3000]
        back = [message for message in told if message.due == down + 3000]
        kept = [message for message in CLEAN if down <= message.due < down + 3000]
        before = [message for message in CLEAN if message.due < down][-1]
        assert [message.payload for message in back] == [before.payload, *(message.payload for message in kept)]
    figures = counts(plan, "json-1")
    assert (figures["sent"], figures["duplicated"], figures["arrived"], figures["lost"]) == (60, 4, 64, 0)


def test_a_retained_message_comes_again_and_again_marked_as_such() -> None:
    told = arrived(kind="retained_replay", again_s=5.0)
    last = [message for message in CLEAN if message.due < START + 20_000][-1]
    retained = [message for message in told if message.retain]
    assert [message.payload for message in retained] == [last.payload] * 4
    assert [round((message.due - START) / 1000 - 22.5) for message in retained] == pytest.approx([-2, 3, 8, 13], abs=1)
    assert [message for message in told if not message.retain and message.due < START + 60_000] == CLEAN


def figures_of(items: Sequence[Item]) -> dict[str, Any]:
    """The counts at the end of a run of one device or camera."""
    *_, last = items
    assert isinstance(last, Happening)
    return last.record


CAMERA_FAULTS = ["loss", "disconnect", "outage", "delay", "network_jitter", "reconnect_storm", "retained_replay"]
NEEDS = {"delay": {"delay_s": 2.0}, "network_jitter": {"most_s": 2.0}}


@pytest.mark.parametrize("kind", CAMERA_FAULTS)
def test_frames_of_a_camera_meet_the_same_fate(kind: str) -> None:
    fault = {"kind": kind, "camera": "yard", "start_s": 3.0, "duration_s": 4.0, **NEEDS.get(kind, {})}
    alone = scenario(fault).model_copy(update={"devices": ()})
    shots = camera_shots(alone, alone.cameras[0], 7, START)
    clean = list(itertools.takewhile(lambda shot: shot.due < START + 12_000, shots))
    items = list(stream(alone, 7, START, 12))
    told = [item for item in items if isinstance(item, Shot)]
    figures = figures_of(items)
    due = {shot.number: shot.due for shot in clean}
    untouched = [n for n, at in due.items() if not START + 3000 <= at < START + 9000]
    seen = Counter(shot.number for shot in told if shot.due == due[shot.number])
    assert all(seen[number] == 1 for number in untouched)
    assert figures["arrived"] == len(told) == figures["sent"] + figures["duplicated"] - figures["lost"]
    assert told != clean
    kept = Counter(shot.number for shot in told)
    if kind in ("loss", "disconnect"):
        assert figures["lost"] == len(clean) - len(told) > 0
    elif kind in ("retained_replay", "reconnect_storm"):
        assert max(kept.values()) > 1 and set(kept) == set(due)
    else:
        assert kept == Counter(due.keys()) and max(shot.due - due[shot.number] for shot in told) > 1000


def plan_of(faults: list[tuple[str, float, float]]) -> Scenario:
    keys: dict[str, dict[str, Any]] = {
        "loss": {"share": 0.3}, "delay": {"delay_s": 3.0}, "network_jitter": {"most_s": 4.0},
        "duplicate": {"copies": 2, "share": 0.5}, "out_of_order": {}, "truncated": {"share": 0.4}, "disconnect": {},
        "outage": {"per_second": 3.0}, "reconnect_storm": {}, "retained_replay": {"again_s": 4.0},
    }  # fmt: skip
    return scenario(
        *(
            {"kind": kind, "device": "json-1", "start_s": start, "duration_s": lasting, **keys[kind]}
            for kind, start, lasting in faults
        )
    )


KINDS = ["loss", "delay", "network_jitter", "duplicate", "out_of_order", "truncated", "disconnect", "outage",
         "reconnect_storm", "retained_replay"]  # fmt: skip


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(KINDS), st.floats(0, 30), st.floats(0.5, 25)), min_size=1, max_size=5),
    st.integers(0, 99),
)
def test_however_faults_compose_each_message_is_accounted_for(
    faults: list[tuple[str, float, float]], seed: int
) -> None:
    plan = plan_of(faults)
    alone = plan.model_copy(update={"devices": tuple(d for d in plan.devices if d.id == "json-1"), "cameras": ()})
    items = list(stream(alone, seed, START, 150.0))
    assert [item.due for item in items] == sorted(item.due for item in items)
    messages = [item for item in items if isinstance(item, Message)]
    figures = figures_of(items)
    assert figures["arrived"] == len(messages) == figures["sent"] + figures["duplicated"] - figures["lost"]
    assert figures["sent"] == 150
    assert sum(figures["corrupted"].values()) == sum(
        b'"readings":{' not in m.payload or m.payload[-1:] != b"}" for m in messages
    )
    assert items == list(stream(alone, seed, START, 150.0))


def test_what_is_random_stays_when_another_fault_is_added() -> None:
    loss = {"kind": "loss", "device": "json-1", "share": 0.4}
    others = ({"kind": "stuck", "device": "*"}, {"kind": "loss", "device": "json-1", "start_s": 50.0, "share": 0.5})
    alone, among = sent(scenario(loss), "json-1", 45.0), sent(scenario(*others, loss), "json-1", 45.0)
    assert [message.due for message in alone] == [message.due for message in among]


def test_silences_are_gaps_between_what_arrives_and_is_surely_of_the_device() -> None:
    plan = scenario(
        {"kind": "outage", "device": "json-1", "start_s": 10.0, "duration_s": 12.0},
        {"kind": "wrong_topic", "device": "json-1", "start_s": 40.0, "duration_s": 10.0},
        {"kind": "truncated", "device": "json-1", "start_s": 52.0, "duration_s": 10.0},  # unreadable, but its voice
        {"kind": "disconnect", "device": "json-1", "start_s": 70.0, "duration_s": None},
        {"kind": "disconnect", "device": "water-1", "start_s": 10.0, "duration_s": 6.0},
    )
    found = [line for line in truth(plan, 90.0) if line["layer"] == "expected" and line["kind"] == "silence"]
    assert {line["device"] for line in found} == {"json-1"}
    times = [message.due for message in sent(scenario(), "json-1", 100.0)]
    first, second, third = found
    assert first["start_ms"] == [at for at in times if at < START + 10_000][-1]
    assert START + 22_000 <= first["end_ms"] <= START + 22_060
    assert second["start_ms"] == [at for at in times if at < START + 40_000][-1]
    assert second["end_ms"] == next(at for at in times if at >= START + 50_000)
    assert third["end_ms"] is None and third["start_ms"] == [at for at in times if at < START + 70_000][-1]
    for line in found:
        (expect,) = line["expect"]
        assert (expect["from_ms"], expect["to_ms"]) == (line["start_ms"], line["start_ms"] + 8000)


def test_an_exceedance_is_to_be_found_as_it_arrives() -> None:
    rise = {
        "kind": "exceedance",
        "device": "json-1",
        "factor": "a21026",
        "reach": 90.0,
        "start_s": 22.0,
        "duration_s": 12.0,
    }

    def found(**fault: Any) -> list[tuple[bool, int]]:
        lines = truth(scenario({"device": "json-1", **fault}, incidents=(rise,)), 120.0)
        return [
            (line["late"], line["start_ms"])
            for line in lines
            if (line["layer"], line["kind"]) == ("expected", "exceedance")
        ]

    ((late, since),) = found(kind="delay", delay_s=5.0)
    assert not late
    assert found(kind="disconnect") == []  # nobody ever hears of it
    assert found(kind="outage", per_second=20.0) == [(False, since)]
    # What is said after the end overtakes a backlog that is worked off slowly.
    assert found(kind="outage", per_second=2.0) == [(True, since)]
    # Some of it is late: it was found before.
    assert found(kind="network_jitter", most_s=4.0, start_s=26.0) == [(False, since)]
