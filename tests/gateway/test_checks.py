"""The checks: what the detectors remember outlives a restart, and an inventory that has changed meanwhile."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import msgspec
import pytest
import small_city
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.readings.late_runs import QUIET
from detectors.records import Finding
from gateway.channels import ChannelKey, Channels
from gateway.checks import CAMERA_SILENCE, SNAPSHOT_VERSION, Checks
from gateway.codecs import make_codecs
from gateway.codecs.seam import CodecSettings
from gateway.config import Subscription
from gateway.decode import Decoder
from gateway.inventory import Inventory, LimitRule
from gateway.records import Block
from gateway.topics import Router

START = small_city.START
HOLD = 10_000


def city(
    ids: Sequence[str], levels: Sequence[float] = (35.0, 70.0), hold: int = HOLD, cameras: Sequence[str] = ()
) -> Inventory:
    """Monitors of these ids, in this order, each with one rule on SO2; and cameras."""
    model = small_city.inventory(1)
    rule = LimitRule("", 0, "a21026", "Rtd", "realtime", "above", tuple(levels), hold, 0.1)
    return Inventory(
        model.sites,
        tuple(replace(model.devices[0], id=id) for id in ids),
        tuple(replace(model.cameras[0], id=id) for id in cameras),
        tuple(replace(rule, id=f"{id}/so2", device=n) for n, id in enumerate(ids)),
    )


class Found(NamedTuple):
    """A finding in words, without the numbers that an inventory gives."""

    device: str
    phase: str
    level: int
    since: float
    """Seconds after START."""
    value: float


class Gateway:
    """Decoder and checks of one run of the process."""

    def __init__(self, inventory: Inventory, snapshot: bytes | None = None, most: int = 1000) -> None:
        self.inventory = inventory
        self.channels = Channels(inventory, most)
        router = Router([Subscription(topic="{site}/{device}", codec="json")], inventory)
        self.decoder = Decoder(router, make_codecs(inventory, self.channels, CodecSettings()))
        self.checks = Checks(inventory, self.channels)
        self.loaded = None if snapshot is None else self.checks.load(snapshot)

    def take(self, *messages: tuple[str, float, float]) -> list[Found]:
        """Run (device id, second, SO2) messages through, each as a block received at its own time."""
        found: list[Finding] = []
        for device, second, so2 in messages:
            time = START + round(1000 * second)
            body = {"v": 1, "time": time, "readings": {"a21026": so2}}
            block = Block(0, time, "city", [f"plant/{device}"], [json.dumps(body).encode()])
            found += self.checks.step(self.decoder.decode(block))
        return [
            Found(
                self.inventory.devices[self.inventory.limits[finding.rule].device].id,
                finding.phase.value,
                finding.level,
                (finding.since - START) / 1000,
                finding.value,
            )
            for finding in found
        ]

    def silent(self, second: float) -> dict[str, float]:
        """Devices that fall silent as of this second, with the second of their last message."""
        found = self.checks.silence(START + round(1000 * second), START)
        return {
            self.inventory.devices[finding.subject].id: (finding.since - START) / 1000
            for finding in found
            if finding.detector == "silence"
        }


def test_a_run_over_a_limit_goes_on_after_a_restart() -> None:
    before = Gateway(city(["a"]))
    assert before.take(("a", 0, 50)) == [("a", "pending", 1, 0, 50)]
    after = Gateway(city(["a"]), before.checks.dump())
    assert after.loaded
    assert after.take(("a", 9, 50)) == []
    assert after.take(("a", 10, 51)) == [("a", "active", 1, 0, 51)]
    again = Gateway(city(["a"]), after.checks.dump())
    assert again.take(("a", 11, 33)) == [], "within the band"
    assert again.take(("a", 12, 31)) == [("a", "clear", 1, 0, 31)]


def test_what_came_before_the_restart_is_judged_apart_and_is_no_news_again() -> None:
    before = Gateway(city(["a"], hold=0))
    before.take(("a", 0, 10), ("a", 5, 10))
    after = Gateway(city(["a"], hold=0), before.checks.dump())
    assert after.take(("a", 5, 10), ("a", 3, 99), ("a", 6, 10)) == [("a", "active", 2, 3, 99)]
    assert after.checks.judged_late == 2
    again = Gateway(city(["a"], hold=0), after.checks.dump())
    assert again.take(("a", 4, 10), ("a", 3, 99), ("a", 4, 10)) == [("a", "clear", 2, 3, 10)]


def test_an_exceedance_in_late_readings_ends_when_nothing_follows_for_a_while() -> None:
    gateway = Gateway(city(["a"], hold=0))
    gateway.take(("a", 5, 10), ("a", 3, 99))
    received = START + 3000
    assert gateway.checks.late(received + QUIET) == []
    (over,) = gateway.checks.late(received + QUIET + 1)
    assert (over.detector, over.phase.value, over.time) == ("late_limit", "clear", START + 3000)


@pytest.mark.parametrize("version", [1, 2])
def test_a_snapshot_from_before_late_readings_were_judged_says_what_was_found_already(version: int) -> None:
    before = Gateway(city(["a"], hold=0))
    before.take(("a", 0, 99), ("a", 5, 99))
    saved = msgspec.msgpack.decode(before.checks.dump())
    del saved["late"]
    after = Gateway(city(["a"], hold=0), msgspec.msgpack.encode(saved | {"version": version}))
    assert after.loaded
    assert after.take(("a", 0, 99), ("a", 5, 99)) == []
    assert after.take(("a", 6, 10)) == [("a", "clear", 2, 0, 10)]


def test_a_stamp_far_ahead_is_counted_and_not_judged() -> None:
    gateway = Gateway(city(["a"]))
    time = START + 2 * 86_400_000
    body = b'{"v":1,"time":%d,"readings":{"a21026":99}}' % time
    assert gateway.checks.step(gateway.decoder.decode(Block(0, START, "city", ["plant/a"], [body]))) == []
    assert (gateway.checks.not_judged.ahead, gateway.checks.judged_late) == (1, 0)


messages = st.lists(
    st.tuples(st.sampled_from("abcd"), st.sampled_from([10.0, 33.0, 36.0, 50.0, 80.0])), min_size=1, max_size=60
)


@settings(deadline=None)
@given(
    stream=messages,
    data=st.data(),
    after=st.permutations("abcdxyz").flatmap(lambda order: st.integers(1, 7).map(lambda n: order[:n])),
)
def test_under_a_changed_inventory_every_device_that_stayed_goes_on_as_if_nothing_had_happened(
    stream: list[tuple[str, float]], data: st.DataObject, after: list[str]
) -> None:
    timed = [(device, 2.0 * n, value) for n, (device, value) in enumerate(stream)]
    cut = data.draw(st.integers(0, len(timed)), label="restart after message")
    undisturbed, before = Gateway(city("abcd")), Gateway(city("abcd"))
    undisturbed.take(*timed[:cut])
    before.take(*timed[:cut])
    restarted = Gateway(city(after), before.checks.dump())
    assert restarted.loaded
    expected = [found for found in undisturbed.take(*timed[cut:]) if found.device in after]
    assert restarted.take(*timed[cut:]) == expected
    late = 2.0 * len(timed) + 61
    spoke = {device for device, _ in stream} & set(after)
    silences, whole = restarted.silent(late), undisturbed.silent(late)
    assert {device: silences.get(device) for device in spoke} == {device: whole.get(device) for device in spoke}
    assert set(after) - spoke <= set(silences), "one that never spoke is silent too"


@pytest.mark.parametrize(
    ("levels", "expected"),
    [
        ((35.0, 70.0), [("a", "active", 2, 0, 80)]),
        ((35.0,), []),
        ((35.0, 60.0, 75.0), [("a", "active", 3, 0, 80)]),
    ],
    ids=["the same", "a level went", "a level came"],
)
def test_a_rule_whose_levels_changed_stays_in_those_it_had(
    levels: tuple[float, ...], expected: list[tuple[object, ...]]
) -> None:
    before = Gateway(city(["a"], hold=0))
    assert [found.phase for found in before.take(("a", 0, 50))] == ["active"]
    after = Gateway(city(["a"], levels, hold=0), before.checks.dump())
    assert after.take(("a", 1, 80)) == expected
    assert after.take(("a", 2, 1))[-1][:2] == ("a", "clear")


def test_a_rule_of_another_name_begins_anew() -> None:
    before = Gateway(city(["a"], hold=0))
    before.take(("a", 0, 50))
    inventory = city(["a"], hold=0)
    renamed = replace(inventory.limits[0], id="a/so2/night")
    after = Gateway(Inventory(inventory.sites, inventory.devices, (), (renamed,)), before.checks.dump())
    assert after.take(("a", 1, 50)) == [("a", "active", 1, 1, 50)]


def test_channels_that_no_step_has_seen_yet_are_in_the_snapshot_too() -> None:
    """The store's reading of old blocks numbers channels by decoding them, apart from the checks."""
    before = Gateway(city(["a"]), Gateway(city(["a"])).checks.dump())
    before.take(("a", 0, 50))
    for number in range(200):
        before.channels.number(ChannelKey(0, f"x{number}", "Rtd", "realtime"))
    after = Gateway(city(["a"]), before.checks.dump())
    assert len(after.channels) == 201
    assert after.take(("a", 10, 50)) == [("a", "active", 1, 0, 50)]


def test_a_snapshot_with_more_channels_than_are_allowed_now_still_serves_the_rules() -> None:
    before = Gateway(city("ab"))
    for number in range(50):
        before.channels.number(ChannelKey(0, f"x{number}", "Rtd", "realtime"))
    before.take(("a", 0, 50), ("b", 0, 50))
    after = Gateway(city("ba"), before.checks.dump(), most=10)
    assert after.loaded
    assert after.take(("b", 10, 50), ("a", 10, 50)) == [("b", "active", 1, 0, 50), ("a", "active", 1, 0, 50)]


def _next_version(saved: dict[str, Any]) -> None:
    saved["version"] = SNAPSHOT_VERSION + 1


def _next_version_of_another_shape(saved: dict[str, Any]) -> None:
    saved.clear()
    saved |= {"version": SNAPSHOT_VERSION + 1, "rules": {"by": "name"}}


@pytest.mark.parametrize("change", [_next_version, _next_version_of_another_shape])
def test_a_snapshot_of_another_version_is_refused_and_changes_nothing(change: Any) -> None:
    before = Gateway(city(["a"]))
    before.take(("a", 0, 50))
    saved = msgspec.msgpack.decode(before.checks.dump())
    change(saved)
    after = Gateway(city(["a"]), msgspec.msgpack.encode(saved))
    assert after.loaded is False
    assert after.take(("a", 0, 50)) == [("a", "pending", 1, 0, 50)]


def test_cameras_are_judged_by_the_frames_that_came_and_told_apart_from_devices() -> None:
    gateway = Gateway(city(["a"], cameras=["gate", "yard"]))
    gateway.take(("a", 59, 1))
    gateway.checks.hear_camera(1, START + 59_000)
    found = gateway.checks.silence(START + 61_000, START)
    assert [(each.detector, each.subject, each.phase.value) for each in found] == [(CAMERA_SILENCE, 0, "active")]


def test_silences_that_were_told_of_are_ended_and_not_told_again() -> None:
    gateway = Gateway(city("ab", cameras=["gate"]))
    gateway.checks.resume_silences({0: START}, {0: START})
    assert list(gateway.silent(100)) == ["b"]
    gateway.take(("a", 101, 1))
    gateway.checks.hear_camera(0, START + 101_000)
    found = gateway.checks.silence(START + 102_000, START)
    assert [(each.detector, each.subject, each.phase.value, each.since) for each in found] == [
        ("silence", 0, "clear", START),
        (CAMERA_SILENCE, 0, "clear", START),
    ]


def test_while_nobody_listens_nobody_is_silent() -> None:
    gateway = Gateway(city(["a"]))
    assert gateway.checks.silence(START + 10**9, None) == []
    assert gateway.checks.silence(START + 10**9, START + 10**9 - 60_000) == []
    assert len(gateway.checks.silence(START + 10**9, START + 10**9 - 60_001)) == 1
