"""Lost, duplicate, corrupt and invented points, counted by hand."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from simulators.errors import SimulatorError
from simulators.score.points import Points, score_points, whole

HEAD = "site,device,factor,field,period,time,value\n"
SENT = HEAD + "\n".join(
    (
        "s,d0,a21026,Rtd,realtime,1000,35.2",
        "s,d0,a21026,Rtd,realtime,2000,35.3",
        "s,d0,a21026,Rtd,realtime,2000,35.3",  # said twice: one point
        "s,d0,a21026,Rtd,realtime,3000,35.4",
        "s,d0,a21026,Rtd,realtime,3000,35.9",  # corrected: either will do
        "s,d0,a21026,Avg,minute,0,35.35",
        "s,d1,a21026,Rtd,realtime,1000,nan",
        "s,d1,a21026,Rtd,realtime,2000,0.1",
        "s,d1,a21026,Rtd,realtime,5000,0.5",
    )
)
STORED = (
    "flag,"
    + HEAD
    + "\n".join(
        (
            "N,s,d0,a21026,Rtd,realtime,1970-01-01T00:00:01.000Z,35.2",
            "N,s,d0,a21026,Rtd,realtime,1970-01-01T00:00:02.000Z,35.3",
            "N,s,d0,a21026,Rtd,realtime,1970-01-01T08:00:02+08:00,35.3",  # stored twice
            "N,s,d0,a21026,Rtd,realtime,1970-01-01T00:00:03.000Z,35.900000000001",
            "N,s,d1,a21026,Rtd,realtime,1970-01-01T00:00:01.000Z,",  # no number, as was said
            "N,s,d1,a21026,Rtd,realtime,1970-01-01T00:00:02.000Z,0.2",  # another value
            "N,s,d1,a21026,Rtd,realtime,1970-01-01T00:00:04.000Z,0.3",  # never said
            "N,s,d1,a21026,Rtd,realtime,1970-01-01T00:00:05.000Z,",  # stored without its value
        )
    )
)


def test_points_of_a_case_counted_by_hand(tmp_path: Path) -> None:
    sent, stored = tmp_path / "sent.csv", tmp_path / "it's stored.csv"
    sent.write_text(SENT, "utf-8")
    stored.write_text(STORED, "utf-8")
    points = score_points(sent, stored)
    assert points == [
        Points("s", "d0", sent=4, lost=1, duplicated=1, corrupt=0, invented=0),
        Points("s", "d1", sent=3, lost=1, duplicated=0, corrupt=1, invented=1),
    ]
    assert whole(points) == Points("all", "", sent=7, lost=2, duplicated=1, corrupt=1, invented=1)


def test_json_lines_are_read_too(tmp_path: Path) -> None:
    sent, stored = tmp_path / "sent.csv", tmp_path / "stored.jsonl"
    sent.write_text(SENT, "utf-8")
    names = HEAD.strip().split(",")
    records = [dict(zip(names, line.split(","), strict=True)) for line in SENT.splitlines()[1:]]
    stored.write_text("\n".join(json.dumps(each | {"time": int(each["time"])}) for each in records[1:2]), "utf-8")
    assert score_points(sent, stored)[0] == Points("s", "d0", sent=4, lost=3, duplicated=0, corrupt=0, invented=0)


def test_a_column_that_is_missing_is_named(tmp_path: Path) -> None:
    sent, stored = tmp_path / "sent.csv", tmp_path / "stored.csv"
    sent.write_text(SENT, "utf-8")
    stored.write_text(STORED.replace("period", "span"), "utf-8")
    with pytest.raises(SimulatorError, match="period"):
        score_points(sent, stored)
