"""What was said, matched one to one with what was to be found.

An alert and an expectation fit where family, site, and device or camera are the same; factor, field, zone and `what`
too, where both name one; and where the alert begins within the time in which it may begin, give or take the tolerance:
from `from_ms` until what it is about is over. Alerts are taken in the order in which they began, and each takes, of
the expectations that fit and are left, the one whose time is over first. Of points and stretches of time that makes the
most pairs that can be made.
"""

from __future__ import annotations

import math
from collections import defaultdict
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
    waiting: dict[tuple[str, str], list[Expected]] = defaultdict(list)
    for each in sorted(expected, key=_order):
        waiting[each.family, each.site].append(each)
    everything = {key: tuple(each) for key, each in waiting.items()}
    pairs: list[Pair] = []
    false: list[FalseAlert] = []
    for alert in sorted(said, key=_order_said):
        key = alert.family, alert.site
        fitting = [each for each in waiting.get(key, ()) if fits(each, alert, tolerance)]
        if fitting:
            found = min(fitting, key=lambda each: (each.what != alert.what, _last(each), _order(each)))
            waiting[key].remove(found)
            pairs.append(Pair(found, alert, _too_early(found, alert, tolerance)))
        else:
            again = any(fits(each, alert, tolerance) for each in everything.get(key, ()))
            false.append(FalseAlert(alert, again))
    missed = sorted((each for rest in waiting.values() for each in rest), key=_order)
    return Matched(pairs, missed, false)


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
                (expected.zone, said.zone),
            )
        )
        and expected.begins - tolerance <= said.since <= _last(expected) + tolerance
    )


def _too_early(expected: Expected, said: Said, tolerance: int) -> bool:
    return said.ended is not None and (expected.ends is None or said.ended < expected.ends - tolerance)


def _last(expected: Expected) -> float:
    return math.inf if expected.last is None else expected.last


def _order(expected: Expected) -> tuple[int, float, tuple[str, ...]]:
    words = (expected.family, expected.site, *expected.subjects, expected.what, expected.factor, expected.field)
    return expected.begins, _last(expected), (*words, expected.zone, expected.kind, str(expected.ends))


def _order_said(said: Said) -> tuple[int, int, tuple[str, ...]]:
    words = (said.family, said.site, said.subject, said.rule, said.factor, said.field, said.zone, str(said.ended))
    return said.since, said.told, (*words, said.id)
