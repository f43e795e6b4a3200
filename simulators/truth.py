"""The truth beside the stream: what was made to happen, when and where, one JSON object an event."""

from __future__ import annotations

import heapq
from collections.abc import Iterator

from simulators.incidents import Event
from simulators.records import Happening
from simulators.scenario import Scenario


def happenings(scenario: Scenario, start: int) -> Iterator[Happening]:
    """What happens from `start` (ms UTC) on, in the order of its beginning; endless where something repeats.

    A record has `layer` (`incident`, `weather`, `tamper`, `nuisance`, or that of the fault), `kind`, `site`, `device`
    or `camera`, `start_ms`, `end_ms` (null: for good), and all that the scenario says of the event besides. An
    exceedance runs from the first departure from the normal level to the full return.
    """
    events: list[Event] = [*scenario.incidents, *scenario.faults]
    return heapq.merge(*(_occurrences(event, start) for event in events), key=lambda happening: happening.due)


def _occurrences(event: Event, start: int) -> Iterator[Happening]:
    for begins, ends in event.occurrences():
        at = start + round(begins * 1000)
        end = None if ends is None else start + round(ends * 1000)
        yield Happening(at, {"layer": event.layer, **event.told(), "start_ms": at, "end_ms": end})
