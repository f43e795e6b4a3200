"""The alert machine: its steps, and what holds whatever is found, in any order, over any number of restarts."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from detectors.records import Finding, Phase
from gateway.alerts.machine import EVIDENCE_KEPT, AlertMachine, alert_id
from gateway.alerts.records import Alert, Family, State, Step, Subject, Transition
from gateway.alerts.subjects import Subjects

SO2 = Subject(Family.EXCEEDANCE, "so2", "north", "device", "stack-3", "a21026", "Rtd", "mg/m3", "above")
PH = Subject(Family.EXCEEDANCE, "ph", "north", "device", "ww-1", "w01001", "Rtd", "", "below")
SILENCE = Subject(Family.DATA_QUALITY, "silence", "north", "device", "stack-3", unit="s")
DOOR = Subject(Family.SECURITY, "door", "north", "camera", "gate")
SUBJECTS = (SO2, PH, SILENCE, DOOR)


def plain(alert: Alert, step: Step, at: int) -> tuple[str, str]:
    return f"{step} {alert.value} {at}", f"{step}：{alert.value}"


def finding(phase: str, at: int, since: int = 1, value: float = 40.0, level: int = 1, position: int = -1) -> Finding:
    return Finding("limit", 0, 0, Phase(phase), level, since, at, value, 35.0, position)


def lives(machine: AlertMachine, *findings: Finding, subject: Subject = SO2) -> list[Transition | None]:
    return [machine.apply(each, subject, each.time + 7) for each in findings]


STEPS = {
    "pending, then fires, then resolves": ("pending active clear", "pending fired resolved"),
    "fires at once where there is no minimum duration": ("active clear", "fired resolved"),
    "over before its minimum duration: withdrawn": ("pending clear", "pending withdrawn"),
    "repeats change nothing": ("pending pending active active clear clear", "pending - fired - resolved -"),
    "the end of nothing is nothing": ("clear", "-"),
    "pending never takes a firing alert back": ("active pending", "fired -"),
    "a life after a life": ("active clear active", "fired resolved fired"),
}


@pytest.mark.parametrize(("phases", "steps"), STEPS.values(), ids=STEPS.keys())
def test_phases_of_findings_make_steps_of_alerts(phases: str, steps: str) -> None:
    machine = AlertMachine((), plain)
    made = lives(machine, *(finding(phase, at + 1) for at, phase in enumerate(phases.split())))
    assert [step.step.value if step else "-" for step in made] == steps.split()


def test_another_level_is_a_step_and_the_highest_is_kept() -> None:
    machine = AlertMachine((), plain)
    _, up, same, down = lives(
        machine,
        finding("active", 1, level=1),
        finding("active", 2, level=2),
        finding("active", 3, level=2),
        finding("active", 4, level=1),
    )
    assert up and down and same is None
    assert (up.step, up.alert.level, up.alert.highest) == (Step.LEVEL, 2, 2)
    assert (down.step, down.alert.level, down.alert.highest) == (Step.LEVEL, 1, 2)


def test_the_times_of_an_alert_are_those_of_its_findings() -> None:
    machine = AlertMachine((), plain)
    pending, fired, resolved = lives(
        machine, finding("pending", 100, 100), finding("active", 160, 100), finding("clear", 300, 100)
    )
    assert pending and fired and resolved
    assert (pending.alert.since, pending.alert.fired, pending.alert.resolved) == (100, 0, 0)
    assert (fired.alert.since, fired.alert.fired, fired.alert.resolved) == (100, 160, 0)
    assert (resolved.alert.since, resolved.alert.fired, resolved.alert.resolved) == (100, 160, 300)
    assert (resolved.at, resolved.recorded) == (300, 307)
    assert len({step.alert.id for step in (pending, fired, resolved)}) == 1


def test_a_withdrawn_alert_has_ended_and_never_fired() -> None:
    machine = AlertMachine((), plain)
    withdrawn = lives(machine, finding("pending", 1), finding("clear", 2))[1]
    assert withdrawn
    assert (withdrawn.alert.state, withdrawn.alert.fired, withdrawn.alert.highest) == (State.RESOLVED, 0, 0)
    assert machine.open_alerts() == []


@pytest.mark.parametrize(
    ("subject", "values", "peak"),
    [(SO2, (36.0, 60.0, 40.0, 30.0), 60.0), (PH, (5.9, 4.0, 5.0, 7.0), 4.0), (SO2, (math.nan, 40.0, math.nan), 40.0)],
    ids=["above", "below", "no number is no peak"],
)
def test_the_peak_is_the_worst_value_at_a_step(subject: Subject, values: tuple[float, ...], peak: float) -> None:
    machine = AlertMachine((), plain)
    made = lives(
        machine,
        *(finding("active", at + 1, value=value, level=at + 1) for at, value in enumerate(values)),
        subject=subject,
    )
    assert made[-1] and made[-1].alert.peak == peak


def test_missing_data_never_resolve_an_exceedance() -> None:
    machine = AlertMachine((), plain)
    lives(machine, finding("active", 1))
    lives(machine, finding("active", 2), finding("clear", 3), subject=SILENCE)
    lives(machine, finding("clear", 4), subject=DOOR)
    exceedance = machine.find(SO2)
    assert exceedance and exceedance.state is State.FIRING


def test_positions_and_pictures_become_evidence_each_once() -> None:
    machine = AlertMachine((), plain)
    machine.apply(finding("pending", 1, position=7), DOOR, 1, ["frame:aa"])
    step = machine.apply(finding("active", 2, position=9), DOOR, 2, ["frame:aa", "frame:bb"])
    assert step and step.alert.evidence == ("journal:7", "frame:aa", "journal:9", "frame:bb")


def test_evidence_is_bounded_and_keeps_the_first_and_the_newest() -> None:
    machine = AlertMachine((), plain)
    for n in range(100):
        machine.apply(finding("active", n + 1, level=n + 1, position=n), SO2, 1)
    alert = machine.find(SO2)
    assert alert and len(alert.evidence) == EVIDENCE_KEPT
    assert alert.evidence[0] == "journal:0" and alert.evidence[-1] == "journal:99"


def test_the_id_says_the_family_and_is_the_same_for_ever() -> None:
    # Written down: a change of the scheme would give running alerts second ids after an update.
    assert alert_id(SO2, 1_714_536_000_000) == "e-93127f608a125c01"
    assert alert_id(replace(SO2, unit="ug/m3", side=""), 1_714_536_000_000) == alert_id(SO2, 1_714_536_000_000)
    assert [alert_id(subject, 1)[:2] for subject in SUBJECTS] == ["e-", "e-", "d-", "s-"]


def test_an_alert_that_begins_when_an_earlier_one_did_gets_an_id_of_its_own_even_after_a_restart() -> None:
    machine = AlertMachine((), plain)
    ended: list[Alert] = []
    for _ in range(3):
        made = lives(machine, finding("active", 5, since=5), finding("clear", 6, since=5))
        assert made[1]
        ended.append(made[1].alert)
        machine = AlertMachine(ended, plain)
    assert len({alert.id for alert in ended}) == 3
    assert [alert.repeat for alert in ended] == [0, 1, 2]


def test_texts_are_those_of_the_last_step(
    machine: AlertMachine, find: Callable[..., Finding], subjects: Subjects
) -> None:
    found = find("active", value=44.0)
    step = machine.apply(found, subjects.of(found), 1)
    assert step and (step.alert.text_en, step.alert.text_zh) == ("fired 44.0", "fired：44.0")


findings = st.tuples(
    st.sampled_from(SUBJECTS),
    st.sampled_from(Phase),
    st.integers(1, 3),  # level
    st.integers(1, 6),  # since: few, so that they meet again
    st.floats(allow_nan=True),
)


def found(phase: Phase, level: int, since: int, value: float, at: int) -> Finding:
    return Finding("limit", 0, 0, phase, level, since, at, value, 35.0, at)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(findings, st.booleans()), max_size=40))
def test_the_same_history_makes_the_same_steps_over_any_restarts(
    history: list[tuple[tuple[Subject, Phase, int, int, float], bool]],
) -> None:
    def run(*, restarting: bool) -> list[str]:
        machine = AlertMachine((), plain)
        known: dict[str, Alert] = {}
        made: list[str] = []
        for at, ((subject, phase, level, since, value), crash) in enumerate(history, 1):
            if restarting and crash:
                machine = AlertMachine(known.values(), plain)
            step = machine.apply(found(phase, level, since, value, at), subject, at)
            if step:
                known[step.alert.id] = step.alert
                made.append(repr(step))  # NaN equals itself in words
        return made

    assert run(restarting=True) == run(restarting=False)


class Invariants(RuleBasedStateMachine):
    """Any findings in any order, with crashes between them; `known` is what a ledger would hold."""

    @initialize()
    def start(self) -> None:
        self.machine = AlertMachine((), plain)
        self.known: dict[str, Alert] = {}
        self.steps: dict[str, list[Step]] = {}
        self.at = 0

    @rule(what=findings)
    def find(self, what: tuple[Subject, Phase, int, int, float]) -> None:
        subject, phase, level, since, value = what
        self.at += 1
        others = {key: repr(alert) for key, alert in self.known.items() if alert.subject.key != subject.key}
        step = self.machine.apply(found(phase, level, since, value, self.at), subject, self.at)
        if step is None:
            return
        alert = step.alert
        before = self.known.get(alert.id)
        assert before is None or before.state is not State.RESOLVED, "a resolved alert changed"
        assert before is not None or step.step in (Step.PENDING, Step.FIRED), "an alert began in the middle"
        self.known[alert.id] = alert
        self.steps.setdefault(alert.id, []).append(step.step)
        assert alert.subject.key == subject.key
        assert others == {key: repr(a) for key, a in self.known.items() if a.subject.key != subject.key}

    @rule(what=findings)
    def find_twice(self, what: tuple[Subject, Phase, int, int, float]) -> None:
        self.find(what)
        subject, phase, level, since, value = what
        assert self.machine.apply(found(phase, level, since, value, self.at), subject, self.at) is None

    @rule()
    def crash_and_restore(self) -> None:
        self.machine = AlertMachine(self.known.values(), plain)

    @invariant()
    def at_most_one_alert_is_open_for_a_subject(self) -> None:
        open_keys = [a.subject.key for a in self.known.values() if a.state is not State.RESOLVED]
        assert len(open_keys) == len(set(open_keys))
        assert {a.id for a in self.machine.open_alerts()} == {
            a.id for a in self.known.values() if a.state is not State.RESOLVED
        }

    @invariant()
    def fired_is_set_exactly_when_firing_was_reached(self) -> None:
        for alert in self.known.values():
            assert (alert.fired != 0) == (Step.FIRED in self.steps[alert.id])
            assert self.steps[alert.id].count(Step.FIRED) <= 1
            assert (alert.resolved != 0) == (alert.state is State.RESOLVED)
            assert (alert.highest > 0) == (alert.fired != 0) and alert.level >= 1


Invariants.TestCase.settings = settings(max_examples=80, stateful_step_count=40, deadline=None)
TestInvariants = Invariants.TestCase
