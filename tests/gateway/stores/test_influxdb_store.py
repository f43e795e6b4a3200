"""The 2.x store: written for real to VictoriaMetrics, which answers `/api/v2/write`; errors and Flux to a stand-in.

InfluxDB 2 and 3 are not in Debian. The stand-in answers as their published API says, and keeps what it was asked.
"""

from __future__ import annotations

import gzip
import json
import math
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from servers import VictoriaMetrics

from gateway.channels import ChannelKey, Channels
from gateway.config import Influx
from gateway.errors import StoreError
from gateway.records import Readings
from gateway.stores.errors import CannotList, StoreBusy
from gateway.stores.influxdb_store import InfluxStore
from gateway.stores.seam import WhichRevisions, Written

NOON = 1_719_835_200_000
KEY = ChannelKey(0, "a21026", "Rtd", "realtime")
TOKEN = "a-token-nobody-may-see"
ReadingsOf = Callable[..., Readings]
Open = Callable[[str], InfluxStore]


@pytest.fixture
def open_store(channels: Channels, tmp_path: Path) -> Open:
    token = tmp_path / "token"
    token.write_text(TOKEN + "\n")

    def start(url: str) -> InfluxStore:
        settings = Influx(url=url, org="an org", bucket="a bucket", token_file=token, timeout_s=5)
        return InfluxStore(settings, channels, tmp_path / "influx.position")

    return start


class StandIn:
    """An InfluxDB 2 that answers what the test says."""

    def __init__(self) -> None:
        self.answers: list[tuple[int, dict[str, str], bytes]] = []
        """Of the next requests; after them it is 204."""
        self.bad = ""
        """Lines with this text are refused with 422, and the others of their request with them."""
        self.asked: list[tuple[str, dict[str, list[str]], dict[str, str], bytes]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.headers.get("Content-Encoding") == "gzip":
                    body = gzip.decompress(body)
                parts = urlsplit(self.path)
                outer.asked.append((parts.path, parse_qs(parts.query), dict(self.headers), body))
                status, headers, answer = outer.answers.pop(0) if outer.answers else (204, {}, b"")
                if outer.bad and outer.bad.encode() in body:
                    text = f"failure writing points: partial write: bad dropped={body.count(outer.bad.encode())}"
                    status, answer = 422, json.dumps({"code": "unprocessable entity", "message": text}).encode()
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, format: str, *args: object) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def stand_in() -> Iterator[StandIn]:
    server = StandIn()
    yield server
    server.close()


def test_the_official_client_writes_to_a_real_server(
    open_store: Open, victoria_metrics: VictoriaMetrics, readings_of: ReadingsOf
) -> None:
    store = open_store(victoria_metrics.url)
    rows = [(n % 4, NOON + n, n / 4) for n in range(12_000)]
    assert store.write(readings_of(rows), 12_000) == Written(12_000, 0)
    # A resend changes nothing, but this server cannot be asked whether it would.
    assert store.write(readings_of(rows), 12_000) == Written(12_000, 0, not_looked_up=12_000)
    store.close()
    victoria_metrics.flush()
    asked = quote('{site="harbour",device="stack-1",factor="w01018",__name__="minute_avg"}')
    exported = json.loads(victoria_metrics.request(f"/api/v1/export?reduce_mem_usage=0&match[]={asked}"))
    points = sorted(set(zip(exported["timestamps"], exported["values"], strict=True)))
    assert points == [(NOON + n, n / 4) for n in range(3, 12_000, 4)]
    assert open_store(victoria_metrics.url).position() == 12_000


def test_a_write_names_bucket_org_precision_and_token(
    open_store: Open, stand_in: StandIn, readings_of: ReadingsOf
) -> None:
    store = open_store(stand_in.url)
    store.write(readings_of([(0, NOON, 1.5), (1, NOON, math.nan)]), 2)
    store.close()
    ((path, query, headers, body),) = stand_in.asked
    assert path == "/api/v2/write"
    assert query == {"org": ["an org"], "bucket": ["a bucket"], "precision": ["ms"]}
    assert headers["Authorization"] == f"Token {TOKEN}"
    assert headers["Content-Encoding"] == "gzip"
    assert body.decode().splitlines() == [
        f'realtime,site=harbour,device=stack-1,factor=a21026 rtd=1.5,flag="N",received={NOON + 250}i {NOON}',
        f'minute,site=harbour,device=stack-1,factor=a21026 flag="N",received={NOON + 250}i {NOON}',
    ]


def test_bad_lines_are_rejected_with_the_servers_text_and_the_others_stored(
    open_store: Open, stand_in: StandIn, readings_of: ReadingsOf
) -> None:
    stand_in.bad = "device=drain-1"
    store = open_store(stand_in.url)
    written = store.write(readings_of([(n % 8, NOON + n, 1.0) for n in range(100)]), 100)
    assert (written.rows, {row.position % 8 for row in written.rejected}) == (52, {4, 5, 6, 7})
    assert "partial write: bad" in written.rejected[0].detail
    store.close()


@pytest.mark.parametrize(
    ("status", "headers", "body", "said"),
    [
        pytest.param(500, {}, b'{"code":"internal error","message":"engine gone"}', "500: engine gone", id="broken"),
        pytest.param(503, {}, b"", "503", id="not ready"),
        pytest.param(401, {}, b'{"code":"unauthorized","message":"no"}', "store.token_file", id="token"),
        pytest.param(403, {}, b'{"code":"forbidden","message":"no"}', "may write to the bucket", id="permission"),
        pytest.param(404, {}, b'{"code":"not found","message":"bucket not found"}', "not found.*names", id="bucket"),
        pytest.param(302, {"Location": "/elsewhere"}, b"", "302", id="a proxy's log-in page"),
    ],
)
def test_what_is_no_lines_fault_is_a_store_error_that_says_what_to_check(
    open_store: Open,
    stand_in: StandIn,
    readings_of: ReadingsOf,
    status: int,
    headers: dict[str, str],
    body: bytes,
    said: str,
) -> None:
    stand_in.answers = [(status, headers, body)] * 2
    store = open_store(stand_in.url)
    with pytest.raises(StoreError, match=said) as raised:
        store.write(readings_of([(0, NOON, 1.0)]), 1)
    assert TOKEN not in str(raised.value)
    assert store.position() == 0
    stand_in.answers = []
    assert store.write(readings_of([(0, NOON, 1.0)]), 1) == Written(1, 0)
    store.close()


@pytest.mark.parametrize("status", [429, 503])
def test_a_busy_server_says_how_long_to_wait(
    open_store: Open, stand_in: StandIn, readings_of: ReadingsOf, status: int
) -> None:
    stand_in.answers = [(status, {"Retry-After": "17"}, b'{"code":"too many requests","message":"limit"}')]
    store = open_store(stand_in.url)
    with pytest.raises(StoreBusy) as raised:
        store.write(readings_of([(0, NOON, 1.0)]), 1)
    assert raised.value.retry_after == 17.0
    store.close()


def test_no_server_is_a_store_error(open_store: Open, stand_in: StandIn, readings_of: ReadingsOf) -> None:
    store = open_store(stand_in.url)
    stand_in.close()
    with pytest.raises(StoreError, match="cannot be reached") as raised:
        store.write(readings_of([(0, NOON, 1.0)]), 1)
    assert TOKEN not in str(raised.value)
    with pytest.raises(StoreError, match="did not answer"):
        store.query(KEY, NOON, NOON + 1, 1)


ANSWER = """#datatype,string,long,dateTime:RFC3339,double,string,long
#group,false,false,false,false,false,false
#default,_result,,,,,
,result,table,_time,rtd,flag,received
,,0,2024-07-01T12:00:02.005Z,2.5,N,1719835202255
,,0,2024-07-01T12:00:01Z,,D,1719835201250

""".replace("\n", "\r\n").encode()


def test_a_query_sends_names_as_parameters_and_reads_the_answer(open_store: Open, stand_in: StandIn) -> None:
    stand_in.answers = [(200, {"Content-Type": "text/csv"}, ANSWER)]
    store = open_store(stand_in.url)
    series = store.query(KEY, NOON, NOON + 60_000, 2)
    store.close()
    assert series.time.tolist() == [NOON + 1_000, NOON + 2_005]
    assert math.isnan(series.value[0])
    assert series.value[1] == 2.5
    assert series.flag.tolist() == [ord("D"), ord("N")]
    assert series.received.tolist() == [NOON + 1_250, NOON + 2_255]
    ((path, _, _, body),) = stand_in.asked
    asked: dict[str, Any] = json.loads(body)
    assert path == "/api/v2/query"
    assert "stack-1" not in asked["query"]
    assigned = [option["assignment"] for option in asked["extern"]["body"]]
    values = {each["id"]["name"]: each["init"].get("value", each["init"].get("elements")) for each in assigned}
    assert values["askedDevice"] == "stack-1"
    assert (values["askedField"], values["askedLimit"]) == ("rtd", "2")
    assert values["askedStart"].startswith("2024-07-01T12:00:00")
    assert values["askedStop"].startswith("2024-07-01T12:01:00")
    used = {name for name in values if name in asked["query"]}
    assert used == set(values)


STORED = """#datatype,string,long,dateTime:RFC3339,string,string,string,double,string,long,long
#group,false,false,false,true,true,true,false,false,false,false
#default,_result,,,,,,,,,
,result,table,_time,site,device,factor,rtd,flag,received,revision
,,0,2024-07-01T12:00:00Z,harbour,stack-1,a21026,2.5,N,1719835200250,1
,,1,2024-07-01T12:00:00Z,harbour,stack-1,w01018,7,N,1719835200250,

""".replace("\n", "\r\n").encode()
CHANGED = """#datatype,string,long,dateTime:RFC3339,string,string,string,string,string,string,\
long,long,double,string,double,string
#group,false,false,false,true,true,true,true,true,true,false,false,false,false,false,false
#default,_result,,,,,,,,,,,,,,
,result,table,_time,site,device,factor,field,period,number,position,received,was,was_flag,value,flag
,,0,2024-07-01T12:00:00Z,harbour,stack-1,a21026,rtd,realtime,1,4,1719835200250,1.5,D,2.5,N

""".replace("\n", "\r\n").encode()
CSV = {"Content-Type": "text/csv"}


def test_rows_that_may_be_stored_are_looked_up_and_what_they_change_is_kept_first(
    open_store: Open, stand_in: StandIn, readings_of: ReadingsOf
) -> None:
    store = open_store(stand_in.url)
    store.write(readings_of([(0, NOON + 1, 1.0), (2, NOON + 1, 1.0)], position=5), 7)
    stand_in.answers = [(200, CSV, STORED), (200, CSV, CHANGED)]
    rows = readings_of([(0, NOON, 9.0), (2, NOON, 7.0), (2, NOON - 1, 3.0)], position=7)
    assert store.write(rows, 10) == Written(1, 1, revisions=1)
    store.close()
    _, points, changes, write = stand_in.asked
    for path, _, _, body in (points, changes):
        asked = json.loads(body)
        assert path == "/api/v2/query"
        assert "stack-1" not in asked["query"]
        values = {each["assignment"]["id"]["name"] for each in asked["extern"]["body"]}
        assert values == {name for name in values if name in asked["query"]}
        assert b"stack-1" in body
    assert write[3].decode().splitlines() == [
        "revisions,site=harbour,device=stack-1,factor=a21026,field=rtd,period=realtime,number=2"
        f' received={NOON + 250}i,position=7i,was=2.5,value=9.0,was_flag="N",flag="N" {NOON}',
        "realtime,site=harbour,device=stack-1,factor=w01018"
        f' rtd=3.0,flag="N",received={NOON + 249}i,out_of_order=true {NOON - 1}',
        "realtime,site=harbour,device=stack-1,factor=a21026"
        f' rtd=9.0,flag="N",received={NOON + 250}i,out_of_order=true,revision=2i {NOON}',
    ]


def test_a_look_up_that_fails_is_a_store_error_and_nothing_is_written(
    open_store: Open, stand_in: StandIn, readings_of: ReadingsOf
) -> None:
    store = open_store(stand_in.url)
    store.write(readings_of([(0, NOON, 1.0)]), 1)
    stand_in.answers = [(503, {}, b'{"code":"unavailable","message":"queue full"}')]
    with pytest.raises(StoreError, match="queue full"):
        store.write(readings_of([(0, NOON, 2.0)], position=1), 2)
    assert [path for path, _, _, _ in stand_in.asked] == ["/api/v2/write", "/api/v2/query"]
    stand_in.answers = [(404, {}, b'{"code":"not found","message":"path not found"}')]  # as InfluxDB 3 answers
    assert store.write(readings_of([(0, NOON, 2.0)], position=1), 2) == Written(1, 0, not_looked_up=1)
    store.close()


def test_revisions_are_listed_by_the_database_itself(open_store: Open, stand_in: StandIn) -> None:
    with pytest.raises(CannotList, match="revisions"):
        open_store(stand_in.url).revisions(WhichRevisions())


def test_a_query_over_all_times_stays_within_what_influxdb_can_show(open_store: Open, stand_in: StandIn) -> None:
    stand_in.answers = [(200, {"Content-Type": "text/csv"}, b"\r\n")]
    store = open_store(stand_in.url)
    assert len(store.query(KEY, -(2**63), 2**63 - 1, 5).time) == 0
    store.close()
