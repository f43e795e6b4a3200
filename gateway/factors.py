"""The factor table: HJ 212 factor codes with their names and the unit of the standard, from `data/factors.csv`.

A frame carries no unit, and loggers in the field do not keep to the standard's: a unit is configuration, with this
table's as default.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.resources import files
from typing import Self

from gateway.inventory import Name


@dataclass(frozen=True, slots=True)
class KnownFactor:
    """A row of the table."""

    code: str
    old_code: str
    """Of HJ/T 212-2005; empty where there was none."""
    unit: str
    """The standard's; empty where the factor is no measurement."""
    format: str
    """The standard's for numbers: `N4.1`, up to four digits before and one behind the point. Empty where not known."""
    medium: str
    """`air`, `water`, `noise`, `process-water`, `process-gas` or `info`."""
    name: Name


class FactorTable:
    """Factor codes of HJ 212-2017 annex B and those of HJ 212-2025 that are known."""

    def __init__(self, rows: list[KnownFactor]) -> None:
        self._all = rows
        self._rows = {row.old_code: row for row in rows if row.old_code} | {row.code: row for row in rows}

    @classmethod
    def load(cls) -> Self:
        """The table that is part of the package."""
        text = files("gateway").joinpath("data", "factors.csv").read_text("utf-8")
        return cls(
            [
                KnownFactor(
                    *(row["code"], row["old_code"], row["unit"], row["format"], row["medium"]),
                    name=Name(row["name_en"], row["name_zh"]),
                )
                for row in csv.DictReader(text.splitlines())
            ]
        )

    def rows(self) -> Iterable[KnownFactor]:
        """All rows."""
        return self._all

    def get(self, code: str) -> KnownFactor | None:
        """The row of a code of 2017 or 2005. Codes of equipment end in its number: `xx` or `x` in the table."""
        return self._rows.get(code) or self._rows.get(code[:-2] + "xx") or self._rows.get(code[:-1] + "x")
