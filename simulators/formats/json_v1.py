"""JSON, version 1: `{"v":1,"time":...,"readings":{"a21026":35.2,"a21026-ZsRtd":33.1}}`.

The field `Rtd` is the default and is not written; a value that is not normal carries its flag in an object.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from simulators.formats.seam import Packet
from simulators.records import Report


@dataclass(frozen=True, slots=True)
class Writer:
    """One monitor that speaks JSON."""

    iso: ZoneInfo | None = None
    """Where given, times are ISO 8601 with the offset of this zone, else epoch milliseconds."""

    def packets(self, report: Report) -> list[Packet]:
        """One message."""
        stamp = report.stamp
        time = datetime.fromtimestamp(stamp / 1000, self.iso).isoformat(timespec="milliseconds") if self.iso else stamp
        values: dict[str, float | dict[str, float | str]] = {}
        for reading in report.readings:
            for field, value in reading.values.items():
                key = reading.code if field == "Rtd" else f"{reading.code}-{field}"
                values[key] = value if reading.flag == "N" else {"value": value, "flag": reading.flag}
        message: dict[str, object] = {"v": 1, "time": time}
        if report.period != "realtime":
            message["period"] = report.period
        message["readings"] = values
        return [Packet(json.dumps(message, separators=(",", ":")).encode(), report.readings)]
