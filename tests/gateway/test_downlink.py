"""The way down: a frame goes over the link on which its device was last heard, on the topic of that link."""

from __future__ import annotations

from collections.abc import Sequence
from zoneinfo import ZoneInfo

import pytest

from gateway.downlink import Downlink, Way
from gateway.inventory import Device, Inventory, Name, Site

NAME = Name("x", "x")
SITE = Site("plant", NAME, 0.0, 0.0, ZoneInfo("Asia/Shanghai"))
DEVICES = tuple(Device(f"d{n}", 0, NAME, f"MN{n}", "stack", 1, 1, ()) for n in range(2))
INVENTORY = Inventory((SITE,), DEVICES, (), ())


class Outlet:
    """A link that keeps what it is to send, or is down."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, bytes]] = []
        self.calls = 0
        self.up = True

    def send(self, messages: Sequence[tuple[str, bytes]]) -> int:
        self.calls += 1
        self.sent += messages if self.up else []
        return len(messages) if self.up else 0


@pytest.fixture
def links() -> dict[str, Outlet]:
    return {"city": Outlet(), "tcp": Outlet()}


@pytest.fixture
def downlink(links: dict[str, Outlet]) -> Downlink:
    return Downlink(
        INVENTORY,
        {
            "city": Way(links["city"], "pollution/{site}/{device}/reply"),
            "tcp": Way(links["tcp"], "tcp/{site}/{device}"),
        },
    )


def test_a_device_that_was_not_heard_cannot_be_reached(downlink: Downlink, links: dict[str, Outlet]) -> None:
    downlink.hear("city", [1])
    assert not downlink.send(0, b"frame")
    assert links["city"].calls == 0


def test_a_frame_follows_its_device_from_link_to_link(downlink: Downlink, links: dict[str, Outlet]) -> None:
    downlink.hear("city", [0, 1])
    assert downlink.send(1, b"one")
    downlink.hear("tcp", [1])
    assert downlink.send(1, b"two")
    assert links["city"].sent == [("pollution/plant/d1/reply", b"one")]
    assert links["tcp"].sent == [("tcp/plant/d1", b"two")]


def test_a_link_that_is_down_sends_nothing_and_says_so(downlink: Downlink, links: dict[str, Outlet]) -> None:
    downlink.hear("tcp", [0])
    links["tcp"].up = False
    assert not downlink.send(0, b"frame")


def test_a_link_for_listening_only_does_not_take_a_device_away_from_its_way(
    downlink: Downlink, links: dict[str, Outlet]
) -> None:
    downlink.hear("city", [0])
    downlink.hear("deaf", [0])
    assert downlink.send(0, b"frame")
    assert downlink.send_over("deaf", [(0, b"frame")]) == 0
    assert len(links["city"].sent) == 1


def test_many_frames_go_to_their_link_in_one_call(downlink: Downlink, links: dict[str, Outlet]) -> None:
    assert downlink.send_over("city", [(0, b"a"), (1, b"b"), (0, b"c")]) == 3
    assert links["city"].calls == 1
    assert [topic.split("/")[2] for topic, _ in links["city"].sent] == ["d0", "d1", "d0"]
