"""The fast publisher: its bytes, its packet ids, and a real mosquitto."""

from __future__ import annotations

import asyncio
import json

import mqtt5
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from servers import Mosquitto, StartMosquitto, free_port

from simulators import load
from simulators.errors import BrokerError
from simulators.fast_publisher import PublishReport, encode, encode_chunks, publish_all, publish_encoded
from simulators.wire import Encoded, Flight, read_acks

START = 1_767_225_600_000


def packets(data: bytes) -> list[mqtt5.PublishPacket]:
    found: list[mqtt5.PublishPacket] = []
    while data:
        packet, size = mqtt5.read(memoryview(data))
        assert isinstance(packet, mqtt5.PublishPacket)
        found.append(packet)
        data = data[size:]
    return found


messages_of_any_size = st.lists(
    st.tuples(st.text("aé/中", min_size=1, max_size=60), st.sampled_from([0, 1, 50, 127, 128, 300, 16_500]).map(bytes)),
    min_size=1,
    max_size=12,
)


@given(messages_of_any_size, st.data())
def test_packet_ids_are_written_where_they_belong(messages: list[tuple[str, bytes]], data: st.DataObject) -> None:
    encoded = encode(messages, 1)
    first = data.draw(st.integers(0, len(messages) - 1))
    last = data.draw(st.integers(first + 1, len(messages)))
    ids = np.array(data.draw(st.lists(st.integers(1, 65_535), min_size=last - first, max_size=last - first)))
    read = packets(encoded.numbered(first, last, ids).tobytes())
    assert [(p.topic, p.payload) for p in read] == messages[first:last]
    assert [p.packet_id for p in read] == ids.tolist()
    assert all(p.qos == mqtt5.QoS.AT_LEAST_ONCE and not p.duplicate for p in read)


@given(messages_of_any_size)
def test_qos_0_is_a_slice_of_what_was_encoded(messages: list[tuple[str, bytes]]) -> None:
    encoded = encode(messages, 0)
    assert [(p.topic, p.payload) for p in packets(bytes(encoded.slice(0, len(messages))))] == messages


puback_bytes = st.tuples(st.integers(1, 65_535), st.sampled_from([None, 0, 16, 135])).map(
    lambda a: (
        a[0],
        a[1],
        bytes([0x40, 2, a[0] >> 8, a[0] & 255]) if a[1] is None else bytes([0x40, 3, a[0] >> 8, a[0] & 255, a[1]]),
    )
)


@given(st.lists(puback_bytes, max_size=30), st.integers(0, 4), st.booleans())
def test_acknowledgements_are_read_from_any_cut(
    acks: list[tuple[int, int | None, bytes]], cut: int, ping: bool
) -> None:
    data = b"".join(a[2] for a in acks) + (b"\xd0\x00" if ping else b"")
    ids: list[int] = []
    refused: list[bool] = []
    pings = 0
    inbox = bytearray()
    for part in (data[: len(data) - cut], data[len(data) - cut :]):
        inbox += part
        while True:
            read = read_acks(inbox)
            if not read.size:
                break
            ids += read.ids.tolist()
            refused += read.refused.tolist()
            pings += read.pings
            del inbox[: read.size]
    assert not inbox
    assert ids == [a[0] for a in acks]
    assert refused == [(a[1] or 0) >= 128 for a in acks]
    assert pings == ping


def some(count: int) -> Encoded:
    return encode([(f"t/{k}", b"%d" % k) for k in range(count)], 1)


@settings(max_examples=40)
@given(st.lists(st.tuples(st.integers(1, 400), st.floats(0, 1)), min_size=1, max_size=40), st.randoms())
def test_in_flight_no_id_is_used_twice_and_what_is_open_comes_back_in_order(steps, random) -> None:  # pyright: ignore
    flight = Flight()
    flight._next_id = 65_400  # ids go round early  # pyright: ignore[reportPrivateUsage]
    chunk = some(400)
    open_ids: dict[int, int] = {}
    sent = 0
    payloads: list[bytes] = []
    for wanted, share in steps:
        count = flight.free(wanted)
        if count:
            read = packets(bytes(flight.take(chunk, 0, count)))
            new = [p.packet_id for p in read]
            assert not set(new) & set(open_ids)
            assert len(set(new)) == count
            open_ids |= {i: sent + k for k, i in enumerate(new)}
            payloads += [p.payload for p in read]
            sent += count
        acked = random.sample(sorted(open_ids), int(share * len(open_ids)))
        flight.acknowledge(np.array(acked, np.int64), np.zeros(len(acked), np.bool_))
        for i in acked:
            del open_ids[i]
        assert (flight.open, flight.acked) == (len(open_ids), sent - len(open_ids))
    again = [packets(raw)[0] for raw in flight.rewind(duplicate=True)]
    in_order = sorted(open_ids.items(), key=lambda pair: pair[1])
    assert [p.packet_id for p in again] == [i for i, _ in in_order]
    assert [p.payload for p in again] == [payloads[number] for _, number in in_order]
    assert all(p.duplicate for p in again)


def test_load_messages_are_as_told() -> None:
    messages = list(load.json_messages(10, 25, seed=3, start_ms=START))
    assert messages == list(load.json_messages(10, 25, seed=3, start_ms=START))
    assert messages != list(load.json_messages(10, 25, seed=4, start_ms=START))
    read = [(topic, json.loads(payload)) for topic, payload in messages]
    assert len({(topic, message["time"]) for topic, message in read}) == 25
    assert {message["time"] for _, message in read} == {START, START + 1000, START + 2000}
    assert all(len(message["readings"]) == 5 for _, message in read)
    assert all(180 <= len(payload) <= 230 for _, payload in messages)
    assert all(message["readings"][code]["value"] < limit for _, message in read for code, limit in load.LIMITS.items())


@pytest.mark.parametrize("qos", [0, 1])
@pytest.mark.parametrize("rate", [None, 20_000.0])
async def test_every_message_arrives_in_order_within_each_device(mosquitto: Mosquitto, collect, qos, rate) -> None:
    messages = list(load.json_messages(50, 5_000, seed=1, start_ms=START))
    with collect(mosquitto.port) as collector:
        report = await publish_all("127.0.0.1", mosquitto.port, messages, qos, rate)
        await asyncio.to_thread(collector.wait_for, lambda got: len(got) >= len(messages))
    assert [(m.topic, m.payload) for m in collector.messages] == messages
    assert report == PublishReport(sent=5_000, acked=5_000 if qos else 0, seconds=report.seconds)
    if rate:
        assert report.seconds >= 5_000 / rate * 0.99


@pytest.mark.parametrize("window", [1, 7, 65_535])
async def test_it_keeps_to_the_window_and_the_receive_maximum(start_mosquitto: StartMosquitto, window: int) -> None:
    broker = start_mosquitto(max_inflight_messages=5)
    messages = load.json_messages(10, 500, seed=1, start_ms=START)
    report = await publish_all("127.0.0.1", broker.port, messages, 1, window=window)
    assert (report.sent, report.acked, report.refused) == (500, 500, 0)
    assert "receive maximum" not in broker.log().lower()


async def test_with_reconnect_every_message_survives_a_broker_restart(mosquitto: Mosquitto, collect) -> None:
    messages = list(load.json_messages(100, 8_000, seed=1, start_ms=START))
    chunks = list(encode_chunks(messages, 1))
    with collect(mosquitto.port) as collector:

        async def restart() -> None:
            await asyncio.to_thread(collector.wait_for, lambda got: len(got) >= 2_000)
            await asyncio.to_thread(mosquitto.restart)

        restarting = asyncio.create_task(restart())
        report = await publish_encoded("127.0.0.1", mosquitto.port, chunks, 1, 12_000.0, reconnect=True)
        await restarting
        wanted = {payload for _, payload in messages}
        await asyncio.to_thread(collector.wait_for, lambda got: {m.payload for m in got} >= wanted)
    assert (report.sent, report.acked, report.refused) == (8_000, 8_000, 0)


@pytest.mark.parametrize("session_present", [True, False])
async def test_after_a_reconnect_what_was_not_acknowledged_is_sent_again(session_present: bool) -> None:
    messages = list(load.json_messages(10, 300, seed=1, start_ms=START))
    connections: list[list[mqtt5.PublishPacket]] = []
    over = asyncio.Event()

    async def broker(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Acknowledges every second of the first 100 and hangs up; takes everything the second time."""
        seen: list[mqtt5.PublishPacket] = []
        connections.append(seen)
        again = len(connections) > 1
        inbox = b""
        while data := await reader.read(65_536):
            inbox += data
            while True:
                try:
                    packet, size = mqtt5.read(memoryview(inbox))
                except IndexError:
                    break
                inbox = inbox[size:]
                if isinstance(packet, mqtt5.ConnectPacket):
                    present = session_present and again
                    writer.write(mqtt5.ConnAckPacket(session_present=present, receive_max=100).write())
                    assert packet.clean_start is not again
                if isinstance(packet, mqtt5.PublishPacket):
                    seen.append(packet)
                    assert packet.packet_id is not None
                    if again or len(seen) % 2:
                        writer.write(mqtt5.PubAckPacket(packet.packet_id).write())
            if not again and len(seen) == 100:
                break
        writer.close()
        if again:
            over.set()

    async with await asyncio.start_server(broker, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        chunks = [encode(messages[:100], 1), *encode_chunks(messages[100:], 1, size=30)]
        report = await publish_encoded("127.0.0.1", port, chunks, 1, window=100, reconnect=True)
        await over.wait()
    first, second = connections
    unacknowledged = first[1:100:2]
    resent, rest = second[:50], second[50:]
    assert [(p.packet_id, p.payload) for p in resent] == [(p.packet_id, p.payload) for p in unacknowledged]
    assert {p.duplicate for p in resent} == {session_present}
    assert [p.payload for p in rest] == [payload for _, payload in messages[100:]]
    assert (report.sent, report.acked) == (300, 300)
    assert report.resent >= 50  # more where some were written before the hang-up was noticed


async def test_without_reconnect_a_broken_connection_is_an_error(mosquitto: Mosquitto) -> None:
    endless = load.json_messages(100, None, seed=1, start_ms=START)
    publishing = asyncio.create_task(publish_all("127.0.0.1", mosquitto.port, endless, 1, 2_000.0))
    await asyncio.sleep(0.2)
    await asyncio.to_thread(mosquitto.stop)
    with pytest.raises(BrokerError, match=f"127.0.0.1:{mosquitto.port}"):
        await publishing


async def test_a_time_limit_ends_an_endless_load(mosquitto: Mosquitto) -> None:
    endless = load.json_messages(100, None, seed=1, start_ms=START)
    report = await publish_all("127.0.0.1", mosquitto.port, endless, 1, 2_000.0, seconds=0.3)
    assert 0 < report.sent == report.acked <= 650


async def test_no_broker_is_an_error_with_the_address() -> None:
    port = free_port()
    with pytest.raises(BrokerError, match=f"127.0.0.1:{port}"):
        await publish_all("127.0.0.1", port, [("t", b"x")], 0)
