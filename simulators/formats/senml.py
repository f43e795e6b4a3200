"""SenML packs in JSON (RFC 8428): one base record, one record a value.

SenML has neither data flags nor periods: a value that is not normal is left out, and minute, hour and day data are not
said. A pack with nothing to say is not sent.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from simulators.formats.seam import Packet
from simulators.records import Report

UNITS: Final = MappingProxyType(
    {"C": "Cel", "%": "%", "m/s": "m/s", "m3/s": "m3/s", "mg/L": "mg/l", "ug/m3": "ug/m3", "mg/m3": "mg/m3"}
)
"""Units of the inventory to names of SenML (RFC 8428 12.1, RFC 8798)."""


@dataclass(frozen=True, slots=True)
class Writer:
    """One monitor that speaks SenML."""

    name: str
    """Base name: what stands before the factor in each full name."""
    units: dict[str, str] = field(default_factory=dict[str, str])
    """Factor code to the inventory's unit."""

    def packets(self, report: Report) -> list[Packet]:
        """One pack, none where there is nothing that SenML could say."""
        if report.period != "realtime":
            return []
        records: list[dict[str, object]] = []
        normal = [reading for reading in report.readings if reading.flag == "N"]
        for reading in normal:
            unit = UNITS.get(self.units.get(reading.code, ""))
            for name, value in reading.values.items():
                record: dict[str, object] = {"n": reading.code if name == "Rtd" else f"{reading.code}-{name}"}
                if unit is not None:
                    record["u"] = unit
                records.append({**record, "v": value})
        if not records:
            return []
        records[0] = {"bn": f"{self.name}/", "bt": report.stamp / 1000, **records[0]}
        return [Packet(json.dumps(records, separators=(",", ":")).encode(), normal)]
