"""The editions of HJ 212 as a table: what differs between 2005, 2017 and 2025, and how a frame shows its edition.

Flag is the decimal number of one byte: bits 7-2 the version, bit 1 "PNUM and PNO are there", bit 0 "reply wanted".
2025 swaps the names of the two low bits, not their places.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
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
    """Header field, in upper case, to the most characters of its value. Other fields the edition does not have."""
    mn: re.Pattern[str]
    """The form of an MN."""
    systems: frozenset[str]
    """Values of ST that are assigned."""
    reply_qn_in_cp: bool = False
    """Whether replies (9011-9014) carry the QN that they answer in CP."""
    encrypted: frozenset[str] = frozenset()
    """Commands beside those of the data group whose CP must be encrypted; empty: none is, nor data."""
    normal_flags: dict[str, str] = field(default_factory=dict[str, str])
    """ST to a data flag that means normal beside `N`."""


def _most(**more: int) -> dict[str, int]:
    return {"QN": 17, "ST": 2, "CN": 4, "PW": 6, "MN": 24, "FLAG": 3, "PNUM": 4, "PNO": 4} | more


def _systems(text: str) -> frozenset[str]:
    return frozenset(text.split())


RULES: Final = MappingProxyType(
    {
        Edition.E2005: Rules(
            version=0,
            cp_most=960,
            field_most=_most(MN=14),
            mn=re.compile("[0-9A-Za-z]{14}"),
            systems=_systems("21 22 23 31 32 33 34 35 36 37 38 41 91"),
            reply_qn_in_cp=True,
            normal_flags={"22": "3"},
        ),
        Edition.E2017: Rules(
            version=1,
            cp_most=950,
            field_most=_most(),
            mn=re.compile("[0-9A-Fa-f]{24}"),
            systems=_systems("21 22 23 24 25 26 27 31 32 33 34 35 36 37 38 39 41 51 52 91"),
        ),
        Edition.E2025: Rules(
            version=2,
            cp_most=950,
            field_most=_most(RF=1),
            mn=re.compile("[0-9A-F]{24}"),
            systems=_systems("27 31 32 39 44 45 91"),
            encrypted=frozenset(("1014", "3020")),
        ),
    }
)
"""The 2017 column was read in the standard; 2005 and 2025 come from two implementations each. The width of PNUM in
2025 is open (its table would leave one digit), so that of 2017 stands; so is whether 2025 has more system types."""

_BY_VERSION: Final = {rules.version: edition for edition, rules in RULES.items()}
_ONLY_BEFORE_2025: Final = RULES[Edition.E2017].systems - RULES[Edition.E2025].systems
_LETTER_CODE: Final = re.compile(r"[a-z]\d{5}")
_OLD_CODE: Final = re.compile(r"\d{2,3}|[BS]\d\d")


def by_flag(flag: int, st: str) -> Edition | None:
    """The edition that Flag says (-1: no Flag), None where it says none that is known.

    Version 2 was in use before 2025 by the protocol of surface-water stations, which else is that of 2017.
    """
    edition = _BY_VERSION.get(flag >> 2) if flag >= 0 else None
    if edition is Edition.E2025 and st in _ONLY_BEFORE_2025:
        return Edition.E2017
    return edition


def by_content(mn: str, codes: Iterable[str]) -> Edition:
    """The edition of a frame without a telling Flag: by the form of its MN, then by its factor codes.

    24 hexadecimal characters, or a code of a letter and five digits: 2017. Numeric codes, or an MN of 14 characters
    and no code that tells: 2005. With nothing to go by 2017, which most loggers speak.
    """
    if RULES[Edition.E2017].mn.fullmatch(mn):
        return Edition.E2017
    codes = list(codes)
    if any(map(_LETTER_CODE.fullmatch, codes)):
        return Edition.E2017
    if any(map(_OLD_CODE.fullmatch, codes)) or RULES[Edition.E2005].mn.fullmatch(mn):
        return Edition.E2005
    return Edition.E2017
