"""The embedded store: each point once, whatever is sent again, killed or refused."""

from __future__ import annotations

import math
import resource
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest

from gateway.channels import ChannelKey, Channels
from gateway.errors import StoreError
from gateway.flags import UNKNOWN
from gateway.marks import BACKFILLED, EARLY, LATE, REVISION
from gateway.records import Readings
from gateway.stores.duckdb_store import DuckDbStore
from gateway.stores.seam import Revision, Store, WhichRevisions, Written

NOON = 1_719_835_200_000
HOUR = 3_600_000
KEY = ChannelKey(0, "a21026", "Rtd", "realtime")
ReadingsOf = Callable[..., Readings]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "data" / "readings.duckdb"


def stored(file: Path) -> list[tuple[object, ...]]:
    with duckdb.connect(file) as connection:
        return connection.execute(
            "select site, device, factor, field, period, epoch_ms(time), value, flag, epoch_ms(received)"
            " from readings order by all"
        ).fetchall()


def count(file: Path) -> int:
    with duckdb.connect(file) as connection:
        row = connection.execute("select count(*) from points").fetchone()
    assert row is not None
    return int(row[0])


def test_a_new_file_is_at_position_zero(file: Path, channels: Channels) -> None:
    store: Store = DuckDbStore(file, channels)
    assert store.position() == 0
    store.close()


def test_rows_come_out_by_name_with_flag_and_both_times(
    file: Path, channels: Channels, readings_of: ReadingsOf
) -> None:
    store = DuckDbStore(file, channels)
    assert store.write(readings_of([(0, NOON, 35.5), (5, NOON, 7.25)]), 2) == Written(2, 0)
    store.write(readings_of([(10, NOON, 1.0)], position=2, flag=UNKNOWN), 3)
    store.close()
    assert stored(file) == [
        ("harbour", "drain-1", "a21026", "Avg", "minute", NOON, 7.25, "N", NOON + 250),
        ("harbour", "stack-1", "a21026", "Rtd", "realtime", NOON, 35.5, "N", NOON + 250),
        ("north, gate=1", 'say "hi"\\', "w01018", "Rtd", "realtime", NOON, 1.0, "?", NOON + 250),
    ]
    with duckdb.connect(file) as connection:
        assert connection.execute("select distinct unit from readings where factor = 'a21026'").fetchall() == [
            ("mg/m3",)
        ]


def test_a_reopened_store_goes_on_where_it_was_though_channels_are_numbered_anew(
    file: Path, channels: Channels, readings_of: ReadingsOf
) -> None:
    store = DuckDbStore(file, channels)
    store.write(readings_of([(0, NOON, 1.0), (6, NOON, 2.0)]), 7)
    store.close()
    again = Channels(channels.inventory)
    assert again.number(channels.keys[6]) == 0
    assert again.number(channels.keys[0]) == 1
    store = DuckDbStore(file, again)
    assert store.position() == 7
    written = store.write(readings_of([(0, NOON, 2.0), (1, NOON, 1.0), (1, NOON + 1, 3.0)], position=7), 9)
    assert written == Written(rows=1, duplicates=2)
    assert store.query(KEY, NOON, NOON + HOUR, 10).value.tolist() == [1.0, 3.0]
    store.close()


def test_another_value_for_an_instant_is_a_revision_beside_the_first(
    file: Path, channels: Channels, readings_of: ReadingsOf
) -> None:
    store = DuckDbStore(file, channels)
    assert store.write(readings_of([(0, NOON, 1.0), (0, NOON, 2.0)]), 2) == Written(1, 0, revisions=1)
    assert store.write(readings_of([(0, NOON, 2.0)], position=2), 3) == Written(0, 1)
    assert store.write(readings_of([(0, NOON, 2.0)], position=3, flag=ord("D")), 4) == Written(0, 0, revisions=1)
    series = store.query(KEY, NOON, NOON + 1, 10)
    assert (series.value.tolist(), series.flag.tolist(), series.revision.tolist()) == ([2.0], [ord("D")], [2])
    assert series.mark.tolist() == [REVISION]
    assert store.position() == 4
    store.close()
    with duckdb.connect(file) as connection:
        now = connection.execute("select value, flag, revision from readings").fetchall()
        said = connection.execute("select revision, value, flag, position from history order by revision").fetchall()
    assert now == [(2.0, "D", 2)]
    assert said == [(0, 1.0, "N", 0), (1, 2.0, "N", 1), (2, 2.0, "D", 3)]


def test_revisions_are_listed_the_last_first_with_what_they_took_the_place_of(
    file: Path, channels: Channels, readings_of: ReadingsOf
) -> None:
    store = DuckDbStore(file, channels)
    store.write(readings_of([(0, NOON, 1.0), (2, NOON, 5.0), (4, NOON, 7.0)]), 3)
    store.write(readings_of([(0, NOON, 2.0), (2, NOON, math.nan)], position=3), 5)
    store.write(readings_of([(4, NOON, 8.0), (0, NOON, 3.0)], position=5, flag=ord("D")), 7)

    def listed(**which: Any) -> list[tuple[int, str, int, float | None, float | None]]:
        found = store.revisions(WhichRevisions(**which))
        return [(one.position, one.device + one.factor, one.number, one.was, one.value) for one in found]

    every = [
        (6, "stack-1a21026", 2, 2.0, 3.0),
        (5, "drain-1a21026", 1, 7.0, 8.0),
        (4, "stack-1w01018", 1, 5.0, None),
        (3, "stack-1a21026", 1, 1.0, 2.0),
    ]
    assert listed() == every
    assert listed(limit=2) == every[:2]
    assert listed(before=store.revisions(WhichRevisions(limit=2))[-1].id) == every[2:]
    assert listed(site="harbour", device="drain-1") == every[1:2]
    assert listed(site="north, gate=1") == []
    assert listed(factor="w01018") == every[2:3]
    assert listed(start=NOON + 250) == every
    assert listed(end=NOON + 250) == []
    (newest,) = store.revisions(WhichRevisions(limit=1))
    assert newest == Revision(
        *(newest.id, "harbour", "stack-1", "a21026", "Rtd", "realtime", "mg/m3", NOON, 2, 2.0, ord("N"), 3.0, ord("D")),
        *(NOON + 250, 6, REVISION),
    )
    store.close()
    store = DuckDbStore(file, channels)
    assert listed() == every
    store.close()


def test_a_value_for_a_stamp_far_ahead_is_a_revision_when_its_time_has_come(
    file: Path, channels: Channels, readings_of: ReadingsOf
) -> None:
    ahead = NOON + 25 * HOUR

    def write(position: int, *rows: tuple[int, int, float], received: int) -> Written:
        readings = readings_of(rows, position)
        readings.received[:] = received
        return store.write(readings, position + len(rows))

    store = DuckDbStore(file, channels)
    assert write(0, (0, ahead, 1.0), (0, NOON, 1.0), received=NOON) == Written(2, 0)
    assert write(2, (0, ahead, 1.0), received=NOON + HOUR) == Written(0, 1)
    assert write(3, (0, ahead, 2.0), received=NOON + 2 * HOUR) == Written(0, 0, revisions=1)
    store.close()
    store = DuckDbStore(file, channels)
    assert write(4, (0, ahead, 3.0), received=ahead) == Written(0, 0, revisions=1)
    series = store.query(KEY, NOON, ahead + 1, 9)
    assert (series.value.tolist(), series.mark.tolist()) == ([1.0, 3.0], [0, REVISION])
    store.close()


def test_marks_are_words_in_the_view(file: Path, channels: Channels, readings_of: ReadingsOf) -> None:
    store = DuckDbStore(file, channels)
    rows = readings_of([(0, NOON + n, 1.0) for n in range(5)])
    rows.mark[:] = (0, 1, 3 | BACKFILLED, 4 | LATE, 2 | EARLY)
    store.write(rows, 5)
    store.write(readings_of([(0, NOON - 1, 1.0), (0, NOON + 9, 1.0), (0, NOON + 7, 1.0)], position=5), 8)
    store.close()
    with duckdb.connect(file) as connection:
        said = connection.execute(
            "select clock, early, late, out_of_order, backfilled from readings order by time"
        ).fetchall()
    assert said == [
        ("ok", False, False, True, False),
        ("ok", False, False, False, False),
        ("ahead", False, False, False, False),
        ("no clock", False, False, False, True),
        ("drifting", False, True, False, False),
        ("behind", True, False, False, False),
        ("ok", False, False, True, False),
        ("ok", False, False, False, False),
    ]


def test_a_reading_of_the_far_future_does_not_make_every_later_one_a_row_to_look_up(
    file: Path, channels: Channels, readings_of: ReadingsOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = DuckDbStore(file, channels)
    future = readings_of([(0, 2**42, 1.0)])
    future.received[:] = NOON
    store.write(future, 1)
    store.close()
    store = DuckDbStore(file, channels)
    monkeypatch.setattr(store, "_stored", lambda *_: pytest.fail("looked up"))
    assert store.write(readings_of([(0, NOON, 1.0)], position=1), 2) == Written(1, 0)
    monkeypatch.undo()
    again = readings_of([(0, 2**42, 1.0), (0, 2**42, 5.0)], position=2)
    again.received[:] = NOON
    assert store.write(again, 4) == Written(0, 1, revisions=1)
    store.close()


FIRST_FORM = """
create table channels (id integer not null, site varchar not null, device varchar not null, factor varchar not null,
    field varchar not null, period varchar not null, unit varchar not null);
create table points (channel integer not null, time timestamp_ms not null, value double, flag utinyint not null,
    received timestamp_ms not null, position bigint not null);
create table journal_position (position bigint not null);
create table flags (code utinyint not null, text varchar not null);
create view readings as
    select site, device, factor, field, period, unit, time::timestamp as time, value,
        coalesce(flags.text, '?') as flag, received::timestamp as received
    from points join channels on channels.id = points.channel left join flags on flags.code = points.flag;
insert into journal_position values (7);
insert into flags values (78, 'N');
insert into channels values (0, 'harbour', 'stack-1', 'a21026', 'Rtd', 'realtime', 'mg/m3');
insert into points values (0, make_timestamp_ms(1719835200000), 1.5, 78, make_timestamp_ms(1719835200250), 6);
"""


def test_a_file_of_the_first_form_is_taken_over(file: Path, channels: Channels, readings_of: ReadingsOf) -> None:
    file.parent.mkdir()
    with duckdb.connect(file) as connection:
        connection.execute(FIRST_FORM)
    store = DuckDbStore(file, channels)
    assert store.position() == 7
    written = store.write(readings_of([(0, NOON, 1.5), (0, NOON, 2.5), (0, NOON + 1, 3.0)], position=7), 10)
    assert written == Written(1, 1, revisions=1)
    assert store.query(KEY, NOON, NOON + 9, 10).value.tolist() == [2.5, 3.0]
    store.close()
    with duckdb.connect(file) as connection:
        assert connection.execute("select value, flag, clock, revision from readings order by time").fetchall() == [
            (2.5, "N", "ok", 1),
            (3.0, "N", "ok", 0),
        ]


def test_late_rows_are_stored_once_though_they_lie_years_apart(
    file: Path, channels: Channels, readings_of: ReadingsOf
) -> None:
    store = DuckDbStore(file, channels)
    store.write(readings_of([(0, NOON, 1.0)]), 1)
    late = readings_of([(0, NOON - n * 30 * 24 * HOUR, float(n)) for n in range(1, 40)])
    assert store.write(late, 2) == Written(39, 0)
    assert store.write(late, 3) == Written(0, 39)
    store.close()


def test_a_value_that_is_no_number_is_null_and_comes_back_as_nan(
    file: Path, channels: Channels, readings_of: ReadingsOf
) -> None:
    store = DuckDbStore(file, channels)
    store.write(readings_of([(0, NOON, math.nan), (0, NOON + 1, math.inf), (0, NOON + 2, 2.0)], flag=ord("D")), 3)
    series = store.query(KEY, NOON, NOON + HOUR, 10)
    assert np.isnan(series.value).tolist() == [True, True, False]
    assert series.flag.tolist() == [ord("D")] * 3
    store.close()
    with duckdb.connect(file) as connection:
        assert connection.execute("select avg(value), count(value), count(*) from points").fetchall() == [(2.0, 1, 3)]


def test_a_time_outside_the_calendar_is_rejected_and_stalls_nothing(
    file: Path, channels: Channels, readings_of: ReadingsOf
) -> None:
    store = DuckDbStore(file, channels)
    written = store.write(readings_of([(0, 2**62, 1.0), (0, NOON, 2.0), (0, -(2**62), 3.0)], position=5), 8)
    assert (written.rows, written.duplicates, [row.position for row in written.rejected]) == (1, 0, [5, 7])
    assert written.rejected[0].line.startswith(b"realtime,site=harbour,device=stack-1,factor=a21026 rtd=1.0")
    assert store.query(KEY, -(2**63), 2**63 - 1, 10).value.tolist() == [2.0]
    store.close()


@pytest.mark.parametrize(
    ("start", "end", "limit", "values"),
    [
        pytest.param(NOON, NOON + 10, 10, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9], id="all, ascending"),
        pytest.param(NOON + 2, NOON + 5, 10, [2, 3, 4], id="start included, end not"),
        pytest.param(NOON, NOON + 10, 3, [7, 8, 9], id="the newest of them"),
        pytest.param(NOON + 50, NOON + 60, 3, [], id="none"),
    ],
)
def test_a_query_gives_a_stretch_of_one_channel(
    file: Path, channels: Channels, readings_of: ReadingsOf, start: int, end: int, limit: int, values: list[float]
) -> None:
    store = DuckDbStore(file, channels)
    store.write(readings_of([(n % 2, NOON + n // 2, n // 2) for n in range(20)]), 20)
    series = store.query(KEY, start, end, limit)
    assert series.value.tolist() == values
    assert series.received.tolist() == [time + 250 for time in series.time.tolist()]
    assert len(store.query(ChannelKey(0, "never-sent", "Rtd", "realtime"), start, end, limit).time) == 0
    store.close()


def test_queries_from_other_threads_see_whole_writes_while_they_go_on(
    file: Path, channels: Channels, readings_of: ReadingsOf
) -> None:
    store = DuckDbStore(file, channels)
    done = threading.Event()
    seen: list[int] = []

    def read() -> None:
        while not done.is_set():
            seen.append(len(store.query(KEY, NOON, NOON + HOUR, 100_000).time))

    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    for batch in range(20):
        store.write(readings_of([(0, NOON + batch * 100 + n, 1.0) for n in range(100)]), batch + 1)
    done.set()
    for reader in readers:
        reader.join()
    store.close()
    assert all(rows % 100 == 0 for rows in seen)


def test_a_file_that_another_process_has_open_is_a_store_error_that_says_so(
    file: Path, channels: Channels, readings_of: ReadingsOf
) -> None:
    DuckDbStore(file, channels).close()
    holder = subprocess.Popen(
        [sys.executable, "-c", f"import duckdb; c = duckdb.connect({str(file)!r}); print('open', flush=True); input()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert holder.stdout is not None
    holder.stdout.readline()
    with pytest.raises(StoreError, match="only one process"):
        DuckDbStore(file, channels)
    holder.communicate(b"\n")


CHILD = """
import sys
from pathlib import Path
import numpy as np
from gateway.channels import ChannelKey, Channels
from gateway.inventory import Device, Inventory, Name, Site
from gateway.records import Readings
from gateway.stores.duckdb_store import DuckDbStore
from zoneinfo import ZoneInfo

name = Name("", "")
device = Device("d", 0, name, "", "stack", 1000, 1000, ())
channels = Channels(Inventory((Site("s", name, 0.0, 0.0, ZoneInfo("UTC")),), (device,), (), ()))
for n in range(50):
    channels.number(ChannelKey(0, f"f{n}", "Rtd", "realtime"))
store = DuckDbStore(Path(sys.argv[1]), channels)
start = store.position()
print("open", start, flush=True)
for batch in range(10_000):  # a message has 5 rows; position p holds times p * 10 ...
    p = np.repeat(np.arange(start, start + 400), 5)
    k = np.tile(np.arange(5), 400)
    flags = np.full(len(p), 78, np.uint8)
    time, value = p * 10, p + k / 10
    if start:  # the first message restates the eleventh of the batch before
        time[:5], value[:5] = time[:5] - 3_900, -1.0
    rows = Readings((k + p % 10 * 5).astype(np.int32), time, p * 10, value, flags, p, np.zeros(len(p), np.uint8))
    store.write(rows, start + 400)
    start += 400
    print(start, flush=True)
"""


def test_position_and_rows_agree_after_kill_minus_nine(file: Path) -> None:
    for writes in (1, 7, 25):
        child = subprocess.Popen([sys.executable, "-c", CHILD, str(file)], stdout=subprocess.PIPE)
        assert child.stdout is not None
        reported = int(child.stdout.readline().split()[1])
        for _ in range(writes):
            reported = int(child.stdout.readline())
        child.send_signal(signal.SIGKILL)
        child.wait()
        child.stdout.close()
        with duckdb.connect(file) as connection:
            position, rows, distinct, last = connection.execute(
                "select (select position from journal_position), count(*), count(distinct (channel, time)),"
                " max(position) from points"
            ).fetchall()[0]
            revised = connection.execute("select position, number, value from revisions").fetchall()
        assert position >= reported
        begun = range(400, position, 400)
        assert (rows, distinct, last) == ((position - len(begun)) * 5, (position - len(begun)) * 5, position - 1)
        assert sorted(revised) == [(first, 1, -1.0) for first in begun for _ in range(5)]


def test_a_full_disk_is_a_store_error_and_the_same_call_succeeds_once_there_is_room(
    file: Path, channels: Channels, readings_of: ReadingsOf
) -> None:
    store = DuckDbStore(file, channels)
    store.write(readings_of([(0, NOON, 1.0)]), 1)
    random = np.random.default_rng(3)
    rows = [(n % 16, NOON + 1 + n // 16, float(v)) for n, v in enumerate(random.random(60_000))]
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, hard))
        with pytest.raises(StoreError):
            store.write(readings_of(rows), 2)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert store.write(readings_of(rows), 2) == Written(60_000, 0)
    store.close()
    assert count(file) == 60_001
