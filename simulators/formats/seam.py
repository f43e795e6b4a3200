"""What a format is: a report in, the payloads that say it out. One file a format, one line in `simulators.formats`."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from simulators.records import Reading, Report


class Packet(NamedTuple):
    """One payload, and what of the report it says."""

    payload: bytes
    readings: list[Reading]


class Format(Protocol):
    """Writes what one device says."""

    def packets(self, report: Report) -> list[Packet]:
        """One payload, or several where a message has to be split. The same report gives the same bytes."""
        ...
