"""What the simulators' ready scenarios say is what the gateway takes: their inventories, and their messages."""

from __future__ import annotations

import itertools
import tomllib
from pathlib import Path

import pytest
from played import device_messages

from gateway.channels import Channels
from gateway.codecs import make_codecs
from gateway.codecs.seam import CodecSettings
from gateway.config import Subscription
from gateway.decode import Decoder
from gateway.inventory_file import read_inventory
from gateway.keys_file import load_keys
from gateway.records import Block
from gateway.topics import Router
from simulators import library
from simulators.inventory import toml, write_keys

START = 1_767_225_600_000
MESSAGES = 30
"""Of each device: a minute and its minute data of the slowest."""


@pytest.mark.parametrize("name", library.ready())
def test_its_inventory_has_no_mistakes_and_its_messages_are_read(name: str, tmp_path: Path) -> None:
    scenario = library.load(name)
    write_keys(scenario, tmp_path / "keys.toml")
    settings = CodecSettings(keys=load_keys(tmp_path / "keys.toml", {}))
    inventory, mistakes, _ = read_inventory(tomllib.loads(toml(scenario)))
    assert mistakes == [] and inventory is not None
    if scenario.faults:
        return  # faults may well make messages that cannot be read
    for device in scenario.devices:
        codec = scenario.resolve(device).simulate.codec
        subscription = Subscription(topic="pollution/{site}/{device}/data", codec=codec)
        channels = Channels(inventory, 10_000)
        codecs = make_codecs(inventory, channels, settings)
        decoder = Decoder(Router([subscription], inventory), codecs)
        messages = list(itertools.islice(device_messages(scenario, device, 1, START), MESSAGES))
        block = Block(0, START, "link", [m.topic for m in messages], [m.payload for m in messages])
        decoded = decoder.decode(block)
        assert decoded.dead == []
        assert len(decoded.readings) == sum(message.values for message in messages)
