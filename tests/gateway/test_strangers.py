"""Strangers: found and listed, and never so many that they fill anything."""

from __future__ import annotations

import gc
import resource
from pathlib import Path

import small_city
from hypothesis import given
from hypothesis import strategies as st
from tcp_logger import upload

from gateway.channels import Channels
from gateway.checks import Checks
from gateway.codecs import make_codecs
from gateway.codecs.seam import CodecSettings
from gateway.config import Subscription
from gateway.decode import Decoder
from gateway.records import Block, DeadLetter
from gateway.strangers import MINUTE, STRANGERS_KEPT, Strangers
from gateway.topics import Router

START = small_city.START


def letter(name: str, received: int = START, topic: str = "t", reason: str = "unknown_device") -> DeadLetter:
    return DeadLetter(0, received, "city", topic, b"", reason, "", name)


def sift(strangers: Strangers, *letters: DeadLetter) -> list[str]:
    """Names of the letters that are kept."""
    return [kept.claimed for kept in strangers.sift(list(letters), letters)]


def test_a_stranger_is_listed_with_when_and_how_often_it_was_heard() -> None:
    strangers = Strangers()
    sift(strangers, letter("a"), letter("b", START + 1_000), letter("a", START + 2_000, reason="login_refused"))
    found = [(each.name, each.topic, each.reason, each.first, each.last, each.count) for each in strangers.listed()]
    assert found == [
        ("a", "t", "login_refused", START, START + 2_000, 2),
        ("b", "t", "unknown_device", START + 1_000, START + 1_000, 1),
    ]


def test_only_letters_of_strangers_are_ever_left_out() -> None:
    strangers = Strangers(new_per_minute=1)
    ours = letter("", reason="bad_json")
    known, new = letter("a"), letter("b")
    assert strangers.sift([known, ours], [known]) == [known, ours]
    assert strangers.sift([ours, new, ours], [new]) == [ours, ours]
    assert strangers.dropped == 1
    assert strangers.sift([known], [known]) == [known], "a name that is known costs nothing"


def test_new_names_are_taken_in_again_in_the_next_minute() -> None:
    strangers = Strangers(new_per_minute=2)
    assert sift(strangers, letter("a"), letter("b"), letter("c")) == ["a", "b"]
    assert strangers.dropping(START + MINUTE - 1)
    assert not strangers.dropping(START + MINUTE)
    assert sift(strangers, letter("c", START + MINUTE)) == ["c"]
    assert strangers.dropped == 1


def test_a_clock_that_was_set_back_does_not_shut_strangers_out() -> None:
    strangers = Strangers(new_per_minute=1)
    assert sift(strangers, letter("a"), letter("b", START - 10 * MINUTE)) == ["a", "b"]


def test_a_monitor_that_speaks_again_and_again_outlives_invented_names() -> None:
    strangers = Strangers(new_per_minute=10_000)
    sift(strangers, letter("monitor"), letter("monitor"))
    for number in range(3 * STRANGERS_KEPT):
        sift(strangers, letter(f"invented-{number}", START + number))
    names = {stranger.name for stranger in strangers.listed()}
    assert len(names) == len(strangers) == STRANGERS_KEPT
    assert {"monitor", f"invented-{3 * STRANGERS_KEPT - 1}"} < names


@given(st.text(max_size=600), st.text(max_size=600))
def test_any_name_is_kept_as_text_that_a_snapshot_can_hold(name: str, topic: str) -> None:
    strangers = Strangers()
    sift(strangers, letter(name + "\udc80", topic=topic))
    again = Strangers()
    again.load(strangers.dump())
    assert again.listed() == strangers.listed()
    (found,) = again.listed()
    assert len(found.name.encode()) <= 6 * 256


def test_a_restored_list_goes_on_within_the_same_minute() -> None:
    strangers = Strangers(new_per_minute=2)
    sift(strangers, letter("a"), letter("b"), letter("c"))
    again = Strangers(new_per_minute=2)
    again.load(strangers.dump())
    assert (again.dropped, again.dropping(START)) == (1, True)
    assert sift(again, letter("d"), letter("a")) == ["a"]


def test_200_000_invented_names_take_no_more_memory_than_the_first_20_000() -> None:
    """Names in topics, in payloads and in both, through router, codecs and snapshot."""
    inventory = small_city.inventory()
    channels = Channels(inventory)
    subscriptions = [
        Subscription(topic="pollution/{site}/{device}/data"),
        Subscription(topic="hj212/up", codec="hj212"),
        Subscription(topic="senml/{site}", codec="senml"),
        Subscription(topic="lines/{site}", codec="line"),
    ]
    decoder = Decoder(Router(subscriptions, inventory), make_codecs(inventory, channels, CodecSettings()))
    checks = Checks(inventory, channels)

    def invent(first: int, names: int) -> int:
        """Bytes of memory that this process holds after so many names."""
        for start in range(first, first + names, 500):
            numbers = range(start, start + 500, 5)
            topics = [f"pollution/plant/inv-{n}/data" for n in numbers]
            payloads = [b'{"v":1,"time":%d,"device":"j-%d","readings":{"a21026":1}}' % (START, n) for n in numbers]
            topics += ["hj212/up"] * 100
            payloads += [upload(f"MN{n}", "20260101080000001") for n in numbers]
            topics += ["senml/plant"] * 100 + ["lines/plant"] * 100 + [f"{n}/nowhere" for n in numbers]
            payloads += [b'[{"bn":"s-%d/","n":"a","v":1}]' % n for n in numbers]
            payloads += [b"m,device=l-%d a21026=1" % n for n in numbers]
            payloads += [b"x"] * 100
            decoded = decoder.decode(Block(start, START + start, "city", topics, payloads))
            assert len(decoded.strange) == len(decoded.dead) == 500
            checks.step(decoded)
            checks.loggers.step(decoded)
            checks.strangers.sift(decoded.dead, decoded.strange)
        checks.dump()
        gc.collect()
        return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()

    first = invent(0, 20_000)
    last = invent(20_000, 180_000)
    assert last - first < 20 * 2**20, f"{first} bytes after 20,000 names, {last} after 200,000"
    assert len(checks.strangers) <= STRANGERS_KEPT
    assert checks.strangers.dropped + 60 * 4 >= 200_000 - 60 * 4
