"""Columns of CSV files become messages, and mistakes are told with their line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from simulators.csv_source import arrivals_of
from simulators.errors import SimulatorError
from simulators.traffic import Arrival

EIGHT = 1_767_225_600_000


def arrivals(folder: Path, table: str, rows: str) -> list[Arrival]:
    (folder / "t.toml").write_text(table, "utf-8")
    (folder / "t.csv").write_text(rows, "utf-8")
    return list(arrivals_of(folder / "t.csv", folder / "t.toml"))


def test_rows_become_messages_in_order_of_time_and_missing_values_are_left_out(tmp_path: Path) -> None:
    table = """
site = "pond"
device = "buoy"
time = "datetime"
format = "%Y-%m-%d %H:%M"
columns = [{ name = "ph", factor = "w01001" }, { name = "temp", factor = "w01010", scale = 0.1 }]
"""
    rows = "datetime,temp,ph\n2026-01-01 08:15,NULL,8.30\n2026-01-01 08:00,72,8.31\n2026-01-01 08:30,NULL,\n"
    found = arrivals(tmp_path, table, rows)
    assert [(one.due, one.topic) for one in found] == [
        (EIGHT, "pollution/pond/buoy/data"),
        (EIGHT + 900_000, "pollution/pond/buoy/data"),
    ]
    assert [json.loads(one.payload) for one in found] == [
        {"v": 1, "time": EIGHT, "readings": {"w01001": 8.31, "w01010": pytest.approx(7.2)}},
        {"v": 1, "time": EIGHT + 900_000, "readings": {"w01001": 8.3}},
    ]


def test_hj_212_keeps_the_digits_of_the_file_and_joins_the_fields_of_a_factor(tmp_path: Path) -> None:
    table = """
site = "city"
device = "park"
mn = "010000A8900016F000169DC0"
system_type = "22"
codec = "hj212"
period = "hour"
time = ["day", "hour"]
format = "%Y-%m-%d %H"
delimiter = ";"
columns = [
    { name = "mean", factor = "a34004", field = "Avg" },
    { name = "most", factor = "a34004", field = "Max" },
]
"""
    (one,) = arrivals(tmp_path, table, "day;hour;mean;most\n2026-01-01;8;35.20;41\n")
    assert b"ST=22;CN=2061;" in one.payload
    assert b"&&DataTime=20260101080000;a34004-Avg=35.20,a34004-Max=41.00,a34004-Flag=N&&" in one.payload


def test_a_column_may_name_the_device(tmp_path: Path) -> None:
    table = 'site = "s"\ndevice_column = "who"\ntime = "t"\nformat = "s"\ncolumns = [{ name = "v", factor = "a1" }]\n'
    found = arrivals(tmp_path, table, "t,who,v\n1767225600,a,1\n1767225600.5,b,2\n")
    assert [(one.due, one.topic) for one in found] == [
        (EIGHT, "pollution/s/a/data"),
        (EIGHT + 500, "pollution/s/b/data"),
    ]


@pytest.mark.parametrize(
    ("more", "rows", "expected"),
    [
        ("", "t,x\n", r"t\.csv:1: no column v"),
        ("", "t,v\n2026-01-01T00:00:00,1\nsoon,1\n", r"t\.csv:3: soon: no time"),
        ("", "t,v\n2026-01-01T00:00:00,much\n", r"t\.csv:2: could not convert .*much"),
        ("", "t,v\n2026-01-01T00:00:00,inf\n", r"t\.csv:2: v: inf is no number"),
        ('codec = "hj212"\n', "t,v\n", r"t\.toml: HJ 212 needs an `mn`"),
        ('zone = "Mars"\n', "t,v\n", r"no time zone 'Mars'"),
        ("colums = []\n", "t,v\n", r"t\.toml:4: colums: Extra inputs"),
    ],
)
def test_mistakes_are_told_with_their_line(tmp_path: Path, more: str, rows: str, expected: str) -> None:
    table = f'site = "s"\ndevice = "d"\ntime = "t"\n{more}columns = [{{ name = "v", factor = "a1" }}]\n'
    with pytest.raises(SimulatorError, match=expected):
        arrivals(tmp_path, table, rows)
