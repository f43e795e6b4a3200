"""What the API sees of ingest: the newest of everything, and rates."""

from __future__ import annotations

import threading
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.records import NEVER, Readings
from gateway.inventory import Camera, Device, Inventory, Name, Site
from gateway.live import Counts, Live
from gateway.records import FrameResult


class Clock:
    """Seconds, set by the test."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


NAME = Name("x", "x")
SITE = Site("s", NAME, 0.0, 0.0, ZoneInfo("UTC"))


def live(devices: int = 2, cameras: int = 1, clock: Clock | None = None) -> Live:
    inventory = Inventory(
        (SITE,),
        tuple(Device(f"d{k}", 0, NAME, "", "stack", 1000, 5000, ()) for k in range(devices)),
        tuple(Camera(f"c{k}", 0, NAME, (), 1000) for k in range(cameras)),
        (),
    )
    return Live(inventory, started=0, clock=clock or Clock())


def batch(rows: list[tuple[int, int, float, int]]) -> Readings:
    channel, time, value, flag = ([row[k] for row in rows] for k in range(4))
    whole = np.array(time, np.int64)
    bits, none = np.array(flag, np.uint8), np.zeros(len(rows), np.uint8)
    return Readings(np.array(channel, np.int32), whole, whole, np.array(value, np.float64), bits, whole, none)


ROW = st.tuples(st.integers(0, 5000), st.integers(0, 2**40), st.floats(allow_nan=False), st.integers(0, 255))


@given(st.lists(st.lists(ROW, max_size=20), max_size=6))
def test_the_last_row_of_each_channel_stands(batches: list[list[tuple[int, int, float, int]]]) -> None:
    seen = live()
    model: dict[int, tuple[int, float, int]] = {}
    for rows in batches:
        seen.update(batch(rows))
        model |= {channel: (time, value, flag) for channel, time, value, flag in rows}
    channels = list(model)
    newest = seen.newest(channels)
    assert list(zip(newest.time.tolist(), newest.value.tolist(), newest.flag.tolist(), strict=True)) == list(
        model.values()
    )


def test_a_channel_never_heard_has_no_time_whether_its_number_is_within_the_columns_or_beyond() -> None:
    seen = live()
    seen.update(batch([(1, 10, 1.5, 78)]))
    newest = seen.newest([0, 1, 1_000_000])
    assert newest.time.tolist() == [NEVER, 10, NEVER]
    assert np.isnan(newest.value).tolist() == [True, False, True]


def test_a_value_is_never_seen_with_the_time_of_another() -> None:
    seen = live()
    channels = np.arange(20_000, dtype=np.int32)
    stop = threading.Event()

    def write() -> None:
        step = 0
        while not stop.is_set():
            step += 1
            whole = np.full(len(channels), step, np.int64)
            bits = whole.astype(np.uint8)
            seen.update(Readings(channels, whole, whole, whole.astype(float), bits, whole, bits))

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for _ in range(300):
            newest = seen.newest([19_999])
            assert newest.time[0] == NEVER or newest.time[0] == newest.value[0]
    finally:
        stop.set()
        writer.join()


def test_devices_are_heard_at_the_time_received_and_the_others_never() -> None:
    seen = live(devices=3)
    seen.hear([2, 0], 50)
    seen.hear([], 60)
    seen.hear([0], 70)
    assert seen.heard().tolist() == [70, NEVER, 50]


def test_the_newest_frame_of_a_camera_takes_the_place_of_the_one_before() -> None:
    seen = live(cameras=2)
    assert seen.seen(0) is None
    for captured in (1, 2):
        seen.see(FrameResult(0, captured, captured, 4, 3, ()), b"jpeg %d" % captured)
    newest = seen.seen(0)
    assert newest is not None
    assert (newest.result.captured, newest.jpeg) == (2, b"jpeg 2")
    assert seen.seen(1) is None


def test_rates_are_of_whole_seconds_and_totals_of_all() -> None:
    clock = Clock()
    seen = live(clock=clock)
    for second in range(12):
        clock.now = 100.0 + second + 0.4
        seen.count(messages=second, readings=5 * second)
        seen.count(frames=1)
    clock.now = 112.1
    assert seen.totals() == Counts(66, 330, 12)
    assert seen.rates(1) == Counts(11, 55, 1)
    assert seen.rates(10) == Counts(sum(range(2, 12)) / 10, sum(range(2, 12)) / 2, 1)


@pytest.mark.parametrize(
    ("case", "now", "expected"),
    [
        ("the running second does not count yet", 100.9, 0),
        ("a gateway one second old has a rate of that second", 101.5, 7),
        ("the mean is over its age while that is below the window", 102.5, 3.5),
        ("what was longer ago than the window is forgotten", 111.5, 0),
        ("a slot of sixteen seconds ago is not taken for the new one", 117.5, 0),
    ],
)
def test_rates_at_the_edges(case: str, now: float, expected: float) -> None:
    clock = Clock()
    seen = live(clock=clock)
    seen.count(messages=7)
    clock.now = now
    assert seen.rates(10).messages == expected, case
