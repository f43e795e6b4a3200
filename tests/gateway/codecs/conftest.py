"""An inventory of three devices at two sites, and one call to decode payloads with it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from gateway.channels import Channels
from gateway.codecs import CODECS
from gateway.codecs.seam import CodecSettings, Sink
from gateway.config import Decode, Hj212
from gateway.flags import flag_text
from gateway.hj212.crc import crc16
from gateway.hj212.keys import KeyRing
from gateway.hj212.verdicts import words_of
from gateway.inventory import Device, Factor, Hj212Device, Inventory, Name, Site
from gateway.records import Block, DeadLetter

RECEIVED = 1_772_323_205_000

NAME = Name("x", "x")
NO_KEYS = KeyRing()
PLAIN = Hj212Device()
STACK_MN = "010000A8900016F000169DC0"
SITES = (
    Site("north", NAME, 33.0, 112.0, ZoneInfo("Asia/Shanghai")),
    Site("berlin", NAME, 52.5, 13.4, ZoneInfo("Europe/Berlin")),
)


def device(id: str, site: int, mn: str, hj212: Hj212Device = PLAIN, codes: str = "a21026 a34013") -> Device:
    """A device that expects factors of these codes."""
    factors = tuple(Factor(code, "mg/m3", NAME) for code in codes.split())
    return Device(id, site, NAME, mn, "stack", 30_000, 90_000, factors, hj212)


@pytest.fixture(scope="session")
def inventory() -> Inventory:
    """Devices 0 `stack` and 1 `pond` in China, 2 `pond` in Berlin."""
    devices = (device("stack", 0, STACK_MN), device("pond", 0, "LD130133000015"), device("pond", 1, "BERLIN-1"))
    return Inventory(SITES, devices, (), ())


@pytest.fixture(scope="session")
def strange() -> Inventory:
    """The three of the inventory and devices with all that is special about HJ 212."""
    devices = (
        device("stack", 0, STACK_MN),
        device("pond", 0, "LD130133000015"),
        device("pond", 1, "BERLIN-1", Hj212Device(accept=frozenset(("qn_missing",)))),
        device("ends", 1, "ENDS-2005", Hj212Device("2005", end_stamps=True)),
        device("letters", 0, "LETTERS"),
        device("sealed", 0, "SEALED"),
    )
    return Inventory(SITES, devices, (), ())


@dataclass
class Outcome:
    """What came of a few payloads, in words."""

    sink: Sink
    channels: Channels

    @property
    def readings(self) -> list[tuple[int, str, str, str, int, float | None, str]]:
        """Device, factor, field, period, time, value (None for NaN) and flag of each reading."""
        columns = self.sink.readings()
        assert len(columns.channel) == len(columns.time) == len(columns.value) == len(columns.flag)
        assert not np.isinf(columns.value).any()
        return [
            (*self.channels.keys[channel], time, None if value != value else value, flag_text(flag))
            for channel, time, value, flag in zip(
                columns.channel.tolist(),
                columns.time.tolist(),
                columns.value.tolist(),
                columns.flag.tolist(),
                strict=True,
            )
        ]

    @property
    def values(self) -> list[tuple[str, float | None, str]]:
        """`factor-Field`, value and flag of each reading."""
        return [(f"{row[1]}-{row[2]}", row[5], row[6]) for row in self.readings]

    @property
    def verdicts(self) -> list[list[str]]:
        """The verdict words of each frame."""
        return [words_of(frame.verdicts) for frame in self.sink.frames]

    @property
    def frames(self) -> list[tuple[Any, ...]]:
        """Each frame, with its head as a tuple."""
        return [(frame.row, astuple(frame.head), *frame[2:]) for frame in self.sink.frames]

    @property
    def times(self) -> set[int]:
        return set(self.sink.times)

    @property
    def dead(self) -> list[DeadLetter]:
        return self.sink.dead

    @property
    def reasons(self) -> list[str]:
        return [letter.reason for letter in self.sink.dead]


Run = Callable[..., Outcome]


@pytest.fixture(scope="session")
def run(inventory: Inventory) -> Run:
    """`run(codec, *payloads, device=0, devices=None, stock=..., keys=..., **settings)`: decode one block."""

    def decode(
        codec: str,
        *payloads: bytes,
        device: int = 0,
        devices: Sequence[int] | None = None,
        stock: Inventory = inventory,
        keys: KeyRing = NO_KEYS,
        **settings: Any,
    ) -> Outcome:
        hj212 = Hj212(**{key: settings.pop(key) for key in list(settings) if key in Hj212.model_fields})
        chosen = CodecSettings(Decode(**settings), hj212, keys)
        channels = Channels(stock, chosen.decode.max_channels)
        block = Block(1000, RECEIVED, "test", [f"t/{n}" for n in range(len(payloads))], list(payloads))
        sink = Sink(block)
        every = devices if devices is not None else [device] * len(payloads)
        CODECS[codec](stock, channels, chosen).decode(range(len(payloads)), every, sink)
        settled = {*sink.rows, *(letter.position - block.first for letter in sink.dead)}
        assert len(settled) + sink.alive_only == len(payloads), "every message ends as readings, alive or buried"
        assert sum(sink.counts) == len(sink.channels) == len(sink.values) == len(sink.flags)
        assert len(sink.rows) == len(sink.counts) == len(sink.times)
        assert all(0 <= frame.row < len(payloads) for frame in sink.frames)
        return Outcome(sink, channels)

    return decode


@pytest.fixture(scope="session")
def frame() -> Callable[..., bytes]:
    """`frame(cp, cn="2011", mn=..., head=None)`: a frame with the right length and CRC."""

    def make(cp: str | bytes, cn: str = "2011", mn: str = STACK_MN, head: str | None = None) -> bytes:
        if head is None:
            head = f"QN=20260301080000123;ST=31;CN={cn};PW=123456;MN={mn};Flag=4;"
        body = cp.encode() if isinstance(cp, str) else cp
        segment = head.encode() + b"CP=&&" + body + b"&&"
        return b"##%04d%b%04X\r\n" % (len(segment), segment, crc16(segment))

    return make
