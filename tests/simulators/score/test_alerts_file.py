"""Alerts of this gateway, however they were got, and of any receiver: the same alerts."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import msgspec
import pytest

from detectors.records import Finding, Phase
from gateway.alerts.feeds import alert_object, alert_payload
from gateway.alerts.machine import AlertMachine
from gateway.alerts.records import Family, Subject, Transition
from simulators.errors import SimulatorError
from simulators.score.alerts_file import read_alerts
from simulators.score.records import Said

START = 1_767_225_600_000
SO2 = Subject(Family.EXCEEDANCE, "d0/so2", "plant", "device", "d0", "a21026", "ZsRtd")
GATE = Subject(Family.SECURITY, "gate", "plant", "camera", "yard")
CLOCK = Subject(Family.DATA_QUALITY, "clock_behind", "plant", "device", "d1")
LATE = Subject(Family.EXCEEDANCE, "d0/so2:late", "plant", "device", "d0", "a21026", "ZsRtd")
SHORT = Subject(Family.EXCEEDANCE, "d2/so2", "plant", "device", "d2", "a21026", "ZsRtd")
SAID = [
    Said("exceedance", "d0/so2:late", "limit", "plant", "d0", START - 5_000, START + 60_200, None, "a21026", "ZsRtd"),
    Said("exceedance", "d0/so2", "limit", "plant", "d0", START, START + 5_200, START + 30_000, "a21026", "ZsRtd"),
    Said("security", "gate", "motion", "plant", "yard", START + 1_000, START + 2_200, START + 9_000, zone="gate"),
    Said("data_quality", "clock_behind", "clock", "plant", "d1", START + 2_000, START + 2_200, None),
]


def steps() -> list[Transition]:
    """A life whole, one that only fired, and one that was withdrawn; each step recorded 200 ms after its data."""
    machine = AlertMachine([], lambda alert, step, finding: ("text", "文"))

    def step(subject: Subject, phase: Phase, since: int, at: int, level: int = 1) -> Transition:
        finding = Finding("limit", 0, 0, phase, level, START + since, START + at, 50.0, 35.0)
        made = machine.apply(finding, subject, START + at + 200)
        assert made is not None
        return made

    return [
        step(SO2, Phase.PENDING, 0, 0),
        step(GATE, Phase.ACTIVE, 1_000, 2_000),
        step(CLOCK, Phase.ACTIVE, 2_000, 2_000),
        step(SO2, Phase.ACTIVE, 0, 5_000),
        step(SO2, Phase.ACTIVE, 0, 7_000, level=2),
        step(GATE, Phase.CLEAR, 1_000, 9_000),
        step(SHORT, Phase.PENDING, 10_000, 10_000),
        step(SHORT, Phase.CLEAR, 10_000, 12_000),
        step(SO2, Phase.CLEAR, 0, 30_000),
        step(LATE, Phase.ACTIVE, -5_000, -4_000),
    ]


def read(tmp_path: Path, text: str) -> list[Said]:
    file = tmp_path / "alerts.jsonl"
    file.write_text(text, "utf-8")
    return read_alerts(file)


def words(said: list[Said]) -> list[tuple[Any, ...]]:
    """All but the id, and when it was told, which not every form tells."""
    return sorted(
        (
            each.family,
            each.rule,
            each.what,
            each.site,
            each.subject,
            each.since,
            each.ended,
            each.factor,
            each.field,
            each.zone,
        )
        for each in said
    )


EXPECTED = words(SAID)


@pytest.fixture(scope="module")
def life() -> list[Transition]:
    return steps()


def test_steps_as_they_are_published_in_any_order_and_twice(tmp_path: Path, life: list[Transition]) -> None:
    lines = [alert_payload(step).decode() for step in life] * 2
    random.Random(5).shuffle(lines)
    said = read(tmp_path, "\n".join(lines))
    assert words(said) == EXPECTED
    told = {each.rule: each.told for each in said}
    assert (told["d0/so2"], told["gate"]) == (START + 5_200, START + 2_200)
    assert [each.late for each in said] == [True, False, False, False]
    assert [each.since for each in said] == sorted(each.since for each in said)


def test_lines_with_their_topics_before_them(tmp_path: Path, life: list[Transition]) -> None:
    text = "".join(f"alerts/plant/{step.alert.id} {alert_payload(step).decode()}\n" for step in life)
    assert words(read(tmp_path, text)) == EXPECTED


def test_what_the_api_gives(tmp_path: Path, life: list[Transition]) -> None:
    """As they stand at last; when an alert was told is then known by its data only."""
    last = {step.alert.id: alert_object(step.alert) for step in life}
    said = read(tmp_path, msgspec.json.encode([*last.values()]).decode())
    assert words(said) == EXPECTED
    assert {each.rule: each.told for each in said}["d0/so2"] == START + 5_000


def test_what_the_api_gives_with_the_history(tmp_path: Path, life: list[Transition]) -> None:
    mine = [step for step in life if step.alert.subject == SO2]
    history = [json.loads(alert_payload(step)) for step in mine]
    whole = json.loads(msgspec.json.encode(alert_object(mine[-1].alert))) | {"history": history}
    (said,) = read(tmp_path, json.dumps(whole))
    assert (said.since, said.told, said.ended) == (START, START + 5_200, START + 30_000)
    assert said.ended_told == START + 30_200


def test_alerts_of_any_receiver(tmp_path: Path) -> None:
    lines = [
        {
            "family": "exceedance",
            "rule": "SO2 high",
            "device": "d0",
            "factor": "a21026",
            "started": 1000,
            "ended": 9000,
        },
        {"family": "security", "rule": "motion", "camera": "yard", "started": "1970-01-01T00:00:02Z", "zone": "gate"},
        {
            "family": "exceedance",
            "device": "d0",
            "started": 2500,
            "told": 4500,
            "field": "Avg",
            "period": "hour",
            "side": "below",
        },
        {"family": "data_quality", "rule": "flat line", "device": "d1", "started": "1970-01-01T08:00:03+08:00"},
    ]
    text = "\n".join(json.dumps({"site": "plant", "ended": None} | line) for line in lines)
    one, two, hourly, three = read(tmp_path, text)
    assert (one.what, one.factor, one.since, one.told, one.ended) == ("limit", "a21026", 1_000, 1_000, 9_000)
    assert (two.what, two.zone, two.subject, two.since, two.ended) == ("motion", "gate", "yard", 2_000, None)
    assert (hourly.told, hourly.field, hourly.period, hourly.side) == (4_500, "Avg", "hour", "below")
    assert (three.what, three.since) == ("", 3_000)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("\nno object", "line 2: no JSON object"),
        ('{"family": ', "line 1"),
        ("[1, 2", "alerts.jsonl: "),
        ('{"family": "exceedance", "site": "s", "device": "d", "started": null}', "alert 1: .*time is missing"),
        ('{"family": "exceedance", "site": "s", "started": 5}', "alert 1: .*device, camera or gateway"),
        ('{"since": 5}', "alert 1: .*id"),
        ('{"id": "e-1", "since": 5}', "alert e-1: .*fired"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(SimulatorError, match=said):
        read(tmp_path, text)
