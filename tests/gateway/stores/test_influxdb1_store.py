"""The 1.x store against a real InfluxDB: what is written is read back, bad lines stand aside, outages end."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from servers import Influxd

from gateway.channels import ChannelKey, Channels
from gateway.config import Influx1, Secret
from gateway.errors import StoreError
from gateway.records import Readings
from gateway.stores.influxdb1_store import Influx1Store
from gateway.stores.seam import Written

NOON = 1_719_835_200_000
HOUR = 3_600_000
KEY = ChannelKey(0, "a21026", "Rtd", "realtime")
ReadingsOf = Callable[..., Readings]
Open = Callable[..., Influx1Store]


@pytest.fixture
def open_store(influxd: Influxd, channels: Channels, tmp_path: Path) -> Open:
    def start(**settings: Any) -> Influx1Store:
        chosen = Influx1.model_validate({"url": influxd.url, "database": "pollution", **settings})
        return Influx1Store(chosen, channels, tmp_path / "influx.position")

    return start


def ask(influxd: Influxd, text: str, db: str = "pollution") -> list[list[Any]]:
    answer = json.loads(influxd.request("/query", urlencode({"q": text, "db": db, "epoch": "ms"}).encode()))
    return answer["results"][0]["series"][0]["values"] if "series" in answer["results"][0] else []


def test_rows_are_read_back_for_every_name_however_hostile(
    open_store: Open, channels: Channels, readings_of: ReadingsOf
) -> None:
    store = open_store()
    rows = [(channel, NOON + channel, channel + 0.5) for channel in range(len(channels))]
    assert store.write(readings_of(rows), 16) == Written(16, 0)
    for channel, key in enumerate(channels.keys):
        series = store.query(key, NOON, NOON + HOUR, 10)
        assert (series.time.tolist(), series.value.tolist()) == ([NOON + channel], [channel + 0.5])
        assert series.received.tolist() == [NOON + channel + 250]
        assert series.flag.tolist() == [ord("N")]
    store.close()


def test_a_query_gives_the_newest_of_a_stretch_ascending(open_store: Open, readings_of: ReadingsOf) -> None:
    store = open_store()
    store.write(readings_of([(0, NOON + n, math.nan if n == 7 else float(n)) for n in range(10)]), 10)
    series = store.query(KEY, NOON + 1, NOON + 9, 3)
    assert series.time.tolist() == [NOON + 6, NOON + 7, NOON + 8]
    assert [value if value == value else None for value in series.value.tolist()] == [6.0, None, 8.0]
    assert len(store.query(ChannelKey(0, "none", "Rtd", "realtime"), -(2**63), 2**63 - 1, 3).time) == 0
    store.close()


def test_a_resend_changes_nothing_and_the_position_outlives_the_process(
    open_store: Open, influxd: Influxd, readings_of: ReadingsOf
) -> None:
    rows = readings_of([(n % 4, NOON + n, 1.0) for n in range(12_000)])
    for written in (Written(12_000, 0), Written(0, 12_000)):
        store = open_store()
        assert store.write(rows, 12_000) == written
        store.close()
    assert open_store().position() == 12_000
    counted = ask(influxd, "select count(rtd), count(flag) from realtime") + ask(
        influxd, "select count(avg) from minute"
    )
    assert counted == [[0, 6_000, 6_000], [0, 6_000]]


def test_a_missing_database_is_made(open_store: Open, influxd: Influxd, readings_of: ReadingsOf) -> None:
    store = open_store(database='new "one"')
    assert store.write(readings_of([(0, NOON, 1.0)]), 1) == Written(1, 0)
    assert store.query(KEY, NOON, NOON + 1, 1).value.tolist() == [1.0]
    store.close()


def test_a_missing_retention_policy_is_a_store_error_and_no_line_is_to_blame(
    open_store: Open, readings_of: ReadingsOf
) -> None:
    store = open_store(retention_policy="nowhere")
    with pytest.raises(StoreError, match="retention policy not found: nowhere"):
        store.write(readings_of([(0, NOON, 1.0)]), 1)
    assert store.position() == 0


def test_lines_that_meet_a_field_of_another_type_are_rejected_and_the_others_stored(
    open_store: Open, influxd: Influxd, readings_of: ReadingsOf
) -> None:
    influxd.request("/write?db=pollution&precision=ms", f'minute,site=x avg="text" {NOON}'.encode())
    store = open_store()
    written = store.write(readings_of([(n % 16, NOON + n, 1.0) for n in range(800)], position=100), 900)
    assert (written.rows, written.duplicates, len(written.rejected)) == (400, 0, 400)
    first = written.rejected[0]
    assert first.position == 101
    assert first.received == NOON + 1 + 250
    assert first.line.startswith(b"minute,site=harbour,device=stack-1,factor=a21026 avg=1.0")
    assert "field type conflict" in first.detail
    assert ask(influxd, "select count(rtd) from realtime") == [[0, 400]]
    store.close()


def test_a_few_lines_older_than_the_retention_policy_are_found_among_many(
    open_store: Open, influxd: Influxd, readings_of: ReadingsOf
) -> None:
    influxd.request("/query", b'q=CREATE+RETENTION+POLICY+"short"+ON+pollution+DURATION+876000h+REPLICATION+1')
    store = open_store(retention_policy="short")
    ancient = {7, 1_500, 2_999}
    rows = [(n % 4, -3_000_000_000_000 - n if n in ancient else NOON + n, 1.0) for n in range(3_000)]
    written = store.write(readings_of(rows), 3_000)
    assert {row.position for row in written.rejected} == ancient
    assert written.rows == 2_997
    assert store.query(KEY, NOON, NOON + HOUR, 5_000).value.tolist() == [1.0] * 749
    store.close()


def test_a_time_no_clock_can_show_is_rejected(open_store: Open, readings_of: ReadingsOf) -> None:
    store = open_store()
    written = store.write(readings_of([(0, NOON, 1.0), (0, 2**62, 2.0)]), 2)
    assert [row.position for row in written.rejected] == [1]
    assert written.rows == 1
    store.close()


def test_the_position_is_kept_only_once_rejected_rows_were_handed_over(
    open_store: Open, readings_of: ReadingsOf
) -> None:
    store = open_store()
    store.write(readings_of([(0, NOON, 1.0)]), 1)
    store.write(readings_of([(0, 2**62, 2.0)], position=1), 2)
    assert store.position() == 2
    assert open_store().position() == 1  # a crash here sends it, and has it refused, once more
    store.write(readings_of([(0, NOON + 1, 1.0)], position=2), 3)
    assert open_store().position() == 3


def test_a_server_that_goes_away_is_a_store_error_until_it_is_back(
    open_store: Open, influxd: Influxd, readings_of: ReadingsOf
) -> None:
    store = open_store()
    store.write(readings_of([(0, NOON, 1.0)]), 1)
    influxd.kill9()
    rows = readings_of([(0, NOON + n, 1.0) for n in range(1, 20)], position=1)
    with pytest.raises(StoreError, match="cannot be reached"):
        store.write(rows, 20)
    with pytest.raises(StoreError, match="cannot be reached"):
        store.query(KEY, NOON, NOON + 1, 1)
    assert store.position() == 1
    influxd.start()
    assert store.write(rows, 20) == Written(19, 0)
    assert len(store.query(KEY, NOON, NOON + HOUR, 100).time) == 20
    store.close()


def test_the_password_is_sent_and_never_shown(
    open_store: Open, influxd: Influxd, tmp_path: Path, readings_of: ReadingsOf
) -> None:
    influxd.request("/query", b"q=CREATE+USER+root+WITH+PASSWORD+'right'+WITH+ALL+PRIVILEGES")
    influxd.stop()
    influxd.config_file.write_text(influxd.config_file.read_text().replace("[http]", "[http]\nauth-enabled = true"))
    influxd.start()
    (tmp_path / "right").write_text("right\n")
    (tmp_path / "wrong").write_text("wrong-secret\n")
    store = open_store(login=Secret(username="root", password_file=tmp_path / "wrong"))
    with pytest.raises(StoreError, match=r"401.*store\.login") as raised:
        store.write(readings_of([(0, NOON, 1.0)]), 1)
    assert "wrong-secret" not in str(raised.value)
    store = open_store(login=Secret(username="root", password_file=tmp_path / "right"))
    assert store.write(readings_of([(0, NOON, 1.0)]), 1) == Written(1, 0)
    store.close()
