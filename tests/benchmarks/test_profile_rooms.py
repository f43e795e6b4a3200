"""To which room a sample of py-spy is put down."""

from __future__ import annotations

from pathlib import Path

import pytest
from benchmark_modules import FOLDER, benchmark

rooms = benchmark("profile_rooms")

RUN = "serve (/x/gateway/loop.py:15);Runner.run (/python/asyncio/runners.py:86)"
PROCESS = f"{RUN};Pipeline.process (/x/gateway/pipeline.py:159)"


@pytest.mark.parametrize(
    ("stack", "room"),
    [
        (f"{PROCESS};decode (/x/gateway/decode.py:27);JsonV1.decode (/x/gateway/codecs/json_v1.py:9)", "payloads"),
        (f"{PROCESS};step (/x/detectors/readings/limits.py:20);add (/y/numpy/core.so)", "limits"),
        (f"{PROCESS};Sink.readings (/x/gateway/codecs/seam.py:86);array_array (/y/numpy/core.so)", "columns"),
        ("_worker (/python/thread.py:69);write (/x/gateway/stores/duckdb_store.py:50);f (/y/_duckdb.so)", "DuckDB"),
        (f"{PROCESS}", "pipeline"),
    ],
)  # fmt: skip
def test_the_innermost_frame_of_ours_names_the_room(stack: str, room: str) -> None:
    assert room in rooms.room_of(stack)


def test_what_runs_below_none_of_ours_is_the_event_loop() -> None:
    assert rooms.room_of(f"{RUN};uv__read (/y/loop.c:9);read (/lib/libc.so.6)") == rooms.LOOP


@pytest.mark.parametrize("wait", sorted(rooms.WAITS))
def test_a_thread_that_waits_is_not_at_work(wait: str) -> None:
    assert rooms.room_of(f"{PROCESS};{wait} (/lib/libc.so.6);0x7fe4 (/lib/libc.so.6);0x7fe5 (/lib/libc.so.6)") is None
    busy = f"{RUN};{wait} (/lib/libc.so.6);a (/y);b (/y);c (/y)"
    assert rooms.room_of(busy) == rooms.LOOP, "what a callback does is work, whoever called it"


def test_shares_are_of_the_samples_at_work() -> None:
    lines = [
        f"{PROCESS};append (/x/gateway/journal/journal.py:72) 30",
        f"{RUN};epoll_wait (/lib/libc.so.6) 500",
        f"{PROCESS} 10",
        f"{PROCESS};write (/x/gateway/journal/journal.py:80) 10",
    ]
    shares = rooms.shares(lines)
    assert list(shares.values()) == [0.8, 0.2]
    assert "journal" in next(iter(shares))
    assert rooms.shares([]) == {}


def test_every_room_is_a_place_in_the_code() -> None:
    for part, _ in rooms.ROOMS:
        assert Path(FOLDER.parent / part).exists(), part
