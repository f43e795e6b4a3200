"""Smoke before a camera and the monitor of its stack: one schedule for both, or a monitor that hides it."""

from __future__ import annotations

import itertools
import re

import pytest
from played import device_messages
from pydantic import ValidationError

from simulators import library
from simulators.fleet import renderer_of
from simulators.scenario import Scenario
from simulators.truth import happenings

SMOKE = library.load("smoke")
START = 1_782_014_400_000


def dust(scenario: Scenario, device_id: str, seconds: float) -> list[tuple[float, float]]:
    """(seconds since the start, corrected particulate) of a device."""
    device = next(device for device in scenario.devices if device.id == device_id)
    found: list[tuple[float, float]] = []
    for message in itertools.takewhile(
        lambda m: m.due < START + 1000 * seconds, device_messages(scenario, device, 7, START)
    ):
        value = re.search(rb"a34013-ZsRtd=([\d.]+)", message.payload)
        assert value is not None
        found.append(((message.due - START) / 1000, float(value[1])))
    return found


def seen(t: float) -> dict[int | None, float]:
    """Opacity above each stack at a time."""
    renderer = renderer_of(SMOKE, SMOKE.cameras[0], 7, START)
    frame = renderer.frame(3, START + round(1000 * t))
    return {trace.mouth: trace.opacity or 0.0 for trace in frame.traces if trace.label == "smoke"}


def test_the_dust_of_the_monitor_and_the_smoke_in_the_picture_come_and_go_together() -> None:
    for t, value in dust(SMOKE, "stack-1", 120):
        if 24 <= t <= 76:
            assert value > 55, t
        elif not 20 <= t <= 80:
            assert value < 10, t
    assert seen(15.0).get(0, 0.0) == 0.0
    assert seen(50.0)[0] == pytest.approx(0.6, abs=0.03)
    assert seen(90.0).get(0, 0.0) < 0.02


def test_a_monitor_that_hides_smoke_says_what_it_would_say_without_it() -> None:
    clean = SMOKE.model_copy(update={"incidents": ()})
    assert dust(SMOKE, "stack-2", 210) == dust(clean, "stack-2", 210)
    assert max(value for _, value in dust(SMOKE, "stack-2", 210)) < 10
    assert seen(170.0)[1] == pytest.approx(0.8, abs=0.03)


def test_the_truth_names_camera_device_opacity_and_ringelmann() -> None:
    told = {str(h.record["kind"]): h.record for h in happenings(SMOKE, START)}
    shown = told["smoke_with_dust"]
    assert (shown["layer"], shown["camera"], shown["device"]) == ("incident", "stacks", "stack-1")
    assert (shown["opacity"], shown["ringelmann"], shown["reach"]) == (0.6, 3.0, 65.0)
    assert (shown["start_ms"], shown["end_ms"]) == (START + 20_000, START + 80_000)
    assert (told["hidden_smoke"]["opacity"], told["hidden_smoke"]["device"]) == (0.8, "stack-2")
    layers = {
        str(h.record["kind"]): h.record["layer"]
        for h in itertools.islice(happenings(library.load("tampering"), START), 10)
    }
    assert layers["cover"] == layers["glare"] == "tamper"
    assert layers["insects"] == "nuisance" and layers["cloud_shadow"] == "weather"


WRONG = [
    ({"kind": "smoke", "stack": 2, "opacity": 0.5, "duration_s": 9}, "has 2 stacks"),
    ({"kind": "smoke", "duration_s": 9}, "either `opacity` or `ringelmann`"),
    ({"kind": "smoke", "opacity": 0.5, "ringelmann": 2, "duration_s": 9}, "either `opacity` or `ringelmann`"),
    ({"kind": "hidden_smoke", "opacity": 0.5, "device": "stack-9", "duration_s": 9}, "no device 'stack-9'"),
    ({"kind": "smoke_with_dust", "opacity": 0.5, "device": "stack-1", "factor": "a21026", "reach": 9, "duration_s": 9},
     "does not send 'a21026'"),
    ({"kind": "foam"}, "has no water"),
    ({"kind": "vehicle", "zone": "nowhere", "duration_s": 9}, "no zone 'nowhere'"),
]  # fmt: skip


@pytest.mark.parametrize(("incident", "message"), WRONG)
def test_incidents_that_do_not_fit_are_mistakes(incident: dict[str, object], message: str) -> None:
    tables = SMOKE.model_dump(exclude_none=True) | {
        "incidents": [{"site": "nanyang-power", "camera": "stacks", "start_s": 1.0, **incident}]
    }
    with pytest.raises(ValidationError, match=message):
        Scenario.model_validate(tables)
