"""Words of truth and receivers brought together: rules of alerts, and kinds of incidents where a truth has no `expect`.

| receiver | truth |
|---|---|
| exceedance, any rule that is no word of the truth | `limit` |
| data_quality `clock_ahead`, `clock_behind`, `clock_drifting`, `no_clock` | `clock` |
| security, any rule that is no word of the truth | `motion`, the rule being the zone |
| any other rule | the same word; where the truth has no such word, any |
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

EXCEEDANCE: Final = "exceedance"
DATA_QUALITY: Final = "data_quality"
SECURITY: Final = "security"
HEALTH: Final = "gateway_health"
FRAUD: Final = "fraud"

LIMIT: Final = "limit"
MOTION: Final = "motion"
CLOCK: Final = "clock"
LATE: Final = ":late"
"""Behind the rule of an alert about data that came late."""

_WORDS: Final = {
    EXCEEDANCE: frozenset((LIMIT, "smoke", "coloured_water", "foam")),
    DATA_QUALITY: frozenset(
        ("silence", "stuck", "drift", "spike", "bias", "saturation", "unit", CLOCK, "identity"),
    ),
    SECURITY: frozenset((MOTION, "cover", "blur", "freeze", "shift", "glare")),
}
_OTHERWISE: Final = {EXCEEDANCE: LIMIT, SECURITY: MOTION}
_CLOCKS: Final = frozenset(("clock_ahead", "clock_behind", "clock_drifting", "no_clock"))
_GAPS: Final = "gap_"
_LIMIT: Final = re.compile(r"/\w+-[A-Za-z]+(?:-(realtime|minute|hour|day))?/(above|below)$")


class Meaning(NamedTuple):
    """What a rule is about, in words of the truth."""

    what: str
    """Empty: the truth has no word for it."""
    zone: str = ""


def meaning(family: str, rule: str) -> Meaning:
    """What an alert's rule finds. `rule` has no `:late` behind it.

    >>> meaning("security", "gate"), meaning("data_quality", "no_clock")
    (Meaning(what='motion', zone='gate'), Meaning(what='clock', zone=''))
    """
    if rule in _WORDS.get(family, ()):
        return Meaning(rule)
    if rule in _CLOCKS:
        return Meaning(CLOCK)
    if family == SECURITY:
        return Meaning(MOTION, rule)
    if family == FRAUD:
        return Meaning(rule)
    return Meaning(_OTHERWISE.get(family, ""))


def limit_of(rule: str) -> tuple[str, str]:
    """Period of the data and side of the limit that a rule of this gateway names; empty where it has a name of its own.

    >>> limit_of("plant/stack-1/a21026-ZsAvg-hour/above"), limit_of("plant/stack-1/a21026-ZsRtd/above"), limit_of("so2")
    (('hour', 'above'), ('realtime', 'above'), ('', ''))
    """
    named = _LIMIT.search(rule)
    return ("", "") if named is None else (named[1] or "realtime", named[2])


def judged(family: str, rule: str) -> bool:
    """Whether the truth tells right from wrong in such alerts: of missing minutes and hours it says nothing."""
    return not (family == DATA_QUALITY and rule.startswith(_GAPS))
