"""What a format is: a report in, the payloads that say it out. One file a format, one line in `simulators.formats`."""

from __future__ import annotations

from typing import Protocol

from simulators.records import Report


class Format(Protocol):
    """Writes what one device says."""

    def payloads(self, report: Report) -> list[bytes]:
        """One payload, or several where a message has to be split. The same report gives the same bytes."""
        ...
