"""What the editions of HJ 212 do differently, as far as a monitor has to know it."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, Literal

from simulators.records import Reading

Edition = Literal["2005", "2017", "2025"]

SPLIT: Final = 2
REPLY: Final = 1
"""Bits of Flag: packet numbers are there, a reply is wanted. Bits 7-2 are the edition's version."""


@dataclass(frozen=True, slots=True)
class Rules:
    """One edition."""

    version: int
    cp_most: int
    """Bytes of CP before a message is split."""
    backfill: bool = False
    """Whether what is sent again says so (`RF=1`)."""
    codes: dict[str, str] = field(default_factory=dict[str, str])
    """Codes of 2017 to those that the edition has instead."""
    most_decimals: int = 9
    flags: dict[str, str] = field(default_factory=dict[str, str])
    """Data flags of 2017 to those that the edition has instead."""
    own_flags: dict[str, dict[str, str]] = field(default_factory=dict[str, dict[str, str]])
    """The same, of a system type that has flags of its own."""

    def decimals(self, reading: Reading, name: str) -> int:
        """Digits after the point with which a field of a reading is written."""
        own = reading.total_decimals if name == "Cou" else None
        return min(reading.decimals if own is None else own, self.most_decimals)

    def flag(self, flag: str, system_type: str) -> str:
        """What the edition says for a data flag of 2017."""
        return self.own_flags.get(system_type, self.flags).get(flag, flag)


OLD_CODES: Final = {
    "a00000": "B02",
    "a01011": "S02",
    "a01012": "S03",
    "a01013": "S08",
    "a01014": "S05",
    "a19001": "S01",
    "a21002": "03",
    "a21005": "04",
    "a21026": "02",
    "a34013": "01",
    "w00000": "B01",
    "w01001": "001",
    "w01018": "011",
    "w21001": "065",
    "w21003": "060",
    "w21011": "101",
}
"""HJ 212-2017, annex B: the code of 2005 beside that of 2017. What 2005 had no code for is sent under the new one."""

AIR_FLAGS: Final = {"N": "3", "C": "0"} | dict.fromkeys("FDMBTS", "2")
"""2005, ambient air: 0 calibration, 1 weather, 2 abnormal, 3 normal."""

EDITIONS: Final = MappingProxyType(
    {
        # All values are N14.2; a communication error (B) is a fault (D), as there is no letter of its own.
        "2005": Rules(
            version=0,
            cp_most=960,
            codes=OLD_CODES,
            most_decimals=2,
            flags={"B": "D"},
            own_flags={"22": AIR_FLAGS},
        ),
        "2017": Rules(version=1, cp_most=950),
        "2025": Rules(version=2, cp_most=950, backfill=True),
    }
)
