"""Times as senders write them, to ms UTC. A stamp without a zone is local time of the sender's site.

Where clocks are set back, the hour that occurs twice is taken as the first of the two; where they are set forward,
the hour that does not occur is read with the offset before the change.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

EARLIEST: Final = 946_684_800_000
"""2000-01-01T00:00:00Z. No monitor that speaks these formats is older; a clock that says so is not set."""
LATEST: Final = 4_133_980_800_000
"""2101-01-01T00:00:00Z, exclusive."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)
_SEPARATORS: Final = frozenset("Tt ")


def plausible(ms: int) -> int:
    """The same time. Raises ValueError, with a sentence, when it is before 2000 or after 2100."""
    if EARLIEST <= ms < LATEST:
        return ms
    hint = "; it looks like seconds, milliseconds are expected" if EARLIEST <= ms * 1000 < LATEST else ""
    raise ValueError(f"is not between the years 2000 and 2100{hint}")


def epoch_ms(seconds: float) -> int:
    """ms UTC of seconds since 1970. Raises ValueError, with a sentence, where that is not plausible."""
    try:
        return plausible(round(seconds * 1000))
    except OverflowError:
        raise ValueError("is not between the years 2000 and 2100") from None


def iso_ms(text: str, zone: ZoneInfo) -> int:
    """ms UTC of an ISO 8601 date and time (or a date alone: its midnight); finer digits are cut off.

    Raises ValueError, with a sentence, for what is no such time or not plausible.
    """
    # `fromisoformat` takes any character between date and time: of a row of digits it would make a wrong time.
    if text[10:11] not in _SEPARATORS and text[8:9] not in _SEPARATORS and len(text) != 10:
        raise ValueError("is no ISO 8601 date and time")
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=zone)
        ms = (moment - _EPOCH) // _MILLISECOND
    except (ValueError, OverflowError):
        raise ValueError("is no ISO 8601 date and time") from None
    return plausible(ms)


def hj212_ms(text: str, zone: ZoneInfo) -> int:
    """ms UTC of a stamp of HJ 212: YYYYMMDDhhmm, with ss, or with ss and milliseconds.

    Raises ValueError, with a sentence, for anything else or a time that is not plausible.
    """
    if len(text) not in (12, 14, 17) or not (text.isascii() and text.isdigit()):
        raise ValueError("is not of 12, 14 or 17 digits (YYYYMMDDhhmm[ss[zzz]])")
    day = int(text[:4]), int(text[4:6]), int(text[6:8])
    try:
        moment = datetime(
            *day, int(text[8:10]), int(text[10:12]), int(text[12:14] or 0), int(text[14:] or 0) * 1000, tzinfo=zone
        )
        ms = (moment - _EPOCH) // _MILLISECOND
    except (ValueError, OverflowError):
        raise ValueError("is no date and time of the calendar") from None
    return plausible(ms)


def day_before(ms: int, zone: ZoneInfo) -> int:
    """ms UTC of the same local time a day earlier: 23 or 25 hours where clocks were set in between."""
    local = datetime.fromtimestamp(ms / 1000, zone).replace(tzinfo=None) - timedelta(days=1)
    return (local.replace(tzinfo=zone) - _EPOCH) // _MILLISECOND
