"""The editions of HJ 212 as a table: what differs between 2005, 2017 and 2025 in header, Flag and lengths.

Flag is the decimal number of one byte: bits 7-2 the version, bit 1 "PNUM and PNO are there", bit 0 "reply wanted".
2025 swaps the names of the two low bits, not their places.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

REPLY_BIT: Final = 1
SPLIT_BIT: Final = 2
SEGMENT_MOST: Final = 1024
"""Bytes of a data segment that is not split, all editions (HJ 212-2017, 6.3)."""


class Edition(StrEnum):
    """An edition of the standard, by its year."""

    E2005 = "2005"
    E2017 = "2017"
    E2025 = "2025"


@dataclass(frozen=True, slots=True)
class Rules:
    """What an edition asks of a frame."""

    version: int
    """Bits 7-2 of Flag."""
    cp_most: int
    """Bytes between the two `&&`."""
    field_most: dict[str, int]
    """Header field to the most characters of its value."""


RULES: Final = MappingProxyType(
    {
        Edition.E2005: Rules(0, 960, {"QN": 17, "ST": 2, "CN": 4, "PW": 6, "MN": 14, "FLAG": 3, "PNUM": 4, "PNO": 4}),
        Edition.E2017: Rules(1, 950, {"QN": 17, "ST": 2, "CN": 4, "PW": 6, "MN": 24, "FLAG": 3, "PNUM": 4, "PNO": 4}),
        Edition.E2025: Rules(2, 950, {"QN": 17, "ST": 2, "CN": 4, "PW": 6, "MN": 24, "FLAG": 3, "PNUM": 4, "PNO": 4}),
    }
)
"""The 2017 column was read in the standard; 2005 and 2025 come from two implementations each. The width of PNUM in
2025 is open (its table would leave one digit), so that of 2017 stands."""
