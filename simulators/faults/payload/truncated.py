"""A message that breaks off."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from simulators.faults.payload.spoil import Spoiled, is_frame
from simulators.faults.seam import Share
from simulators.records import Message


class Truncated(Spoiled):
    """Only the share `keep` of the bytes is sent."""

    kind: Literal["truncated"]
    keep: Share = 0.6

    def spoil(self, message: Message) -> tuple[Message, str] | None:
        payload = message.payload[: min(round(len(message.payload) * self.keep), len(message.payload) - 1)]
        return replace(message, payload=payload), "truncated_frame" if is_frame(message.payload) else "bad_json"
