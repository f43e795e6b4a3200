"""Arrivals as a subscriber sees them: a reader that does nothing but reckon, to compare a gateway with.

One read of the socket every few milliseconds, so that it costs little beside the broker; at QoS 1 it acknowledges at
once, joined into one write.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import time
import uuid
from collections.abc import Callable, Iterable
from typing import Final

import mqtt5
import numpy as np

from simulators.broker import Broker
from simulators.errors import BrokerError
from simulators.load.stamped import SEQ_BASE
from simulators.verify.tally import Arrivals

READ_EVERY_S: Final = 0.005
READ_BYTES: Final = 1 << 20
ANSWER_S: Final = 10.0
FAILED: Final = 0x80
"""Reason codes from here on are errors."""
_NAMED: Final = re.compile(rb'seq(?:-Rtd=|":|","v":)(\d+).*?sent(?:-Rtd=|":|","v":)([\d.]+)')
"""Sequence and send time as HJ 212, JSON or SenML has them."""
_DEVICE: Final = re.compile(r"dev-(\d+)")


async def listen(
    broker: Broker, topic: str, qos: int, take: Callable[[Arrivals], None], done: Callable[[], bool]
) -> None:
    """Subscribe and hand over what comes until `done`. Raises `BrokerError`."""
    try:
        async with asyncio.timeout(ANSWER_S):
            reader, writer = await asyncio.open_connection(broker.host, broker.port, limit=READ_BYTES)
        try:
            await _subscribe(reader, writer, broker, topic, qos, take, done)
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
    except (OSError, TimeoutError) as error:
        raise BrokerError(f"{broker}: {str(error) or 'no answer'}") from error


async def _subscribe(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    broker: Broker,
    topic: str,
    qos: int,
    take: Callable[[Arrivals], None],
    done: Callable[[], bool],
) -> None:
    hello = mqtt5.ConnectPacket(
        f"verify-{uuid.uuid4().hex[:12]}",
        username=broker.username,
        password=None if broker.password is None else broker.password.encode(),
        clean_start=True,
        receive_max=65_535,
    )
    writer.write(hello.write())
    rest = await _greeted(reader, broker)
    writer.write(mqtt5.SubscribePacket(1, [mqtt5.TopicFilter(topic, max_qos=mqtt5.QoS(qos))]).write())
    pinged = time.monotonic()
    while not done():
        await asyncio.sleep(READ_EVERY_S)
        if time.monotonic() - pinged > 20:
            writer.write(mqtt5.PingReqPacket().write())
            pinged = time.monotonic()
        try:
            async with asyncio.timeout(0.2):
                data = await reader.read(READ_BYTES)
        except TimeoutError:
            continue
        if not data:
            raise BrokerError("the broker closed the connection")
        received = time.time_ns() // 1000
        messages, rest, ids = _split(rest + data)
        if ids:
            writer.write(b"".join(b"\x40\x02" + packet_id.to_bytes(2, "big") for packet_id in ids))
        if messages:
            take(_arrivals(messages, received))


async def _greeted(reader: asyncio.StreamReader, broker: Broker) -> bytes:
    """Wait for the broker's welcome; what came behind it. Raises `BrokerError`, OSError and TimeoutError."""
    data = b""
    async with asyncio.timeout(ANSWER_S):
        while True:
            part = await reader.read(READ_BYTES)
            if not part:
                raise BrokerError(f"{broker} closed the connection instead of a CONNACK")
            data += part
            try:
                answer, used = mqtt5.read(memoryview(data))
            except IndexError:  # not whole yet
                continue
            except ValueError as error:
                raise BrokerError(f"{broker} does not speak MQTT 5: {error}") from error
            break
    if not isinstance(answer, mqtt5.ConnAckPacket):
        raise BrokerError(f"{broker} does not speak MQTT 5: something else than a CONNACK")
    if answer.reason_code != mqtt5.ConnAckReasonCode.SUCCESS:
        raise BrokerError(f"{broker} refused the connection: {answer.reason_code.name}")
    return data[used:]


def _split(data: bytes) -> tuple[list[tuple[str, bytes]], bytes, list[int]]:
    """Topics and payloads of whole packets, the rest, and what is to be acknowledged."""
    messages: list[tuple[str, bytes]] = []
    ids: list[int] = []
    view, at = memoryview(data), 0
    with contextlib.suppress(IndexError):
        while at < len(data):
            packet, used = mqtt5.read(view[at:])
            at += used
            if isinstance(packet, mqtt5.PublishPacket):
                messages.append((packet.topic, packet.payload))
                if packet.packet_id is not None:
                    ids.append(packet.packet_id)
            elif isinstance(packet, mqtt5.SubAckPacket) and (code := packet.reason_codes[0]).value >= FAILED:
                raise BrokerError(f"the broker does not allow the subscription: {code.name}")
    return messages, data[at:], ids


def _arrivals(messages: Iterable[tuple[str, bytes]], received: int) -> Arrivals:
    rows: list[tuple[int, int, int]] = []
    for topic, payload in messages:
        device, found = _DEVICE.search(topic), _NAMED.search(payload)
        if device is None or found is None:
            rows.append((-1, -1, received))
        else:
            rows.append((int(device[1]), int(found[1]) - SEQ_BASE, round(float(found[2]) * 1000)))
    columns = np.array(rows, np.int64).reshape(-1, 3)
    return Arrivals(columns[:, 0], columns[:, 1], columns[:, 2], np.full(len(rows), received, np.int64))
