"""Duplicates, revisions and disorder against a plain model; in DuckDB and in a real InfluxDB."""

from __future__ import annotations

import itertools
import json
import math
from collections import defaultdict
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import duckdb
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from servers import Influxd

from gateway.channels import ChannelKey, Channels
from gateway.config import Influx1
from gateway.marks import OUT_OF_ORDER, REVISION
from gateway.records import Readings
from gateway.stores.duckdb_store import DuckDbStore
from gateway.stores.influxdb1_store import Influx1Store

NOON = 1_719_835_200_000
STEP = 40 * 60_000
"""Between two instants: some of them are looked up together, some apart."""
Row = tuple[int, int, float, int]
"""Channel, time, value, flag."""
ROWS = st.tuples(
    st.integers(0, 2), st.integers(0, 5), st.sampled_from([1.0, 2.0, math.nan]), st.sampled_from([ord("N"), ord("D")])
)
STEPS = st.lists(st.lists(ROWS, max_size=8) | st.just("restart"), max_size=6)


def readings_of_rows(rows: list[Row], position: int) -> Readings:
    """Each row its own message, received in the order it stands."""
    count = len(rows)
    numbers = np.arange(position, position + count)
    return Readings(
        np.array([row[0] for row in rows], np.int32),
        np.array([NOON + row[1] * STEP for row in rows], np.int64),
        NOON + 5 * STEP + numbers,
        np.array([row[2] for row in rows], np.float64),
        np.array([row[3] for row in rows], np.uint8),
        numbers,
        np.zeros(count, np.uint8),
    )


class Model:
    """What a store must hold, row by row."""

    def __init__(self) -> None:
        self.said: dict[tuple[int, int], list[tuple[float | None, int, int]]] = defaultdict(list)
        """(channel, time) to value, flag and position of each version."""
        self.out_of_order: set[tuple[int, int]] = set()
        self.newest: dict[int, int] = {}
        self.rows = self.duplicates = self.revisions = 0

    def take(self, row: Row, position: int) -> None:
        channel, time, value, flag = row
        versions = self.said[channel, time]
        plain = None if value != value else value
        if not versions:
            self.rows += 1
            if time < self.newest.get(channel, -1):
                self.out_of_order.add((channel, time))
            self.newest[channel] = max(time, self.newest.get(channel, -1))
        elif versions[-1][:2] == (plain, flag):
            self.duplicates += 1
            return
        else:
            self.revisions += 1
        versions.append((plain, flag, position))


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_duckdb_holds_what_a_plain_model_holds(
    steps: list[list[Row] | str], tmp_path_factory: pytest.TempPathFactory, channels: Channels
) -> None:
    file = tmp_path_factory.mktemp("model") / "readings.duckdb"
    store, model, position = DuckDbStore(file, channels), Model(), 0
    totals = np.zeros(3, np.int64)
    for step in steps:
        if isinstance(step, str):
            store.close()
            store = DuckDbStore(file, channels)
            continue
        written = store.write(readings_of_rows(step, position), position + len(step))
        totals += (written.rows, written.duplicates, written.revisions)
        for row in step:
            model.take(row, position)
            position += 1
    assert totals.tolist() == [model.rows, model.duplicates, model.revisions]
    for channel in range(3):
        series = store.query(channels.keys[channel], NOON, NOON + 100 * STEP, 100)
        wanted = [
            (time, model.said[of, time][-1], len(model.said[of, time]) - 1)
            for of, time in sorted(model.said)
            if of == channel and model.said[of, time]
        ]
        assert series.time.tolist() == [NOON + time * STEP for time, _, _ in wanted]
        assert [None if value != value else value for value in series.value.tolist()] == [v[0] for _, v, _ in wanted]
        assert series.flag.tolist() == [version[1] for _, version, _ in wanted]
        assert series.revision.tolist() == [revision for _, _, revision in wanted]
        assert ((series.mark & REVISION) > 0).tolist() == [revision > 0 for _, _, revision in wanted]
    store.close()
    with duckdb.connect(file) as connection:
        history = connection.execute("select epoch_ms(time), revision, value, position from history").fetchall()
        disorder = connection.execute(
            f"select channel, epoch_ms(time) from points where mark & {OUT_OF_ORDER} > 0"
        ).fetchall()
        points = connection.execute("select count(*) from points").fetchone()
        ids = dict(connection.execute("select id, device || factor || field from channels").fetchall())
    assert points == (model.rows,)
    assert sorted((at, number, v, p) for at, number, v, p in history if v is not None) == sorted(
        (NOON + time * STEP, number, value, at)
        for (_, time), versions in model.said.items()
        if len(versions) > 1
        for number, (value, _, at) in enumerate(versions)
        if value is not None
    )
    names = [f"{'stack-1'}{key.factor}{key.field}" for key in channels.keys[:3]]
    assert {(names.index(ids[channel]), (at - NOON) // STEP) for channel, at in disorder} == model.out_of_order


def ask(influxd: Influxd, text: str) -> list[dict[str, Any]]:
    answer = json.loads(influxd.request("/query", urlencode({"q": text, "db": "pollution", "epoch": "ms"}).encode()))
    found = answer["results"][0].get("series", [])
    return [
        {**series.get("tags", {}), **dict(zip(series["columns"], row, strict=True))}
        for series in found
        for row in series["values"]
    ]


def test_influxdb_keeps_what_a_change_takes_the_place_of(influxd: Influxd, channels: Channels, tmp_path: Path) -> None:
    plain = st.lists(st.lists(ROWS.filter(lambda row: row[2] == row[2]), max_size=8) | st.just("restart"), max_size=6)
    number = itertools.count()

    @settings(max_examples=25, deadline=None)
    @given(steps=plain)
    def check(steps: list[list[Row] | str]) -> None:
        influxd.request("/query", b"q=DROP+DATABASE+pollution")
        influxd.create_database()
        settings_ = Influx1(url=influxd.url, database="pollution")
        file = tmp_path / f"{next(number)}.position"
        store, model, position = Influx1Store(settings_, channels, file), Model(), 0
        totals = np.zeros(3, np.int64)
        for step in steps:
            if isinstance(step, str):
                store.close()
                store = Influx1Store(settings_, channels, file)
                continue
            # Of one factor and period only, so that its flag is that of one field.
            rows = [(0, *row[1:]) for row in step]
            written = store.write(readings_of_rows(rows, position), position + len(rows))
            totals += (written.rows, written.duplicates, written.revisions)
            for row in rows:
                model.take(row, position)
                position += 1
        assert totals.tolist() == [model.rows + model.revisions, model.duplicates, model.revisions]
        series = store.query(channels.keys[0], NOON, NOON + 100 * STEP, 100)
        kept = {time: versions for (_, time), versions in sorted(model.said.items())}
        assert series.time.tolist() == [NOON + time * STEP for time in kept]
        assert series.value.tolist() == [versions[-1][0] for versions in kept.values()]
        assert series.revision.tolist() == [len(versions) - 1 for versions in kept.values()]
        store.close()
        changes = ask(influxd, "select * from revisions group by *")
        assert sorted((r["time"], int(r["number"]), r["was"], r["value"], r["position"]) for r in changes) == sorted(
            (NOON + time * STEP, n, before[0], after[0], after[2])
            for time, versions in kept.items()
            for n, (before, after) in enumerate(itertools.pairwise(versions), start=1)
        )
        for change in changes:
            assert (change["field"], change["period"], change["device"]) == ("rtd", "realtime", "stack-1")

    check()


def test_a_request_sent_again_makes_no_second_revision(
    influxd: Influxd, channels: Channels, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings_ = Influx1(url=influxd.url, database="pollution")
    store = Influx1Store(settings_, channels, tmp_path / "a.position")
    store.write(readings_of_rows([(0, 1, 5.0, 78), (0, 1, 6.0, 78)], 0), 2)
    # As if the gateway had died before it kept its position: another one begins where nothing is known.
    again = Influx1Store(settings_, channels, tmp_path / "b.position")
    again.write(readings_of_rows([(0, 1, 5.0, 78), (0, 1, 6.0, 78)], 0), 2)
    changes = ask(influxd, "select * from revisions group by *")
    assert [(r["number"], r["was"], r["value"]) for r in changes] == [("1", 5.0, 6.0)]
    assert again.query(channels.keys[0], NOON, NOON + 9 * STEP, 9).value.tolist() == [6.0]


def test_fields_of_one_factor_share_a_point_and_are_revised_apart(
    influxd: Influxd, channels: Channels, tmp_path: Path
) -> None:
    least = channels.number(ChannelKey(0, "a21026", "Min", "minute"))
    mean = channels.number(ChannelKey(0, "a21026", "Avg", "minute"))
    store = Influx1Store(Influx1(url=influxd.url, database="pollution"), channels, tmp_path / "a.position")
    assert store.write(readings_of_rows([(mean, 1, 5.0, 78)], 0), 1).rows == 1
    written = store.write(readings_of_rows([(mean, 2, 5.0, 78), (least, 1, 1.0, 78), (mean, 1, 7.0, 78)], 1), 4)
    assert (written.rows, written.revisions) == (3, 1)
    assert store.query(channels.keys[least], NOON, NOON + 2 * STEP, 9).value.tolist() == [1.0]
    assert store.query(channels.keys[mean], NOON, NOON + 9 * STEP, 9).value.tolist() == [7.0, 5.0]
    changes = ask(influxd, "select * from revisions group by *")
    assert [(r["field"], r["was"], r["value"]) for r in changes] == [("avg", 5.0, 7.0)]
