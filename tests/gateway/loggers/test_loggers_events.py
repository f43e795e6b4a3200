"""What devices tell beside readings."""

from __future__ import annotations

import pytest
import small_city
from logger_frames import NEVER, NOW, decoded, frame, head, qn_of

from gateway.config import Hj212
from gateway.loggers.events import MARKS_OF_A_DEVICE, Marks
from gateway.loggers.loggers import Loggers
from gateway.records import DeviceEvent


def loggers() -> Loggers:
    return Loggers(small_city.inventory(2), Hj212())


def told(some: Loggers, cn: str, n: int, *items: tuple[str, str], device: int = 0) -> list[DeviceEvent]:
    return some.step(decoded(frame(head(device, cn), NOW + n, items=items), first=n, received=NOW + n))


@pytest.mark.parametrize("cn", ["1001", "1013", "2071", "2072", "2081", "3015", "3018", "3019", "3020"])
def test_these_commands_are_told_each_time(cn: str) -> None:
    some = loggers()
    assert len(told(some, cn, 1, ("PolId", "a21026"))) == 1
    assert len(told(some, cn, 2, ("PolId", "a21026"))) == 1


@pytest.mark.parametrize("cn", ["2011", "1011", "1061", "9011", "9012", "9013", "9014", "9015", "7777"])
def test_others_tell_nothing_by_their_parameters(cn: str) -> None:
    assert told(loggers(), cn, 1, ("QnRtn", "1"), ("SystemTime", "20260501160000")) == []


def test_an_event_says_what_was_told_when_and_by_whom() -> None:
    some = loggers()
    one = frame(head(1, "2081"), NEVER, qn=qn_of(1), items=[("RestartTime", "20260501155900")])
    (event,) = some.step(decoded(frame(head()), one, first=40, received=NOW + 3))
    assert event == (41, 1, "message", "plant", "d1", "2081", NEVER, NOW + 3, (("RestartTime", "20260501155900"),))


def test_a_quarantined_frame_tells_nothing() -> None:
    assert loggers().step(decoded(frame(head(cn="2081"), taken=False))) == []


def test_an_analyser_s_mark_is_told_when_it_changes() -> None:
    some = loggers()
    mark = "a21026-EFlag"
    assert told(some, "2011", 1, (mark, "0000")) == [], "the first one is no change"
    assert told(some, "2011", 2, (mark, "0000")) == []
    (event,) = told(some, "2011", 3, (mark, "0A00"), ("a21002-EFlag", "0000"))
    assert (event.kind, event.items) == ("mark", ((mark, "0A00"),))
    assert told(some, "2051", 4, (mark, "0A00")) == []
    assert told(some, "2051", 5, (mark, "0000"))[0].items == ((mark, "0000"),)
    assert told(some, "2011", 6, (mark, "0000"), ("a21002-EFlag", "0000")) == []


def test_the_marks_of_devices_are_their_own() -> None:
    some = loggers()
    told(some, "2011", 1, ("a21026-EFlag", "0000"))
    assert told(some, "2011", 2, ("a21026-EFlag", "0A00"), device=1) == []


def test_text_with_data_is_told_at_first_and_when_it_changes() -> None:
    some = loggers()
    text = ("i11001-Info", "//标定完成//")
    assert told(some, "2011", 1, text)[0] == (
        *(1, 0, "message", "plant", "d0", "2011"),
        *(NOW + 1, NOW + 1, (text,)),
    )
    assert told(some, "2011", 2, text) == []
    assert len(told(some, "2011", 3, ("i11001-Info", "//故障//"))) == 1


def test_marks_are_known_over_a_restart() -> None:
    some = loggers()
    told(some, "2011", 1, ("a21026-EFlag", "0000"))
    saved = some.dump()
    some = loggers()
    some.load(saved)
    assert len(told(some, "2011", 2, ("a21026-EFlag", "0A00"))) == 1


def test_marks_are_bounded_by_device() -> None:
    marks = Marks()
    names = [f"x{n}-EFlag" for n in range(MARKS_OF_A_DEVICE + 10)]
    assert marks.changed(0, tuple((name, "0") for name in names)) == ()
    assert len(marks.changed(0, tuple((name, "1") for name in names))) == MARKS_OF_A_DEVICE
