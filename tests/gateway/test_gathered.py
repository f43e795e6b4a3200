"""What waits for a commit: what was taken stays until it is durable, and what came meanwhile is kept."""

from __future__ import annotations

import pytest

from gateway import gathered as gathered_module
from gateway.alerts.records import Detection
from gateway.gathered import Gathered
from gateway.records import DeadLetter, DeviceEvent


def letter(position: int) -> DeadLetter:
    return DeadLetter(position, 0, "link", "topic", b"", "bad_json", "")


def event(position: int) -> DeviceEvent:
    return DeviceEvent(position, 0, "message", "north", "stack", "2081", 0, 0, ())


def detection(captured: int) -> Detection:
    return Detection("north", "gate", captured, captured, 0, 0, (), kind="object")


def test_nothing_waits_at_first() -> None:
    assert not Gathered()
    assert not Gathered().pressing


@pytest.mark.parametrize(
    ("gathered", "pressing"),
    [
        (Gathered(dead=[letter(1)]), False),
        (Gathered(events=[event(1)]), False),
        (Gathered(detections=[detection(1)]), True),
    ],
    ids=["a dead letter", "an event", "a detection"],
)
def test_whatever_waits_is_committed_but_not_all_of_it_at_once(gathered: Gathered, pressing: bool) -> None:
    assert gathered
    assert gathered.pressing is pressing


def test_letters_and_events_press_at_their_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gathered_module, "PENDING_LETTERS", 3)
    monkeypatch.setattr(gathered_module, "PENDING_EVENTS", 2)
    letters, events = [letter(n) for n in range(3)], [event(n) for n in range(2)]
    assert [Gathered(dead=letters[:n]).pressing for n in (2, 3)] == [False, True]
    assert [Gathered(events=events[:n]).pressing for n in (1, 2)] == [False, True]


def test_what_comes_while_a_commit_is_under_way_waits_for_the_next() -> None:
    waiting = Gathered(dead=[letter(1)], events=[event(1)], detections=[detection(1)])
    taken = waiting.take()
    assert taken == waiting
    waiting.dead.append(letter(2))
    waiting.events.append(event(2))
    waiting.detections.append(detection(2))
    assert len(taken.dead) == len(taken.events) == len(taken.detections) == 1
    waiting.forget(taken)
    assert waiting == Gathered(dead=[letter(2)], events=[event(2)], detections=[detection(2)])
    waiting.forget(waiting.take())
    assert not waiting
