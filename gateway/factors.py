"""The factor table: HJ 212 factor codes with their names and the unit of the standard, from `data/factors.csv`.

A frame carries no unit, and loggers in the field do not keep to the standard's: a unit is configuration, with this
table's as default.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
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
    name: Name


class FactorTable:
    """Factor codes of HJ 212-2017 annex B and those of HJ 212-2025 that are known."""

    def __init__(self, rows: list[KnownFactor]) -> None:
        self._rows = {row.code: row for row in rows}

    @classmethod
    def load(cls) -> Self:
        """The table that is part of the package."""
        with files("gateway").joinpath("data", "factors.csv").open(encoding="utf-8", newline="") as text:
            rows = csv.DictReader(text)
            return cls(
                [
                    KnownFactor(row["code"], row["old_code"], row["unit"], Name(row["name_en"], row["name_zh"]))
                    for row in rows
                ]
            )

    def __iter__(self) -> Iterator[KnownFactor]:
        return iter(self._rows.values())

    def get(self, code: str) -> KnownFactor | None:
        """The row of a code. Codes of process equipment end in its number, in the table written `xx` or `x`."""
        return self._rows.get(code) or self._rows.get(code[:-2] + "xx") or self._rows.get(code[:-1] + "x")
