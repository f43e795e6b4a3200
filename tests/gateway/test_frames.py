"""The frame room: newest-wins slots and worker processes, on frames made here and on real ones."""

from __future__ import annotations

import multiprocessing
from collections.abc import Sequence
from pathlib import Path
from zoneinfo import ZoneInfo

import cv2
import numpy as np
import pytest

from detectors.records import Finding, Phase
from gateway.config import Frames as Settings
from gateway.config import outside_data
from gateway.frames import Frames
from gateway.inventory import Camera, Inventory, Name, Site, Zone
from gateway.records import Frame, FrameResult

NAME = Name("a", "甲")
WHOLE = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0))
STEP = 100
"""ms between frames made here."""


def inventory_of(cameras: int, zones: tuple[Zone, ...] = (Zone("all", NAME, WHOLE, 0.002, 200, 500),)) -> Inventory:
    site = Site("s", NAME, 30.0, 120.0, ZoneInfo("Asia/Shanghai"))
    return Inventory((site,), (), tuple(Camera(f"c{n}", 0, NAME, zones, 10_000) for n in range(cameras)), ())


def picture(x: int | None, width: int = 320, height: int = 180) -> bytes:
    """A JPEG of rough ground, with a bright block at `x` if one is asked for."""
    ground = np.random.default_rng(5).integers(60, 120, (height, width), np.uint8)
    ground = cv2.GaussianBlur(ground, (5, 5), 0)
    if x is not None:
        ground[60:110, x : x + 30] = 230
    return cv2.imencode(".jpg", ground)[1].tobytes()


STILL = picture(None)


def walk(frames: int, begin: int, end: int) -> list[bytes]:
    """Still pictures, but for a block that crosses between two of them."""
    return [picture(20 + 4 * (n - begin)) if begin <= n < end else STILL for n in range(frames)]


class Listener:
    """What the room calls back with."""

    def __init__(self) -> None:
        self.results: list[FrameResult] = []
        self.findings: list[Finding] = []
        self.bad: list[tuple[int, str, str]] = []
        self.jpegs: list[bytes] = []

    def result(self, result: FrameResult, findings: list[Finding], jpeg: bytes) -> None:
        self.results.append(result)
        self.findings += findings
        self.jpegs.append(jpeg)

    def refuse(self, frame: Frame, reason: str, detail: str) -> None:
        self.bad.append((frame.camera, reason, detail))


def room(listener: Listener, cameras: int = 1, workers: int = 1, **more: object) -> Frames:
    return Frames(
        inventory_of(cameras),
        Settings(workers=workers),
        on_result=listener.result,
        on_bad=listener.refuse,
        **more,  # pyright: ignore[reportArgumentType]
    )


def balanced(frames: Frames) -> bool:
    counts = frames.counts
    dropped = counts.dropped.total()
    return counts.received == counts.analysed + dropped + counts.waiting and dropped == (
        counts.dropped_by_camera.total()
    )


async def show(frames: Frames, jpegs: Sequence[bytes], first: int = 0, camera: int = 0, step: int = STEP) -> None:
    """Offer frames one after the other, none of which has to give way."""
    for n, jpeg in enumerate(jpegs):
        at = (first + n) * step
        frames.offer(Frame(camera, at, at + 7, jpeg))
        assert balanced(frames)
        await frames.drain()


async def test_what_crosses_a_zone_is_found_and_over_when_it_is_gone() -> None:
    heard = Listener()
    async with room(heard) as frames:
        await show(frames, walk(60, 30, 45))
    assert [(f.phase, f.rule, f.subject, f.since, f.time) for f in heard.findings] == [
        (Phase.ACTIVE, 0, 0, 3000, 3200),
        (Phase.CLEAR, 0, 0, 3000, 5000),
    ]
    active = heard.findings[0]
    assert active.boxes == heard.results[32].boxes
    (box,) = active.boxes
    assert abs(box.x - 28) <= 6 and abs(box.y - 60) <= 6 and abs(box.w - 30) <= 12 and abs(box.h - 50) <= 12
    assert active.value == heard.results[32].zones[0] > active.limit == 0.002
    assert (heard.results[0].width, heard.results[0].height, heard.results[0].received) == (320, 180, 7)
    assert heard.jpegs[31] == picture(24)
    assert frames.counts.analysed == frames.counts.received == 60 and balanced(frames)


async def test_a_frame_that_waits_gives_way_to_a_newer_one_and_is_counted() -> None:
    heard = Listener()
    async with room(heard, cameras=2) as frames:
        for at in range(5):
            for camera in (0, 1):
                frames.offer(Frame(camera, at, at, STILL))
                assert balanced(frames)
        assert frames.counts.waiting == 2
        await frames.drain()
    assert [(r.camera, r.captured) for r in heard.results] == [(0, 4), (1, 4)]
    assert dict(frames.counts.dropped) == {"newest_wins": 8}
    assert dict(frames.counts.dropped_by_camera) == {0: 4, 1: 4}


async def test_cameras_take_turns_however_much_one_of_them_sends() -> None:
    heard = Listener()
    async with room(heard, cameras=2) as frames:
        frames.offer(Frame(0, 0, 0, STILL))
        frames.offer(Frame(1, 0, 0, STILL))
        for at in range(1, 20):
            frames.offer(Frame(0, at, at, STILL))
        await frames.drain()
    assert sorted(r.camera for r in heard.results) == [0, 1]


async def test_what_is_no_picture_is_handed_back_with_its_reason() -> None:
    heard = Listener()
    async with room(heard) as frames:
        for bad in (b"", b"not a picture", STILL[:20]):
            frames.offer(Frame(0, 1, 1, bad))
            await frames.drain()
        await show(frames, [STILL])
    assert [(camera, reason) for camera, reason, _ in heard.bad] == [(0, "bad_jpeg")] * 3
    assert all(detail for _, _, detail in heard.bad)
    assert dict(frames.counts.dropped) == {"bad_jpeg": 3} and frames.counts.analysed == 1


def kill_workers() -> None:
    for process in multiprocessing.active_children():
        if process.name.startswith("frames-"):
            process.kill()
            process.join()


async def test_a_worker_that_dies_is_replaced_and_its_frame_counted() -> None:
    heard = Listener()
    async with room(heard, cameras=2, workers=2) as frames:
        await show(frames, [STILL] * 3)
        kill_workers()
        await show(frames, [STILL] * 3, first=3)
        await show(frames, [STILL], camera=1)
        assert balanced(frames)
    assert dict(frames.counts.dropped) == {"worker_failed": 2}
    assert [r.captured for r in heard.results] == [0, 100, 200, 400, 500]
    assert not heard.bad


async def test_an_event_outlives_the_worker_and_blindness_is_no_evidence_of_quiet() -> None:
    """The block goes while the new worker still learns the scene; the event ends by frames it could judge."""
    heard = Listener()
    async with room(heard) as frames:
        await show(frames, walk(40, 30, 40))
        kill_workers()
        await show(frames, [STILL] * 60, first=40)
    began, ended = heard.findings
    assert (began.phase, ended.phase, ended.since) == (Phase.ACTIVE, Phase.CLEAR, began.since)
    assert ended.time > 4100 + 2000


async def test_an_event_of_an_earlier_run_is_ended_and_not_told_again() -> None:
    heard = Listener()
    async with room(heard, open_since={(0, 0): 77}) as frames:
        await show(frames, walk(60, 25, 40))
    assert [(f.phase, f.since) for f in heard.findings] == [(Phase.CLEAR, 77)]


async def test_leaving_counts_what_still_waited() -> None:
    heard = Listener()
    async with room(heard, cameras=3) as frames:
        for camera in range(3):
            frames.offer(Frame(camera, 0, 0, STILL))
    assert frames.counts.waiting == 0 and balanced(frames)
    assert frames.counts.dropped["stopped"] + frames.counts.analysed == 3
    assert not [p for p in multiprocessing.active_children() if p.name.startswith("frames-")]


async def test_a_callback_that_fails_is_not_swallowed() -> None:
    def fail(result: FrameResult, findings: list[Finding], jpeg: bytes) -> None:
        raise ValueError("no room for results")

    with pytest.raises(ExceptionGroup) as caught:
        async with Frames(inventory_of(1), Settings(), on_result=fail, on_bad=Listener().refuse) as frames:
            frames.offer(Frame(0, 0, 0, STILL))
            await frames.drain()
    assert caught.group_contains(ValueError, match="no room")
    assert not [p for p in multiprocessing.active_children() if p.name.startswith("frames-")]


async def test_large_pictures_are_decoded_small_and_boxed_at_their_own_size() -> None:
    heard = Listener()

    def large(x: int | None) -> bytes:
        small = cv2.imdecode(np.frombuffer(picture(x), np.uint8), cv2.IMREAD_COLOR)
        assert small is not None
        return cv2.imencode(".jpg", cv2.resize(small, (1920, 1080)))[1].tobytes()

    async with room(heard) as frames:
        await show(frames, [large(None)] * 25 + [large(100)])
    (box,) = heard.results[-1].boxes
    assert abs(box.x - 600) <= 36 and abs(box.y - 360) <= 36 and abs(box.w - 180) <= 72


HIGHWAY = outside_data() / "data/video/cdnet_highway/highway/input"


@pytest.mark.outside_data
@pytest.mark.skipif(not HIGHWAY.is_dir(), reason="the CDnet highway frames are not there (GATEWAY_OUTSIDE_DATA)")
async def test_real_traffic_is_seen_and_every_frame_accounted_for() -> None:
    pictures = [Path(HIGHWAY / f"in{n:06d}.jpg").read_bytes() for n in range(1, 301)]
    heard = Listener()
    async with room(heard, cameras=2) as frames:
        for n, jpeg in enumerate(pictures):
            for camera in (0, 1):
                frames.offer(Frame(camera, n * 40, n * 40, jpeg))
            if n % 3:  # every third pair has to give way
                await frames.drain()
        await frames.drain()
    counts = frames.counts
    assert counts.received == 600 and counts.waiting == 0 and balanced(frames)
    assert set(counts.dropped) == {"newest_wins"} and counts.analysed == len(heard.results) >= 400
    assert {f.subject for f in heard.findings if f.phase is Phase.ACTIVE} == {0, 1}
