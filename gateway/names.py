"""Names of readings on the wire: `factor` or `factor-Field`, as HJ 212 writes them and JSON v1 takes them over."""

from __future__ import annotations

from typing import Final

LONGEST: Final = 64
"""Most characters of a factor or of a field. HJ 212 needs 6 and 14; the bound keeps the table of channels small."""


def default_field(period: str) -> str:
    """The field of a bare factor: what a message of this period says first of all."""
    return "Rtd" if period == "realtime" else "Avg"


def split_name(name: str, field: str) -> tuple[str, str] | None:
    """Factor and field of a name, `field` where it has none; None where it is no name.

    A name is printable and has no blank, so that it can be a tag in every store.
    """
    factor, dash, given = name.partition("-")
    if dash:
        field = given
    if 0 < len(factor) <= LONGEST and 0 < len(field) <= LONGEST and name.isprintable() and " " not in name:
        return factor, field
    return None
