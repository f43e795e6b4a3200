"""Times at the edge of the API: ISO 8601 or epoch milliseconds in, ISO 8601 UTC with milliseconds out."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final

import numpy as np
from numpy.typing import NDArray
from pydantic import BeforeValidator, WithJsonSchema

from detectors.records import NEVER

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LAST: Final = 253_402_300_799_999
"""The last ms of the year 9999: what ISO 8601 writes with four digits of year."""
_DIGITS: Final = re.compile(r"\d{1,15}")
_LOST_PLUS: Final = re.compile(r" (\d\d:?\d\d)$")
"""An offset whose `+` was not percent-encoded arrives as a blank."""


def parse_instant(text: object) -> int:
    """ms UTC of an ISO 8601 stamp with a zone, or of a whole number of ms. Raises ValueError with what is expected."""
    if isinstance(text, int):
        return _bounded(text)
    if not isinstance(text, str):
        raise ValueError("expected an ISO 8601 time or milliseconds since the epoch")
    if _DIGITS.fullmatch(text):
        return _bounded(int(text))
    try:
        stamp = datetime.fromisoformat(_LOST_PLUS.sub(r"+\1", text))
    except ValueError:
        raise ValueError("expected an ISO 8601 time (2026-05-01T08:00:00Z) or milliseconds since the epoch") from None
    if stamp.tzinfo is None:
        raise ValueError("the time needs its zone: end it with Z or an offset such as +08:00")
    return _bounded((stamp - _EPOCH) // timedelta(milliseconds=1))


def _bounded(ms: int) -> int:
    if not 0 <= ms <= _LAST:
        raise ValueError("the time must lie between the years 1970 and 9999")
    return ms


Instant = Annotated[
    int,
    BeforeValidator(parse_instant),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "format": "date-time"},
                {"type": "integer", "minimum": 0, "maximum": _LAST},
            ],
            "examples": ["2026-05-01T08:00:00Z", 1777622400000],
        }
    ),
]
"""A query parameter that is a time, as ms UTC."""


def iso(ms: int) -> str:
    """`2026-05-01T08:00:00.000Z`."""
    return f"{np.datetime64(ms, 'ms')}Z"


def iso_or_none(ms: int) -> str | None:
    """As `iso`; None for a time that has not happened (`NEVER`, or 0 in an alert)."""
    return None if ms in (NEVER, 0) else iso(ms)


def iso_column(times: NDArray[np.int64]) -> list[str]:
    """As `iso`, for a column of shape (n,)."""
    stamps: NDArray[np.str_] = np.char.add(np.datetime_as_string(times.astype("datetime64[ms]"), unit="ms"), "Z")
    return stamps.tolist()
