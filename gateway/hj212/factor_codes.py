"""Factor codes: which are known, and what the numeric codes of 2005 became in 2017."""

from __future__ import annotations

import re
from functools import cache
from typing import Final

from gateway.factors import FactorTable

_EQUIPMENT: Final = re.compile(r"SB\d{1,3}")
"""Treatment equipment of `SBx-RS` and `SBx-RT`."""
_MEDIA: Final = {
    st: medium
    for medium, systems in (("water", "21 24 26 32 33 34"), ("air", "22 27 31 39"), ("noise", "23 36"))
    for st in systems.split()
}
"""System type (ST) to the medium of its factors."""


@cache
def table() -> FactorTable:
    """The table of the package."""
    return FactorTable.load()


def is_known(code: str) -> bool:
    """Whether a code of any edition is in the table, or names equipment."""
    return table().get(code) is not None or _EQUIPMENT.fullmatch(code) is not None


@cache
def _new_codes() -> dict[tuple[str, str], str]:
    return {(row.medium, row.old_code): row.code for row in table().rows() if row.old_code}


def new_code(code: str, st: str) -> str:
    """The code of 2017 for one of 2005 under a system type; the same code where there is none."""
    return _new_codes().get((_MEDIA.get(st, ""), code), code)
