"""Traffic files come back as they were written, and damage is told."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from simulators.errors import SimulatorError
from simulators.traffic import Arrival, TrafficWriter, read

ARRIVALS = st.builds(
    Arrival,
    st.integers(0, 2**53),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
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
