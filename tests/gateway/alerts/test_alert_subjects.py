"""What the findings of each detector are about."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from detectors.records import Finding
from gateway.alerts.records import Family, Subject
from gateway.alerts.subjects import GATEWAY_SITE, Subjects, health_subject

CASES = {
    "a limit above": (
        ("limit", 0, 0),
        Subject(Family.EXCEEDANCE, "so2-hour", "north", "device", "stack-3", "a21026", "ZsAvg", "mg/m3", "above"),
    ),
    "a limit below": (
        ("limit", 1, 1),
        Subject(Family.EXCEEDANCE, "ph-low", "river", "device", "ww-1", "w01001", "Rtd", "", "below"),
    ),
    "a limit, in late data": (
        ("late_limit", 0, 0),
        Subject(Family.EXCEEDANCE, "so2-hour:late", "north", "device", "stack-3", "a21026", "ZsAvg", "mg/m3", "above"),
    ),
    "a silent device": (
        ("silence", 1, 1),
        Subject(Family.DATA_QUALITY, "silence", "river", "device", "ww-1", unit="s"),
    ),
    "a silent camera": (
        ("camera_silence", 0, 1),
        Subject(Family.DATA_QUALITY, "silence", "river", "camera", "yard", unit="s"),
    ),
    "a device under another name": (
        ("identity", 1, 1),
        Subject(Family.DATA_QUALITY, "identity", "river", "device", "ww-1"),
    ),
    "a camera under another name": (
        ("camera_identity", 0, 1),
        Subject(Family.DATA_QUALITY, "identity", "river", "camera", "yard"),
    ),
    "motion in the second zone": (("motion", 1, 1), Subject(Family.SECURITY, "pool", "river", "camera", "yard")),
}


@pytest.mark.parametrize(("numbers", "expected"), CASES.values(), ids=CASES.keys())
def test_a_finding_is_about(
    numbers: tuple[str, int, int], expected: Subject, subjects: Subjects, find: Callable[..., Finding]
) -> None:
    detector, rule, subject = numbers
    assert subjects.of(find(detector=detector, rule=rule, subject=subject)) == expected


def test_a_limit_rule_with_the_channel_of_another_is_a_mistake_of_the_programmer(
    subjects: Subjects, find: Callable[..., Finding]
) -> None:
    for detector in ("limit", "late_limit"):
        with pytest.raises(AssertionError):
            subjects.of(find(detector=detector, rule=0, subject=1))


def test_health_is_a_family_and_a_site_of_its_own() -> None:
    subject = health_subject("journal", "%")
    assert (subject.family, subject.site, subject.kind) == (Family.GATEWAY_HEALTH, GATEWAY_SITE, "gateway")
