"""The commands (CN) of all editions, from `data/hj212_commands.csv`.

Groups of the standard: 1000-1999 parameters, 2000-2999 data, 3000-3999 control, 9000-9999 interaction. A number
may mean different things in different editions, and then has several rows.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from gateway.hj212.editions import Edition


@dataclass(frozen=True, slots=True)
class Command:
    """One row of the table: what a command means in some editions."""

    cn: str
    direction: str
    """`C>D` (centre to device), `D>C` or `both`."""
    en: str
    zh: str
    editions: frozenset[Edition]
    group: str
    """`parameters`, `data`, `control` or `interaction`."""
    period: str
    """Period of the readings it brings; empty where it brings parameters and text only."""


@cache
def commands() -> tuple[Command, ...]:
    """All rows, ascending by CN. The table is part of the package."""
    text = files("gateway").joinpath("data", "hj212_commands.csv").read_text("utf-8")
    return tuple(
        Command(
            *(row["cn"], row["direction"], row["name_en"], row["name_zh"]),
            editions=frozenset(map(Edition, row["editions"].split())),
            group=row["group"],
            period=row["period"],
        )
        for row in csv.DictReader(text.splitlines())
    )


@cache
def _by_cn() -> dict[str, tuple[Command, ...]]:
    found: dict[str, tuple[Command, ...]] = {}
    for command in commands():
        found[command.cn] = (*found.get(command.cn, ()), command)
    return found


def command(cn: str, edition: str = "") -> Command | None:
    """What a command means in an edition (empty: in the latest that has it), None where it has no such command."""
    rows = [row for row in _by_cn().get(cn, ()) if not edition or edition in row.editions]
    return rows[-1] if rows else None


def is_data(cn: str) -> bool:
    """Whether a command is of the data group, 2000-2999."""
    return len(cn) == 4 and cn[0] == "2" and cn.isascii() and cn.isdigit()


def period_of(cn: str) -> str:
    """The period of the readings under a command: `realtime` where it is of no fixed period, or unknown."""
    rows = _by_cn().get(cn)
    return (rows[0].period if rows else "") or "realtime"


def brings_readings(cn: str) -> bool:
    """Whether numbers under a command are readings: data of any number, and on-site information (3020)."""
    return is_data(cn) or any(row.period for row in _by_cn().get(cn, ()))
