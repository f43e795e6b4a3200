"""The truth beside the stream: what was made to happen, when and where, and what a right receiver finds of it."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Mapping

from simulators.faults import Fault
from simulators.incidents import Event, OnCamera
from simulators.incidents.event import Expected
from simulators.records import Happening
from simulators.scenario import Scenario


def happenings(scenario: Scenario, start: int) -> Iterator[Happening]:
    """What is made to happen from `start` (ms UTC) on, in the order of its beginning; endless where something repeats.

    A record has `layer` (`incident`, `weather`, `tamper`, `nuisance`, or that of the fault), `kind`, `site`, `device`
    or `camera`, `start_ms`, `end_ms` (null: for good), all that the scenario says of the event besides, and `expect`
    and `counts` where something is to be found of it. A fault has one for each target. An exceedance runs from the
    first departure from the normal level to the full return.
    """
    incidents = (
        _occurrences(event, event.told(), event.expects() if isinstance(event, OnCamera) else (), (), start)
        for event in scenario.incidents
    )
    faults = (_at_targets(scenario, fault, start) for fault in scenario.faults)
    return heapq.merge(*incidents, *(each for targets in faults for each in targets), key=lambda each: each.due)


def _at_targets(scenario: Scenario, fault: Fault, start: int) -> Iterator[Iterator[Happening]]:
    for device in scenario.devices:
        if fault.hits_device(device.site, device.id):
            told = fault.told_of(site=device.site, device=device.id)
            yield _occurrences(fault, told, fault.expects_of(scenario.resolve(device)), fault.counted, start)
    for camera in scenario.cameras:
        if fault.hits_camera(camera.site, camera.id):
            yield _occurrences(fault, fault.told_of(site=camera.site, camera=camera.id), (), fault.counted, start)


def _occurrences(
    event: Event, told: Mapping[str, object], expects: Iterable[Expected], counted: tuple[str, ...], start: int
) -> Iterator[Happening]:
    found = [_plain(expected) for expected in expects]
    for begins, ends in event.occurrences():
        at = start + round(begins * 1000)
        end = None if ends is None else start + round(ends * 1000)
        record: dict[str, object] = {"layer": event.layer, **told, "start_ms": at, "end_ms": end}
        if found:
            record["expect"] = [each | {"from_ms": at, "to_ms": end} for each in found]
        if counted:
            record["counts"] = list(counted)
        yield Happening(at, record)


def _plain(expected: Expected) -> dict[str, object]:
    """What is expected, without what does not apply."""
    named = {"device": expected.device, "factor": expected.factor, "zone": expected.zone}
    return {"family": expected.family, "what": expected.what, **{key: name for key, name in named.items() if name}}
