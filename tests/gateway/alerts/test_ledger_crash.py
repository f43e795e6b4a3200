"""A ledger whose process is killed at any moment: position, alerts, audit trail and dead letters agree exactly.

Run as a program it is that process: it commits message after message, each with what it led to, and prints as it goes.
"""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

from detectors.records import Finding, Phase
from gateway.alerts.ledger import Ledger
from gateway.alerts.machine import AlertMachine
from gateway.alerts.records import Alert, Family, Step, Subject, Transition
from gateway.records import DeadLetter

KILLS = 12
SUBJECT = Subject(Family.EXCEEDANCE, "so2", "north", "device", "stack-3", "a21026", "Rtd", "mg/m3", "above")
LIFE = (Phase.PENDING, Phase.ACTIVE, Phase.CLEAR)


def plain(alert: Alert, step: Step, at: int) -> tuple[str, str]:
    return f"{step} at {at}", f"{step}：{at}"


def step_of(machine: AlertMachine, message: int) -> Transition:
    """Message n is the n-th phase of lives without end."""
    at = message + 1
    finding = Finding("limit", 0, 0, LIFE[message % 3], 1, at - message % 3, at, float(message), 35.0, message)
    step = machine.apply(finding, SUBJECT, at)
    assert step is not None
    return step


def letter_of(message: int) -> DeadLetter:
    return DeadLetter(message, message, "main", "t", b"%d" % message * 50, "bad_json", "cut short")


def block_at(message: int) -> int:
    """Length of the block that begins there."""
    return 1 + message % 7


def commit_for_ever(file: Path) -> None:
    ledger = Ledger(file)
    machine = AlertMachine(ledger.alerts_to_resume(), plain)
    message = ledger.position()
    while True:
        steps: list[Transition] = []
        dead: list[DeadLetter] = []
        for _ in range(block_at(message)):
            steps.append(step_of(machine, message))
            dead.append(letter_of(message))
            message += 1
        ledger.commit(message, steps, dead, b"%d" % message if message % 3 == 0 else None)
        sys.stdout.write(f"{message}\n")
        sys.stdout.flush()


def test_after_kill_9_in_mid_commit_position_and_history_agree_exactly(tmp_path: Path) -> None:
    file = tmp_path / "state.sqlite"
    seed = random.SystemRandom().randrange(2**32)
    print(f"seed {seed}")  # shown when it fails
    draw = random.Random(seed)
    for _ in range(KILLS):
        child = subprocess.Popen([sys.executable, __file__, str(file)], stdout=subprocess.PIPE)
        assert child.stdout is not None
        said = 0
        for _ in range(draw.randrange(1, 60)):  # it does not wait for us: where the kill meets it is chance
            said = int(child.stdout.readline())
        child.kill()
        said = max([said, *(int(line) for line in child.stdout.read().splitlines(keepends=True) if line[-1:] == b"\n")])
        child.wait()
        child.stdout.close()
        with Ledger(file) as ledger:
            position = ledger.position()
            assert position >= said, "a commit that had returned is gone"
            _check(ledger, position)


def _check(ledger: Ledger, position: int) -> None:
    machine = AlertMachine((), plain)
    undisturbed = [step_of(machine, message) for message in range(position)]
    alerts = {step.alert.id: step.alert for step in undisturbed}
    kept = ledger.alerts(limit=position + 1, include_withdrawn=True)
    assert {alert.id: alert for alert in kept} == alerts
    assert [step for _, step in ledger.outbox(position + 1)] == undisturbed
    assert [each.letter for each in reversed(ledger.dead_letters(limit=position + 1))] == [
        letter_of(message) for message in range(position)
    ]
    end, newest = 0, None
    while end < position:
        end += block_at(end)
        newest = (end, b"%d" % end) if end % 3 == 0 else newest
    assert end == position, "half a block was committed"
    assert ledger.snapshot() == newest
    counts = ledger.counts()
    assert sum(counts.steps.values()) == sum(counts.dead_letters.values()) == position


if __name__ == "__main__":
    commit_for_ever(Path(sys.argv[1]))
