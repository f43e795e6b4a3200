"""Duplicates, revisions and disorder against a plain model; in DuckDB and in a real InfluxDB."""

from __future__ import annotations

import contextlib
import itertools
import json
import math
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode

import duckdb
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from servers import Influxd

from gateway.channels import ChannelKey, Channels
from gateway.config import Influx1
from gateway.errors import StoreError
from gateway.marks import OUT_OF_ORDER, REVISION
from gateway.records import Readings
from gateway.stores import line_store
from gateway.stores.duckdb_store import DuckDbStore
from gateway.stores.influxdb1_store import Influx1Store
from gateway.stores.refused import Refusal
from gateway.stores.seam import Series, Written

NOON = 1_719_835_200_000
STEP = 40 * 60_000
"""Between two instants: some of them are looked up together, some apart."""
DAY = 36
"""Steps."""
Row = tuple[int, int, float, int]
"""Channel, time in steps, value, flag."""
Batch = tuple[int, list[Row]]
"""When it is received, in steps; two rows a message."""
ROWS = st.tuples(
    st.integers(0, 2),
    st.integers(0, 5) | st.integers(DAY, DAY + 3),
    st.sampled_from([1.0, 2.0, math.nan]),
    st.sampled_from([ord("N"), ord("D")]),
)
BATCHES = st.tuples(st.integers(0, 5) | st.integers(DAY, DAY + 5), st.lists(ROWS, max_size=8))


def readings_of_rows(batch: Batch, position: int) -> Readings:
    received, rows = batch
    count = len(rows)
    return Readings(
        np.array([row[0] for row in rows], np.int32),
        np.array([NOON + row[1] * STEP for row in rows], np.int64),
        np.full(count, NOON + received * STEP),
        np.array([row[2] for row in rows], np.float64),
        np.array([row[3] for row in rows], np.uint8),
        position + np.arange(count) // 2,
        np.zeros(count, np.uint8),
    )


def messages(batch: Batch) -> int:
    return -(-len(batch[1]) // 2)


class Version(NamedTuple):
    value: float | None
    flag: int
    position: int
    out_of_order: bool


class Model:
    """What a store must hold, row by row."""

    def __init__(self) -> None:
        self.said: dict[tuple[int, int], list[Version]] = defaultdict(list)
        """(channel, time) to its versions."""
        self.received = self.received_of_stored = -DAY
        self.rows = self.duplicates = self.revisions = 0

    def take(self, batch: Batch, position: int) -> None:
        if batch[1]:
            self.received = max(self.received, batch[0])
        for number, (channel, time, value, flag) in enumerate(batch[1]):
            versions = self.said[channel, time]
            plain = None if value != value else value
            if versions and versions[-1][:2] == (plain, flag):
                self.duplicates += 1
                continue
            near = [at for (of, at), some in self.said.items() if some and of == channel and at <= self.received + DAY]
            older = time <= self.received + DAY and time < max(near, default=-1)
            self.rows += not versions
            self.revisions += bool(versions)
            self.received_of_stored = max(self.received_of_stored, batch[0])
            versions.append(Version(plain, flag, position + number // 2, older))

    def restart(self) -> None:
        self.received = self.received_of_stored

    def of(self, channel: int) -> dict[int, list[Version]]:
        """The versions of each instant of a channel, by its time in ms."""
        return {NOON + at * STEP: some for (of, at), some in sorted(self.said.items()) if of == channel and some}


def check_series(series: Series, kept: dict[int, list[Version]]) -> None:
    """A series has the newest version of each instant."""
    found = zip(
        series.time.tolist(), series.value.tolist(), series.flag.tolist(), series.revision.tolist(), strict=True
    )
    assert [(at, None if value != value else value, flag, number) for at, value, flag, number in found] == [
        (at, *some[-1][:2], len(some) - 1) for at, some in kept.items()
    ]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(BATCHES | st.just(None), max_size=7))
def test_duckdb_holds_what_a_plain_model_holds(
    steps: list[Batch | None], tmp_path_factory: pytest.TempPathFactory, channels: Channels
) -> None:
    file = tmp_path_factory.mktemp("model") / "readings.duckdb"
    store, model, position = DuckDbStore(file, channels), Model(), 0
    totals = np.zeros(3, np.int64)
    for batch in steps:
        if batch is None:
            store.close()
            store = DuckDbStore(file, channels)
            model.restart()
            continue
        written = store.write(readings_of_rows(batch, position), position + messages(batch))
        totals += (written.rows, written.duplicates, written.revisions)
        model.take(batch, position)
        position += messages(batch)
    assert totals.tolist() == [model.rows, model.duplicates, model.revisions]
    for channel in range(3):
        series = store.query(channels.keys[channel], NOON, NOON + 100 * STEP, 100)
        kept = model.of(channel)
        check_series(series, kept)
        wanted = [OUT_OF_ORDER * some[-1].out_of_order + REVISION * (len(some) > 1) for some in kept.values()]
        assert series.mark.tolist() == wanted
    store.close()
    with duckdb.connect(file) as connection:
        history = connection.execute(
            "select factor || field, epoch_ms(time), revision, value, flag, position from history"
        ).fetchall()
        points = connection.execute("select count(*), count(distinct (channel, time)) from points").fetchone()
    assert points == (model.rows, model.rows)
    assert Counter(history) == Counter(
        (
            channels.keys[channel].factor + channels.keys[channel].field,
            at,
            number,
            said.value,
            chr(said.flag),
            said.position,
        )
        for channel in range(3)
        for at, versions in model.of(channel).items()
        if len(versions) > 1
        for number, said in enumerate(versions)
    )


def ask(influxd: Influxd, text: str) -> list[dict[str, Any]]:
    answer = json.loads(influxd.request("/query", urlencode({"q": text, "db": "pollution", "epoch": "ms"}).encode()))
    found = answer["results"][0].get("series", [])
    return [
        {**series.get("tags", {}), **dict(zip(series["columns"], row, strict=True))}
        for series in found
        for row in series["values"]
    ]


class Ordeal:
    """A store of InfluxDB whose requests break off, whose answers are lost, and whose gateway dies, as it is told."""

    def __init__(self, start: Callable[[], Influx1Store], file: Path) -> None:
        self._start = start
        self._file = file
        self.store = start()
        self.undisturbed = True

    def restart(self) -> None:
        self.store.close()
        self.store = self._start()

    def write(self, batch: Batch, position: int, breaks: int | None, dies: bool, cut: int) -> Written:
        """Write a batch; `breaks`: only so many requests go in at first.

        With `dies` the gateway is killed then, or before it has kept its position, and sends the same messages again
        in two parts, the first of `cut` messages.
        """
        before = self._file.read_bytes() if self._file.exists() else None
        if breaks is not None:
            self.undisturbed = False
            whole, sent = self.store._send, itertools.count()  # pyright: ignore[reportPrivateUsage]

            def some(lines: Sequence[bytes]) -> Refusal | None:
                if next(sent) >= breaks:
                    raise StoreError("broken off")
                return whole(lines)

            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(self.store, "_send", some)
                with contextlib.suppress(StoreError):
                    self.store.write(readings_of_rows(batch, position), position + messages(batch))
        if not dies:
            return self.store.write(readings_of_rows(batch, position), position + messages(batch))
        self.undisturbed = False
        if breaks is None:
            self.store.write(readings_of_rows(batch, position), position + messages(batch))
        if before is None:
            self._file.unlink(missing_ok=True)
        else:
            self._file.write_bytes(before)
        self.store = self._start()
        received, rows = batch
        cut = min(cut, messages(batch))
        self.store.write(readings_of_rows((received, rows[: 2 * cut]), position), position + cut)
        rest = (received, rows[2 * cut :])
        return self.store.write(readings_of_rows(rest, position + cut), position + messages(batch))


def standing(versions: list[Version]) -> list[Version]:
    """The versions of an instant as InfluxDB shows them: a number stays in its field when a mark alone comes after."""
    last = next((version.value for version in reversed(versions) if version.value is not None), None)
    return [*versions[:-1], versions[-1]._replace(value=last)]


WRITES = st.tuples(BATCHES, st.none() | st.integers(0, 4), st.sampled_from([False, False, True]), st.integers(0, 4))


def test_influxdb_keeps_what_a_change_takes_the_place_of(
    influxd: Influxd, channels: Channels, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(line_store, "LINES_A_REQUEST", 2)
    number = itertools.count()

    @settings(max_examples=40, deadline=None)
    @given(steps=st.lists(WRITES | st.just(None), max_size=6))
    def check(steps: list[tuple[Batch, int | None, bool, int] | None]) -> None:
        influxd.request("/query", b"q=DROP+DATABASE+pollution")
        influxd.create_database()
        file = tmp_path / f"{next(number)}.position"
        chosen = Influx1(url=influxd.url, database="pollution")
        ordeal, model, position = Ordeal(lambda: Influx1Store(chosen, channels, file), file), Model(), 0
        totals = np.zeros(3, np.int64)
        for step in steps:
            if step is None:
                ordeal.restart()
                continue
            written = ordeal.write(step[0], position, *step[1:])
            totals += (written.rows, written.duplicates, written.revisions)
            model.take(step[0], position)
            position += messages(step[0])
        if ordeal.undisturbed:
            assert totals.tolist() == [model.rows, model.duplicates, model.revisions]
        changes = Counter(
            (
                *(r["factor"], r["field"], r["period"], r["time"], int(r["number"]), r["position"]),
                *(r.get("was"), r["was_flag"], r.get("value"), r["flag"]),
            )
            for r in ask(influxd, "select * from revisions group by *")
        )
        wanted: Counter[tuple[object, ...]] = Counter()
        for channel, key in enumerate(channels.keys[:3]):
            stand = {at: standing(versions) for at, versions in model.of(channel).items()}
            check_series(ordeal.store.query(key, NOON, NOON + 100 * STEP, 100), stand)
            wanted.update(
                (
                    *(key.factor, key.field.lower(), key.period, at, n, now.position),
                    *(was.value, chr(was.flag), now.value, chr(now.flag)),
                )
                for at, versions in model.of(channel).items()
                for n, (was, now) in enumerate(itertools.pairwise(versions), start=1)
            )
        assert changes == wanted
        ordeal.store.close()

    check()


def test_a_request_sent_again_makes_no_second_revision(influxd: Influxd, channels: Channels, tmp_path: Path) -> None:
    settings_ = Influx1(url=influxd.url, database="pollution")
    store = Influx1Store(settings_, channels, tmp_path / "a.position")
    store.write(readings_of_rows((5, [(0, 1, 5.0, 78), (0, 1, 6.0, 78)]), 0), 2)
    # As if the gateway had died before it kept its position: another one begins where nothing is known.
    again = Influx1Store(settings_, channels, tmp_path / "b.position")
    again.write(readings_of_rows((5, [(0, 1, 5.0, 78), (0, 1, 6.0, 78)]), 0), 2)
    changes = ask(influxd, "select * from revisions group by *")
    assert [(r["number"], r["was"], r["value"]) for r in changes] == [("1", 5.0, 6.0)]
    assert again.query(channels.keys[0], NOON, NOON + 9 * STEP, 9).value.tolist() == [6.0]


def test_fields_of_one_factor_share_a_point_and_are_revised_apart(
    influxd: Influxd, channels: Channels, tmp_path: Path
) -> None:
    least = channels.number(ChannelKey(0, "a21026", "Min", "minute"))
    mean = channels.number(ChannelKey(0, "a21026", "Avg", "minute"))
    store = Influx1Store(Influx1(url=influxd.url, database="pollution"), channels, tmp_path / "a.position")
    assert store.write(readings_of_rows((5, [(mean, 1, 5.0, 78)]), 0), 1).rows == 1
    written = store.write(readings_of_rows((5, [(mean, 2, 5.0, 78), (least, 1, 1.0, 78), (mean, 1, 7.0, 78)]), 1), 4)
    assert (written.rows, written.revisions) == (2, 1)
    assert store.query(channels.keys[least], NOON, NOON + 2 * STEP, 9).value.tolist() == [1.0]
    assert store.query(channels.keys[mean], NOON, NOON + 9 * STEP, 9).value.tolist() == [7.0, 5.0]
    changes = ask(influxd, "select * from revisions group by *")
    assert [(r["field"], r["was"], r["value"]) for r in changes] == [("avg", 5.0, 7.0)]
