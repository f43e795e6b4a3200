"""What was said, matched one to one with what was to be found.

An alert and an expectation fit where family, site, and device or camera are the same; factor, field, period, side, zone
and `what` too, where both name one; and where the alert begins, or is told, within the time in which it may begin, give
or take the tolerance: from `from_ms` until what it is about is over. (When it is told counts too, because when it
begins is known by the clock of a device or camera, which may be wrong.)

Alerts are taken in the order in which they began. Each takes, of the expectations that fit, the one whose time is over
first; where all that fit are taken, those who took them move on to others, if there are any: so as many pairs are made
as can be.
"""

from __future__ import annotations

import math
from collections import defaultdict, deque
from collections.abc import Sequence
from dataclasses import dataclass

from simulators.score.records import Expected, Said


@dataclass(frozen=True, slots=True)
class Pair:
    """An alert about something that was to be found."""

    expected: Expected
    said: Said
    too_early: bool
    """The receiver said that it was over when it was not, by more than the tolerance."""

    @property
    def delay(self) -> int:
        """ms from the begin of what was to be found until it was told."""
        return self.said.told - self.expected.begins


@dataclass(frozen=True, slots=True)
class FalseAlert:
    """An alert about nothing, or about what another alert had told of."""

    said: Said
    again: bool
    """About something of which another alert was."""


@dataclass(frozen=True, slots=True)
class Matched:
    """Everything said and everything to be found, each once."""

    pairs: list[Pair]
    missed: list[Expected]
    false: list[FalseAlert]


def match(expected: Sequence[Expected], said: Sequence[Said], tolerance: int) -> Matched:
    """Pairs, and what is left over. `tolerance` is in ms. The order of the arguments' items does not matter."""
    wanted = sorted(expected, key=_order)
    alerts = sorted(said, key=_order_said)
    places: dict[tuple[str, str], list[int]] = defaultdict(list)
    for place, each in enumerate(wanted):
        places[each.family, each.site].append(place)
    fitting = [
        sorted(
            (place for place in places[alert.family, alert.site] if fits(wanted[place], alert, tolerance)),
            key=lambda place: (wanted[place].what != alert.what, _last(wanted[place]), place),
        )
        for alert in alerts
    ]
    taken: dict[int, int] = {}  # place of an expectation to the number of the alert that took it
    for number in range(len(alerts)):
        _take(number, fitting, taken)
    pairs = [
        Pair(wanted[place], alerts[number], _too_early(wanted[place], alerts[number], tolerance))
        for place, number in sorted(taken.items())
    ]
    paired = set(taken.values())
    false = [FalseAlert(alert, bool(fitting[n])) for n, alert in enumerate(alerts) if n not in paired]
    return Matched(pairs, [each for place, each in enumerate(wanted) if place not in taken], false)


def _take(number: int, fitting: Sequence[Sequence[int]], taken: dict[int, int]) -> None:
    """Find an expectation for an alert, by letting others move on where need be: the shortest such chain."""
    free = next((place for place in fitting[number] if place not in taken), None)
    if free is not None:
        taken[free] = number
        return
    came: dict[int, int] = {}  # place to the alert from which it was reached
    held = {alert: place for place, alert in taken.items()}
    queue = deque([number])
    while queue:
        alert = queue.popleft()
        for place in fitting[alert]:
            if place in came:
                continue
            came[place] = alert
            if place in taken:
                queue.append(taken[place])
                continue
            while True:  # back along the chain, each taking the next one's place
                mover = taken[place] = came[place]
                if mover == number:
                    return
                place = held[mover]


def fits(expected: Expected, said: Said, tolerance: int) -> bool:
    """Whether an alert can be about what is expected."""
    return (
        (expected.family, expected.site, expected.late) == (said.family, said.site, said.late)
        and said.subject in expected.subjects
        and all(
            not one or not other or one == other
            for one, other in (
                (expected.what, said.what),
                (expected.factor, said.factor),
                (expected.field, said.field),
                (expected.period, said.period),
                (expected.side, said.side),
                (expected.zone, said.zone),
            )
        )
        and any(expected.begins - tolerance <= time <= _last(expected) + tolerance for time in (said.since, said.told))
    )


def _too_early(expected: Expected, said: Said, tolerance: int) -> bool:
    """By the later of two clocks, that of the data and the receiver's: one of a camera or device may be wrong."""
    if said.ended is None or (expected.late and expected.ends is None):
        return False  # of late data that break off nobody knows the end
    ended = said.ended if said.ended_told is None else max(said.ended, said.ended_told)
    return expected.ends is None or ended < expected.ends - tolerance


def _last(expected: Expected) -> float:
    return math.inf if expected.last is None else expected.last


def _order(expected: Expected) -> tuple[int, float, str]:
    return expected.begins, _last(expected), repr(expected)


def _order_said(said: Said) -> tuple[int, int, str]:
    return said.since, said.told, repr(said)
