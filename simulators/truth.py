"""The truth beside the stream: what was made to happen, when and where, one JSON object an event."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass

from simulators.incidents import Exceedance, Incident, Person, Silence
from simulators.scenario import Scenario


@dataclass(frozen=True, slots=True)
class Happening:
    """One occurrence of one incident."""

    start: int
    """ms UTC."""
    record: dict[str, object]
    """The line of the truth file."""


def happenings(scenario: Scenario, start: int) -> Iterator[Happening]:
    """What happens from `start` (ms UTC) on, in the order of its beginning; endless where an incident repeats.

    A record has `kind`, `site`, `device` or `camera`, `start_ms`, `end_ms` (null: for good), and by kind `factor`
    and `reach`, or `zone`. An exceedance runs from the first departure from the normal level to the full return.
    """
    return heapq.merge(
        *(_occurrences(incident, start) for incident in scenario.incidents), key=lambda happening: happening.start
    )


def _occurrences(incident: Incident, start: int) -> Iterator[Happening]:
    for begins, ends in incident.occurrences():
        record: dict[str, object] = {"kind": incident.kind, "site": incident.site}
        match incident:
            case Exceedance():
                record |= {"device": incident.device, "factor": incident.factor, "reach": incident.reach}
            case Silence():
                record["device"] = incident.device
            case Person():
                record |= {"camera": incident.camera, "zone": incident.zone}
        at = start + round(begins * 1000)
        record |= {"start_ms": at, "end_ms": None if ends is None else start + round(ends * 1000)}
        yield Happening(at, record)
