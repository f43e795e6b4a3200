"""Messages of the load carry what they say they carry, whatever the codec."""

from __future__ import annotations

import itertools
import json
import re
from collections import defaultdict
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import mqtt5
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators.formats.hj212 import crc16
from simulators.load import Codec, Schedule, stamped_chunks
from simulators.load.digits import crc16_columns, put_digits
from simulators.load.stamped import SEQ_BASE

NOW = 1_767_225_600.5
CODECS: list[Codec] = ["json", "hj212", "senml"]


class Clock:
    """Goes on by a millisecond each time it is asked."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self) -> float:
        self.calls += 1
        return NOW + self.calls / 1000


def messages(
    devices: int, codec: Codec, count: int, *, rate: float | None = None, qos: int = 0
) -> list[tuple[str, bytes]]:
    out: list[tuple[str, bytes]] = []
    for chunk in stamped_chunks(devices, codec, qos, Schedule(rate, count), 7, Clock()):  # pyright: ignore[reportArgumentType]
        for row in range(len(chunk)):
            packet, _ = mqtt5.read(memoryview(bytes(chunk.slice(row, row + 1))))
            assert isinstance(packet, mqtt5.PublishPacket)
            out.append((packet.topic, packet.payload))
    return out


def said(codec: Codec, payload: bytes) -> tuple[float, dict[str, float]]:
    """Stamp in ms and values of a payload, read plainly."""
    if codec == "json":
        message: dict[str, Any] = json.loads(payload)
        return message["time"], message["readings"]
    if codec == "senml":
        records: list[dict[str, Any]] = json.loads(payload)
        return records[0]["bt"] * 1000, {record["n"]: record["v"] for record in records}
    segment = payload[6:-6]
    assert int(payload[2:6]) == len(segment) and int(payload[-6:-2], 16) == crc16(segment)
    stamp = re.search(rb"DataTime=(\d{14})", segment)
    assert stamp is not None
    moment = datetime.strptime(stamp[1].decode(), "%Y%m%d%H%M%S").replace(tzinfo=ZoneInfo("Asia/Shanghai"))
    values = {name.decode(): float(value) for name, value in re.findall(rb"(\w+)-Rtd=([\d.]+)", segment)}
    return moment.timestamp() * 1000, values


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("devices", [1, 7, 300])
def test_each_message_tells_its_device_its_number_and_its_time(codec: Codec, devices: int) -> None:
    got = messages(devices, codec, 1000)
    stamps: dict[str, list[float]] = defaultdict(list)
    for number, (topic, payload) in enumerate(got):
        stamp, values = said(codec, payload)
        assert topic == f"pollution/load/dev-{number % devices:05d}/data"
        assert values["seq"] == SEQ_BASE + number // devices
        assert 0 < values["sent"] - NOW * 1000 <= 10
        assert set(values) == {"seq", "sent", "a21026", "a21002", "a34013", "a19001", "a01012"}
        assert 10 < values["a21026"] < 30
        stamps[topic].append(stamp)
    assert len(got) == 1000
    for of_one in stamps.values():
        assert all(later > earlier for earlier, later in itertools.pairwise(of_one)), "a device repeats a stamp"


@pytest.mark.parametrize("codec", CODECS)
def test_with_a_rate_the_times_are_those_of_the_schedule(codec: Codec) -> None:
    sent = [said(codec, payload)[1]["sent"] for _, payload in messages(10, codec, 600, rate=100.0)]
    assert np.diff(sent) == pytest.approx(np.full(599, 10.0), abs=0.01)


def test_packets_of_qos_1_have_room_for_their_ids() -> None:
    chunk = next(stamped_chunks(3, "json", 1, Schedule(count=5), 7))
    packets = bytes(chunk.numbered(0, 5, np.arange(1, 6)))
    at = 0
    for number in range(1, 6):
        packet, used = mqtt5.read(memoryview(packets)[at:])
        assert isinstance(packet, mqtt5.PublishPacket) and packet.packet_id == number
        at += used


@given(st.lists(st.binary(min_size=30, max_size=30), min_size=1, max_size=5))
def test_check_sums_of_many_segments_are_those_of_each(segments: list[bytes]) -> None:
    table = np.frombuffer(b"".join(segments), np.uint8).reshape(len(segments), 30)
    assert crc16_columns(table).tolist() == [crc16(segment) for segment in segments]


@given(st.lists(st.integers(0, 10**13 - 1), min_size=1, max_size=5))
def test_digits_are_those_of_the_number(numbers: list[int]) -> None:
    out = np.zeros((len(numbers), 13), np.uint8)
    put_digits(np.array(numbers, np.int64), out)
    assert [row.tobytes() for row in out] == [b"%013d" % number for number in numbers]
