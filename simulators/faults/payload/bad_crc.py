"""A frame whose check sum is not that of its data."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Literal

from simulators.faults.payload.spoil import TAIL, Spoiled, parted
from simulators.records import Message
from simulators.settings import DeviceType


class BadCrc(Spoiled):
    """A bit of the CRC is wrong: so looks a frame that was damaged on a serial line."""

    kind: Literal["bad_crc"]

    def misfits(self, settings: DeviceType) -> Iterator[str]:
        if settings.simulate.codec != "hj212":
            yield f"speaks {settings.simulate.codec}, which has no CRC"

    def spoil(self, message: Message) -> tuple[Message, str]:
        frame, behind = parted(message.payload)
        wrong = int(frame[-TAIL:-2], 16) ^ 0x0400
        return replace(message, payload=b"%b%04X\r\n%b" % (frame[:-TAIL], wrong, behind)), "bad_crc"
