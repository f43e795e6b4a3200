"""The gateway reads what the simulators write, and says of a file that is damaged what is wrong with it."""

from __future__ import annotations

import struct
import tempfile
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.errors import GatewayError
from gateway.replay.traffic import Arrival, read_traffic
from simulators.traffic import Arrival as Sent
from simulators.traffic import TrafficWriter

MESSAGES = [
    Sent(1_000, "pollution/plant/d0/data", b'{"v":1}'),
    Sent(1_000, "camera/plant/yard/frame", b"\xff\xd8", captured=990, qos=0),
    Sent(1_200, "pollution/plant/d1/data", b"", retain=True),
]


def written(file: Path, messages: list[Sent] = MESSAGES) -> Path:
    with TrafficWriter(file, {"scenario": "small", "start_ms": 900, "seconds": 2.5}) as writer:
        for message in messages:
            writer.write(message)
    return file


@pytest.mark.parametrize("name", ["t.traffic", "t.traffic.gz"])
def test_what_the_simulators_wrote_is_read(tmp_path: Path, name: str) -> None:
    head, arrivals = read_traffic(written(tmp_path / name))
    assert (head.start_ms, head.seconds) == (900, 2.5)
    assert list(arrivals) == [Arrival(each.due, each.topic, each.payload, each.captured) for each in MESSAGES]


@pytest.mark.parametrize("name", ["t.traffic", "t.traffic.gz"])
def test_a_file_that_is_cut_off_gives_what_is_whole_and_then_an_error(tmp_path: Path, name: str) -> None:
    file = written(tmp_path / name)
    file.write_bytes(file.read_bytes()[:-9])
    _, arrivals = read_traffic(file)
    with pytest.raises(GatewayError, match=str(file)):
        list(arrivals)


def test_a_message_that_is_older_than_the_one_before_is_an_error(tmp_path: Path) -> None:
    _, arrivals = read_traffic(written(tmp_path / "t.traffic", [MESSAGES[2], MESSAGES[0]]))
    assert next(arrivals).due == 1_200
    with pytest.raises(GatewayError, match="message 1 is 200 ms older"):
        next(arrivals)


def record(item: object) -> bytes:
    data = msgspec.msgpack.encode(item)
    return struct.pack("<I", len(data)) + data


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "no traffic file"),
        (b"a text that is longer than four bytes", "cut off or damaged"),
        (record({"format": "mqtt-traffic", "version": 2}), "version 2; this reads version 1"),
        (record(["mqtt-traffic", 1]), "no traffic file"),
        (record({"format": "other", "version": 1}), "no traffic file"),
        (record({"format": "mqtt-traffic", "version": 1, "seconds": 1e12}), "longer than anything is recorded"),
        (struct.pack("<I", 5000) + b"\x91" * 5000, "no traffic file"),
    ],
)
def test_what_is_no_traffic_file_is_refused(tmp_path: Path, content: bytes, said: str) -> None:
    file = tmp_path / "t.traffic"
    file.write_bytes(content)
    with pytest.raises(GatewayError, match=said):
        read_traffic(file)


def test_a_record_that_is_no_message_is_named_by_its_number(tmp_path: Path) -> None:
    file = written(tmp_path / "t.traffic")
    file.write_bytes(file.read_bytes() + record([1_300, 5, b""]))
    _, arrivals = read_traffic(file)
    with pytest.raises(GatewayError, match="message 3: Expected `str`"):
        list(arrivals)


def test_a_pause_of_years_is_damage_and_is_not_ticked_through(tmp_path: Path) -> None:
    file = written(tmp_path / "t.traffic")
    file.write_bytes(file.read_bytes() + record([2**45, "t", b""]))
    _, arrivals = read_traffic(file)
    with pytest.raises(GatewayError, match="message 3 comes"):
        list(arrivals)


@given(st.lists(st.tuples(st.integers(0, 2_000), st.integers(0, 255)), min_size=1, max_size=6), st.booleans())
@settings(max_examples=200, deadline=None)
def test_damage_is_an_error_that_names_the_file(damage: list[tuple[int, int]], packed: bool) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = written(Path(folder) / ("t.traffic.gz" if packed else "t.traffic"))
        content = bytearray(file.read_bytes())
        for at, byte in damage:
            content[at % len(content)] = byte
        file.write_bytes(content)
        try:
            list(read_traffic(file)[1])
        except GatewayError as error:
            assert str(file) in str(error)
