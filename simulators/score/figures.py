"""The figures of a receiver: for each family and what is found, and all together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Final

from simulators.score.matching import FalseAlert, Matched, Pair, match
from simulators.score.records import Expected, Said, Truth
from simulators.score.words import HEALTH, judged

DAY_MS: Final = 86_400_000


@dataclass(slots=True)
class Row:
    """What a receiver did with things of one kind."""

    family: str
    what: str
    pairs: list[Pair] = field(default_factory=list[Pair])
    missed: list[Expected] = field(default_factory=list[Expected])
    false: list[FalseAlert] = field(default_factory=list[FalseAlert])

    @property
    def expected(self) -> int:
        """How many there were to be found."""
        return len(self.pairs) + len(self.missed)

    @property
    def precision(self) -> float | None:
        """Share of the alerts that were about something, each thing counted once; None where nothing was said."""
        said = len(self.pairs) + len(self.false)
        return len(self.pairs) / said if said else None

    @property
    def recall(self) -> float | None:
        """Share of what was to be found that was; None where there was nothing."""
        return len(self.pairs) / self.expected if self.expected else None

    @property
    def again(self) -> int:
        """False alerts about what another alert had told of."""
        return sum(each.again for each in self.false)

    @property
    def false_resolves(self) -> int:
        """Alerts that were said to be over when what they were about was not."""
        return sum(each.too_early for each in self.pairs)

    @property
    def delays(self) -> list[int]:
        """ms until told, of each that was found, ascending."""
        return sorted(each.delay for each in self.pairs)

    def json(self, device_days: float | None) -> dict[str, object]:
        """The row for JSON; rates are null where they cannot be said."""
        delays = self.delays
        return {
            "family": self.family,
            "what": self.what,
            "expected": self.expected,
            "found": len(self.pairs),
            "missed": len(self.missed),
            "false": len(self.false),
            "again": self.again,
            "false_resolves": self.false_resolves,
            "precision": self.precision,
            "recall": self.recall,
            "delay_median_ms": median(delays) if delays else None,
            "delay_p95_ms": percentile(delays, 95) if delays else None,
            "false_per_device_day": len(self.false) / device_days if device_days else None,
        }


@dataclass(frozen=True, slots=True)
class Score:
    """Everything about alerts that is said of a receiver."""

    rows: list[Row]
    """By family and what."""
    whole: Row
    """All of them together."""
    not_judged: list[Said]
    """Alerts of which the truth says nothing: neither right nor wrong."""
    device_days: float | None
    """Devices and cameras by the time for which they were played; None where the truth does not say."""
    tolerance_ms: int

    def json(self) -> dict[str, object]:
        """The score for JSON."""
        whole = self.whole
        return {
            "tolerance_ms": self.tolerance_ms,
            "device_days": self.device_days,
            "total": whole.json(self.device_days),
            "detectors": [row.json(self.device_days) for row in self.rows],
            "missed": [expected_json(each) for each in whole.missed],
            "false": [said_json(each.said) | {"again": each.again} for each in whole.false],
            "false_resolves": [
                {"expected": expected_json(each.expected), "said": said_json(each.said)}
                for each in whole.pairs
                if each.too_early
            ],
            "not_judged": [said_json(each) for each in self.not_judged],
        }


def score(truth: Truth, said: Sequence[Said], tolerance_ms: int) -> Score:
    """Hold what was said against the truth. The order of either does not matter."""
    health = any(each.family == HEALTH for each in truth.expected)
    passed = [each for each in said if not judged(each.family, each.rule) or (each.family == HEALTH and not health)]
    left = set(map(id, passed))
    matched = match(truth.expected, [each for each in said if id(each) not in left], tolerance_ms)
    played = sum(each.end - each.start for each in truth.counted)
    whole = Row("all", "", matched.pairs, matched.missed, matched.false)
    return Score(_rows(matched), whole, passed, played / DAY_MS if played else None, tolerance_ms)


def percentile(ascending: Sequence[int], percent: float) -> float:
    """The value below or at which `percent` of the values are, straight between neighbours.

    >>> percentile([0, 10, 20, 30, 40], 95)
    38.0
    """
    place = (len(ascending) - 1) * percent / 100
    below = int(place)
    above = min(below + 1, len(ascending) - 1)
    return ascending[below] + (ascending[above] - ascending[below]) * (place - below)


def expected_json(expected: Expected) -> dict[str, object]:
    """What was to be found, for JSON."""
    return {
        "family": expected.family,
        "what": expected.what,
        "kind": expected.kind,
        "site": expected.site,
        "subjects": list(expected.subjects),
        "factor": expected.factor or None,
        "zone": expected.zone or None,
        "late": expected.late,
        "from_ms": expected.begins,
        "end_ms": expected.ends,
    }


def said_json(said: Said) -> dict[str, object]:
    """An alert, for JSON."""
    return {
        "id": said.id,
        "family": said.family,
        "rule": said.rule,
        "site": said.site,
        "subject": said.subject,
        "factor": said.factor or None,
        "since_ms": said.since,
        "told_ms": said.told,
        "ended_ms": said.ended,
    }


def _rows(matched: Matched) -> list[Row]:
    """One a family and word; a rule that the truth has no word for stands for itself."""
    rows: dict[tuple[str, str], Row] = defaultdict(lambda: Row("", ""))
    for pair in matched.pairs:
        rows[pair.expected.family, pair.expected.what].pairs.append(pair)
    for each in matched.missed:
        rows[each.family, each.what].missed.append(each)
    for alert in matched.false:
        rows[alert.said.family, alert.said.what or alert.said.rule].false.append(alert)
    return [Row(*key, row.pairs, row.missed, row.false) for key, row in sorted(rows.items())]
