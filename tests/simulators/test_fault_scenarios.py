"""The ready scenarios of faults do what they say of themselves."""

from __future__ import annotations

import tomllib
from collections import Counter
from typing import Any

import pytest
from played import stream

from gateway.channels import Channels
from gateway.codecs import make_codecs
from gateway.codecs.seam import CodecSettings
from gateway.config import Subscription
from gateway.decode import Decoder
from gateway.inventory import Inventory
from gateway.inventory_file import read_inventory
from gateway.records import Block
from gateway.topics import Router
from simulators import library
from simulators.fleet import Item
from simulators.inventory import toml
from simulators.records import Happening, Message

START = 1_767_225_600_000
LASTS = {"sensor-faults": 600, "bad-link": 600, "bad-payloads": 600, "fraud": 3300}
Run = dict[str, list[Item]]


@pytest.fixture(scope="module")
def runs() -> Run:
    return {name: list(stream(library.load(name), 7, START, seconds)) for name, seconds in LASTS.items()}


def lines(items: list[Item]) -> list[dict[str, Any]]:
    return [item.record for item in items if isinstance(item, Happening)]


def counts(items: list[Item]) -> dict[str, dict[str, Any]]:
    told = [line for line in lines(items) if line["kind"] == "counts"]
    return {line.get("device", line.get("camera")): line for line in told}


def expected(items: list[Item], kind: str) -> list[dict[str, Any]]:
    return [line for line in lines(items) if line["layer"] == "expected" and line["kind"] == kind]


def inventory(name: str) -> Inventory:
    read, mistakes, _ = read_inventory(tomllib.loads(toml(library.load(name))))
    assert read is not None, mistakes
    return read


@pytest.mark.parametrize("name", LASTS)
def test_a_gateway_can_read_its_inventory_and_every_figure_that_a_fault_names_counts_it(name: str, runs: Run) -> None:
    assert inventory(name).devices
    figures = counts(runs[name])
    named = [line for line in lines(runs[name]) if line["layer"] not in ("expected", "incident")]
    assert len({line["kind"] for line in named}) > 5
    for line in named:
        if line["kind"] in ("unknown_field", "withheld"):  # can be used; said after the end of this run
            continue
        target = line.get("device", line.get("camera"))
        assert all(figures[target][key] for key in line.get("counts", [])), line


def test_what_is_without_fault_is_left_alone(runs: Run) -> None:
    honest = {
        "sensor-faults": ["stack-9", "outfall-4"], "bad-link": ["air-8"],
        "bad-payloads": ["frames-2", "objects-2", "packs-2"], "fraud": ["stack-17", "outfall-3"],
    }  # fmt: skip
    for name, devices in honest.items():
        about_them = [line for line in lines(runs[name]) if line.get("device") in devices]
        assert [line["kind"] for line in about_them] == ["counts"] * len(devices)
        for line in about_them:
            assert line["sent"] == line["arrived"] and line["late"] == line["out_of_order"] == 0


def test_breakdowns_bring_the_exceedance_and_the_silences_that_are_planned_and_no_other(runs: Run) -> None:
    run = runs["sensor-faults"]
    (over,) = expected(run, "exceedance")
    assert (over["device"], [level["level"] for level in over["levels"]]) == ("stack-5", [1, 2])
    assert [(line["device"], line["end_ms"] is None) for line in expected(run, "silence")] == [
        ("stack-1", False), ("outfall-3", True),
    ]  # fmt: skip


def test_the_tricks_hide_every_exceedance_but_the_honest_one(runs: Run) -> None:
    assert {line["device"] for line in expected(runs["fraud"], "exceedance")} == {"stack-20"}
    tricks = [line for line in lines(runs["fraud"]) if line["layer"] == "fraud"]
    assert len(tricks) == len({line["kind"] for line in tricks}) == len({line["device"] for line in tricks}) == 17
    for line in tricks:
        assert {each["what"] for each in line["expect"]} == {line["kind"]}


def test_bad_links_silence_all_that_is_behind_the_router(runs: Run) -> None:
    gone = START + 450_000
    silent = [line for line in expected(runs["bad-link"], "silence") if line["start_ms"] < gone <= line["end_ms"]]
    assert {line.get("device", line.get("camera")) for line in silent} == {"roof", *(f"air-{n}" for n in range(1, 8))}


def test_a_gateway_makes_the_dead_letters_that_the_truth_counts(runs: Run) -> None:
    read = inventory("bad-payloads")
    router = Router([Subscription(topic="pollution/{site}/{device}/data")], read)
    decoder = Decoder(router, make_codecs(read, Channels(read), CodecSettings()))
    messages = [item for item in runs["bad-payloads"] if isinstance(item, Message)]
    topics, payloads = [message.topic for message in messages], [message.payload for message in messages]
    decoded = decoder.decode(Block(0, START, "link", topics, payloads))
    told: Counter[str] = Counter()
    for figures in counts(runs["bad-payloads"]).values():
        told.update(figures["dead_letters"])
    assert Counter(str(letter.reason) for letter in decoded.dead) == told
    assert set(told) == {
        "bad_json", "bad_value", "bad_field", "bad_crc", "truncated_frame", "too_long", "unknown_device", "mn_mismatch",
        "device_mismatch",
    }  # fmt: skip
