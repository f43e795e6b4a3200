"""Messages by the way of one device that name another, or by the way of nobody."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from simulators.faults.payload.spoil import Spoiled, decoded, edited, encoded, is_frame
from simulators.records import Message
from simulators.settings import DeviceType


class WrongTopic(Spoiled):
    """The message comes by the topic of a device that is nobody's: its own with `suffix` behind the device."""

    kind: Literal["wrong_topic"]
    suffix: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,32}$")] = "-old"

    def spoil(self, message: Message) -> tuple[Message, str]:
        *front, device, last = message.topic.split("/")
        reason = "mn_mismatch" if is_frame(message.payload) else "unknown_device"
        return replace(message, topic="/".join((*front, device + self.suffix, last))), reason


class WrongMn(Spoiled):
    """The message comes by the device's own topic and names another: `mn`, or in JSON that as the device."""

    finds: ClassVar[str] = "identity"
    kind: Literal["wrong_mn"]
    mn: Annotated[str, Field(pattern=r"^[0-9A-Z_]{5,24}$")] = "010000A8900016F0FFFFFFFF"

    def misfits(self, settings: DeviceType) -> Iterator[str]:
        if settings.simulate.sm4_key:
            yield "encrypts its data: its CRC is of what nobody on the way can read"

    def spoil(self, message: Message) -> tuple[Message, str]:
        if is_frame(message.payload):
            return replace(
                message, payload=edited(message.payload, rb"MN=[^;]*", b"MN=" + self.mn.encode())
            ), "mn_mismatch"
        content = decoded(message.payload)
        if isinstance(content, list):
            content[0]["bn"] = f"{self.mn}/"
        else:
            content["device"] = self.mn
        return replace(message, payload=encoded(content)), "device_mismatch"
