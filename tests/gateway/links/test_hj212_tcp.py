"""The HJ 212 listener on real sockets: logins, bytes as they come, bounds, and connections that are ended, with why."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from dataclasses import replace
from zoneinfo import ZoneInfo

import pytest
from link_harness import Taker, running, seen
from tcp_logger import TcpLogger, logger, upload

from gateway.config import Listener as Settings
from gateway.errors import LinkError
from gateway.hj212.build import request
from gateway.hj212.keys import DeviceSecrets, KeyRing
from gateway.inventory import Device, Inventory, Name, Site
from gateway.links.hj212_tcp import Hj212TcpLink

NAME = Name("x", "x")
QN = "20260101080000001"
MNS = ["88888880000001", "010000A8900016F000169DC0", "010000A8900016F000169DC1", "NOPASSWORD"]
"""Of devices d0 (2005), d1, d2, and of d3, for which no password is kept."""
INVENTORY = Inventory(
    (Site("plant", NAME, 0.0, 0.0, ZoneInfo("Asia/Shanghai")),),
    tuple(Device(f"d{n}", 0, NAME, mn, "stack", 1, 1, ()) for n, mn in enumerate(MNS)),
    (),
    (),
)
CIPHER = b"ST=31;CN=2011;PW=123456;MN=%b;Flag=9;CP=&&\xff;CP=&&MN=x;PW=y\r\n##0009&&1234\r\n&&" % MNS[2].encode()
"""A segment of 2025 whose cipher text holds all that could be taken for something else."""
KEYS = KeyRing({mn: DeviceSecrets("123456") for mn in MNS[:3]})


def listener(**changes: object) -> Hj212TcpLink:
    settings = {"name": "tcp", "port": 0, "read_interval_ms": 1.0}
    return Hj212TcpLink(Settings.model_validate(settings | changes), INVENTORY, KEYS)


@contextlib.asynccontextmanager
async def at_work(taker: Taker, **changes: object) -> AsyncGenerator[Hj212TcpLink]:
    link = listener(**changes)
    async with running(link, taker):
        yield link


def topics(taker: Taker) -> list[str]:
    return [topic for batch in taker.batches for topic in batch.topics]


# ---------------------------------------------------------------- who is let in


@pytest.mark.parametrize(
    ("device", "frame"),
    [
        ("d0", upload(MNS[0], QN, flag=1)),
        ("d1", upload(MNS[1], QN, flag=5)),
        ("d2", upload(MNS[2], QN, flag=9)),
        ("d1", upload(MNS[1], "", flag=4)),
        ("d1", upload(MNS[1], QN).replace(b"Flag=5;CP=", b"Flag=5CP=")),
        ("d1", upload(MNS[1], QN, cn="9015", cp="")),
        ("d2", b"##%04d%bB541\r\n" % (len(CIPHER), CIPHER)),
    ],
    ids=["2005", "2017", "2025", "no QN", "separator missing before CP", "heartbeat first", "cipher text"],
)
async def test_a_device_logs_in_by_its_first_frame(device: str, frame: bytes) -> None:
    taker = Taker()
    async with at_work(taker) as link, logger(link.port) as one:
        await one.send(frame)
        assert await taker.until(1) == [frame]
        assert topics(taker) == [f"tcp/plant/{device}"]
        assert (link.counts.logins, link.counts.refused.total()) == (1, 0)


@pytest.mark.parametrize(
    ("frame", "told", "why"),
    [
        (upload(MNS[1], QN, pw="000000"), "QnRtn=3", "password_wrong"),
        (upload(MNS[0], QN, pw="000000", flag=1), f"QN={QN};QnRtn=3", "password_wrong"),
        (upload(MNS[1], QN, pw=""), "QnRtn=3", "password_wrong"),
        (upload(MNS[3], QN), "QnRtn=3", "password_missing"),
    ],
    ids=["2017", "2005", "no password sent", "none kept"],
)
async def test_a_sender_without_the_password_is_told_closed_counted_and_its_frame_kept(
    frame: bytes, told: str, why: str
) -> None:
    taker = Taker()
    async with at_work(taker) as link, logger(link.port) as one:
        await one.send(frame)
        (reply,) = await one.replies(1)
        assert ";CN=9011;" in f";{reply}"
        assert reply.endswith(f"CP=&&{told}&&")
        assert await one.closed() == b""
        assert await taker.until(1) == [frame]
        assert topics(taker) == [f"tcp/-/-/{why}"]
        assert (link.counts.refused, link.counts.logins) == ({why: 1}, 0)
        await seen(lambda: link.counts.closed == {why: 1})


async def test_the_password_of_another_try_in_the_same_write_does_not_count() -> None:
    """Or a sender could try a thousand in one write."""
    taker = Taker()
    async with at_work(taker) as link, logger(link.port) as one:
        await one.send(upload(MNS[1], QN, pw="000000"), upload(MNS[1], QN))
        await one.closed()
        await taker.until(2)
        assert set(topics(taker)) == {"tcp/-/-/password_wrong"}
        assert link.counts.logins == 0


async def test_a_device_that_changes_its_password_on_the_way_is_no_longer_let_in() -> None:
    taker = Taker()
    async with at_work(taker) as link, logger(link.port) as one:
        await one.send(upload(MNS[1], QN), upload(MNS[1], QN, pw="000000"), upload(MNS[1], QN))
        await taker.until(3)
        assert topics(taker) == ["tcp/plant/d1", "tcp/-/-/password_wrong", "tcp/plant/d1"]
        assert link.counts.closed.total() == 0, "the connection carries a device"


async def test_without_password_required_an_mn_without_password_is_let_in_and_others_not() -> None:
    taker = Taker()
    async with at_work(taker, password_required=False) as link:
        async with logger(link.port) as one, logger(link.port) as other:
            await one.send(upload(MNS[3], QN))
            await taker.until(1)
            await other.send(upload(MNS[1], QN, pw="000000"))
            await taker.until(2)
        assert topics(taker) == ["tcp/plant/d3", "tcp/-/-/password_wrong"]


async def test_an_unknown_mn_is_told_so_and_its_frames_are_handed_on() -> None:
    taker = Taker()
    async with at_work(taker) as link, logger(link.port) as one:
        await one.send(upload("STRANGER", QN), upload("STRANGER", ""))
        (reply,) = await one.replies(1)
        assert reply == f"QN={QN};ST=91;CN=9011;PW=123456;MN=STRANGER;Flag=4;CP=&&QnRtn=4&&"
        await taker.until(2)
        assert topics(taker) == ["tcp/-/-"] * 2
        assert link.counts.refused == {"unknown_mn": 2}


async def test_a_listener_that_does_not_reply_tells_nobody_why() -> None:
    taker = Taker()
    link = Hj212TcpLink(Settings(name="tcp", port=0), INVENTORY, KEYS, reply=False)
    async with running(link, taker), logger(link.port) as one:
        await one.send(upload(MNS[1], QN, pw="000000"))
        assert await one.closed() == b""


async def test_a_concentrator_carries_several_devices_on_one_connection() -> None:
    taker = Taker()
    async with at_work(taker) as link, logger(link.port) as one:
        await one.send(upload(MNS[0], QN, flag=1), upload(MNS[1], QN), upload(MNS[0], QN, flag=1))
        await taker.until(3)
        assert topics(taker) == ["tcp/plant/d0", "tcp/plant/d1", "tcp/plant/d0"]
        assert link.send([("tcp/plant/d1", b"##to d1"), ("tcp/plant/d0", b"##to d0")]) == 2
        assert await one.reader.readexactly(14) == b"##to d1##to d0"


async def test_another_mn_on_a_connection_without_password_or_carrier_is_the_first_devices_affair() -> None:
    """It keeps the topic of the device that has the connection, where its MN makes it a dead letter."""
    taker = Taker()
    async with at_work(taker, password_required=False) as link, logger(link.port) as one, logger(link.port) as own:
        await own.send(upload(MNS[3], QN))
        await taker.until(1)
        await one.send(upload(MNS[1], QN), upload(MNS[3], QN), upload("STRANGER", QN), upload(MNS[1], QN))
        await taker.until(5)
        assert topics(taker) == ["tcp/plant/d3", *["tcp/plant/d1"] * 4]
        assert link.counts.refused == {"foreign_mn": 1, "unknown_mn": 1}
        assert link.counts.closed.total() == 0
        assert link.send([("tcp/plant/d3", b"##still there")]) == 1
        assert await own.reader.readexactly(13) == b"##still there", "nobody took the place of d3"


async def test_a_carrier_and_those_it_carries_share_a_connection_whoever_comes_first() -> None:
    devices = [Device(f"d{n}", 0, NAME, mn, "stack", 1, 1, ()) for n, mn in enumerate(MNS)]
    devices[1:3] = [replace(device, carrier="d0") for device in devices[1:3]]
    stock = Inventory(INVENTORY.sites, tuple(devices), (), ())
    for order in ((0, 1, 2), (2, 1, 0)):
        taker = Taker()
        link = Hj212TcpLink(Settings(name="tcp", port=0, password_required=False), stock, KeyRing())
        async with running(link, taker), logger(link.port) as one:
            await one.send(*[upload(MNS[each], QN) for each in (*order, 3)])
            await taker.until(4)
            assert topics(taker) == [f"tcp/plant/d{each}" for each in (*order, order[0])]
            assert link.counts.refused == {"foreign_mn": 1}


async def test_the_newest_connection_of_a_device_takes_over() -> None:
    taker = Taker()
    async with at_work(taker) as link, logger(link.port) as old, logger(link.port) as new:
        await old.send(upload(MNS[1], QN))
        await taker.until(1)
        await new.send(upload(MNS[1], QN))
        assert await old.closed() == b""
        assert link.send([("tcp/plant/d1", b"##now here")]) == 1
        assert await new.reader.readexactly(10) == b"##now here"
        await seen(lambda: link.counts.closed == {"taken_over": 1})
        assert link.connections == 1


async def test_a_concentrator_that_loses_one_device_keeps_the_others() -> None:
    taker = Taker()
    async with at_work(taker) as link, logger(link.port) as both, logger(link.port) as new:
        await both.send(upload(MNS[1], QN), upload(MNS[2], QN))
        await taker.until(2)
        await new.send(upload(MNS[1], QN))
        await taker.until(3)
        assert link.send([("tcp/plant/d2", b"##here")]) == 1
        assert await both.reader.readexactly(6) == b"##here"
        assert link.connections == 2


# ---------------------------------------------------------------- bytes as they come


async def test_half_frames_wait_for_the_rest_byte_by_byte() -> None:
    taker = Taker()
    frames = [upload(MNS[1], QN), upload(MNS[1], "20260101080001001")]
    async with at_work(taker) as link, logger(link.port) as one:
        one.writer.get_extra_info("socket").setsockopt(6, 1, 1)  # TCP_NODELAY: each byte a segment
        for byte in b"".join(frames):
            await one.send(bytes([byte]))
            await asyncio.sleep(0)
        assert await taker.until(2) == frames


async def test_ten_frames_in_one_write_are_ten_frames() -> None:
    taker = Taker()
    frames = [upload(MNS[1], f"2026010108000{n}001") for n in range(10)]
    async with at_work(taker) as link, logger(link.port) as one:
        await one.send(*frames)
        assert await taker.until(10) == frames


async def test_garbage_is_handed_on_and_the_frames_behind_it_are_read() -> None:
    taker = Taker()
    frame = upload(MNS[1], QN)
    async with at_work(taker) as link, logger(link.port) as one:
        await one.send(b"+CSQ: 21,99\r\n", frame, b"garbage", frame)
        await taker.until(4)
        assert taker.payloads == [b"+CSQ: 21,99", *[frame], b"garbage", *[frame]]
        assert topics(taker) == ["tcp/-/-", "tcp/plant/d1", "tcp/plant/d1", "tcp/plant/d1"]


async def test_half_a_frame_before_the_end_of_the_connection_is_not_lost_silently() -> None:
    taker = Taker()
    async with at_work(taker) as link:
        async with logger(link.port) as one:
            await one.send(upload(MNS[1], QN)[:60])
        assert await taker.until(1) == [upload(MNS[1], QN)[:60]]
        await seen(lambda: link.connections == 0)
        assert link.counts.closed.total() == 0, "the logger closed it"


# ---------------------------------------------------------------- bounds


async def _closed(link: Hj212TcpLink, why: str, one: TcpLogger) -> None:
    await one.closed()
    await seen(lambda: link.counts.closed == {why: 1})
    assert link.connections == 0


async def test_a_connection_that_sends_nothing_more_is_closed() -> None:
    async with at_work(Taker(), idle_s=0.2) as link, logger(link.port) as one:
        await one.send(upload(MNS[1], QN))
        await _closed(link, "idle", one)


async def test_a_connection_that_keeps_sending_is_not_idle() -> None:
    taker = Taker()
    async with at_work(taker, idle_s=0.5) as link, logger(link.port) as one:
        for n in range(10):
            await one.send(upload(MNS[1], QN))
            await taker.until(n + 1)
            await asyncio.sleep(0.1)
        assert link.counts.closed.total() == 0


async def test_a_connection_without_a_frame_of_a_known_device_is_closed() -> None:
    taker = Taker()
    async with at_work(taker, login_s=0.2) as link, logger(link.port) as mute, logger(link.port) as known:
        await known.send(upload(MNS[1], QN))
        await mute.send(upload("STRANGER", ""))
        await mute.closed()
        await seen(lambda: link.counts.closed == {"no_login": 1})
        assert link.connections == 1


async def test_a_connection_that_sends_garbage_only_is_closed_at_its_bound() -> None:
    taker = Taker()
    async with at_work(taker, max_stray_bytes=1024) as link, logger(link.port) as one:
        with contextlib.suppress(ConnectionError):
            for _ in range(200):
                await one.send(b"GET / HTTP/1.1\r\n" * 64)
        await _closed(link, "strays", one)
        assert taker.count > 0, "what it sent until then is handed on"


async def test_one_connection_too_many_is_closed_at_once() -> None:
    async with at_work(Taker(), max_connections=2) as link, logger(link.port), logger(link.port):
        async with logger(link.port) as third:
            await third.closed()
        await seen(lambda: link.counts.closed == {"too_many": 1})
        assert link.connections == 2


async def test_a_sender_on_a_concentrator_that_is_turned_away_too_often_ends_it() -> None:
    taker = Taker()
    async with at_work(taker) as link, logger(link.port) as one:
        await one.send(upload(MNS[1], QN))
        await one.send(*[upload(MNS[2], "", pw=f"{n:06}") for n in range(150)])
        await one.closed()
        await seen(lambda: link.counts.closed == {"password_wrong": 1})
        assert link.counts.refused == {"password_wrong": 100}


async def _flood(port: int, mn: str, written: list[int]) -> None:
    """Send frames until the other end reads no more, and go on then."""
    frame = upload(mn, QN)
    async with logger(port) as one:
        while True:
            await one.send(frame * 100)
            written[0] += 100


@pytest.mark.parametrize("bounds", [{"max_pending_kib": 16}, {"max_batch_bytes": 64 * 1024}], ids=["one", "all"])
async def test_a_journal_that_takes_nothing_holds_the_loggers_back(bounds: dict[str, int]) -> None:
    taker = Taker()
    taker.open.clear()
    written = [0]
    async with at_work(taker, **bounds) as link:
        flood = asyncio.create_task(_flood(link.port, MNS[1], written))
        await seen(lambda: link.paused == 1)
        stood = -1
        while stood != written[0]:  # until the buffers of both kernels are full
            stood = written[0]
            await asyncio.sleep(0.3)
        assert link.pending < 2 * 1024 * 1024, "the bound, and one read over it"
        taker.open.set()
        await seen(lambda: written[0] > stood)
        await taker.until(stood)
        flood.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await flood


async def test_a_connection_that_is_held_back_is_not_idle() -> None:
    taker = Taker()
    taker.open.clear()
    async with at_work(taker, max_pending_kib=16, idle_s=0.1) as link, logger(link.port) as one:
        await one.send(upload(MNS[1], QN) * 200)
        await seen(lambda: link.paused == 1)
        await asyncio.sleep(0.4)
        assert link.counts.closed.total() == 0
        taker.open.set()
        await taker.until(200)


async def test_what_a_logger_does_not_read_is_dropped_and_counted() -> None:
    taker = Taker()
    async with at_work(taker) as link, logger(link.port) as one:
        await one.send(upload(MNS[1], QN))
        await taker.until(1)
        frame = b"x" * 65_536
        for _ in range(2000):
            if not link.send([("tcp/plant/d1", frame)]):
                break
            await asyncio.sleep(0)
        assert link.status.unsent == 1
        assert one.reader is not None


# ---------------------------------------------------------------- the link


async def test_a_command_goes_to_the_device_by_its_topic_and_to_nobody_else() -> None:
    taker = Taker()
    command = request("1011", "", st="31", pw="123456", mn=MNS[1], qn=QN, edition="2017")
    async with at_work(taker) as link, logger(link.port) as one:
        assert link.send([("tcp/plant/d1", command)]) == 0
        await one.send(upload(MNS[1], QN))
        await taker.until(1)
        assert link.send([("tcp/plant/d1", command), ("tcp/plant/d2", command)]) == 1
        assert await one.reader.readexactly(len(command)) == command
        assert (link.status.sent, link.status.unsent) == (1, 2)


async def test_a_port_that_is_taken_is_a_mistake_that_names_it() -> None:
    async with at_work(Taker()) as link:
        with pytest.raises(LinkError, match=f"listener tcp: cannot listen on 127.0.0.1:{link.port}"):
            await listener(port=link.port).run(Taker())


async def test_a_device_that_left_cannot_be_reached() -> None:
    taker = Taker()
    async with at_work(taker) as link:
        async with logger(link.port) as one:
            await one.send(upload(MNS[1], QN))
            await taker.until(1)
        await seen(lambda: link.connections == 0)
        assert link.send([("tcp/plant/d1", b"##")]) == 0
