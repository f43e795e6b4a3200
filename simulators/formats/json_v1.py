"""JSON, version 1: `{"v":1,"time":...,"readings":{"a21026":35.2,"a21026-ZsRtd":33.1}}`.

The field `Rtd` is the default and is not written; a value that is not normal carries its flag in an object.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Literal
from zoneinfo import ZoneInfo

from simulators.records import Reading


def payload(
    time: int,
    readings: Sequence[Reading],
    *,
    period: Literal["realtime", "minute"] = "realtime",
    iso: ZoneInfo | None = None,
) -> bytes:
    """One message. `time`: ms UTC, written as ISO 8601 with offset where `iso` gives a zone, else as it is."""
    stamp = datetime.fromtimestamp(time / 1000, iso).isoformat(timespec="milliseconds") if iso else time
    values: dict[str, float | dict[str, float | str]] = {}
    for reading in readings:
        for field, value in reading.values.items():
            key = reading.code if field == "Rtd" else f"{reading.code}-{field}"
            values[key] = value if reading.flag == "N" else {"value": value, "flag": reading.flag}
    message: dict[str, object] = {"v": 1, "time": stamp}
    if period != "realtime":
        message["period"] = period
    message["readings"] = values
    return json.dumps(message, separators=(",", ":")).encode()
