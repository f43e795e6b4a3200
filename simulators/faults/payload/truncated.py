"""A message that breaks off."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Literal

from pydantic import Field

from simulators.faults.payload.spoil import Spoiled, is_frame, parted
from simulators.records import Message


class Truncated(Spoiled):
    """Only the share `keep` of the bytes is sent."""

    kind: Literal["truncated"]
    keep: Annotated[float, Field(ge=0.1, le=0.9)] = 0.6

    def spoil(self, message: Message) -> tuple[Message, str]:
        whole, _ = parted(message.payload)
        payload = whole[: round(len(whole) * self.keep)]
        return replace(message, payload=payload), "truncated_frame" if is_frame(message.payload) else "bad_json"
