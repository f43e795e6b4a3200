"""Traffic files come back as they were written, and damage is told."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from simulators.errors import SimulatorError
from simulators.traffic import Arrival, TrafficWriter, read

ARRIVALS = st.builds(
    Arrival,
    st.integers(0, 2**53),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="+#\0"), min_size=1, max_size=20),
    st.binary(max_size=50),
    st.none() | st.integers(0, 2**53),
    st.sampled_from([0, 1, 2]),
    st.booleans(),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(ARRIVALS, max_size=5), st.sampled_from(["t.traffic", "t.traffic.gz"]))
def test_what_was_written_comes_back(tmp_path: Path, arrivals: list[Arrival], name: str) -> None:
    with TrafficWriter(tmp_path / name, {"seed": 7}) as writer:
        for arrival in arrivals:
            writer.write(arrival)
    head, messages = read(tmp_path / name)
    assert head == {"format": "mqtt-traffic", "version": 1, "seed": 7}
    assert list(messages) == arrivals


def test_a_file_cut_off_gives_what_is_whole_and_then_an_error(tmp_path: Path) -> None:
    file = tmp_path / "t.traffic"
    with TrafficWriter(file, {}) as writer:
        for due in range(3):
            writer.write(Arrival(due, "a", b"x" * 100))
    file.write_bytes(file.read_bytes()[:-1])
    _, messages = read(file)
    assert [next(messages).due, next(messages).due] == [0, 1]
    with pytest.raises(SimulatorError, match=r"t\.traffic: cut off or damaged at byte"):
        next(messages)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "no traffic file"),
        (b"##0123ST=31", "cut off or damaged"),
        (b"\x02\x00\x00\x00\x81\xa1", "t.traffic: "),
        (b"\x01\x00\x00\x00\x01", "no traffic file"),
    ],
)
def test_what_is_no_traffic_file_is_refused(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "t.traffic").write_bytes(content)
    with pytest.raises(SimulatorError, match=said):
        read(tmp_path / "t.traffic")


def test_another_version_is_refused(tmp_path: Path) -> None:
    head = b"\x82\xa6format\xacmqtt-traffic\xa7version\x02"
    (tmp_path / "t.traffic").write_bytes(len(head).to_bytes(4, "little") + head)
    with pytest.raises(SimulatorError, match="version 2"):
        read(tmp_path / "t.traffic")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data(), st.sampled_from(["t.traffic", "t.traffic.gz"]))
def test_whatever_is_damaged_is_told_as_a_mistake_of_the_file(tmp_path: Path, data: st.DataObject, name: str) -> None:
    file = tmp_path / name
    with TrafficWriter(file, {"seed": 7}) as writer:
        for due in range(20):
            writer.write(Arrival(due, "t/\u00e9", bytes(range(due, due + 40)), due))
    damaged = bytearray(file.read_bytes())
    for at in data.draw(st.lists(st.integers(0, len(damaged) - 1), min_size=1, max_size=4)):
        damaged[at] = data.draw(st.integers(0, 255))
    file.write_bytes(damaged[: data.draw(st.integers(1, len(damaged)))])
    with contextlib.suppress(SimulatorError):
        list(read(file)[1])


@pytest.mark.parametrize("record", [b"\x91" * 100_000 + b"\xc0", b"\xa2\xff\xff", b"\x93\x01\xa3a/#\xc4\x00"])
def test_records_that_make_no_sense_are_told(tmp_path: Path, record: bytes) -> None:
    file = tmp_path / "t.traffic"
    with TrafficWriter(file, {}):
        pass
    file.write_bytes(file.read_bytes() + len(record).to_bytes(4, "little") + record)
    with pytest.raises(SimulatorError, match=r"t\.traffic: "):
        list(read(file)[1])
