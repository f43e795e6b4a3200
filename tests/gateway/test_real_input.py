"""Real input: HJ 212 frames that others logged and a highway that others filmed, end to end, nothing unaccounted for.

What must come out is read from the data themselves by means of this file's own: a plain reader of frames, and the
masks that people drew of what moves on the highway.
"""

from __future__ import annotations

import hashlib
import re
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import cv2
import duckdb
import numpy as np
import pytest
from real_data import (
    CAMERA,
    HIGHWAY,
    ROAD,
    ROAD_SHARE,
    SITE,
    ZONE,
    BadCrc,
    ClipRun,
    Vector,
    gateway_for,
    ms_of,
    pictures_of,
    play_clip,
    play_vectors,
    read_vectors,
)
from servers import Mosquitto

import gateway
from gateway.alerts.feeds import iso_time
from gateway.alerts.ledger import Ledger

Row = tuple[str, str, str, str, int, float, str]
"""Device, factor, field, period, ms UTC, value, flag."""

PERIODS = {"2011": "realtime", "2051": "minute"}
MARCH, SEPTEMBER, OCTOBER = 1_614_568_260_000, 1_664_346_492_000, 1_602_736_200_000
KNOWN: list[Row] = [
    ("ZLDSZ20210127", "w01014", "Rtd", "realtime", MARCH, 1425.0, "N"),
    ("ZLDSZ20210127", "w21003", "Rtd", "realtime", MARCH, 0.09055002, "N"),
    ("JSRCTD000YD107", "l01001", "Rtd", "realtime", SEPTEMBER, 119.90287, "N"),
    ("410183160889201000212505", "100000", "Ept", "realtime", OCTOBER, 162762.484, "N"),
]
"""Copied by hand from the frames of a water station, an air station and an electricity meter."""

SPEAKS_2005 = "LD130133000015"
NEW_CODES = {"B01": "w00000", "011": "w01018", "060": "w21003"}
"""Of 2005 to 2017, by the table of the standard."""

FIRST, LAST = 350, 700
"""Pictures of the highway: two seconds for the background, the end of some traffic, an empty road, a car."""
MARKED_FROM = 470
"""The first picture with a mask."""


def rows_of(vector: Vector) -> list[Row]:
    """The readings of a frame, by nothing but splitting its text."""
    header, content, _ = vector.frame.decode().split("&&")
    items = dict(item.split("=") for item in re.split("[;,]", content) if item)
    if not items:
        return []
    stamp = items.pop("DataTime").ljust(17, "0")
    local = datetime.strptime(stamp[:14], "%Y%m%d%H%M%S").replace(tzinfo=ZoneInfo("Asia/Shanghai"))
    at = round((local + timedelta(milliseconds=int(stamp[14:]))).timestamp() * 1000)
    device = header.split("MN=")[1].split(";")[0]
    fields = {tuple(name.split("-")): value for name, value in items.items()}
    new = NEW_CODES if device == SPEAKS_2005 else {}
    return [
        (
            *(device, new.get(factor, factor), name, PERIODS[vector.cn], at),
            float(at if name == "SampleTime" else value),  # the one SampleTime among them is that of the data
            fields.get((factor, "Flag"), "N"),
        )
        for (factor, name), value in fields.items()
        if name != "Flag"
    ]


@pytest.mark.parametrize("bad_crc", ["dead_letter", "accept"])
async def test_every_logged_frame_ends_in_one_way(
    bad_crc: BadCrc, outside_data: Path, mosquitto: Mosquitto, tmp_path: Path
) -> None:
    vectors = read_vectors(outside_data)
    process = gateway_for(mosquitto, tmp_path / "gateway", vectors, bad_crc)
    outcomes = await play_vectors(process, mosquitto, vectors)
    good = [vector for vector in vectors if vector.crc_ok or bad_crc == "accept"]

    assert [one.ends for one in outcomes] == [1] * len(vectors), [one.verdict for one in outcomes]
    dead = [one.vector for one in outcomes if one.letters]
    assert dead == [vector for vector in vectors if vector not in good]
    for one in outcomes:
        assert [(letter.reason, letter.payload) for letter in one.letters] == (
            [("bad_crc", one.vector.frame)] if one.vector in dead else []
        )
        assert one.readings == (0 if one.vector in dead else len(rows_of(one.vector))), one.verdict
    assert [one.vector for one in outcomes if one.alive] == [vector for vector in good if not rows_of(vector)]

    expected: dict[tuple[object, ...], Row] = {}
    for row in (row for vector in good for row in rows_of(vector)):
        expected.setdefault(row[:5], row)  # of the same device, factor, field and time the first one stays
    with duckdb.connect(str(process.data / "readings.duckdb"), read_only=True) as store:
        kept = store.execute(
            "select device, factor, field, period, epoch_ms(time), value, flag from readings order by all"
        ).fetchall()
    assert kept == sorted(expected.values())
    assert set(KNOWN) <= set(kept)
    assert sum(one.stored for one in outcomes) == len(kept)


async def test_the_filmed_highway_becomes_alerts_with_evidence_and_no_picture_is_lost(
    outside_data: Path, mosquitto: Mosquitto, tmp_path: Path
) -> None:
    pictures = pictures_of(outside_data, FIRST, LAST - FIRST + 1)
    process = gateway_for(mosquitto, tmp_path / "gateway", read_vectors(outside_data))
    run = await play_clip(process, mosquitto, pictures, fps=25)

    assert run.published == LAST - FIRST + 1
    assert (run.lost, run.unsettled, run.refused.total()) == (0, 0, 0), run
    assert run.published == run.received == run.analysed + run.dropped.total()

    alerts = [alert for alert in run.alerts if alert["rule"] == ZONE]
    assert {(a["family"], a["site"], a["camera"]) for a in alerts} == {("security", SITE, CAMERA)}
    assert [alert["step"] for alert in alerts] == ["fired", "resolved", "fired"]
    assert run.steps == {"fired": 2, "resolved": 1}
    agrees_with_the_masks(run, alerts, moving_on_the_road(outside_data))
    evidence = {alert["at"]: kept_picture(run, alert, pictures, process.data / "evidence") for alert in alerts}

    assert run.detections_dropped == 0
    assert len(run.detections) == run.detections_sent > 0
    for detection in run.detections:
        is_as_documented(detection, run)
        assert detection["frame"] == evidence.get(detection["captured"])
    with Ledger.reader(process.data / "state.sqlite") as ledger:
        kept = {iso_time(one.captured): one.frame for one in ledger.detections(limit=1000) if one.frame}
    assert kept == evidence


def moving_on_the_road(data: Path) -> dict[int, bool]:
    """Whether something moves on the road, by picture, as people marked it (255 in the masks)."""
    moving: dict[int, bool] = {}
    for number in range(MARKED_FROM, LAST + 1):
        mask = cv2.imdecode(
            np.fromfile(data / HIGHWAY / f"groundtruth/gt{number:06d}.png", np.uint8), cv2.IMREAD_GRAYSCALE
        )
        assert mask is not None
        height, width = mask.shape
        road = cv2.fillPoly(np.zeros_like(mask), [np.array([(x * width, y * height) for x, y in ROAD], np.int32)], 1)
        moving[number] = cv2.countNonZero((mask == 255) & road) >= ROAD_SHARE * cv2.countNonZero(road)
    return moving


def agrees_with_the_masks(run: ClipRun, alerts: list[dict[str, Any]], moving: dict[int, bool]) -> None:
    """The road is empty at first, then a car comes; alerts may be a second off, and quiet takes two to be believed."""
    came = next(number for number, moves in moving.items() if moves)
    assert not any(moving[number] for number in range(MARKED_FROM, came))
    assert all(moving[number] for number in range(came, came + 50))
    resolved, fired = alerts[1], alerts[2]
    assert FIRST + run.number(ms_of(resolved["at"])) == pytest.approx(MARKED_FROM + 50, abs=25)
    assert FIRST + run.number(ms_of(fired["since"])) == pytest.approx(came, abs=25)


def kept_picture(run: ClipRun, alert: dict[str, Any], pictures: list[bytes], folder: Path) -> str:
    """The hash of the picture kept for the alert's step: that of the moment, under its hash on the disk."""
    sha = alert["evidence"][-1].removeprefix("frame:")
    kept = (folder / sha[:2] / sha[2:4] / f"{sha}.jpg").read_bytes()
    assert hashlib.sha256(kept).hexdigest() == sha
    assert kept == pictures[run.number(ms_of(alert["at"]))]
    return sha


def documented_keys() -> set[str]:
    """The keys of a detection that `docs/payloads-alerts.md` lists."""
    text = (Path(gateway.__file__).parent.parent / "docs" / "payloads-alerts.md").read_text("utf-8")
    table = text.split("## Detections", 1)[1].split("\n## ", 1)[0]
    return {key for line in re.findall(r"^\| (`.*?) \|", table, re.MULTILINE) for key in re.findall(r"`(\w+)`", line)}


def is_as_documented(detection: dict[str, Any], run: ClipRun) -> None:
    assert set(detection) == documented_keys()
    assert (detection["v"], detection["kind"]) == (1, "motion")
    assert (detection["site"], detection["camera"]) == (SITE, CAMERA)
    assert (detection["width"], detection["height"]) == (320, 240)
    assert 0 <= run.number(ms_of(detection["captured"])) < run.published
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", detection["received"])
    assert detection["boxes"]
    for box in detection["boxes"]:
        assert set(box) == {"x", "y", "w", "h", "label", "score"}
        assert 0 <= box["x"] < box["x"] + box["w"] <= 320
        assert 0 <= box["y"] < box["y"] + box["h"] <= 240
        assert 0 < box["score"] <= 1
    assert [zone["id"] for zone in detection["zones"]] == [ZONE]
    assert 0 <= detection["zones"][0]["share"] <= 1
