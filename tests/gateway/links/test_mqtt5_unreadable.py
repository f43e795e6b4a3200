"""What a lax broker lets pass: topics and properties that are no UTF-8, on which the library gives up."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator

import pytest
from link_harness import Taker, running, seen

from gateway.config import Link as Settings
from gateway.config import Subscription
from gateway.links.mqtt5 import Mqtt5Link

# The library leaves its error behind where nobody can catch it.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")

CONNACK = b"\x20\x03\x00\x00\x00"
SUBACK = b"\x90\x04\x00\x01\x00\x01"
GOOD = b"pollution/river/ww-01/data"


def settings(port: int) -> Settings:
    return Settings.model_validate(
        {
            "name": "lax",
            "url": f"mqtt://127.0.0.1:{port}",
            "subscribe": [Subscription(topic="pollution/{site}/{device}/data")],
            "will_topic": "",
            "backoff_max_s": 0.1,
        }
    )


def publish(topic: bytes, packet_id: int, payload: bytes, properties: bytes = b"") -> bytes:
    """PUBLISH of QoS 1."""
    body = len(topic).to_bytes(2) + topic + packet_id.to_bytes(2) + bytes([len(properties)]) + properties + payload
    assert len(body) < 128
    return bytes([0x32, len(body)]) + body


def user_property(key: bytes, value: bytes) -> bytes:
    return b"\x26" + len(key).to_bytes(2) + key + len(value).to_bytes(2) + value


@contextlib.asynccontextmanager
async def lax_broker(stream: bytes, heard: bytearray) -> AsyncGenerator[int]:
    """Accepts everything, sends `stream` in three parts once there is a subscription; its port."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(65_536)
        writer.write(CONNACK)
        await reader.read(65_536)
        third = len(stream) // 3
        writer.write(SUBACK)
        for part in (stream[:third], stream[third : 2 * third], stream[2 * third :]):
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(0.02)
        while data := await reader.read(65_536):
            heard.extend(data)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


@pytest.mark.parametrize(
    ("topic", "properties", "shown"),
    [
        (b"pollution/\xff\xfe/x/data", b"", r"pollution/\xff\xfe/x/data"),
        (b"pollution/\xed\xa0\x80/x/data", b"", r"pollution/\xed\xa0\x80/x/data"),
        (GOOD, user_property(b"captured", b"\xff"), GOOD.decode()),
        (GOOD, user_property(b"\xc0", b"x"), GOOD.decode()),
        (GOOD, b"\x03\x00\x01\xff", GOOD.decode()),
    ],
    ids=["topic", "surrogate", "value of a property", "key of a property", "content type"],
)
async def test_a_message_on_which_the_library_gives_up_goes_on_and_is_acknowledged(
    topic: bytes, properties: bytes, shown: str
) -> None:
    stream = publish(GOOD, 1, b"before") + publish(topic, 2, b"odd", properties) + publish(GOOD, 3, b"behind" * 5)
    taker, heard = Taker(), bytearray()
    async with lax_broker(stream, heard) as port:
        link = Mqtt5Link(settings(port))
        async with running(link, taker):
            assert await taker.until(3) == [b"before", b"odd", b"behind" * 5]
            assert [name for batch in taker.batches for name in batch.topics] == [GOOD.decode(), shown, GOOD.decode()]
            await seen(lambda: all(bytes([0x40, 2, 0, each]) in heard for each in (1, 2, 3)))
            assert (link.status.connected, link.status.reconnects) == (True, 0)


async def test_what_is_no_message_and_cannot_be_read_ends_the_connection_and_not_the_link() -> None:
    taker = Taker()
    async with lax_broker(b"\x00\x05\x00\x01\xff\x01\x02" + publish(GOOD, 1, b"behind"), bytearray()) as port:
        link = Mqtt5Link(settings(port))
        async with running(link, taker, connected=False) as task:
            await seen(lambda: link.status.last_error)
            await seen(lambda: link.status.reconnects >= 1 or task.done())
            assert not task.done()
