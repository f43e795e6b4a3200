"""What is published, held against its documentation."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import gateway
from detectors.records import NEVER, Box, Finding
from gateway.alerts.feeds import alert_object, alert_payload, detection_of, detection_payload, iso_time
from gateway.alerts.machine import AlertMachine
from gateway.alerts.records import Transition
from gateway.alerts.subjects import Subjects, health_subject
from gateway.alerts.texts import Texts
from gateway.inventory import Inventory
from gateway.records import FrameResult

DOCUMENT = Path(gateway.__file__).parent.parent / "docs" / "payloads-alerts.md"

Find = Callable[..., Finding]


def documented(name: str) -> dict[str, Any]:
    text = DOCUMENT.read_text("utf-8")
    found = re.search(rf"<!-- example: {name} -->\s*```json\n(.*?)```", text, re.DOTALL)
    assert found, f"no example {name} in {DOCUMENT}"
    return json.loads(found[1])


def keys_of_table(heading: str) -> set[str]:
    """The names in the first column of the table under a heading."""
    section = DOCUMENT.read_text("utf-8").split(f"## {heading}", 1)[1].split("\n## ", 1)[0]
    cells = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
    return {key for cell in cells for key in re.findall(r"`(\w+)`", cell)}


def fired(inventory: Inventory, subjects: Subjects, find: Find) -> Transition:
    machine = AlertMachine((), Texts(inventory))
    pending, active = find("pending", 0, 0, 41.2, position=1040), find("active", 60, 0, 44.5, position=1077)
    machine.apply(pending, subjects.of(pending), pending.time + 180)
    step = machine.apply(active, subjects.of(active), active.time + 212)
    assert step
    return step


def seen(inventory: Inventory) -> bytes:
    captured = 1_714_536_000_040
    boxes = (Box(212, 96, 48, 130),)
    result = FrameResult(0, captured, captured + 15, 640, 360, boxes, (0.123456,))
    return detection_payload(detection_of(result, inventory))


def test_the_example_of_an_alert_is_what_is_published(inventory: Inventory, subjects: Subjects, find: Find) -> None:
    payload = alert_payload(fired(inventory, subjects, find))
    assert json.loads(payload) == documented("alert")
    assert list(json.loads(payload)) == list(documented("alert"))


def test_the_example_of_a_detection_is_what_is_published(inventory: Inventory) -> None:
    payload = json.loads(seen(inventory))
    assert payload == documented("detection")
    assert list(payload) == list(documented("detection"))


def test_every_key_is_in_the_tables_and_every_key_of_the_tables_is_sent(
    inventory: Inventory, subjects: Subjects, find: Find
) -> None:
    alert = json.loads(alert_payload(fired(inventory, subjects, find)))
    assert keys_of_table("Alerts") == set(alert) | {"camera", "gateway"}
    assert keys_of_table("Detections") == set(json.loads(seen(inventory)))


def test_an_alert_names_a_device_or_a_camera_or_the_gateway(
    inventory: Inventory, subjects: Subjects, find: Find
) -> None:
    machine = AlertMachine((), Texts(inventory))
    motion, silence = find(detector="motion"), find(detector="silence")
    for subject, finding, name, id in (
        (subjects.of(motion), motion, "camera", "gate"),
        (subjects.of(silence), silence, "device", "stack-3"),
        (health_subject("store"), find(detector="health"), "gateway", "store"),
    ):
        step = machine.apply(finding, subject, 0)
        assert step
        sent = json.loads(alert_payload(step))
        assert {key: sent[key] for key in ("device", "camera", "gateway") if key in sent} == {name: id}


def test_what_is_not_there_is_null(inventory: Inventory, subjects: Subjects, find: Find) -> None:
    step = fired(inventory, subjects, find)
    alert = replace(step.alert, value=math.nan, since=NEVER)
    sent = json.loads(alert_payload(replace(step, alert=alert, position=-1)))
    assert (sent["value"], sent["since"], sent["resolved"], sent["position"]) == (None, None, None, None)


def test_an_alert_without_a_step_has_the_same_keys_first(inventory: Inventory, subjects: Subjects, find: Find) -> None:
    step = fired(inventory, subjects, find)
    keys = list(documented("alert"))
    assert list(alert_object(step.alert)) == keys[: keys.index("evidence") + 1]


def test_milliseconds_are_exact() -> None:
    assert iso_time(1_714_536_000_999) == "2024-05-01T04:00:00.999Z"
    assert iso_time(253_402_300_799_999) == "9999-12-31T23:59:59.999Z"
