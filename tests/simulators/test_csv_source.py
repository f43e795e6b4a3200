"""Columns of CSV files become messages, and mistakes are told with their line."""

from __future__ import annotations

import json
import tracemalloc
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
        ("", "", r"t\.csv:1: no column t"),
        ("", "t,v,v\n", r"t\.csv:1: more than one column v"),
        ("", "t,v\n2026-01-01T00:00:00,1,5\n", r"t\.csv:2: 3 cells, where the first line has 2"),
        ('format = "s"\n', "t,v\n1767225600,1\ninf,1\n", r"t\.csv:3: cannot convert float infinity"),
        ('format = "ms"\n', "t,v\n1767225600000000,1\n", r"t\.csv:2: 1767225600000000 ms since 1970 is no time"),
        ("", "t,v\n0001-01-01T00:00:00,1\n", r"t\.csv:2: .* of the years 1971 to 2100"),
        ("", 't,v\n"2026-01-01T00:00:00"x,1\n', r"t\.csv:2: .* expected after"),
        ("", "t,v\n2026-01-01T00:00:00,much\n", r"t\.csv:2: could not convert .*much"),
        ("", "t,v\n2026-01-01T00:00:00,inf\n", r"t\.csv:2: a1-Rtd: inf is no number"),
        ('codec = "hj212"\n', "t,v\n", r"t\.toml: HJ 212 needs an `mn`"),
        ('zone = "Mars"\n', "t,v\n", r"no time zone 'Mars'"),
        ("colums = []\n", "t,v\n", r"t\.toml:4: colums: Extra inputs"),
    ],
)
def test_mistakes_are_told_with_their_line(tmp_path: Path, more: str, rows: str, expected: str) -> None:
    table = f'site = "s"\ndevice = "d"\ntime = "t"\n{more}columns = [{{ name = "v", factor = "a1" }}]\n'
    with pytest.raises(SimulatorError, match=expected):
        arrivals(tmp_path, table, rows)


def test_a_file_of_a_spreadsheet_is_read(tmp_path: Path) -> None:
    table = 'site = "s"\ndevice = "d"\ntime = "t"\ncolumns = [{ name = "a, b", factor = "a1" }]\n'
    rows = ('"t","a, b","rest"', '"2026-01-01T08:00:00","1.50",', "", "2026-01-01T08:00:01", "2026-01-01T08:00:02,2,,")
    found = arrivals(tmp_path, table, "\ufeff" + "\r\n".join(rows))
    assert [(one.due, json.loads(one.payload)["readings"]) for one in found] == [
        (EIGHT, {"a1": 1.5}),
        (EIGHT + 2000, {"a1": 2.0}),
    ]


def test_another_encoding_and_names_that_fit_no_topic_are_told(tmp_path: Path) -> None:
    table = 'site = "s"\ndevice_column = "w"\ntime = "t"\ncolumns = [{ name = "v", factor = "a1" }]\n'
    with pytest.raises(SimulatorError, match=r"t\.csv:3: 'a/b' is no name of a device"):
        arrivals(tmp_path, table, "t,w,v\n2026-01-01T08:00:00,\u516c\u56ed,1\n2026-01-01T08:00:00,a/b,1\n")
    (tmp_path / "t.csv").write_bytes("t,w,v,\u65f6\u95f4\n".encode("gbk"))
    with pytest.raises(SimulatorError, match=r"t\.csv: no text in UTF-8"):
        list(arrivals_of(tmp_path / "t.csv", tmp_path / "t.toml"))


def test_many_rows_take_little_memory_and_come_in_order(tmp_path: Path) -> None:
    count = 20_000
    lines = "".join(f"{1_767_225_600 + k * 7919 % count},{k}.5,{k},,\n" for k in range(count))
    names = "abcd"
    table = 'site = "s"\ndevice = "d"\ntime = "t"\nformat = "s"\ncolumns = [{}]\n'.format(
        ", ".join(f'{{ name = "{name}", factor = "{name}1" }}' for name in names)
    )
    (tmp_path / "t.toml").write_text(table, "utf-8")
    (tmp_path / "t.csv").write_text("t,a,b,c,d\n" + lines, "utf-8")
    tracemalloc.start()
    try:
        found = arrivals_of(tmp_path / "t.csv", tmp_path / "t.toml")
        first = next(found)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 150 * count
    times = [first.due, *(one.due for one in found)]
    assert times == [EIGHT + 1000 * k for k in range(count)]
