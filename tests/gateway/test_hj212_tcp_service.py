"""HJ 212 over TCP through the whole service: frames of every edition in, 9014 out, readings in the store once."""

from __future__ import annotations

import asyncio
import resource
from collections.abc import Iterator, Sequence
from pathlib import Path

import aiomqtt
import httpx
import pytest
from hj212_gateway import MN, encrypted, frame, points, running, write
from link_harness import seen
from servers import Mosquitto
from tcp_logger import FLAGS, answered, logger, upload

from gateway.errors import JournalError
from gateway.hj212.build import request
from gateway.records import Batch, Block

CONNECTIONS = 2_000
LISTENER = """
[[listeners]]
name = "tcp"
port = 0
"""


async def test_frames_of_every_edition_are_answered_in_its_form_and_stored(tmp_path: Path) -> None:
    sent = {
        "2005": frame("2005", 1, 5.0),
        "2017": frame("2017", 2, 17.0),
        "2025": frame("2025", 3, 25.0),
    }
    forms: dict[str, str] = {}
    async with running(write(tmp_path, LISTENER)) as service:
        for edition, one in sent.items():
            async with logger(service.listeners[0].port) as here:
                await here.send(one)
                (forms[edition],) = await here.replies(1)
    assert forms == {
        "2005": f"ST=91;CN=9014;PW=123456;MN={MN['2005']};Flag=0;CP=&&QN=20260101080001000&&",
        "2017": f"QN=20260101080002000;ST=91;CN=9014;PW=123456;MN={MN['2017']};Flag=4;CP=&&&&",
        "2025": f"QN=20260101080003000;ST=91;CN=9014;PW=123456;MN={MN['2025']};Flag=8;CP=&&&&",
    }
    assert points(tmp_path) == [("d2005", 1, 5.0), ("d2017", 2, 17.0), ("d2025", 3, 25.0)]


async def test_an_encrypted_frame_is_opened_answered_in_plain_and_stored(tmp_path: Path) -> None:
    async with running(write(tmp_path, LISTENER)) as service, logger(service.listeners[0].port) as one:
        await one.send(encrypted(frame("2025", 1, 25.0)))
        assert answered(await one.replies(1)) == [("9014", "20260101080001000")]
    assert points(tmp_path) == [("d2025", 1, 25.0)]


async def test_a_heartbeat_is_answered_with_9013_a_wrong_crc_with_9011_and_a_repeat_again(tmp_path: Path) -> None:
    good = frame("2017", 1, 1.0)
    wrong = good[:-6] + b"0000\r\n"
    beat = upload(MN["2025"], "20260101080009000", "", cn="9015", flag=9)
    async with running(write(tmp_path, LISTENER)) as service, logger(service.listeners[0].port) as one:
        await one.send(wrong, good, good, beat)
        replies = await one.replies(4)
    assert [cn for cn, _ in answered(replies)] == ["9011", "9014", "9014", "9013"]
    assert replies[0].endswith("CP=&&QnRtn=9&&")
    assert points(tmp_path) == [("d2017", 1, 1.0)], "the repeat is stored once"


async def test_what_a_listener_turns_away_is_a_dead_letter_with_the_reason(tmp_path: Path) -> None:
    async with running(write(tmp_path, LISTENER)) as service:
        port = service.listeners[0].port
        async with logger(port) as forger, logger(port) as stranger:
            await forger.send(frame("2017", 1, 1.0, pw="000000"))
            await stranger.send(upload("STRANGER", ""), b"garbage\r\n" + frame("2017", 2, 2.0))
            await stranger.replies(1)
            await seen(lambda: service.pipeline.counts.dead.total() >= 3)
        assert dict(service.pipeline.counts.dead) == {"login_refused": 1, "unknown_device": 1, "not_hj212": 1}
    assert points(tmp_path) == [("d2017", 2, 2.0)]


async def test_no_9014_goes_out_before_the_journal_has_synced(tmp_path: Path) -> None:
    async with running(write(tmp_path, LISTENER)) as service:
        append = service.journal.append
        may_sync = asyncio.Event()
        asked = asyncio.Event()

        async def slow(batches: Sequence[Batch]) -> list[Block]:
            asked.set()
            if not may_sync.is_set():
                raise JournalError("the disk is full")
            return await append(batches)

        service.journal.append = slow
        async with logger(service.listeners[0].port) as one:
            await one.send(frame("2017", 1, 1.0))
            await asked.wait()
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.7):  # longer than one retry
                    await one.replies(1)
            may_sync.set()
            assert answered(await one.replies(1)) == [("9014", "20260101080001000")]


async def test_a_command_goes_down_the_connection_of_its_device(tmp_path: Path) -> None:
    async with running(write(tmp_path, LISTENER)) as service, logger(service.listeners[0].port) as one:
        number = service.inventory.mn_numbers[MN["2017"]]
        command = request("1011", "", st="31", pw="123456", mn=MN["2017"], qn="20260101080005000", edition="2017")
        assert not service.downlink.send(number, command), "it was not heard yet"
        await one.send(frame("2017", 1, 1.0))
        await one.replies(1)
        assert service.downlink.send(number, command)
        (segment,) = await one.replies(1)
        assert segment.startswith("QN=20260101080005000;ST=31;CN=1011;")


async def test_without_links_alerts_go_to_the_broker_of_publish(tmp_path: Path, mosquitto: Mosquitto) -> None:
    config = write(tmp_path, LISTENER)
    text = config.read_text("utf-8").replace("[publish]\nenabled = false", f'[publish.broker]\nurl = "{mosquitto.url}"')
    config.write_text(text, "utf-8")
    inventory = tmp_path / "inventory.toml"
    limits = 'silent_after_s = 86400\nlimits = [{ factor = "a21026", above = [10.0], hold_s = 0 }]'
    inventory.write_text(inventory.read_text("utf-8").replace("silent_after_s = 86400", limits), "utf-8")
    async with aiomqtt.Client(mosquitto.host, mosquitto.port) as client:
        await client.subscribe("alerts/#")
        async with running(config) as service, logger(service.listeners[0].port) as one:
            await one.send(frame("2017", 1, 50.0))
            async with asyncio.timeout(20):
                message = await anext(client.messages)
    assert str(message.topic).startswith("alerts/plant/")


async def test_readyz_and_metrics_tell_of_the_listener(tmp_path: Path) -> None:
    async with running(write(tmp_path, LISTENER)) as service, logger(service.listeners[0].port) as one:
        await one.send(frame("2017", 1, 1.0))
        await one.replies(1)
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{service.port}") as client:
            ready = await client.get("/readyz")
            text = (await client.get("/metrics")).text
        assert (ready.status_code, ready.json()["reasons"]) == (200, {})
        for line in (
            'gateway_link_connected{link="tcp"} 1.0',
            'gateway_listener_connections{listener="tcp"} 1.0',
            'gateway_listener_logins_total{listener="tcp"} 1.0',
            "gateway_replies_sent_total 1.0",
        ):
            assert line in text


# ---------------------------------------------------------------- many at once


@pytest.fixture
def many_files() -> Iterator[None]:
    """Room for both ends of all connections in this process."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(3 * CONNECTIONS, hard), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.timeout(120)
@pytest.mark.usefixtures("many_files")
async def test_2000_connections_at_once_are_all_answered_and_all_stored(tmp_path: Path) -> None:
    devices = [(f"d{n}", f"010000A8900016F0{n:08X}") for n in range(CONNECTIONS)]
    seconds = range(5)
    all_open = asyncio.Barrier(CONNECTIONS)

    async def speak(port: int, n: int, mn: str) -> list[tuple[str, str]]:
        edition = ("2005", "2017", "2025")[n % 3]
        code = "02" if edition == "2005" else "a21026"
        async with logger(port) as one:
            await all_open.wait()  # nobody speaks before all are connected
            for second in seconds:
                stamp = f"202601010800{second:02}"
                cp = f"DataTime={stamp};{code}-Rtd={n}.{second},{code}-Flag=N"
                await one.send(upload(mn, f"{stamp}000", cp, flag=FLAGS[edition]))
            return answered(await one.replies(len(seconds)))

    async with running(write(tmp_path, LISTENER, devices)) as service:
        port = service.listeners[0].port
        replies = await asyncio.gather(*(speak(port, n, mn) for n, (_, mn) in enumerate(devices)))
        counts = service.listeners[0].counts
        assert (counts.accepted, counts.logins) == (CONNECTIONS, CONNECTIONS)
        assert (counts.refused.total(), counts.closed.total()) == (0, 0)
    expected = [("9014", f"202601010800{second:02}000") for second in seconds]
    assert [one for one in replies if one != expected] == []
    assert points(tmp_path) == sorted(
        (f"d{n}", second, float(f"{n}.{second}")) for n in range(CONNECTIONS) for second in seconds
    )
