"""The fleet is a pure function of scenario, seed and start; and its clocks are well behaved."""

from __future__ import annotations

import itertools
import re
from collections import defaultdict

import pytest
from played import device_messages, stream

from simulators import library
from simulators.records import Happening, Message, Shot

DEMO = library.load("demo")
START = 1_767_225_600_123


def played(seed: int, seconds: float, start: int = START) -> list[Message | Shot]:
    return [item for item in stream(DEMO, seed, start, seconds) if not isinstance(item, Happening)]


def content(items: list[Message | Shot]) -> list[tuple[int, str, bytes]]:
    return [(i.due, i.topic, i.payload if isinstance(i, Message) else i.jpeg()) for i in items]


def test_the_same_seed_and_start_give_the_same_bytes() -> None:
    assert content(played(7, 3)) == content(played(7, 3))


@pytest.mark.parametrize(("seed", "start"), [(8, START), (7, START + 1000)])
def test_another_seed_or_start_gives_others(seed: int, start: int) -> None:
    assert content(played(7, 1)) != content(played(seed, 1, start))


def test_a_device_sends_the_same_whatever_else_is_in_the_scenario() -> None:
    alone = DEMO.model_copy(update={"devices": DEMO.devices[:1], "cameras": (), "incidents": ()})
    topic = f"pollution/{DEMO.devices[0].site}/{DEMO.devices[0].id}/data"
    among_others = [item for item in played(7, 20) if item.topic == topic]
    assert [item for item in stream(alone, 7, START, 20) if isinstance(item, Message)] == among_others


def test_everything_comes_in_time_order_within_the_time_asked_for() -> None:
    times = [item.due for item in stream(DEMO, 7, START, 30)]
    assert times == sorted(times)
    assert times[0] >= START
    assert times[-1] == START + 30_000  # what the truth says at the end


def test_no_device_stamps_two_messages_of_a_kind_with_one_second() -> None:
    stamps: dict[tuple[str, bytes], list[bytes]] = defaultdict(list)
    for item in stream(DEMO.model_copy(update={"cameras": ()}), 7, START, 300):
        if isinstance(item, Message) and item.payload.startswith(b"##"):
            command, stamp = re.search(rb"CN=(\d+).*DataTime=(\d+)", item.payload).groups()  # pyright: ignore[reportOptionalMemberAccess]
            stamps[item.topic, command].append(stamp)
    assert len({topic for topic, _ in stamps}) == 10
    for of_one in stamps.values():
        assert len(set(of_one)) == len(of_one)
    minutes = stamps["pollution/nanyang-power/stack-1/data", b"2051"]
    assert minutes == sorted(minutes) and all(stamp.endswith(b"00") for stamp in minutes) and len(minutes) >= 4


def test_the_number_of_values_told_is_the_number_in_the_payload() -> None:
    fleet = stream(DEMO.model_copy(update={"cameras": (), "incidents": ()}), 7, START, 120)
    for item in itertools.islice((each for each in fleet if isinstance(each, Message)), 2000):
        if item.payload.startswith(b"##"):
            assert item.values == len(re.findall(rb"-(?!Flag)\w+=", item.payload))
        else:
            assert item.values == len(re.findall(rb'"[aw]\d+(?:-\w+)?":', item.payload))


def test_a_device_silenced_for_good_ends_its_stream() -> None:
    silent = next(device for device in DEMO.devices if device.id == "basin-2")
    times = [message.due for message in device_messages(DEMO, silent, 7, START)]
    assert 5 <= len(times) <= 6
    assert START + 6_500 < times[-1] < START + 8_000
